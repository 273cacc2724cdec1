"""Floors by round, the rises between them, and which rises to set aside.

A *rise* is the difference of one class (KiB) between two neighbouring floors of a trial. Working
on rises takes the level of a trial away, so that trials with different levels can be combined.

Two kinds of rise are out of line without being a leak:

* **warm-up**: the first rounds pay for one-time things (zstd's workspaces: 4.1 MiB of slab at its
  first use). Leading rounds are set aside for every purpose.
* **late steps**: a one-time cost that comes later, or one floor that was read at a bad moment (up
  and down again). They are set aside when the question is whether growth is *sustained*, and kept
  when the question is whether growth can be *excluded*, until enough guests show them to be
  one-time costs.

Both are found with the same gate: out of line with the other rises by far more than their own
scatter explains. A constant leak raises every rise alike and so is never out of line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from scipy import special

from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.verdict import MemoryClass
from anyclue.verdicts.classes import PAGE_KIB, GrowthKind, classes_kib, of_kind

MIN_FLOORS: Final = 3
"""Two rises: the fewest that can agree or disagree with each other."""

MIN_FLOORS_AFTER_WARM_UP: Final = 4
"""Three rises: the fewest among which one can be out of line by a majority."""

GATE_LEVEL: Final = 0.998
"""A rise is out of line when it is outside this prediction interval of the others (two-sided).

Corrected for the number of rises. Ten classes are looked at in a cell, so a 95 % gate would set
aside a good round in many cells; real one-time costs are far outside any gate."""

MIN_GUESTS: Final = 3
"""The fewest fresh guests that can show steps to be one-time costs."""

MIN_OTHERS: Final = 3
"""With fewer rises to compare with, none can be said to be out of line."""

Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class FloorSeries:
    """Floors of one trial by round: KiB of a class, or a count of objects; in round order."""

    rounds: tuple[int, ...]
    values: tuple[float, ...]

    def rises(self) -> Rises:
        """Return the rises between neighbouring floors, all of them kept."""
        x, y = self.rounds, self.values
        return Rises(
            gaps=tuple(b - a for a, b in pairwise(x)),
            values=tuple(b - a for a, b in pairwise(y)),
            kept=(True,) * max(len(x) - 1, 0),
        )

    def without_first(self, count: int) -> FloorSeries:
        """Return the series without its first ``count`` floors."""
        return FloorSeries(rounds=self.rounds[count:], values=self.values[count:])


@dataclass(frozen=True, kw_only=True)
class Rises:
    """Rises of one trial: ``gaps`` in rounds (1 unless a floor is missing), ``values`` per gap."""

    gaps: tuple[int, ...]
    values: tuple[float, ...]
    kept: tuple[bool, ...]

    @property
    def count(self) -> int:
        """How many rises are kept."""
        return sum(self.kept)

    def all_per_round(self) -> Array:
        """Return all rises, per round."""
        values: Array = np.asarray(self.values, dtype=float) / np.asarray(self.gaps, dtype=float)
        return values

    def per_round(self) -> Array:
        """Return the kept rises, per round."""
        kept: Array = self.all_per_round()[np.asarray(self.kept, bool)]
        return kept


@dataclass(frozen=True, kw_only=True)
class Floors:
    """The floors of a cell: by class, one series a trial; ``warm_up`` rounds are to be set aside.

    ``trials`` are those the series come from, in the same order.
    """

    trials: tuple[TrialEvaluation, ...]
    series: Mapping[MemoryClass, tuple[FloorSeries, ...]]
    warm_up: int

    @property
    def used_rounds(self) -> int:
        """How many floors are left after the warm-up, all trials together."""
        counts = [sum(len(s.values) for s in self.used(c)) for c in self.series]
        return max(counts, default=0)

    def used(self, memory_class: MemoryClass) -> tuple[FloorSeries, ...]:
        """Return the series of a class without the warm-up rounds."""
        return tuple(s.without_first(self.warm_up) for s in self.series.get(memory_class, ()))

    def total(self) -> tuple[FloorSeries, ...]:
        """Return used memory without what user space and devices hold: the kernel's in all."""
        used = self.used(MemoryClass.USED)
        for memory_class in of_kind(GrowthKind.USER, GrowthKind.OTHER):
            used = (
                tuple(
                    _difference(a, b) for a, b in zip(used, self.used(memory_class), strict=False)
                )
                or used
            )
        return used


def floors_of(trials: Sequence[TrialEvaluation]) -> Floors:
    """Return the floors of a cell's trials, with the warm-up found over all classes."""
    series = floor_series(trials)
    warm_up = max((warm_up_rounds(one) for one in series.values()), default=0)
    return Floors(trials=tuple(trials), series=series, warm_up=warm_up)


