"""From counts of objects to growth: for each series, is it proven, suspected or excluded?

A kernel counts hundreds of things, and their noise is no bell curve: most never move, some take a
step of a whole slab now and then, some flip between two states, some rise in every guest of every
kernel. So growth is proven only where all of this holds:

* it is significant, and so is the excess over the reference, both after correction for all series
  of the cell (Bonferroni), with rates and intervals of :mod:`anyclue.verdicts.rates`;
* every guest shows it, in nearly every round and in both halves of the rounds;
* there are two guests at least. What makes the guests of one cell differ from each other is in no
  interval; a second guest is the only witness of it.

A count of whole slabs stands still in most rounds, and then takes a step. There the steps up are
counted: none down, some in both halves of every guest, and so many more than in the rounds of the
reference that, were a step as likely in each of all these rounds, that would be as improbable.

All but the number of kworkers itself is judged without what kworkers take (:mod:`kworkers
<anyclue.verdicts.kworkers>`); but what does not rise in half of the rounds as it was counted is
never accused for kworkers that went.

Without a reference no series is accused: in every kernel something rises a little.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cached_property
from itertools import count
from typing import Final

import numpy as np
from scipy import special

from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.reason import SlabSteps
from anyclue.model.verdict import ObjectBound, ObjectRate, ObjectSeries
from anyclue.verdicts.floors import (
    MIN_FLOORS,
    FloorSeries,
    Rises,
    set_one_time_costs_aside,
    set_steps_aside,
    warm_up_rounds,
)
from anyclue.verdicts.kworkers import without_kworkers
from anyclue.verdicts.object_floors import OBJECT, ObjectFloors, object_floors
from anyclue.verdicts.rates import Fit, fit

FALSE_OBJECT_LEAKS_PER_CELL: Final = 5e-4
"""Accepted probability that a series of a good cell grows significantly, all series together."""

FALSE_SUSPICIONS_PER_CELL: Final = 1e-2
"""The same for a suspicion, over the series that moved at all: more guests are then asked for.

Counts that are not exact are suspected only of what would be proof but for a guest."""

FALSE_REPEATS: Final = 1e-2
"""Accepted probability that a series which leaks elsewhere is taken to do so where it does not."""

NEARLY_EVERY: Final = 0.75
"""At least this part of a guest's rises must show the growth."""

SHOWN_SHARE: Final = 0.5
"""Each half of a guest's rounds must show at least this part of the excess."""

AFTER_WARM_UP: Final = 2.0 / 3.0
"""So many of a guest's rises are left after the warm-up, at the least."""

MIN_RISES: Final = 3
"""With fewer rises a guest shows nothing."""

MIN_STEPS: Final = 2
"""With fewer steps up a count of whole slabs does not climb: one may be a one-time cost."""

MIN_LEAKING_GUESTS: Final = 2
"""The fewest guests of a cell that prove growth."""


class ObjectGrowth(Enum):
    """What is known of the growth of one series."""

    PROVEN = auto()
    ONE_GUEST = auto()
    """It would be proven if another guest showed it, too."""
    SUSPECTED = auto()
    """Every guest shows it, not yet significantly."""
    SLABS = auto()
    """The same in steps of whole slabs."""
    NO_REFERENCE = auto()
    """Every guest shows it, and there is no reference to say whether that is normal."""
    NOT_SHOWN = auto()


