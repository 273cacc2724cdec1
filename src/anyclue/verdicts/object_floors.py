"""Counts of objects at the floors of a cell's trials: hundreds of series, most of which never move.

A floor counts the objects in use of every slab cache, threads of the kernel, mounts, areas of
vmalloc and open files. What a floor does not name while it counts others of its kind is 0 there:
slab caches and threads come and go. What the kernel does not count at all is missing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np

from anyclue.model.evaluation import EvaluatedRound, TrialEvaluation
from anyclue.model.recording import EXACT_OBJECTS, is_count
from anyclue.model.verdict import ObjectKind, ObjectSeries
from anyclue.verdicts.floors import Array, FloorSeries

PREFIXES: Final[Mapping[str, ObjectKind]] = MappingProxyType(
    {
        "slab_objects": ObjectKind.SLAB,
        "threads": ObjectKind.THREADS,
        "mounts": ObjectKind.MOUNTS,
        "vmalloc_areas": ObjectKind.VMALLOC_AREAS,
    }
)
"""By the first part of a counter's name."""

FREED_LATER: Final = frozenset({"vmap_area"})
"""Slab caches whose objects the kernel itself keeps for a while: no sign of anything.

An area of vmalloc that is freed waits until enough of them are to be unmapped together
(``lazy_max_pages()`` in ``mm/vmalloc.c``). Those in use are counted by their caller."""

OBJECT: Final = 1.0
"""The smallest step of a count."""

_GRAIN: Final = "slab_grain."


@dataclass(frozen=True, kw_only=True)
class ObjectFloors:
    """Counts of objects at the floors of some trials.

    Attributes:
        series: what was counted, in the order of the columns.
        rounds: the numbers of the rounds with a floor, by trial.
        counts: by trial, a row for each of these, NaN where something was not counted.
        exact: whether every floor counted objects in use alone, and none that are only kept ready.
        grains: the slab caches of which a floor counted none but whole slabs, with the objects of
            one. A CPU may have held its last slab, whose free objects then count as in use: such a
            count moves by whole slabs, and what stays within one is not seen.
    """

    series: tuple[ObjectSeries, ...]
    rounds: tuple[tuple[int, ...], ...]
    counts: tuple[Array, ...]
    exact: bool
    grains: Mapping[ObjectSeries, float] = field(default_factory=dict)

    def moved(self) -> frozenset[ObjectSeries]:
        """Return what was not the same at all floors of a trial."""
        still = np.ones(len(self.series), dtype=bool)
        for counts in self.counts:
            if len(counts):
                still &= np.all((counts == counts[0]) | np.isnan(counts), axis=0)
        return frozenset(one for one, same in zip(self.series, still, strict=True) if not same)

    def unread(self, least: int) -> frozenset[ObjectSeries]:
        """Return what has fewer than ``least`` rises to be judged by, all trials together."""
        rises = np.zeros(len(self.series), dtype=int)
        for counts in self.counts:
            rises += np.maximum(np.count_nonzero(~np.isnan(counts), axis=0) - 1, 0)
        return frozenset(one for one, n in zip(self.series, rises, strict=True) if n < least)

    def rising(self, share: float, least: int) -> frozenset[ObjectSeries]:
        """Return what goes up in at least that share of the rises of each trial.

        A trial with fewer than ``least`` rises does not count.
        """
        rises = np.ones(len(self.series), dtype=bool)
        for counts in self.counts:
            if len(counts) > least:
                rises &= np.mean(~(np.diff(counts, axis=0) <= 0.0), axis=0) >= share
        return frozenset(one for one, up in zip(self.series, rises, strict=True) if up)

    def of(self, series: ObjectSeries) -> tuple[FloorSeries, ...]:
        """Return the floors of one series by trial; none where its kind was not counted."""
        column = self._columns.get(series)
        of_kind = column if column is not None else self._kinds.get(series.kind)
        if of_kind is None:
            return ()
        factor = 1.0 if column is not None else 0.0
        return tuple(
            _floors(rounds, factor * counts[:, of_kind])
            for rounds, counts in zip(self.rounds, self.counts, strict=True)
        )

    @cached_property
    def _columns(self) -> dict[ObjectSeries, int]:
        return {one: column for column, one in enumerate(self.series)}

    @cached_property
    def _kinds(self) -> dict[ObjectKind, int]:
        """A column of each kind: all of them have the same floors."""
        return {one.kind: column for column, one in enumerate(self.series)}

    def still(self) -> tuple[FloorSeries, ...]:
        """Return what a series looks like that never moved, by trial."""
        return tuple(
            FloorSeries(rounds=rounds, values=(0.0,) * len(rounds)) for rounds in self.rounds
        )


