"""How reports of a run word its verdicts and factors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from anyclue.fstests.core.model import CheckStatus
from anyclue.fstests.render.reasons import reason_text
from anyclue.hunt.model import Factor, FactorReason, RunVerdicts
from anyclue.hunt.render.fault_words import beside
from anyclue.hunt.render.selection import missing_cells
from anyclue.hunt.select.factors import kind
from anyclue.model.reason import (
    GrowthExcluded,
    ObjectsGrew,
    ObjectsSuspected,
    OtherFault,
    grown_objects,
    judged_reason,
)
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Axis, Scenario
from anyclue.model.verdict import CellVerdict, ClassRate, Verdict
from anyclue.report.reasons import open_counts_text
from anyclue.report.words import (
    SEVERITY,
    count_interval,
    count_number,
    first_few,
    interval,
    kind_label,
    number,
    objects,
    series_name,
)
from anyclue.verdicts.class_growth import leaking_kib
from anyclue.verdicts.classes import TRAITS

_NAMED = 10
_COUNTS = 3
_MORE_ROUNDS = "more rounds would tell"
_NOT_EXACT = "its objects were not counted exactly"


@dataclass(frozen=True, kw_only=True)
class WordedRate:
    """What a cell grows by: ``4.3 objects`` and ``[4.0, 4.6]``; KiB have no unit here."""

    amount: str
    interval: str
    unit: str

    def __str__(self) -> str:
        return f"{self.amount} {self.interval}".rstrip()

    @property
    def per_round(self) -> str:
        """Return both with their unit: ``2.5 [-0.3, 5.9] KiB per round``."""
        return " ".join(part for part in (str(self), self.unit, "per round") if part)


def not_judged(findings: RunVerdicts, scenario: Scenario | None) -> list[str]:
    """Return all that was not judged, and why.

    Those are the unproven cells, the planned ones without any verdict (with a scenario), the tests
    of fstests that did not run, and counts of objects of clean cells and beside leaks.
    """
    planned = missing_cells(findings, scenario) if scenario else ()
    missing = [f"{cell.id}: planned, not run" for cell in planned]
    open_ = [
        f"{verdict.cell.id}: clean, but {said}"
        for verdict in findings.cells
        if (said := open_counts(verdict))
    ]
    beside = [
        f"{verdict.cell.id}: {verdict.verdict.value}, and {said}"
        for verdict in findings.cells
        if (said := counts_beside(verdict))
    ]
    return [*unproven_cells(findings), *missing, *_not_run(findings), *open_, *beside]


def open_counts(verdict: CellVerdict) -> str:
    """Return in which counts of objects of a clean cell no leak is excluded; "" for none."""
    because = judged_reason(verdict.because)
    if not isinstance(because, GrowthExcluded) or because.objects is None:
        return ""
    bound = because.objects.bound
    if not (said := open_counts_text(because.objects)):
        return ""
    counts = f"{bound.series - bound.excluded} of {bound.series} counts"
    return f"a leak of {objects(bound.limit)} a round is not excluded in {counts}: {said}"


def counts_beside(verdict: CellVerdict) -> str:
    """Return which counts of objects may have grown in a cell that leaks something; "" for none."""
    if verdict.verdict is not Verdict.LEAK:
        return ""
    told = [
        f"{series_name(series)} {count_number(of.rate)} {count_interval(of.ci95)}"
        for series, of in verdict.objects.items()
        if not of.grew and of.ci95[0] > 0.0
    ]
    if not told:
        return ""
    return (
        f"more may have grown, which is not proven, in objects a round: {first_few(told, _COUNTS)}"
    )


def unproven_cells(findings: RunVerdicts) -> list[str]:
    """Return a line for each cell that could not be judged, with its reason."""
    return [
        f"{verdict.cell.id}: {reason_text(verdict.because)}"
        for verdict in findings.cells
        if verdict.verdict is Verdict.UNPROVEN
    ]


def _not_run(findings: RunVerdicts) -> list[str]:
    """Return a line for each cell in which tests of fstests did not run, or nobody knows."""
    said = []
    for cell, tests in findings.tests.items():
        for status in (CheckStatus.NOT_RUN, CheckStatus.EXPUNGED, CheckStatus.LOST):
            names = [str(test.id) for test in tests if test.status is status]
            if names:
                said.append(f"{cell.id}: {status.value}: {first_few(names, _NAMED)}")
    return said


def verdict_counts(findings: RunVerdicts, scenario: Scenario) -> str:
    """Return how many cells have which verdict, worst first: ``7 cells: 2 leak, 5 clean``."""
    missing = len(missing_cells(findings, scenario))
    total = len(findings.cells) + missing
    parts = [
        f"{count} {verdict.value}"
        for verdict in SEVERITY
        if (count := sum(cell.verdict is verdict for cell in findings.cells))
    ]
    parts += [f"{missing} not run"] if missing else []
    return f"{total} cell{'' if total == 1 else 's'}: {', '.join(parts) or 'none'}"


def findings_headline(findings: RunVerdicts, scenario: Scenario) -> str:
    """Return what was found, in a few words for a subject: ``leak in 2, surge in 1 of 7 cells``."""
    total = len(findings.cells) + len(missing_cells(findings, scenario))
    open_ = total - sum(cell.verdict is not Verdict.UNPROVEN for cell in findings.cells)
    found = [
        f"{verdict.value} in {count}"
        for verdict in SEVERITY[:3]
        if (count := sum(cell.verdict is verdict for cell in findings.cells))
    ]
    cells = f"{total} cell{'' if total == 1 else 's'}"
    if open_ == total:
        return f"nothing judged in {cells}" if total else "no cell was run"
    words = f"{', '.join(found) or 'nothing found'} {'of' if found else 'in'} {cells}"
    return f"{words}, {open_} not judged" if open_ else words


def verdict_label(verdict: CellVerdict) -> str:
    """Return a verdict, with the outcome where it did not simply pass: ``broken (hung)``."""
    if verdict.outcome is Outcome.PASSED:
        return verdict.verdict.value
    return f"{verdict.verdict.value} ({verdict.outcome.value})"


def signatures_label(verdict: CellVerdict) -> str:
    """Return a verdict's signature, and what leaks beside: ``page-cache-reference, object 300``.

    Where objects alone grew, it is with the count's name: ``object in kmalloc-64``.
    """
    if verdict.signature is None:
        return ""
    if (grew := grown_objects(verdict.because)) is not None:
        return f"{verdict.signature.value} in {grew.series.name}"
    beside = [
        f"{signature.value} {number(kib)}"
        for name, kib in leaking_kib(verdict.classes).items()
        if (signature := TRAITS[name].signature) not in (None, verdict.signature)
    ]
    return ", ".join([verdict.signature.value, *beside])


def counted_reason(verdict: CellVerdict) -> ObjectsGrew | ObjectsSuspected | None:
    """Return the count of objects that a verdict rests on; None where that is KiB."""
    because = judged_reason(verdict.because)
    return because if isinstance(because, ObjectsGrew | ObjectsSuspected) else None


def growth(verdict: CellVerdict) -> WordedRate:
    """Return what a cell grows by: KiB, or objects where its verdict rests on these alone."""
    counted = counted_reason(verdict)
    if counted is not None:
        return WordedRate(
            amount=objects(counted.rate), interval=count_interval(counted.ci95), unit=""
        )
    return WordedRate(
        amount=number(verdict.rate_kib_per_round),
        interval=interval(verdict.rate_ci95_kib),
        unit="KiB",
    )


def factor_label(value: bool | None) -> str:
    """Return a factor's standing in one word or two."""
    return {True: "matters", False: "acquitted", None: "cannot tell"}[value]