@dataclass(frozen=True, kw_only=True)
class ObjectTest:
    """What is known of one series.

    Attributes:
        series: what was counted.
        growth: whether it grew.
        steady: the fit without late steps up; None where growth is not shown.
        cell: its floors without what kworkers take, by trial.
        reference: those of the reference.
        grain: the steps by which a slab cache is counted that was full at its floors.
        slabs: the steps up, where these show growth.
    """

    series: ObjectSeries
    growth: ObjectGrowth
    steady: Fit | None
    cell: Sequence[FloorSeries]
    reference: Sequence[FloorSeries]
    grain: float = OBJECT
    slabs: SlabSteps | None = None

    @cached_property
    def warm_up(self) -> int:
        """How many rounds are set aside at the beginning."""
        return _warm_up(self.cell)

    @property
    def floors(self) -> int:
        """How many floors are left after them, all trials together."""
        return sum(max(len(one.values) - self.warm_up, 0) for one in self.cell)

    @cached_property
    def full(self) -> Fit:
        """The fit of all rises, as for a class; a step of a whole slab is no one-time cost."""
        own = _rises(self.cell)
        if self.grain <= OBJECT:
            own = set_one_time_costs_aside(own, OBJECT)
        found = fit(own, _rises(self.reference), OBJECT, pool_noisier=True)
        assert found is not None  # noqa: S101 - no test is made of less than two rises
        return found

    @property
    def grew(self) -> bool:
        """Whether growth is proven."""
        return self.growth is ObjectGrowth.PROVEN

    @property
    def in_doubt(self) -> bool:
        """Whether growth is neither proven nor to be dismissed."""
        return self.growth not in (ObjectGrowth.PROVEN, ObjectGrowth.NOT_SHOWN)

    @property
    def rate(self) -> float:
        """Objects a round: of sustained growth when there is some, else of all."""
        return self._fit.own.rate

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval that belongs to :attr:`rate`."""
        return self._fit.own.interval

    @property
    def at_most(self) -> float:
        """The upper end of what a leak may be: by itself, or beyond the reference.

        What a last slab that is not full may hide is added.
        """
        own, excess = self.full.own.at_most, self.full.excess
        rounds = min(len(one.values) for one in self.cell) - self.warm_up - 1
        hidden = (self.grain - OBJECT) / max(rounds, 1)
        return (own if excess is None else min(own, excess.at_most)) + hidden

    @property
    def reference_rate(self) -> float | None:
        """Objects a round in the reference; None without one."""
        excess = self._fit.excess
        return self._fit.own.rate - excess.rate if excess is not None else None

    @property
    def _fit(self) -> Fit:
        return self.steady or self.full


@dataclass(frozen=True, kw_only=True)
class ObjectTests:
    """What is known of all series of a cell.

    Attributes:
        moved: of those that moved, in the cell or in its reference, or may have, unseen.
        still_at_most: what one that never moved may gain a round (95 %); None: too few floors.
        counted: how many series there are.
        exact: whether the counts were exact.
        unread: how many of the series have too few floors to be judged.
    """

    moved: Mapping[ObjectSeries, ObjectTest]
    still_at_most: float | None
    counted: int
    exact: bool
    unread: int = 0

    @property
    def limit(self) -> int | None:
        """The fewest objects a round of which a series that never moved excludes a leak."""
        return int(max(self.still_at_most, 0.0)) + 1 if self.still_at_most is not None else None

    @property
    def grown(self) -> tuple[ObjectTest, ...]:
        """Those whose growth is proven, the largest rate first."""
        return _largest_first(one for one in self.moved.values() if one.grew)

    @property
    def in_doubt(self) -> tuple[ObjectTest, ...]:
        """Those whose growth is suspected, the largest rate first."""
        return _largest_first(one for one in self.moved.values() if one.in_doubt)

    @property
    def not_excluded(self) -> tuple[ObjectTest, ...]:
        """Those that may gain :attr:`limit` objects a round, and did not provably, most first."""
        limit = self.limit
        if limit is None:
            return ()
        open_ = [one for one in self.moved.values() if not one.grew and one.at_most >= limit]
        return tuple(sorted(open_, key=lambda one: (-one.at_most, one.series)))

    def bound(self) -> ObjectBound | None:
        """Return what is excluded; None where counts are not exact or floors are too few."""
        limit = self.limit
        if not self.exact or limit is None or not self.counted:
            return None
        open_ = len(self.not_excluded) + len(self.grown) + self.unread
        return ObjectBound(series=self.counted, excluded=self.counted - open_, limit=limit)

    def rates(self) -> dict[ObjectSeries, ObjectRate]:
        """Return those that grew, are in doubt or, of exact counts, are not excluded."""
        told = (*self.grown, *self.in_doubt, *(self.not_excluded if self.exact else ()))
        return {
            one.series: ObjectRate(
                rate=one.rate, ci95=one.interval, at_most=one.at_most, grew=one.grew
            )
            for one in told
        }


NO_OBJECTS: Final = ObjectTests(moved={}, still_at_most=None, counted=0, exact=False)
"""What is known where no objects were counted."""


def object_tests(
    cell: ObjectFloors,
    reference: ObjectFloors | None,
    *,
    is_reference: bool = False,
    known: Collection[ObjectSeries] = (),
) -> ObjectTests:
    """Decide for every series of a cell that moved, there or in its reference.

    Args:
        cell: what was counted in the cell.
        reference: the same of its reference.
        is_reference: whether the cell shows what is normal, and so nothing is suspected there.
        known: series that were proven to leak under other conditions: only these are judged, and
            one guest is enough.
    """
    judged = [one for one in cell.series if not known or one in known]
    moved = cell.moved().intersection(judged)
    level = (FALSE_REPEATS if known else FALSE_OBJECT_LEAKS_PER_CELL) / max(len(judged), 1)
    suspicion = FALSE_SUSPICIONS_PER_CELL / max(len(moved), 1) if cell.exact else level
    enough = 1 if known else MIN_LEAKING_GUESTS
    still = fit(
        [one.rises() for one in cell.still()],
        [one.rises() for one in reference.still()] if reference is not None else (),
        OBJECT,
    )
    tests: dict[ObjectSeries, ObjectTest] = {}
    theirs = reference.moved() if reference is not None else frozenset()
    rising = cell.rising(NEARLY_EVERY * AFTER_WARM_UP, MIN_RISES)
    unread = cell.unread(MIN_FLOORS - 1).intersection(judged)
    for series in judged:
        if series in unread:
            continue
        grain = cell.grains.get(series, OBJECT)
        if grain <= OBJECT and series not in moved and series not in theirs:
            continue
        own, other = without_kworkers(series, cell, reference)
        growth, steady, slabs = ObjectGrowth.NOT_SHOWN, None, None
        # Two tests of one series: each has half of what it may err.
        of_series = level if grain <= OBJECT else level / 2.0
        guests = sum(len(one.values) > MIN_RISES for one in own)
        if series in rising:
            steady = _steady_fit(own, other)
        if steady is not None:
            alone = cell.exact and not is_reference
            growth = _growth(steady, level=of_series, suspicion=suspicion, alone=alone)
        if growth is ObjectGrowth.NOT_SHOWN and cell.exact and grain > OBJECT:
            slabs = slab_steps(own, other, grain, of_series)
            if slabs is not None:
                proven = slabs.seen >= slabs.needed
                growth = ObjectGrowth.PROVEN if proven else ObjectGrowth.SLABS
        if growth is ObjectGrowth.PROVEN and guests < enough:
            growth = ObjectGrowth.ONE_GUEST
        tests[series] = ObjectTest(
            series=series,
            growth=growth,
            steady=steady if growth is not ObjectGrowth.NOT_SHOWN else None,
            cell=own,
            reference=other,
            grain=grain,
            slabs=slabs,
        )
    return ObjectTests(
        moved=tests,
        still_at_most=still.own.at_most if still is not None else None,
        counted=len(judged),
        exact=cell.exact,
        unread=len(unread),
    )


def object_rate(
    series: ObjectSeries, trials: Sequence[TrialEvaluation]
) -> tuple[float, tuple[float, float]] | None:
    """Return objects a round of one series in some trials, and the 95 % interval, by themselves.

    Steps that come once are set aside. None where the series was not counted at enough floors.
    """
    own, _ = without_kworkers(series, object_floors(trials), None)
    found = fit(set_one_time_costs_aside(_rises(own), OBJECT), (), OBJECT)
    return (found.own.rate, found.own.interval) if found is not None else None


def _rises(trials: Sequence[FloorSeries]) -> list[Rises]:
    warm_up = _warm_up(trials)
    return [one.without_first(warm_up).rises() for one in trials]


def _warm_up(trials: Sequence[FloorSeries]) -> int:
    """Return how many leading rounds to set aside: what is first filled gains more, not less."""
    count = warm_up_rounds(trials, OBJECT)
    rises = [one.rises().per_round() for one in trials if len(one.values) > count + 1]
    gained = sum(float(np.mean(r[:count]) - np.mean(r[count:])) for r in rises) if count else 0.0
    return count if gained > 0.0 else 0


def _without_jumps(rises: Rises) -> Rises:
    """Set late steps up aside. A round without growth, or a step down, is evidence against it."""
    aside = set_steps_aside(rises, OBJECT)
    every = rises.all_per_round()
    middle = float(np.median(every)) if len(every) else 0.0
    kept = zip(aside.kept, every, strict=True)
    return replace(aside, kept=tuple(bool(k or value <= middle) for k, value in kept))


def _steady_fit(cell: Sequence[FloorSeries], reference: Sequence[FloorSeries]) -> Fit | None:
    """Fit growth without late steps up; None where not every guest shows it.

    It has to be more than in any guest of the reference. Of that nothing is set aside: what may be
    a step is also what it normally does.
    """
    own, theirs = [_without_jumps(rises) for rises in _rises(cell)], _rises(reference)
    normal = max([0.0, *(float(np.mean(r.per_round())) for r in theirs if r.count)])
    guests = [rises for rises in own if len(rises.values) >= MIN_RISES]
    excess = float(np.mean([np.mean(r.per_round()) for r in guests])) - normal if guests else 0.0
    if excess <= 0.0 or not all(_shows(rises, normal, excess) for rises in guests):
        return None
    return fit(own, theirs, OBJECT, pool_noisier=True)


def _growth(steady: Fit, *, level: float, suspicion: float, alone: bool) -> ObjectGrowth:
    """Return what a series is that all guests show; ``alone``: it may be suspected by itself."""
    likely = steady.own.below(0.0)
    if steady.excess is None:
        shown = alone and likely < suspicion
        return ObjectGrowth.NO_REFERENCE if shown else ObjectGrowth.NOT_SHOWN
    likely = max(likely, steady.excess.below(0.0))
    if likely < level:
        return ObjectGrowth.PROVEN
    return ObjectGrowth.SUSPECTED if likely < suspicion else ObjectGrowth.NOT_SHOWN


def slab_steps(
    cell: Sequence[FloorSeries], reference: Sequence[FloorSeries], grain: float, level: float
) -> SlabSteps | None:
    """Return the steps of a count of whole slabs; None where not every guest climbs.

    Each guest goes up twice at least, in both halves of its rounds, and never down; no guest of the
    reference gains a slab. A step may be as likely in any round of the cell or its reference: that
    so many are in the cell is then a binomial probability, and proof where it is below ``level``.
    """
    own = [np.diff(one.values) for one in cell if len(one.values) > MIN_RISES]
    theirs = [np.diff(one.values) for one in reference if len(one.values) > 1]
    if not own or not theirs or any(np.sum(rises) >= grain for rises in theirs):
        return None
    for rises in own:
        half = len(rises) // 2
        up = [np.count_nonzero(part > 0.0) for part in (rises, rises[:half], rises[-half:])]
        if np.any(rises < 0.0) or up[0] < MIN_STEPS or not all(up):
            return None
    seen = sum(int(np.count_nonzero(rises)) for rises in own)
    beside = sum(int(np.count_nonzero(rises > 0.0)) for rises in theirs)
    rounds = sum(map(len, own))
    share = rounds / (rounds + sum(map(len, theirs)))

    def chance(steps: int) -> float:
        return float(special.bdtrc(steps - 1, steps + beside, share))

    needed = next(steps for steps in count(MIN_STEPS) if chance(steps) < level)
    return SlabSteps(objects=grain, seen=seen, needed=needed)


def _shows(rises: Rises, normal: float, excess: float) -> bool:
    """Say whether one guest rises above what is ``normal`` in nearly all rounds and in both halves.

    Rounds that were set aside count among all.
    """
    every = rises.all_per_round()
    if np.count_nonzero(every > normal) < NEARLY_EVERY * len(every):
        return False
    kept = rises.per_round() - normal
    half = len(kept) // 2
    return half > 0 and all(
        float(np.mean(part)) >= SHOWN_SHARE * excess for part in (kept[:half], kept[-half:])
    )


def _largest_first(tests: Iterable[ObjectTest]) -> tuple[ObjectTest, ...]:
    return tuple(sorted(tests, key=lambda one: (-one.rate, one.series)))
