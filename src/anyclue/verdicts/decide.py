"""From floors to decisions: for each class of memory, did it grow, and can growth be excluded?

Two questions, two fits of the same floors:

* *accuse*: late steps are set aside; growth must be significant, sustained in both halves of the
  rounds, more than the reference's, and missing from free memory;
* *acquit*: every rise after the warm-up counts, so that a late step widens the interval instead
  of disappearing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.verdict import ClassRate, MemoryClass
from anyclue.verdicts.classes import TRAITS, GrowthKind, of_kind
from anyclue.verdicts.details import top_growth
from anyclue.verdicts.floors import (
    FloorSeries,
    Rises,
    floor_series,
    set_one_time_costs_aside,
    set_steps_aside,
    warm_up_rounds,
)
from anyclue.verdicts.rates import Fit, fit, standard_error

FALSE_LEAKS_PER_CELL: Final = 2e-3
"""Accepted probability of a false leak in a cell of a good kernel, all classes together.

A hunt has tens of cells: at the usual 5 % a cell most hunts would accuse an innocent.
Split evenly (Bonferroni) over the classes in which growth would be a leak."""

FALSE_EXCESS_PER_CLASS: Final = 2e-3
"""Accepted probability that a class of a good kernel seems to grow more than in the reference.

This lock matters only for the few classes whose growth passed the first one, that is for growth
that a good kernel has too, so it is not split over all classes."""

SUSTAINED_SHARE: Final = 0.5
"""Each half of the rounds must show at least this part of the rate: what happens once, or dies
out, shows up in one half only."""

MISSING_SHARE: Final = 0.5
"""At least this part of a class's growth must be possible in used memory too; otherwise memory
only moved from one class to another."""

MORE_ROUNDS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)
"""Answers that "how many more rounds" may have."""


ERRORS_TO_EXCLUDE: Final = 2.2
"""Standard errors in half of a 95 % interval, for some ten degrees of freedom."""

ERRORS_TO_PROVE: Final = 5.7
"""Standard errors at which growth is proven at the level of one class, likewise."""


@dataclass(frozen=True, kw_only=True)
class Floors:
    """The floors of a cell: by class, one series a trial; ``warm_up`` rounds are to be set aside.

    ``recordings`` are those the series come from, in the same order.
    """

    recordings: tuple[TrialEvaluation, ...]
    series: Mapping[MemoryClass, tuple[FloorSeries, ...]]
    warm_up: int

    @property
    def used_rounds(self) -> int:
        """How many floors are left after the warm-up, all trials together."""
        counts = [sum(len(s.kib) for s in self.used(c)) for c in self.series]
        return max(counts, default=0)

    def used(self, memory_class: MemoryClass) -> tuple[FloorSeries, ...]:
        """Return the series of a class without the warm-up rounds."""
        return tuple(s.without_first(self.warm_up) for s in self.series.get(memory_class, ()))

    def total(self) -> tuple[FloorSeries, ...]:
        """Return used memory without what user space holds: what the kernel holds in all."""
        used = self.used(MemoryClass.USED)
        for memory_class in of_kind(GrowthKind.USER):
            used = (
                tuple(
                    _difference(a, b) for a, b in zip(used, self.used(memory_class), strict=False)
                )
                or used
            )
        return used


@dataclass(frozen=True, kw_only=True)
class ClassDecision:
    """What is known of one class: ``accuse`` and ``acquit`` are the two fits.

    ``grew`` holds when growth is proven; ``steps`` counts the late steps that were set aside to
    see it; ``top`` says what inside the class grew.
    """

    memory_class: MemoryClass
    accuse: Fit
    acquit: Fit
    grew: bool
    steps: int
    top: tuple[tuple[str, float], ...] = ()

    @property
    def rate(self) -> float:
        """The rate that is reported: of sustained growth when there is some, else of all."""
        return (self.accuse if self.grew else self.acquit).own.rate

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval that belongs to :attr:`rate`."""
        return (self.accuse if self.grew else self.acquit).own.interval

    def class_rate(self) -> ClassRate:
        """Return the decision in the model's words."""
        return ClassRate(rate_kib=self.rate, ci95_kib=self.interval, grew=self.grew, top=self.top)


def floors_of(recordings: Sequence[TrialEvaluation]) -> Floors:
    """Return the floors of a cell's recordings, with the warm-up found over all classes."""
    series = floor_series(recordings)
    warm_up = max((warm_up_rounds(one) for one in series.values()), default=0)
    return Floors(recordings=tuple(recordings), series=series, warm_up=warm_up)


