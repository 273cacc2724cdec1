"""The cells of a run whose workload is fstests: findings, verdicts, and what is left to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anyclue.fstests.core.known_failures import read_known_failures
from anyclue.fstests.core.model import CheckStatus, KnownFailure, TestFinding, TestPlan
from anyclue.fstests.core.plan import next_plan
from anyclue.fstests.core.verdicts import cell_verdict, findings
from anyclue.fstests.run.evidence import CellTests, gather, read_trials
from anyclue.model.artifact import ArtifactRef
from anyclue.model.recording import Recording
from anyclue.model.scenario import Cell, Scenario, TestChoice
from anyclue.model.verdict import CellVerdict
from anyclue.recordings.run_directory import RunDirectory

_ANY = TestPlan(suite=ArtifactRef(kind="", key=""), sections={}, selection=())


@dataclass(frozen=True, kw_only=True)
class TestedCells:
    """What is said of the cells of fstests; ``more`` are those with something left to run."""

    __test__ = False

    verdicts: Mapping[Cell, CellVerdict]
    tests: Mapping[Cell, tuple[TestFinding, ...]]
    more: tuple[Cell, ...]


def judge_tests(
    run: RunDirectory, scenario: Scenario, recordings: Mapping[Cell, Sequence[Recording]]
) -> TestedCells:
    """Judge the cells of fstests; the others are left out.

    Raises:
        RequestError: what a trial left is damaged.
    """
    choices = {
        cell: choice
        for cell in scenario.cells
        if (choice := scenario.workloads[cell.workload].tests) is not None
    }
    gathered = {cell: gather(read_trials(run, recordings.get(cell, ()))) for cell in choices}
    least_kib = scenario.sensitivity.leak_kib_per_round
    tests = {
        cell: findings(gathered[cell], least_kib=least_kib, known=known_failures(choice))
        for cell, choice in choices.items()
    }
    verdicts = {}
    for cell in choices:
        reference = scenario.reference_for(cell)
        there = tests.get(reference, ()) if reference else ()
        failing = frozenset(test.id for test in there if test.status is CheckStatus.FAILED)
        verdicts[cell] = cell_verdict(cell, gathered[cell], tests[cell], reference, failing)
    return TestedCells(
        verdicts=verdicts,
        tests=tests,
        more=tuple(
            cell
            for cell, choice in choices.items()
            if gathered[cell].trials and _is_left(gathered[cell], tests[cell], choice, scenario)
        ),
    )


def known_failures(choice: TestChoice) -> tuple[KnownFailure, ...]:
    """Return the known failures of a choice.

    Raises:
        RequestError: the list is not right.
    """
    return read_known_failures(choice.known_failures) if choice.known_failures else ()


def _is_left(
    gathered: CellTests, tests: Sequence[TestFinding], choice: TestChoice, scenario: Scenario
) -> bool:
    extra = scenario.limits.extra_trials
    following = next_plan(_ANY, gathered, tests, repeats=choice.repeats, extra_trials=extra)
    return following is not None
