"""The agent's telemetry stream, as the host wrote it to a file: samples, marks, kernel log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from anyclue.model.recording import LogLine, Mark, MarkName, Reading
from anyclue.recordings.kernel_log import parse_kmsg
from anyclue.recordings.procfs import PARSERS, SLAB_OBJECTS, merged_caches, slab_grains

_RAW_NAME = re.compile(rb"[a-z0-9][a-z0-9-]{0,39}")
_MOST = 2**64
"""No number in a mark needs more bits."""
_HEADER = re.compile(rb"^([a-z-]{1,20}) (\d{1,19}) (\d{1,9})$")


@dataclass(frozen=True, kw_only=True)
class Telemetry:
    """Everything that one trial sent; ``lost_log`` counts gaps that the kernel log had.

    ``merged_caches`` has for each slab cache, by its name in slabinfo, the other names of it.
    """

    samples: tuple[Reading, ...]
    marks: tuple[Mark, ...]
    log: tuple[LogLine, ...]
    lost_log: int
    merged_caches: Mapping[str, tuple[str, ...]]


def read_telemetry(path: Path) -> Telemetry:
    """Parse a stream; it ends at the first record that is not whole."""
    return parse_telemetry(path.read_bytes() if path.exists() else b"")


def parse_telemetry(stream: bytes) -> Telemetry:
    """Parse the bytes of a stream. Never raises: what is not a record ends it."""
    samples: dict[int, dict[str, float]] = {}
    marks: list[Mark] = []
    log: list[LogLine] = []
    lost = 0
    links = ""
    at_floor = False
    for name, time_ns, data in _records(stream):
        text = data.decode(errors="replace")
        if name in PARSERS:
            counters = samples.setdefault(time_ns, {})
            counters.update(PARSERS[name](text))
            if name == "slabinfo" and at_floor:
                counters.update(slab_grains(text))
        elif name == "mark":
            mark = parse_mark(text, time_ns / 1e9)
            if mark is not None:
                marks.append(mark)
                at_floor = mark.name is MarkName.FLOOR_BEGIN
        elif name == "kmsg":
            line = parse_kmsg(text)
            if line is not None:
                log.append(line)
        elif name == "kmsg-lost":
            lost += 1
        elif name == "caches":
            links = text
    readings = tuple(
        Reading(t_s=time_ns / 1e9, counters=counters)
        for time_ns, counters in sorted(samples.items())
    )
    names = set[str]().union(*samples.values())
    slabs = {name.removeprefix(SLAB_OBJECTS) for name in names if name.startswith(SLAB_OBJECTS)}
    return Telemetry(
        samples=readings,
        marks=tuple(marks),
        log=tuple(log),
        lost_log=lost,
        merged_caches=merged_caches(links, slabs),
    )


def _records(stream: bytes) -> Iterator[tuple[str, int, bytes]]:
    at = 0
    while (end := stream.find(b"\n", at, at + 64)) >= 0:
        header = _HEADER.match(stream[at:end])
        if header is None:
            return
        begin, at = end + 1, end + 1 + int(header[3])
        if at > len(stream):
            return
        yield header[1].decode(), int(header[2]), stream[begin:at]


def raw_pieces(path: Path) -> Iterator[tuple[str, bytes]]:
    """Give the pieces of files that the guest was told to send: name, bytes, in order.

    A name holds lower-case letters, digits and ``-`` only; pieces of other names are left out.
    """
    for name, _, data in _records(path.read_bytes() if path.exists() else b""):
        file, _, piece = data.partition(b"\n")
        if name == "raw" and _RAW_NAME.fullmatch(file):
            yield file.decode(), piece


def format_mark(name: MarkName, number: int, data: dict[str, int | float | bool | str]) -> str:
    """Return a mark's payload for the agent."""
    return json.dumps({"name": name.value, "round": number, "data": data})


def parse_mark(text: str, t_s: float) -> Mark | None:
    """Parse a mark's payload; None when it is not one."""
    try:
        fields = json.loads(text)
        number = int(fields["round"])
        if not -_MOST <= number <= _MOST:
            return None
        return Mark(
            t_s=t_s,
            name=MarkName(fields["name"]),
            round=number,
            data={
                key: value
                for key, value in fields.get("data", {}).items()
                if isinstance(value, int | float | str)
                and (isinstance(value, str) or -_MOST <= value <= _MOST)
                and _encodable(f"{key}{value}")
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _encodable(text: str) -> bool:
    """Say whether text can be written to a file: JSON may hold halves of surrogate pairs."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
