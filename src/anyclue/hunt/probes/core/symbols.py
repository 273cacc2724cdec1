"""Addresses, names and lines: kallsyms, sections of a module, printed frames, addr2line."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from anyclue.hunt.probes.core.model import Frame, ProbeReading, SourceLocation

_SYMBOL = re.compile(
    r"^([0-9a-f]{8,16}) [tTwW] ([A-Za-z_$.][\w$.]*)(?:\t\[(\w+)\])?$", re.MULTILINE | re.ASCII
)
_SECTION = re.compile(r"^\S*/sections/(\.[\w.]+):0x([0-9a-f]{1,16})$", re.MULTILINE | re.ASCII)
_PRINTED = re.compile(
    r"([A-Za-z_$.][\w$.]*)\+(?:0x)?([0-9a-f]{1,8})/(?:0x)?[0-9a-f]{1,8}(?: \[(\w+)\])?", re.ASCII
)

_ADDRESS = re.compile(r"0x[0-9a-f]{1,16}")
_PLACE = re.compile(r"(\S.*):(\d{1,7})(?: \(discriminator \d+\))?")
_HEADER = re.compile(r"^.*?/((?:arch/\w+/)?include/.*)$")

Lines = Mapping[tuple[str, int], tuple[SourceLocation, ...]]
"""By section and offset: what the compiler put there, innermost first."""


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
        return Frame(
            symbol=name, offset=offset, module=module, places=(SourceLocation(function=name),)
        )

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


def parse_frame(line: str) -> Frame | None:
    """Return the frame in a line of the kernel's, ``function+0x12/0x40 [module]``."""
    match = _PRINTED.search(line)
    if match is None:
        return None
    return Frame(
        symbol=match[1],
        offset=int(match[2], 16),
        module=match[3],
        places=(SourceLocation(function=match[1]),),
    )


def parse_stack(lines: Sequence[str]) -> tuple[Frame, ...]:
    """Return the frames that lines name, those that the kernel is not sure of left out."""
    return tuple(frame for line in lines if " ? " not in line and (frame := parse_frame(line)))


def module_frames(
    reading: ProbeReading, symbols: Symbols, module: str
) -> dict[Frame, tuple[str, int]]:
    """Return the frames in a module, each with its section and offset.

    What is looked up is the call, which ends one byte before the address that it returns to.
    """
    found = {}
    for frame in (frame for finding in reading.findings for frame in finding.stack):
        address = symbols.address(frame) if frame.module == module else None
        place = symbols.in_section(address - 1) if address is not None else None
        if place:
            found[frame] = place
    return found


def parse_addr2line(section: str, text: str, *, tree: str) -> Lines:
    """Read what ``addr2line -a -f -i`` prints; what has no file keeps its function alone.

    ``tree`` is where it says that the kernel's tree is.
    """
    found: dict[tuple[str, int], tuple[SourceLocation, ...]] = {}
    here: list[SourceLocation] = []
    key, function = (section, 0), ""
    for line in text.splitlines():
        if _ADDRESS.fullmatch(line):
            here, key, function = [], (section, int(line, 16)), ""
        elif not function:
            function = line
        else:
            here.append(_place(function, line, tree))
            found[key] = tuple(here)
            function = ""
    return {key: places for key, places in found.items() if places[0].file}


def _place(function: str, line: str, tree: str) -> SourceLocation:
    match = _PLACE.fullmatch(line)
    if match is None or match[1] == "??" or match[2] == "0":
        return SourceLocation(function=function)
    header = _HEADER.match(match[1])
    file = header[1] if header else match[1].removeprefix(f"{tree}/")
    return SourceLocation(function=function, file=file, line=int(match[2]))


def with_places(
    reading: ProbeReading, frames: Mapping[Frame, tuple[str, int]], lines: Lines
) -> ProbeReading:
    """Return the reading with the lines of its frames."""

    def placed(frame: Frame) -> Frame:
        places = lines.get(frames[frame]) if frame in frames else None
        return replace(frame, places=places) if places else frame

    findings = tuple(
        replace(finding, stack=tuple(map(placed, finding.stack))) for finding in reading.findings
    )
    return replace(reading, findings=findings)
