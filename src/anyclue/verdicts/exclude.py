"""Can growth be excluded? What stands in the way of calling a cell clean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from anyclue.model.verdict import MemoryClass
from anyclue.verdicts.classes import TRAITS, GrowthKind
from anyclue.verdicts.decide import ClassDecision, Floors, fit_total, more_rounds
from anyclue.verdicts.floors import set_steps_aside, steps_of
from anyclue.verdicts.rates import Fit, fit

TOTAL: Final = "used memory (without that of user space)"


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """One thing that keeps a cell from being clean; ``fit`` is None with too few floors.

    ``steps`` holds the late steps, as (round, KiB), when nothing but them is in doubt.
    """

    what: str
    fit: Fit | None = None
    more_rounds: int | None = None
    steps: tuple[tuple[int, float], ...] = ()


def doubts(
    cell: Floors,
    decisions: Mapping[MemoryClass, ClassDecision],
    reference: Floors | None,
    *,
    limit_kib: float,
) -> Doubt | None:
    """Return the largest doubt about growth of ``limit_kib`` a round, or None: excluded.

    Every class of kernel memory must exclude it by itself. The total includes caches that a
    quiesce did not empty, so for the total it is enough not to exceed the reference.
    """
    total = fit_total(cell, reference)
    if total is None:
        return Doubt(what=TOTAL)
    open_questions = [
        (d.acquit, TRAITS[c].name, cell.used(c))
        for c, d in decisions.items()
        if TRAITS[c].kind is GrowthKind.KERNEL and d.acquit.own.at_most >= limit_kib
    ]
    no_more_than_reference = total.excess is not None and total.excess.at_most < limit_kib
    if total.own.at_most >= limit_kib and not no_more_than_reference:
        open_questions.append((total, TOTAL, cell.total()))
    if not open_questions:
        return None
    worst, what, series = max(open_questions, key=lambda question: question[0].own.at_most)
    floors = cell.used_rounds // max(len(cell.recordings), 1)
    steady = fit([set_steps_aside(one.rises()) for one in series])
    only_steps = steady is not None and steady.own.at_most < limit_kib
    return Doubt(
        what=what,
        fit=worst,
        more_rounds=more_rounds(worst, floors, limit_kib),
        steps=tuple(steps_of(series)) if only_steps else (),
    )


def highest_possible(
    decisions: Mapping[MemoryClass, ClassDecision],
) -> tuple[MemoryClass, float]:
    """Return the kernel class whose growth is excluded least well, and its upper end (KiB).

    Falls back to used memory when nothing is known of its classes.
    """
    kernel = {
        c: d for c, d in decisions.items() if TRAITS[c].kind is GrowthKind.KERNEL
    } or decisions
    worst = max(kernel, key=lambda c: kernel[c].acquit.own.at_most)
    return worst, kernel[worst].acquit.own.at_most
