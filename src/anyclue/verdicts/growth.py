"""From floors to growth: for each class of memory, is it proven, and can it be excluded?

Two questions, two fits of the same floors:

* *Is growth proven?* Late steps are set aside (``steady``). Growth must be significant, sustained
  in both halves of the rounds, more than the reference's, and missing from free memory.
* *Can it be excluded?* Every rise after the warm-up counts (``full``), so that a late step widens
  the interval instead of disappearing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from anyclue.model.reason import GrowthUndecided, SingleSteps, TooFewFloors
from anyclue.model.verdict import ClassRate, MemoryClass, VerdictReason
from anyclue.verdicts.breakdown import top_growth
from anyclue.verdicts.classes import TRAITS, GrowthKind, of_kind
from anyclue.verdicts.floors import (
    MIN_FLOORS,
    Floors,
    FloorSeries,
    Rises,
    set_one_time_costs_aside,
    set_steps_aside,
    steps_of,
)
from anyclue.verdicts.rates import Fit, fit
from anyclue.verdicts.settlement import GuestCount, OpenRate, settlement

FALSE_LEAKS_PER_CELL: Final = 1.5e-3
"""Accepted probability of a false leak in a cell of a good kernel, all classes together.

A hunt has tens of cells: at the usual 5 % a cell most hunts would accuse an innocent. Together with
that of counts of objects (``object_growth.py``) it is 0.2 %.
Split evenly (Bonferroni) over the classes in which growth would be a leak."""

FALSE_EXCESS_PER_CLASS: Final = 2e-3
"""Accepted probability that a class of a good kernel seems to grow more than in the reference.

This lock matters only for the few classes whose growth passed the first one, that is for growth
that a good kernel has too, so it is not split over all classes."""

MAY_BE_PROVEN: Final = 0.05
"""Growth whose probability to be none is less may be proven by more guests."""

SUSTAINED_SHARE: Final = 0.5
"""Each half of the rounds must show at least this part of the rate: what happens once, or dies
out, shows up in one half only."""

MISSING_SHARE: Final = 0.5
"""At least this part of a class's growth must be possible in used memory too; otherwise memory
only moved from one class to another."""


@dataclass(frozen=True, kw_only=True)
class GrowthTest:
    """What is known of one class: ``steady`` and ``full`` are the two fits.

    ``grew`` holds when growth is proven, at ``level`` and, where it is ``compared``, by its excess
    over the reference; ``steps`` counts the late steps that were set aside to see it; ``top`` says
    what inside the class grew.
    """

    memory_class: MemoryClass
    steady: Fit
    full: Fit
    grew: bool
    level: float
    compared: bool
    steps: int
    top: tuple[tuple[str, float], ...] = ()

    @property
    def rate(self) -> float:
        """The rate that is reported: of sustained growth when there is some, else of all."""
        return (self.steady if self.grew else self.full).own.rate

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval that belongs to :attr:`rate`."""
        return (self.steady if self.grew else self.full).own.interval

    def class_rate(self) -> ClassRate:
        """Return the decision in the model's words."""
        return ClassRate(rate_kib=self.rate, ci95_kib=self.interval, grew=self.grew, top=self.top)


def growth_by_class(
    cell: Floors,
    reference: Floors | None,
    reference_growth: Mapping[MemoryClass, GrowthTest],
) -> dict[MemoryClass, GrowthTest]:
    """Decide for every class of which there are enough floors.

    ``reference_growth`` says what grew in the reference itself: such a class is no baseline,
    so the cell is judged there without comparison.
    """
    accused = [c for c in cell.series if TRAITS[c].kind in {GrowthKind.KERNEL, GrowthKind.USER}]
    level = FALSE_LEAKS_PER_CELL / max(len(accused), 1)
    found: dict[MemoryClass, GrowthTest] = {}
    for memory_class in cell.series:
        theirs = reference.used(memory_class) if reference is not None else ()
        baseline = reference_growth.get(memory_class)
        growth = _growth(
            memory_class,
            cell.used(memory_class),
            theirs,
            level=level,
            compare=baseline is not None and not baseline.grew,
        )
        if growth is not None:
            found[memory_class] = growth
    return {c: _with_context(of, found, cell, level) for c, of in found.items()}


def not_excluded(
    cell: Floors,
    growth: Mapping[MemoryClass, GrowthTest],
    reference: Floors | None,
    *,
    limit_kib: float,
) -> VerdictReason | None:
    """Return why growth of ``limit_kib`` a round cannot be excluded, or None where it can.

    A class that the cell or its reference tells of, and of which the cell has too few floors, is
    not excluded: its counters could not be read.

    Every class of kernel memory must exclude it by itself. The total includes caches that a
    quiesce did not empty, so for the total it is enough not to exceed the reference.
    """
    total = _fit_total(cell, reference)
    if total is None:
        read = sum(len(one.values) for one in cell.total())
        return TooFewFloors(floors=read, needed=MIN_FLOORS)
    for name in of_kind(GrowthKind.KERNEL):
        told = name in cell.series or (reference and name in reference.series)
        if told and name not in growth:
            read = sum(len(one.values) for one in cell.used(name))
            return TooFewFloors(floors=read, needed=MIN_FLOORS, memory_class=name)
    undecided: list[tuple[Fit, MemoryClass | None, tuple[FloorSeries, ...]]] = [
        (of.full, c, cell.used(c))
        for c, of in growth.items()
        if TRAITS[c].kind is GrowthKind.KERNEL and of.full.own.at_most >= limit_kib
    ]
    no_more_than_reference = total.excess is not None and total.excess.at_most < limit_kib
    total_is_open = total.own.at_most >= limit_kib and not no_more_than_reference
    if total_is_open:
        undecided.append((total, None, cell.total()))
    if not undecided:
        return None
    worst, memory_class, series = max(undecided, key=lambda one: one[0].own.at_most)
    steady = fit([set_steps_aside(one.rises()) for one in series])
    if steady is not None and steady.own.at_most < limit_kib and (steps := steps_of(series)):
        return SingleSteps(
            memory_class=memory_class, steps=tuple(steps), at_most_kib=steady.own.at_most
        )
    return GrowthUndecided(
        memory_class=memory_class,
        rate_kib=worst.own.rate,
        ci95_kib=worst.own.interval,
        limit_kib=limit_kib,
        settlement=settlement(
            _open_rates(growth, total if total_is_open else None, limit_kib),
            _guests(cell, reference),
        ),
    )


