"""How reports of a run word its verdicts and factors."""

from __future__ import annotations

from anyclue.fstests.core.model import CheckStatus
from anyclue.fstests.render.reasons import reason_text
from anyclue.hunt.model import RunVerdicts
from anyclue.hunt.render.selection import never_ran
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Scenario
from anyclue.model.verdict import CellVerdict, ClassRate, Verdict
from anyclue.report.words import SEVERITY, number

_NAMED = 10


def not_judged(findings: RunVerdicts, scenario: Scenario | None) -> list[str]:
    """Return all that was not judged, and why.

    Those are the unproven cells, the planned ones without any verdict (with a scenario), and the
    tests of fstests that did not run.
    """
    unproven = [
        f"{verdict.cell.id}: {reason_text(verdict.because)}"
        for verdict in findings.cells
        if verdict.verdict is Verdict.UNPROVEN
    ]
    planned = never_ran(findings, scenario) if scenario else ()
    missing = [f"{cell.id}: planned, not run" for cell in planned]
    return [*unproven, *missing, *_not_run(findings)]


def _not_run(findings: RunVerdicts) -> list[str]:
    """Return a line for each cell in which tests of fstests did not run, or nobody knows."""
    said = []
    for cell, tests in findings.tests.items():
        for status in (CheckStatus.NOT_RUN, CheckStatus.EXPUNGED, CheckStatus.LOST):
            names = [str(test.id) for test in tests if test.status is status]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            if names:
                said.append(f"{cell.id}: {status.value}: {', '.join(names[:_NAMED])}{more}")
    return said


def counts(findings: RunVerdicts, scenario: Scenario) -> str:
    """Return how many cells have which verdict, worst first: ``7 cells: 2 leak, 5 clean``."""
    missing = len(never_ran(findings, scenario))
    total = len(findings.cells) + missing
    parts = [
        f"{count} {verdict.value}"
        for verdict in SEVERITY
        if (count := sum(cell.verdict is verdict for cell in findings.cells))
    ]
    parts += [f"{missing} not run"] if missing else []
    return f"{total} cell{'' if total == 1 else 's'}: {', '.join(parts) or 'none'}"


def headline(findings: RunVerdicts, scenario: Scenario) -> str:
    """Return what was found, in a few words for a subject: ``leak in 2, surge in 1 of 7 cells``."""
    total = len(findings.cells) + len(never_ran(findings, scenario))
    open_ = total - sum(cell.verdict is not Verdict.UNPROVEN for cell in findings.cells)
    found = [
        f"{verdict.value} in {count}"
        for verdict in SEVERITY[:3]
        if (count := sum(cell.verdict is verdict for cell in findings.cells))
    ]
    words = f"{', '.join(found) or 'nothing found'} {'of' if found else 'in'} {total} cells"
    return f"{words}, {open_} not judged" if open_ else words


def standing(verdict: CellVerdict) -> str:
    """Return a verdict, with the outcome where it did not simply pass: ``broken (hung)``."""
    if verdict.outcome is Outcome.PASSED:
        return verdict.verdict.value
    return f"{verdict.verdict.value} ({verdict.outcome.value})"


def matters(value: bool | None) -> str:
    """Return a factor's standing in one word or two."""
    return {True: "matters", False: "acquitted", None: "cannot tell"}[value]


def top_of(found: ClassRate) -> str:
    """Return what inside a class grew most: ``btrfs_inode +120, kmalloc-64 +8 KiB``."""
    return ", ".join(f"{name} {number(kib)}" for name, kib in found.top[:3])