def object_floors(trials: Sequence[TrialEvaluation]) -> ObjectFloors:
    """Return what was counted at the floors of some trials."""
    by_trial = [_by_round(trial) for trial in trials]
    counted = [
        {number: _counted(one.floor.counters) for number, one in rounds.items() if one.floor}
        for rounds in by_trial
    ]
    series = sorted({one for trial in counted for floor in trial.values() for one in floor})
    return ObjectFloors(
        series=tuple(series),
        rounds=tuple(map(tuple, counted)),
        counts=tuple(_matrix(list(floors.values()), series) for floors in counted),
        exact=counted_exactly(trials),
        grains=_grains(by_trial),
    )


def counted_exactly(trials: Sequence[TrialEvaluation]) -> bool:
    """Say whether every floor, of those there are, counted objects in use alone."""
    floors = [one for trial in trials for one in trial.rounds if one.floor is not None]
    return bool(floors) and all(one.facts.get(EXACT_OBJECTS) == 1 for one in floors)


def _by_round(trial: TrialEvaluation) -> dict[int, EvaluatedRound]:
    """Return the rounds that have a floor, by number."""
    rounds = sorted(trial.rounds, key=lambda r: r.number)
    return {one.number: one for one in rounds if one.floor is not None}


def _grains(trials: Sequence[Mapping[int, EvaluatedRound]]) -> dict[ObjectSeries, float]:
    """Return the caches that were full at most of a trial's floors, with the objects of a slab."""
    grains: dict[ObjectSeries, float] = {}
    for rounds in trials:
        floors = [one.floor.counters for one in rounds.values() if one.floor is not None]
        full = Counter(name for floor in floors for name in floor if name.startswith(_GRAIN))
        for name, times in full.items():
            if 2 * times > len(floors):
                series = ObjectSeries(kind=ObjectKind.SLAB, name=name.removeprefix(_GRAIN))
                found = [floor[name] for floor in floors if is_count(floor.get(name, math.nan))]
                grains[series] = max([grains.get(series, 0.0), *found])
    return grains


def _counted(counters: Mapping[str, float]) -> dict[ObjectSeries, float]:
    """Return the counts; NaN for what was counted and cannot be a count."""
    return {
        series: value if is_count(value) else math.nan
        for counter, value in counters.items()
        if (series := _series(counter)) is not None
    }


@lru_cache(maxsize=1 << 14)
def _series(counter: str) -> ObjectSeries | None:
    """Return what a counter counts; None where that is no objects."""
    prefix, _, name = counter.partition(".")
    kind = PREFIXES.get(prefix)
    if kind is ObjectKind.SLAB and name in FREED_LATER:
        return None
    return ObjectSeries(kind=kind, name=name) if kind is not None else None


def _matrix(
    floors: Sequence[Mapping[ObjectSeries, float]], series: Sequence[ObjectSeries]
) -> Array:
    rows = []
    for floor in floors:
        kinds = {one.kind for one in floor}
        absent = {kind: 0.0 if kind in kinds else math.nan for kind in ObjectKind}
        rows.append([floor.get(one, absent[one.kind]) for one in series])
    return np.array(rows, dtype=np.float64).reshape(len(floors), len(series))


def _floors(rounds: Sequence[int], counts: Array) -> FloorSeries:
    known = [(n, float(c)) for n, c in zip(rounds, counts, strict=True) if not math.isnan(c)]
    return FloorSeries(rounds=tuple(n for n, _ in known), values=tuple(c for _, c in known))
