"""The cells of a run whose workload is fstests: findings, verdicts, and what is left to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from anyclue.fstests.core.evidence import CellTests, Trial, gather
from anyclue.fstests.core.known_failures import read_known_failures
from anyclue.fstests.core.model import CheckStatus, KnownFailure, TestFinding, TestPlan
from anyclue.fstests.core.plan import next_plan
from anyclue.fstests.core.verdicts import cell_verdict, findings
from anyclue.fstests.run.journal import read_trial
from anyclue.model.artifact import ArtifactRef
from anyclue.model.scenario import Cell, Scenario, TestChoice
from anyclue.model.verdict import CellVerdict
from anyclue.recordings.evaluations import Stamp, stamp_of
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


class TestsJudge:
    """Judges the cells of a run that run fstests; what a trial did is read once."""

    __test__ = False

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._trials: dict[Path, tuple[Stamp, Trial]] = {}
        self._findings: dict[Cell, _CellFindings] = {}

    def judge(self, scenario: Scenario) -> TestedCells:
        """Judge the cells of fstests; the others are left out.

        Raises:
            RequestError: what a trial left is damaged.
        """
        choices = {
            cell: choice
            for cell in scenario.cells
            if (choice := scenario.workloads[cell.workload].tests) is not None
        }
        found = {cell: self._found(scenario, cell, choice) for cell, choice in choices.items()}
        verdicts = {}
        for cell, own in found.items():
            reference = scenario.reference_for(cell)
            there = found[reference].tests if reference in found else ()
            failing = frozenset(test.id for test in there if test.status is CheckStatus.FAILED)
            verdicts[cell] = cell_verdict(cell, own.cell_tests, own.tests, reference, failing)
        return TestedCells(
            verdicts=verdicts,
            tests={cell: own.tests for cell, own in found.items()},
            more=tuple(
                cell
                for cell, own in found.items()
                if own.cell_tests.trials and _is_left(own, choices[cell], scenario)
            ),
        )

    def _found(self, scenario: Scenario, cell: Cell, choice: TestChoice) -> _CellFindings:
        trials = tuple(self._trial(directory) for directory in self._run.trials(cell))
        known = known_failures(choice)
        least_kib = scenario.sensitivity.leak_kib_per_round
        before = self._findings.get(cell)
        if (
            before is None
            or (before.known, before.least_kib) != (known, least_kib)
            or tuple(map(id, before.cell_tests.trials)) != tuple(map(id, trials))
        ):
            cell_tests = gather(trials)
            before = self._findings[cell] = _CellFindings(
                cell_tests=cell_tests,
                tests=findings(cell_tests, least_kib=least_kib, known=known),
                known=known,
                least_kib=least_kib,
            )
        return before

    def _trial(self, directory: Path) -> Trial:
        stamp = stamp_of(directory)
        kept = self._trials.get(directory)
        if kept is None or kept[0] != stamp:
            trial = read_trial(directory, read_recording(directory))
            kept = self._trials[directory] = (stamp, trial)
        return kept[1]


@dataclass(frozen=True, kw_only=True)
class _CellFindings:
    """What the trials of a cell say of its tests, and what that was made with."""

    cell_tests: CellTests
    tests: tuple[TestFinding, ...]
    known: tuple[KnownFailure, ...]
    least_kib: float


def known_failures(choice: TestChoice) -> tuple[KnownFailure, ...]:
    """Return the known failures of a choice.

    Raises:
        RequestError: the list is not right.
    """
    return read_known_failures(choice.known_failures) if choice.known_failures else ()


def _is_left(found: _CellFindings, choice: TestChoice, scenario: Scenario) -> bool:
    extra = scenario.limits.extra_trials
    following = next_plan(
        _ANY_PLAN, found.cell_tests, found.tests, repeats=choice.repeats, extra_trials=extra
    )
    return following is not None
