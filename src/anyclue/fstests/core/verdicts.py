"""From what the trials say of each test to findings, and to the verdict of the cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from anyclue.fstests.core.begun_tests import first_day
from anyclue.fstests.core.evidence import CellTests, TestEvidence
from anyclue.fstests.core.known_failures import applies_to, match_known_failures
from anyclue.fstests.core.memory_verdict import MemoryVerdict, judge_memory
from anyclue.fstests.core.model import (
    WORST_FIRST,
    CheckResult,
    CheckStatus,
    KnownFailure,
    KnownFailureMatch,
    TestFinding,
    TestId,
)
from anyclue.fstests.core.reasons import (
    BrokenTest,
    EndUnknown,
    LeakingTest,
    NoTestRan,
    TestsOfCell,
)
from anyclue.fstests.core.refusals import refusal_of
from anyclue.model.machine_recording import TestVerdict
from anyclue.model.recording import EndState, Incident, Outcome, gravest_incident
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.verdicts.evidence import SEVERITY

_DEAD: Final = frozenset({Outcome.CRASHED, Outcome.HUNG, Outcome.OOM, Outcome.CORRUPT})


def findings(
    cell_tests: CellTests, *, least_kib: float, known: Sequence[KnownFailure] = ()
) -> tuple[TestFinding, ...]:
    """Return what is said of each test; ``known`` are failures that are no news."""
    found = [_finding(evidence, least_kib) for evidence in cell_tests.tests]
    if not known or not cell_tests.trials:
        return tuple(found)
    recording = cell_tests.trials[0].recording
    match = match_known_failures(
        [result for evidence in cell_tests.tests for result in evidence.results],
        known,
        kernel=str(recording.provenance.get("release", "")),
        today=first_day(recording.kernel_log),
    )
    return tuple(_with_known_failures(found, match))


def _with_known_failures(
    found: Sequence[TestFinding], match: KnownFailureMatch
) -> Iterator[TestFinding]:
    """Give the findings with the known failures that excuse them, and those that no longer hold."""
    excused = {(r.section, r.test): entry for r, entry in match.known}
    passed = {(r.section, r.test): entry for r, entry in match.passed}
    for finding in found:
        section, test = finding.id.section, finding.id.test
        yield replace(
            finding,
            known=excused.get((section, test)),
            expired=tuple(e for e in match.expired if applies_to(e, test, section)),
            known_but_passed=passed.get((section, test)),
        )


def _finding(evidence: TestEvidence, least_kib: float) -> TestFinding:
    worst = _worst(evidence)
    memory = judge_memory(evidence, least_kib) if _ran(evidence.results) else MemoryVerdict()
    status = worst.status if worst else CheckStatus.LOST
    return TestFinding(
        id=evidence.id,
        status=status,
        reason=worst.reason if worst else "it was not reached",
        results=tuple(evidence.results),
        memory=_of_a_whole_run(memory.verdict, status),
        alone=memory.alone,
        after=memory.after,
        wants_group=memory.wants_group,
        killed=evidence.killed,
        disagreements=tuple(dict.fromkeys(evidence.disagreements)),
        refusal=refusal_of(worst) if worst else None,
    )


def _of_a_whole_run(memory: TestVerdict | None, status: CheckStatus) -> TestVerdict | None:
    """Return a verdict on memory: of a test that may have ended early, none that is clean."""
    if memory is None or status is not CheckStatus.LOST or memory.verdict is not Verdict.CLEAN:
        return memory
    return replace(memory, verdict=Verdict.UNPROVEN, because=EndUnknown(memory=memory.because))


def _worst(evidence: TestEvidence) -> CheckResult | None:
    """Return the worst result; one that the host lost does not count beside any other."""
    results: Sequence[CheckResult] = evidence.results
    if not _is_dead(evidence.killed):
        results = [r for r in results if r.status is not CheckStatus.LOST] or results
    return min(results, key=lambda result: WORST_FIRST.index(result.status), default=None)


def _is_dead(killed: EndState | None) -> bool:
    return killed is not None and killed.outcome in _DEAD


def _ran(results: Sequence[CheckResult]) -> bool:
    return any(result.status.ran for result in results)


def cell_verdict(
    cell: Cell,
    cell_tests: CellTests,
    tests: Sequence[TestFinding],
    reference: Cell | None,
    failing_there: frozenset[TestId],
) -> CellVerdict:
    """Return the verdict of a cell from its tests.

    A test that fails in the reference too (``failing_there``) is not held against the cell.
    """
    by_verdict: dict[Verdict, list[TestFinding]] = {verdict: [] for verdict in Verdict}
    for test in tests:
        if verdict := verdict_in_cell(test, failing_there, is_reference=reference is None):
            by_verdict[verdict].append(test)
    verdict = next(
        (
            v
            for v in (Verdict.LEAK, Verdict.BROKEN, Verdict.UNPROVEN, Verdict.CLEAN)
            if by_verdict[v]
        ),
        Verdict.UNPROVEN,
    )
    worst = worst_leak(tests)
    memory = worst.memory if worst else None
    incident = gravest_incident(map(_incident, tests))
    return CellVerdict(
        cell=cell,
        outcome=_outcome(cell_tests, tests, by_verdict[Verdict.BROKEN]),
        verdict=verdict,
        because=_because(by_verdict, tests) if tests else _no_test_ran(cell_tests),
        rate_kib_per_round=memory.rate_kib_per_run if memory else None,
        rate_ci95_kib=memory.rate_ci95_kib if memory else None,
        signature=memory.signature if memory else None,
        signature_detail=_leaking(worst) if worst else None,
        classes={},
        rounds=sum(len(trial.record.calls) for trial in cell_tests.trials),
        warm_up=0,
        trials=len(cell_tests.trials),
        reference=reference,
        incident=incident,
    )


def worst_leak(tests: Sequence[TestFinding]) -> TestFinding | None:
    """Return the test that leaks most; None where none leaks."""
    leaks = [test for test in tests if test.memory and test.memory.verdict is Verdict.LEAK]
    return max(leaks, key=_rate, default=None)


def verdict_in_cell(
    test: TestFinding, failing_there: frozenset[TestId], *, is_reference: bool
) -> Verdict | None:
    """Return how one test counts in its cell; None when it was not to run."""
    if not test.status.ran and not test.disagreements:
        return None
    memory = test.memory.verdict if test.memory else Verdict.UNPROVEN
    if memory in {Verdict.LEAK, Verdict.BROKEN}:
        return memory
    if _is_dead(test.killed):
        return Verdict.BROKEN
    if test.is_new_failure and test.id not in failing_there and not is_reference:
        return Verdict.BROKEN
    return Verdict.UNPROVEN if test.disagreements else memory


def _rate(test: TestFinding) -> float:
    return (test.memory.rate_kib_per_run or 0.0) if test.memory else 0.0


def _incident(test: TestFinding) -> Incident | None:
    grave = {Verdict.BROKEN, Verdict.LEAK}
    runs = test.memory.runs if test.memory and test.memory.verdict in grave else ()
    incident = gravest_incident(run.incident for run in runs)
    return incident if incident is not None and incident.breaks else None


def _outcome(
    cell_tests: CellTests, tests: Sequence[TestFinding], broken: Sequence[TestFinding]
) -> Outcome:
    outcomes = {trial.recording.outcome for trial in cell_tests.trials}
    if not any(_ran(test.results) for test in tests):
        outcomes = outcomes - {Outcome.PASSED} or {Outcome.NOT_RUN}
    elif broken:
        outcomes |= {Outcome.FAILED}
    return next((o for o in SEVERITY if o in outcomes), Outcome.NOT_RUN)


def _because(
    by_verdict: Mapping[Verdict, Sequence[TestFinding]], tests: Sequence[TestFinding]
) -> TestsOfCell:
    def of_status(status: CheckStatus) -> tuple[TestId, ...]:
        return tuple(test.id for test in tests if test.status is status)

    return TestsOfCell(
        counted=sum(map(len, by_verdict.values())),
        leaking=tuple(map(_leaking, by_verdict[Verdict.LEAK])),
        broken=tuple(map(_broken, by_verdict[Verdict.BROKEN])),
        clean=len(by_verdict[Verdict.CLEAN]),
        unproven=tuple(test.id for test in by_verdict[Verdict.UNPROVEN]),
        not_run=of_status(CheckStatus.NOT_RUN),
        expunged=of_status(CheckStatus.EXPUNGED),
    )


def _no_test_ran(cell_tests: CellTests) -> NoTestRan:
    recordings = [trial.recording for trial in cell_tests.trials]
    details = dict.fromkeys(r.detail for r in recordings if r.outcome is not Outcome.PASSED)
    return NoTestRan(details=tuple(details))


def _leaking(test: TestFinding) -> LeakingTest:
    return LeakingTest(test=test.id, after=test.after, rate_kib=_rate(test) or None)


def _broken(test: TestFinding) -> BrokenTest:
    memory = test.memory
    return BrokenTest(
        test=test.id,
        killed=test.killed,
        memory=memory.because if memory and memory.verdict is Verdict.BROKEN else None,
        reason=test.reason,
    )
