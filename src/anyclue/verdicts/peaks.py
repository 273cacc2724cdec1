"""Memory between the floors: what was left for reclaim, peaks, and running out of memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from anyclue.model.evaluation import Extremes, TrialEvaluation
from anyclue.model.recording import Reading, Recording, is_count
from anyclue.model.verdict import MemoryClass
from anyclue.verdicts.classes import TRAITS, GrowthKind, classes_kib, of_kind

SAME_RAM: Final = 0.1
"""Peaks of two guests are comparable when their RAM differs by no more than this share: the page
cache and the limits for dirty pages scale with RAM."""

OOM_SHARE: Final = 0.25
"""A guest that ran out of memory while one class took this share of its RAM, beyond what the same
class ever took in the reference, ran out because of that class."""


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """Extremes of a cell over all its trials, in KiB: the largest of each of `Extremes`.

    Had memory run out at the last sample, reclaim would have taken ``pinned``, unless somebody
    held references on its pages.
    """

    ram: float
    held: float | None
    held_class: MemoryClass | None
    used: float | None
    uncached: float | None
    growth: Mapping[MemoryClass, float]
    pinned: float


def peaks_of(trials: Sequence[TrialEvaluation]) -> Peaks:
    """Return the extremes of a cell's trials (None where nothing was recorded)."""
    each = [trial.extremes for trial in trials]
    most = max((e for e in each if e.held is not None), key=lambda e: e.held or 0.0, default=None)
    classes = [c for c in MemoryClass if any(c in e.growth for e in each)]
    return Peaks(
        ram=float(max((trial.ram_kib for trial in trials), default=0)),
        held=most.held if most is not None else None,
        held_class=most.held_class if most is not None else None,
        used=_highest(e.used for e in each),
        uncached=_highest(e.uncached for e in each),
        growth={c: max(0.0, *(e.growth.get(c, 0.0) for e in each)) for c in classes},
        pinned=_highest(e.pinned for e in each) or 0.0,
    )


def extremes_of(recording: Recording) -> Extremes:
    """Return the extremes of one trial."""
    held, held_class = _held(recording)
    timeline = [classes_kib(reading) for reading in recording.timeline]
    return Extremes(
        held=held,
        held_class=held_class,
        used=_range(_values(timeline, ())),
        uncached=_range(_values(timeline, of_kind(GrowthKind.RECLAIMABLE, GrowthKind.OTHER))),
        growth=_growth(timeline),
        pinned=_pinned(recording.timeline[-1]) if recording.timeline else None,
    )


def comparable(mine: Peaks, theirs: Peaks | None) -> bool:
    """Say whether the peaks of a cell and of its reference may be compared."""
    return theirs is not None and theirs.ram > 0 and abs(mine.ram / theirs.ram - 1.0) <= SAME_RAM


def exhausting_class(mine: Peaks, theirs: Peaks | None) -> tuple[MemoryClass, float] | None:
    """Return the class that used the memory up, and its growth in KiB, or None.

    Classes of user space are accused only by comparison.
    """
    kinds = (GrowthKind.KERNEL,) if theirs is None else (GrowthKind.KERNEL, GrowthKind.USER)
    grown = {
        memory_class: growth
        for memory_class, growth in mine.growth.items()
        if TRAITS[memory_class].kind in kinds
        and growth - (theirs.growth.get(memory_class, 0.0) if theirs is not None else 0.0)
        >= OOM_SHARE * mine.ram
    }
    if mine.ram <= 0 or not grown:
        return None
    largest = max(grown, key=lambda c: grown[c])
    return largest, grown[largest]


def pinned_cache(mine: Peaks) -> float | None:
    """Return the KiB of file cache that reclaim could not free when memory ran out, if many."""
    return mine.pinned if mine.ram > 0 and mine.pinned >= OOM_SHARE * mine.ram else None


def _pinned(last: Reading) -> float | None:
    cache = classes_kib(last).get(MemoryClass.FILE_CACHE, 0.0)
    names = ("Dirty", "Writeback", "Mapped", "Mlocked")
    busy = [last.counters.get(f"meminfo.{name}", 0.0) for name in names]
    return cache - sum(busy) if all(map(is_count, busy)) else None


def _held(recording: Recording) -> tuple[float | None, MemoryClass | None]:
    """Find the round that left most behind: settled minus its own floor."""
    best: float | None = None
    best_class: MemoryClass | None = None
    for one_round in recording.rounds:
        if one_round.settled is None or one_round.floor is None:
            continue
        before, after = classes_kib(one_round.settled), classes_kib(one_round.floor)
        given = {c: before[c] - after[c] for c in before if c in after}
        used = given.pop(MemoryClass.USED, None)
        if used is not None and (best is None or used > best):
            best = used
            best_class = max(given, key=lambda c: given[c], default=None)
    return best, best_class


def _values(
    timeline: Sequence[Mapping[MemoryClass, float]], without: Sequence[MemoryClass]
) -> list[float]:
    return [
        sample[MemoryClass.USED] - sum(sample.get(c, 0.0) for c in without)
        for sample in timeline
        if MemoryClass.USED in sample
    ]


def _range(values: Sequence[float]) -> float | None:
    return max(values) - min(values) if values else None


def _highest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _growth(timeline: Sequence[Mapping[MemoryClass, float]]) -> dict[MemoryClass, float]:
    growth: dict[MemoryClass, float] = {}
    for memory_class in MemoryClass:
        values = [sample[memory_class] for sample in timeline if memory_class in sample]
        if values:
            growth[memory_class] = max(values) - values[0]
    return growth