def floor_series(
    trials: Sequence[TrialEvaluation],
) -> dict[MemoryClass, tuple[FloorSeries, ...]]:
    """Return the floors of every class, one series a trial, in the order given.

    A class is in the result when at least one floor has it; a trial without it has an empty
    series, so that all classes have as many series as there are trials.
    """
    points: dict[MemoryClass, list[dict[int, float]]] = {}
    for number, trial in enumerate(trials):
        for one_round in sorted(trial.rounds, key=lambda r: r.number):
            if one_round.floor is None:
                continue
            for memory_class, kib in classes_kib(one_round.floor).items():
                by_trial = points.setdefault(memory_class, [{} for _ in trials])
                by_trial[number][one_round.number] = kib
    return {
        memory_class: tuple(
            FloorSeries(rounds=tuple(trial), values=tuple(trial.values()))
            for trial in points[memory_class]
        )
        for memory_class in MemoryClass
        if memory_class in points
    }


def _difference(a: FloorSeries, b: FloorSeries) -> FloorSeries:
    """Return ``a - b`` over the rounds that both have."""
    theirs = dict(zip(b.rounds, b.values, strict=True))
    pairs = [(x, y - theirs[x]) for x, y in zip(a.rounds, a.values, strict=True) if x in theirs]
    return FloorSeries(rounds=tuple(x for x, _ in pairs), values=tuple(y for _, y in pairs))


def warm_up_rounds(series: Sequence[FloorSeries], quantum: float = PAGE_KIB) -> int:
    """Return how many leading rounds to set aside: the most that any of ``series`` asks for.

    ``quantum`` is the smallest step of what is counted.
    """
    return max((_warm_up(one, quantum) for one in series), default=0)


def _warm_up(series: FloorSeries, quantum: float) -> int:
    """Find the last leading rise that is out of line with all that follow it.

    At most a third of the floors go (what comes later is no warm-up but a late step), and
    :data:`MIN_FLOORS_AFTER_WARM_UP` stay.
    """
    floors = len(series.values)
    most = max(min(floors // 3, floors - MIN_FLOORS_AFTER_WARM_UP), 0)
    rises = series.rises().per_round()
    found = 0
    for k in range(most):
        later = rises[k + 1 :]
        later = np.delete(later, _outliers(later, quantum))
        if _out_of_line(rises[k : k + 1], later, quantum):
            found = k + 1
    return found


def set_steps_aside(rises: Rises, quantum: float = PAGE_KIB) -> Rises:
    """Return ``rises`` with late steps no longer kept; ``quantum`` as for the warm-up.

    At most a third of them, and never so many that fewer than three stay: a rise that comes
    again and again is no one-time cost.
    """
    if not all(rises.kept):
        raise ValueError("steps are set aside once")
    outliers = set(_outliers(rises.per_round(), quantum))
    return replace(rises, kept=tuple(k not in outliers for k in range(len(rises.values))))


def set_one_time_costs_aside(trials: Sequence[Rises], quantum: float = PAGE_KIB) -> list[Rises]:
    """Set the late steps aside when repetition shows that they are paid once a guest.

    Btrfs, for one, keeps a 2 MiB workspace of zstd for every extent that it ever compressed at the
    same moment, and when that first happens is chance. One guest cannot tell such a cost from a
    rare leak. :data:`MIN_GUESTS` of them, each flat but for one step on average at the most,
    can: a leak would come again.
    """
    steady = [set_steps_aside(rises, quantum) for rises in trials]
    aside = sum(len(rises.values) - rises.count for rises in steady)
    return steady if len(trials) >= MIN_GUESTS and aside <= len(trials) else list(trials)


def steps_of(series: Sequence[FloorSeries]) -> list[tuple[int, float]]:
    """Return the late steps of some trials, as (round before whose floor it came, KiB)."""
    steps = []
    for one in series:
        rises = set_steps_aside(one.rises())
        steps += [
            (number, kib)
            for number, kib, kept in zip(one.rounds[1:], rises.values, rises.kept, strict=True)
            if not kept
        ]
    return steps


def _outliers(values: Array, quantum: float) -> list[int]:
    """Return the indices of the values that are out of line with all the rest, or none.

    The largest such set counts, so that two outliers (up and down again) do not hide each other.
    """
    if len(values) <= MIN_OTHERS:
        return []
    furthest = np.argsort(-np.abs(values - np.median(values)))
    for count in range(min(len(values) // 3, len(values) - MIN_OTHERS), 0, -1):
        candidates = furthest[:count]
        if _out_of_line(values[candidates], np.delete(values, candidates), quantum):
            return [int(k) for k in candidates]
    return []


def _out_of_line(values: Array, others: Array, quantum: float) -> bool:
    """Say whether each of ``values`` is outside the prediction interval of ``others``.

    The scatter is at least a ``quantum``: floors are counted in pages, or in objects. The level is
    corrected for the number of values among which the most extreme ones were picked.
    """
    if len(others) < MIN_OTHERS:
        return False
    scatter = max(float(np.std(others, ddof=1)), quantum)
    distance = float(np.min(np.abs(values - np.mean(others))))
    return distance > _gate(len(values), len(others)) * scatter


@lru_cache(maxsize=1024)
def _gate(values: int, others: int) -> float:
    tail = (1.0 - GATE_LEVEL) / 2.0 / (values + others)
    quantile = float(special.stdtrit(others - 1, 1.0 - tail))
    return quantile * float(np.sqrt(1.0 + 1.0 / others))
