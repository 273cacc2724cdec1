"""From offsets in a module's sections to functions, files and lines, as addr2line prints them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from anyclue.hunt.probes.core.model import Frame, ProbeReading, SourceLine
from anyclue.hunt.probes.core.symbols import Symbols

_ADDRESS = re.compile(r"0x[0-9a-f]{1,16}")
_PLACE = re.compile(r"(\S.*):(\d{1,7})(?: \(discriminator \d+\))?")
_HEADER = re.compile(r"^.*?/((?:arch/\w+/)?include/.*)$")

Lines = Mapping[tuple[str, int], tuple[SourceLine, ...]]
"""By section and offset: what the compiler put there, innermost first."""


def wanted(
    readings: Iterable[ProbeReading], symbols: Symbols, module: str
) -> dict[Frame, tuple[str, int]]:
    """Return the frames in a module, each with its section and offset.

    What is looked up is the call, which ends one byte before the address that it returns to.
    """
    found = {}
    for frame in _frames(readings):
        address = symbols.address(frame) if frame.module == module else None
        place = symbols.in_section(address - 1) if address is not None else None
        if place:
            found[frame] = place
    return found


def parse_addr2line(section: str, text: str, *, tree: str) -> Lines:
    """Read what ``addr2line -a -f -i`` prints; what has no file keeps its function alone.

    ``tree`` is where it says that the kernel's tree is.
    """
    found: dict[tuple[str, int], tuple[SourceLine, ...]] = {}
    here: list[SourceLine] = []
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


def _place(function: str, line: str, tree: str) -> SourceLine:
    match = _PLACE.fullmatch(line)
    if match is None or match[1] == "??" or match[2] == "0":
        return SourceLine(function=function)
    header = _HEADER.match(match[1])
    file = header[1] if header else match[1].removeprefix(f"{tree}/")
    return SourceLine(function=function, file=file, line=int(match[2]))


def with_places(
    reading: ProbeReading, frames: Mapping[Frame, tuple[str, int]], lines: Lines
) -> ProbeReading:
    """Return the reading with the lines of its frames."""

    def placed(frame: Frame) -> Frame:
        places = lines.get(frames[frame]) if frame in frames else None
        return replace(frame, places=places) if places else frame

    return _changed(reading, placed)


def _frames(readings: Iterable[ProbeReading]) -> Iterable[Frame]:
    for reading in readings:
        for finding in reading.findings:
            yield from finding.stack


def _changed(reading: ProbeReading, change: Callable[[Frame], Frame]) -> ProbeReading:
    findings = tuple(
        replace(finding, stack=tuple(map(change, finding.stack))) for finding in reading.findings
    )
    return replace(reading, findings=findings)
