"""Which rounds count, and what each of them left behind; how much counters rose by floor."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from anyclue.model.recording import MarkName, Recording

K = TypeVar("K", bound=Hashable)

TOO_FEW_ROUNDS = "fewer than three rounds reached their floor: none is left to count"
TOO_FEW_FLOORS = "fewer than three floors were looked at"


@dataclass(frozen=True, kw_only=True)
class Spans:
    """The rounds that count, each from its begin to its floor, in ns.

    The first pays for one-time things. What the last left behind may still be given back in the
    next: so only what outlived a later round's floor counts, and the last shows just that.
    """

    begins: tuple[int, ...]
    ends: tuple[int, ...]
    last_floor: int

    @property
    def count(self) -> int:
        """The number of rounds that count."""
        return len(self.begins)

    def of(self, time: int) -> int | None:
        """Return the index of the round in which ``time`` lies."""
        at = bisect_right(self.begins, time) - 1
        return at if at >= 0 and time <= self.ends[at] else None

    def by_round(self, born: Iterable[tuple[K, int, float]]) -> dict[K, tuple[float, ...]]:
        """Sum amounts of what is still there, by key and by the round of its birth (ns)."""
        sums: dict[K, list[float]] = {}
        for key, time, amount in born:
            number = self.of(time)
            if number is not None:
                sums.setdefault(key, [0.0] * self.count)[number] += amount
        return {key: tuple(rounds) for key, rounds in sums.items()}


def spans(recording: Recording) -> Spans:
    """Return the spans of a trial; none count when fewer than three rounds reached their floor."""
    begins: dict[int, int] = {}
    floors: dict[int, int] = {}
    for mark in recording.marks:
        if mark.name is MarkName.ROUND_BEGIN:
            begins[mark.round] = round(mark.t_s * 1e9)
        elif mark.name is MarkName.FLOOR_END:
            floors[mark.round] = round(mark.t_s * 1e9)
    whole = sorted(begins.keys() & floors.keys())
    counted = whole[1:-1]
    return Spans(
        begins=tuple(begins[number] for number in counted),
        ends=tuple(floors[number] for number in counted),
        last_floor=floors[whole[-1]] if whole else 0,
    )


def rises(floors: Sequence[Mapping[K, float]]) -> dict[K, tuple[float, ...]]:
    """Return, by key, how much was added between floors, those that never rose left out.

    The first floor only begins: what came before it are one-time things.
    """
    keys = {key for floor in floors for key in floor}
    found = {
        key: tuple(
            later.get(key, 0.0) - earlier.get(key, 0.0) for earlier, later in pairwise(floors)
        )
        for key in keys
    }
    return {key: rise for key, rise in found.items() if any(one > 0 for one in rise)}