def highest_possible(growth: Mapping[MemoryClass, GrowthTest]) -> tuple[MemoryClass, float]:
    """Return the kernel class whose growth is excluded least well, and its upper end (KiB).

    Falls back to used memory when nothing is known of its classes.
    """
    kernel = {c: of for c, of in growth.items() if TRAITS[c].kind is GrowthKind.KERNEL} or growth
    worst = max(kernel, key=lambda c: kernel[c].full.own.at_most)
    return worst, kernel[worst].full.own.at_most


def _fit_total(cell: Floors, reference: Floors | None) -> Fit | None:
    """Fit what the kernel holds in all (KiB); warm-up and proven one-time costs are left out."""
    theirs = reference.total() if reference is not None else ()
    own = set_one_time_costs_aside([s.rises() for s in cell.total()])
    return fit(own, [s.rises() for s in theirs])


def _open_rates(
    growth: Mapping[MemoryClass, GrowthTest], total: Fit | None, limit_kib: float
) -> list[OpenRate]:
    """Return what would settle a cell: all rates that are not excluded, or may yet be proven.

    ``total`` is that of all memory, where it is not excluded.
    """
    rates = [
        OpenRate(
            fit=of.full,
            limit_kib=limit_kib if of.full.own.at_most >= limit_kib else None,
            level=of.level,
            excess_level=FALSE_EXCESS_PER_CLASS if of.compared else None,
        )
        for c, of in growth.items()
        if TRAITS[c].kind is GrowthKind.KERNEL
        and (of.full.own.at_most >= limit_kib or of.full.own.below(0.0) < MAY_BE_PROVEN)
    ]
    if total is not None:
        rates.append(OpenRate(fit=total, limit_kib=limit_kib, excess_counts=True))
    return rates


def _guests(cell: Floors, reference: Floors | None) -> GuestCount:
    own, own_rises = _guests_and_rises(cell)
    theirs, their_rises = _guests_and_rises(reference) if reference is not None else (0, 0.0)
    return GuestCount(own=own, reference=theirs, own_rises=own_rises, reference_rises=their_rises)


def _guests_and_rises(floors: Floors) -> tuple[int, float]:
    """Return how many guests gave rises of the kernel's memory, and how many each."""
    counts = [count for one in floors.total() if (count := one.rises().count)]
    return len(counts), sum(counts) / max(len(counts), 1)


def _growth(
    memory_class: MemoryClass,
    cell: Sequence[FloorSeries],
    reference: Sequence[FloorSeries],
    *,
    level: float,
    compare: bool,
) -> GrowthTest | None:
    own, theirs = [s.rises() for s in cell], [s.rises() for s in reference]
    full = fit(set_one_time_costs_aside(own), theirs)
    if full is None:
        return None
    own_steady = [set_steps_aside(r) for r in own]
    their_steady = [set_steps_aside(r) for r in theirs]
    steady = fit(own_steady, their_steady) or full
    grew = steady.own.below(0.0) < level and _sustained(own_steady, steady.own.rate)
    if TRAITS[memory_class].kind is GrowthKind.USER and steady.excess is None:
        grew = False
    if compare or TRAITS[memory_class].kind is GrowthKind.USER:
        grew = grew and (steady.excess is None or steady.excess.below(0.0) < FALSE_EXCESS_PER_CLASS)
    return GrowthTest(
        memory_class=memory_class,
        steady=steady,
        full=full,
        grew=grew,
        level=level,
        compared=compare,
        steps=sum(len(r.values) - r.count for r in own_steady),
    )


def _with_context(
    growth: GrowthTest,
    others: Mapping[MemoryClass, GrowthTest],
    cell: Floors,
    level: float,
) -> GrowthTest:
    """Take back growth that used memory contradicts; add what grew inside the class."""
    grew = growth.grew
    used = others.get(MemoryClass.USED)
    if grew and used is not None and TRAITS[growth.memory_class].kind is not GrowthKind.TOTAL:
        possible = used.steady.own.above(MISSING_SHARE * growth.steady.own.rate)
        grew = possible >= level
    top = top_growth(growth.memory_class, cell.trials, cell.warm_up) if grew else ()
    return replace(growth, grew=grew, top=top)


def _sustained(trials: Sequence[Rises], rate: float) -> bool:
    """Say whether the first and the last half of the rises both show growth."""
    halves: tuple[list[float], list[float]] = ([], [])
    for trial in trials:
        values = trial.per_round()
        half = len(values) // 2
        halves[0].extend(values[:half])
        halves[1].extend(values[len(values) - half :])
    return all(half and sum(half) / len(half) >= SUSTAINED_SHARE * rate for half in halves)