def top_growth_text(found: ClassRate) -> str:
    """Return what inside a class grew most: ``btrfs_inode +120, kmalloc-64 +8 KiB``."""
    return ", ".join(f"{name} {number(kib)}" for name, kib in found.top[:3])


def factor_reason(factor: Factor) -> str:
    """Return what decides a factor, or what keeps it open."""
    axis = factor.factor
    match factor.reason:
        case FactorReason.ONE_VALUE:
            only = "".join(f" ({one.cell.value(axis)})" for one in factor.verdicts)
            said = f"only one value was run{only}"
        case FactorReason.NO_CELL_RUN:
            said = "no cell was run"
        case FactorReason.NOTHING_GUILTY:
            said = "no cell is guilty of anything"
        case FactorReason.UNPROVEN:
            (one,) = factor.verdicts
            said = f"{one.cell.id} would tell, but is unproven: {reason_text(one.because)}"
        case FactorReason.NO_PAIR:
            missing = factor.missing.id if factor.missing is not None else "no cell"
            said = f"no judged pair differs in it alone; {missing} would tell"
        case _:
            said = _of_pair(factor)
    return said


def _of_pair(factor: Factor) -> str:
    first, second = factor.verdicts
    axis, guilt = factor.factor, kind_label(*kind(first))
    one, other = (f"{axis.value} {verdict.cell.value(axis)}" for verdict in (first, second))
    equal = ", ".join(first.cell.value(others) for others in Axis if others is not axis)
    equal = f", all else equal ({equal})"
    match factor.reason:
        case FactorReason.GUILTY_UNLIKE:
            unlike = kind_label(*kind(second))
            return f"{one} is {guilt} and {other} is {unlike}: not the same{equal}"
        case FactorReason.RATES_OVERLAP:
            counted = grown_objects(first.because) is not None
            uncounted = counted and second.object_bound is None
            settle = _NOT_EXACT if uncounted else _MORE_ROUNDS
            innocent = _innocent(second)
            return f"{one} is {guilt}, {other} is {innocent}, but may leak as much{equal}: {settle}"
        case FactorReason.GUILTY_ALIKE:
            said = f"{one} and {other} are both {guilt}{equal}"
        case _:
            said = f"{one} is {guilt}, {other} is {_innocent(second)}{equal}"
    more = len(factor.evidence) - 1
    if more > 1:
        return f"{said}; so say {more} more pairs"
    return f"{said}; so says 1 more pair" if more else said


def _innocent(verdict: CellVerdict) -> str:
    of_other = isinstance(verdict.because, OtherFault)
    return beside(verdict) if of_other else verdict.verdict.value


def open_factors(factors: Iterable[Factor]) -> list[str]:
    """Return what keeps factors open, a line each: ``mkfs: only one value was run (default)``."""
    return [f"{factor.factor.value}: {factor_reason(factor)}" for factor in factors]
