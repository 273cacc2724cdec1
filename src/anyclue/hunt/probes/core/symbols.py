"""Addresses and names: /proc/kallsyms, the sections of a module, the kernel's own way to print."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from anyclue.hunt.probes.core.model import Frame, SourceLine

_SYMBOL = re.compile(
    r"^([0-9a-f]{8,16}) [tTwW] ([A-Za-z_$.][\w$.]*)(?:\t\[(\w+)\])?$", re.MULTILINE | re.ASCII
)
_SECTION = re.compile(r"^\S*/sections/(\.[\w.]+):0x([0-9a-f]{1,16})$", re.MULTILINE | re.ASCII)
_PRINTED = re.compile(
    r"([A-Za-z_$.][\w$.]*)\+(?:0x)?([0-9a-f]{1,8})/(?:0x)?[0-9a-f]{1,8}(?: \[(\w+)\])?", re.ASCII
)


@dataclass(frozen=True, kw_only=True)
class Symbols:
    """The functions of a running kernel, by address; ``sections`` are of the module under test."""

    addresses: tuple[int, ...] = ()
    names: tuple[tuple[str, str | None], ...] = ()
    sections: Mapping[str, int] = field(default_factory=dict)

    def frame(self, address: int) -> Frame:
        """Return what a return address lies in; its own digits where that is not known."""
        at = bisect_right(self.addresses, address - 1) - 1
        if at < 0:
            return Frame(symbol=f"{address:#x}")
        name, module = self.names[at]
        offset = address - self.addresses[at]
        return Frame(symbol=name, offset=offset, module=module, places=(SourceLine(function=name),))

    def address(self, frame: Frame) -> int | None:
        """Return the address of a frame; None where a function of that name is not the only one."""
        found = [
            at
            for at, known in zip(self.addresses, self.names, strict=True)
            if known == (frame.symbol, frame.module)
        ]
        return found[0] + frame.offset if len(found) == 1 and frame.offset is not None else None

    def in_section(self, address: int) -> tuple[str, int] | None:
        """Return the section of the module under test, and the offset in it."""
        below = [(start, name) for name, start in self.sections.items() if start <= address]
        if not below:
            return None
        start, name = max(below)
        return name, address - start


def read_symbols(kallsyms: bytes, sections: bytes) -> Symbols:
    """Read /proc/kallsyms, and lines ``PATH/sections/NAME:0xADDRESS`` as grep prints them."""
    found = sorted(
        (int(address, 16), name, module or None)
        for address, name, module in _SYMBOL.findall(kallsyms.decode(errors="replace"))
    )
    return Symbols(
        addresses=tuple(address for address, _, _ in found),
        names=tuple((name, module) for _, name, module in found),
        sections={
            name: int(address, 16)
            for name, address in _SECTION.findall(sections.decode(errors="replace"))
        },
    )


def printed(line: str) -> Frame | None:
    """Return the frame in a line of the kernel's, ``function+0x12/0x40 [module]``."""
    match = _PRINTED.search(line)
    if match is None:
        return None
    return Frame(
        symbol=match[1],
        offset=int(match[2], 16),
        module=match[3],
        places=(SourceLine(function=match[1]),),
    )


def printed_stack(lines: Sequence[str]) -> tuple[Frame, ...]:
    """Return the frames that lines name, those that the kernel is not sure of left out."""
    return tuple(frame for line in lines if " ? " not in line and (frame := printed(line)))
