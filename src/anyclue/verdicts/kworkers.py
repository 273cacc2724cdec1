"""Counts of objects without what kworkers take.

The kernel starts and ends threads for its work queues as it needs them, and each takes an object
or two of some dozen slab caches, and an area of vmalloc for its stack. How many of one series is
found where the number of kworkers moved otherwise than in most rounds: so many objects that what
the series did there is no longer out of line with its other rises. What is the same in every round,
be it a leak or one kworker more, tells nothing of it and so is never explained by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from anyclue.model.verdict import ObjectKind, ObjectSeries
from anyclue.verdicts.floors import Array, FloorSeries
from anyclue.verdicts.object_floors import OBJECT, ObjectFloors

KWORKERS: Final = ObjectSeries(kind=ObjectKind.THREADS, name="kworker")

TAKEN_BY_THREADS: Final = frozenset({ObjectKind.SLAB, ObjectKind.VMALLOC_AREAS})
"""What a thread takes objects of."""

MOST_TAKEN: Final = 4
"""So many objects of one series a kworker takes at the most."""

MIN_MOVES: Final = 2
"""The fewest rises that tell: one may be chance."""

EXPLAINED_SHARE: Final = 0.5
"""At least this part of what is out of line there has to be explained."""


@dataclass(frozen=True, kw_only=True)
class KworkerFloors:
    """A series in guests that share a rate, and the number of kworkers at the same floors."""

    objects: Sequence[FloorSeries]
    kworkers: Sequence[FloorSeries]

    def without(self, taken: int) -> tuple[FloorSeries, ...]:
        """Return the series without the ``taken`` objects of each kworker, by trial."""
        return tuple(
            FloorSeries(
                rounds=one.rounds,
                values=tuple(v - taken * k for v, k in zip(one.values, other.values, strict=True)),
            )
            for one, other in zip(self.objects, self.kworkers, strict=True)
        )

    def out_of_line(self, taken: int) -> Array:
        """Return by how much each rise is, without these objects."""
        rises = _per_round(self.without(taken))
        return np.asarray(np.abs(rises - np.median(rises)), dtype=np.float64)

    @cached_property
    def moved(self) -> Array:
        """1 where the number of kworkers moved otherwise than in most rounds, else 0."""
        rises = _per_round(self.kworkers)
        return np.asarray(rises != np.median(rises), dtype=np.float64)


def without_kworkers(
    series: ObjectSeries, cell: ObjectFloors, reference: ObjectFloors | None
) -> tuple[tuple[FloorSeries, ...], tuple[FloorSeries, ...]]:
    """Return the floors of a series in a cell and in its reference, without what kworkers take.

    They are left as they are where kworkers do not plainly explain them, or were not counted.
    """
    own, theirs = cell.of(series), reference.of(series) if reference is not None else ()
    if series.kind not in TAKEN_BY_THREADS:
        return own, theirs
    mine = _beside(own, cell)
    other = _beside(theirs, reference) if reference is not None and theirs else _NOTHING
    if mine is None or other is None:
        return own, theirs
    taken = taken_by_kworker([mine, other])
    return (mine.without(taken), other.without(taken)) if taken else (own, theirs)


def taken_by_kworker(guests: Sequence[KworkerFloors]) -> int:
    """Return how many objects of a series a kworker takes; 0 where that is not plain.

    ``guests`` are those of a cell and those of its reference: neither may become noisier by it.
    Each rise that tells counts alike: one that a cache is first filled in is out of line anyhow.
    """
    groups = [one for one in guests if any(len(of.values) > 1 for of in one.objects)]
    if sum(np.sum(one.moved) for one in groups) < MIN_MOVES:
        return 0
    before = [one.out_of_line(0) for one in groups]
    misfit = {}
    for taken in range(MOST_TAKEN + 1):
        after = [one.out_of_line(taken) for one in groups]
        if all(a @ a <= b @ b for a, b in zip(after, before, strict=True)):
            misfit[taken] = sum(
                float(one.moved @ (a / np.maximum(b, OBJECT)))
                for one, a, b in zip(groups, after, before, strict=True)
            )
    best = min(misfit, key=lambda taken: (misfit[taken], taken))
    return best if misfit[best] <= (1.0 - EXPLAINED_SHARE) * misfit[0] else 0


_NOTHING: Final = KworkerFloors(objects=(), kworkers=())


def _beside(trials: Sequence[FloorSeries], floors: ObjectFloors) -> KworkerFloors | None:
    """Return the floors of a series with those of kworkers; None where these are missing."""
    counted = floors.of(KWORKERS)
    if not trials or not counted:
        return None
    kworkers = []
    for one, other in zip(trials, counted, strict=True):
        number = dict(zip(other.rounds, other.values, strict=True))
        if not number.keys() >= set(one.rounds):
            return None
        kworkers.append(FloorSeries(rounds=one.rounds, values=tuple(number[n] for n in one.rounds)))
    return KworkerFloors(objects=trials, kworkers=kworkers)


def _per_round(trials: Sequence[FloorSeries]) -> Array:
    return np.concatenate([np.zeros(0), *(one.rises().per_round() for one in trials)])
