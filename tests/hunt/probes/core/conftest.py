"""Ring-buffer pages made by hand, recordings with rounds, and data that guests really sent."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from anyclue.hunt.probes.core.symbols import Symbols
from anyclue.model.recording import Incident, Mark, MarkName, Outcome, Recording
from anyclue.model.scenario import Cell

DATA = Path(__file__).parent / "data"
PAGE = 4096
GUILTY = Cell(kernel="bad", machine="m", mkfs="d", mount="lzo", workload="w")


def captured(name: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (DATA / name).iterdir()}


def ring_event(number: int, delta: int, body: bytes) -> bytes:
    """A data event; ``body`` follows the two bytes of the event's number."""
    data = struct.pack("<H", number) + body
    data += bytes(-len(data) % 4)
    if len(data) <= 112:
        return struct.pack("<I", len(data) // 4 | delta << 5) + data
    return struct.pack("<II", delta << 5, len(data) + 4) + data


def ring_page(
    events: Sequence[bytes], time: int = 0, *, flags: int = 0, tail: bytes = b""
) -> bytes:
    """A page as an i386 kernel gives it."""
    data = b"".join(events)
    page = struct.pack("<QI", time, len(data) | flags) + data + tail
    return page + bytes(PAGE - len(page))


def recording(
    rounds: int = 4,
    *,
    cell: Cell = GUILTY,
    outcome: Outcome = Outcome.PASSED,
    incident: Incident | None = None,
) -> Recording:
    """A trial whose round N lasts from N*10 s to its floor at N*10 + 8 s."""
    marks = [
        Mark(t_s=10.0 * number + offset, name=name, round=number)
        for number in range(1, rounds + 1)
        for offset, name in ((0, MarkName.ROUND_BEGIN), (8, MarkName.FLOOR_END))
    ]
    return Recording(
        cell=cell,
        trial=1,
        outcome=outcome,
        detail="",
        ram_kib=1,
        marks=tuple(marks),
        incident=incident,
    )


def symbols(names: Mapping[int, str]) -> Symbols:
    """Functions of the module, by address."""
    return Symbols(
        addresses=tuple(sorted(names)),
        names=tuple((names[address], "btrfs") for address in sorted(names)),
        sections={".text": 0},
    )


Record = Callable[..., Recording]


@pytest.fixture
def record() -> Record:
    return recording
