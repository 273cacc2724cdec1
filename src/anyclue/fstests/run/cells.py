"""The cells of a run whose workload is fstests: findings, verdicts, and what is left to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from anyclue.fstests.core.evidence import CellTests, Trial, gather
from anyclue.fstests.core.known_failures import read_known_failures
from anyclue.fstests.core.model import CheckStatus, TestFinding, TestPlan
from anyclue.fstests.core.plan import next_plan
from anyclue.fstests.core.verdicts import cell_verdict, findings
from anyclue.fstests.run.journal import read_trial
from anyclue.model.artifact import ArtifactRef
from anyclue.model.scenario import Cell, Scenario, TestChoice
from anyclue.model.verdict import CellVerdict
from anyclue.recordings.evaluations import TrialCache
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import read_recording

_ANY_PLAN = TestPlan(suite=ArtifactRef(kind="", key=""), sections={}, selection=())


@dataclass(frozen=True, kw_only=True)
class TestedCells:
    """What is said of the cells of fstests; ``more`` are those with something left to run."""

    __test__ = False

    verdicts: Mapping[Cell, CellVerdict]
    tests: Mapping[Cell, tuple[TestFinding, ...]]
    more: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class CellFindings:
    """What the trials of a cell say of its tests, and what that was made with."""

    cell_tests: CellTests
    tests: tuple[TestFinding, ...]
    choice: TestChoice
    least_kib: float

    def next_plan(self, base: TestPlan, extra_trials: int) -> TestPlan | None:
        """Return what the next trial runs; None when nothing is left to do."""
        repeats = self.choice.repeats
        return next_plan(
            base, self.cell_tests, self.tests, repeats=repeats, extra_trials=extra_trials
        )


class TestsJudge:
    """Judges the cells of a run that run fstests; what a trial did is read once."""

    __test__ = False

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._trials = TrialCache(_read_trial)
        self._findings: dict[Cell, CellFindings] = {}

    def judge(self, scenario: Scenario) -> TestedCells:
        """Judge the cells of fstests; the others are left out.

        Raises:
            RequestError: what a trial left is damaged.
        """
        found = {
            cell: of_cell
            for cell in scenario.cells
            if (of_cell := self.findings(scenario, cell)) is not None
        }
        verdicts = {}
        for cell, own in found.items():
            reference = scenario.reference_for(cell)
            there = found[reference].tests if reference in found else ()
            failing = frozenset(test.id for test in there if test.status is CheckStatus.FAILED)
            verdicts[cell] = cell_verdict(cell, own.cell_tests, own.tests, reference, failing)
        extra = scenario.limits.extra_trials
        return TestedCells(
            verdicts=verdicts,
            tests={cell: own.tests for cell, own in found.items()},
            more=tuple(
                cell
                for cell, own in found.items()
                if own.cell_tests.trials and own.next_plan(_ANY_PLAN, extra) is not None
            ),
        )

    def findings(self, scenario: Scenario, cell: Cell) -> CellFindings | None:
        """Return what the trials of a cell say of its tests; None where it runs no fstests.

        Raises:
            RequestError: what a trial left is damaged, or the list of known failures is not right.
        """
        choice = scenario.workloads[cell.workload].tests
        if choice is None:
            return None
        trials = tuple(map(self._trials.of, self._run.trials(cell)))
        least_kib = scenario.sensitivity.leak_kib_per_round
        before = self._findings.get(cell)
        if (
            before is None
            or (before.choice, before.least_kib) != (choice, least_kib)
            or tuple(map(id, before.cell_tests.trials)) != tuple(map(id, trials))
        ):
            known = read_known_failures(choice.known_failures or "")
            cell_tests = gather(trials)
            before = self._findings[cell] = CellFindings(
                cell_tests=cell_tests,
                tests=findings(cell_tests, least_kib=least_kib, known=known),
                choice=choice,
                least_kib=least_kib,
            )
        return before


def _read_trial(directory: Path) -> Trial:
    return read_trial(directory, read_recording(directory))