def decide(
    cell: Floors,
    reference: Floors | None,
    reference_decisions: Mapping[MemoryClass, ClassDecision],
) -> dict[MemoryClass, ClassDecision]:
    """Decide for every class of which there are enough floors.

    ``reference_decisions`` says what grew in the reference itself: such a class is no baseline,
    so the cell is judged there without comparison.
    """
    accused = [c for c in cell.series if TRAITS[c].kind in {GrowthKind.KERNEL, GrowthKind.USER}]
    level = FALSE_LEAKS_PER_CELL / max(len(accused), 1)
    decisions: dict[MemoryClass, ClassDecision] = {}
    for memory_class in cell.series:
        theirs = reference.used(memory_class) if reference is not None else ()
        baseline = reference_decisions.get(memory_class)
        decision = _decide_class(
            memory_class,
            cell.used(memory_class),
            theirs,
            level=level,
            compare=baseline is not None and not baseline.grew,
        )
        if decision is not None:
            decisions[memory_class] = decision
    return {c: _with_context(d, decisions, cell, level) for c, d in decisions.items()}


def fit_total(cell: Floors, reference: Floors | None) -> Fit | None:
    """Fit what the kernel holds in all (KiB); warm-up and proven one-time costs are left out."""
    theirs = reference.total() if reference is not None else ()
    own = set_one_time_costs_aside([s.rises() for s in cell.total()])
    return fit(own, [s.rises() for s in theirs])


def more_rounds(fitted: Fit, floors: int, limit_kib: float) -> int | None:
    """Estimate how many more rounds would exclude ``limit_kib`` a round, or prove growth.

    None when even the last of :data:`MORE_ROUNDS` would not.
    """
    for more in MORE_ROUNDS:
        error = standard_error(fitted.scatter_kib, fitted.walk, floors + more)
        excluded = fitted.own.rate + ERRORS_TO_EXCLUDE * error < limit_kib
        proven = fitted.own.rate - ERRORS_TO_PROVE * error > 0.0
        if excluded or proven:
            return more
    return None


def _decide_class(
    memory_class: MemoryClass,
    cell: Sequence[FloorSeries],
    reference: Sequence[FloorSeries],
    *,
    level: float,
    compare: bool,
) -> ClassDecision | None:
    own, theirs = [s.rises() for s in cell], [s.rises() for s in reference]
    acquit = fit(set_one_time_costs_aside(own), theirs)
    if acquit is None:
        return None
    own_steady = [set_steps_aside(r) for r in own]
    their_steady = [set_steps_aside(r) for r in theirs]
    accuse = fit(own_steady, their_steady) or acquit
    grew = accuse.own.below(0.0) < level and _sustained(own_steady, accuse.own.rate)
    if TRAITS[memory_class].kind is GrowthKind.USER and accuse.excess is None:
        grew = False
    if compare or TRAITS[memory_class].kind is GrowthKind.USER:
        grew = grew and (accuse.excess is None or accuse.excess.below(0.0) < FALSE_EXCESS_PER_CLASS)
    return ClassDecision(
        memory_class=memory_class,
        accuse=accuse,
        acquit=acquit,
        grew=grew,
        steps=sum(len(r.kib) - r.count for r in own_steady),
    )


def _with_context(
    decision: ClassDecision,
    decisions: Mapping[MemoryClass, ClassDecision],
    cell: Floors,
    level: float,
) -> ClassDecision:
    """Take back growth that used memory contradicts; add what grew inside the class."""
    grew = decision.grew
    used = decisions.get(MemoryClass.USED)
    if grew and used is not None and TRAITS[decision.memory_class].kind is not GrowthKind.TOTAL:
        possible = used.accuse.own.above(MISSING_SHARE * decision.accuse.own.rate)
        grew = possible >= level
    top = top_growth(decision.memory_class, cell.recordings, cell.warm_up) if grew else ()
    return ClassDecision(
        memory_class=decision.memory_class,
        accuse=decision.accuse,
        acquit=decision.acquit,
        grew=grew,
        steps=decision.steps,
        top=top,
    )


def _sustained(trials: Sequence[Rises], rate: float) -> bool:
    """Say whether the first and the last half of the rises both show growth."""
    halves: tuple[list[float], list[float]] = ([], [])
    for trial in trials:
        values = trial.per_round()
        half = len(values) // 2
        halves[0].extend(values[:half])
        halves[1].extend(values[len(values) - half :])
    return all(half and sum(half) / len(half) >= SUSTAINED_SHARE * rate for half in halves)


def _difference(a: FloorSeries, b: FloorSeries) -> FloorSeries:
    """Return ``a - b`` over the rounds that both have."""
    theirs = dict(zip(b.rounds, b.kib, strict=True))
    pairs = [(x, y - theirs[x]) for x, y in zip(a.rounds, a.kib, strict=True) if x in theirs]
    return FloorSeries(rounds=tuple(x for x, _ in pairs), kib=tuple(y for _, y in pairs))
