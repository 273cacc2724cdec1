"""A verdict on every test of a recording: only repetition can call one a leak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from anyclue.fstests.core.charges import charged_floors
from anyclue.fstests.core.reasons import (
    Caveat,
    FloorGap,
    KernelReport,
    NoFloors,
    RepeatedRuns,
    TooFewRuns,
)
from anyclue.model.evaluation import EvaluatedRound, TrialEvaluation
from anyclue.model.machine_recording import MachineRecording, TestRun, TestVerdict
from anyclue.model.recording import Outcome, Reading
from anyclue.model.scenario import Cell, Sensitivity
from anyclue.model.verdict import MemoryClass, Verdict, VerdictReason
from anyclue.verdicts.classes import TRAITS, GrowthKind, of_kind
from anyclue.verdicts.evidence import CellEvidence, gather
from anyclue.verdicts.floors import MIN_FLOORS
from anyclue.verdicts.judge import Decision, decide

STEP_KIB: Final = 64.0
"""A step is worth a word when it is larger than this."""

FATAL: Final = frozenset({"kasan", "lockdep", "bug", "oops", "panic", "oom"})


def judge_test(
    runs: Sequence[TestRun],
    pairs: Sequence[tuple[Reading, Reading]],
    recorded: MachineRecording,
    *,
    guests: Sequence[Sequence[tuple[Reading, Reading]]] = (),
) -> TestVerdict:
    """Return the verdict on one test; ``pairs`` are the floors before and after its whole runs.

    With ``guests`` they were not all taken in one boot: these are the same pairs by boot.
    """
    test = runs[0].span.test
    broken = next((r.incident for r in runs if r.incident and r.incident.kind in FATAL), None)
    if broken is not None:
        because = KernelReport(incident=broken)
        return TestVerdict(test=test, runs=tuple(runs), verdict=Verdict.BROKEN, because=because)
    if len(pairs) < MIN_FLOORS:
        return TestVerdict(
            test=test, runs=tuple(runs), verdict=Verdict.UNPROVEN, because=_too_few(runs, recorded)
        )
    quiesced = all(run.quiesced for run in runs if run.step_kib is not None)
    series = [charged_floors(of_one, quiesced=quiesced) for of_one in guests or (pairs,)]
    evidence = _evidence(test, series, recorded)
    found = decide(Sensitivity(), evidence)
    caveat = _caveat(found, quiesced=quiesced)
    verdict = found.verdict if caveat is None else Verdict.UNPROVEN
    carrier = evidence.growth.get(found.carrier) if found.rate_known else None
    return TestVerdict(
        test=test,
        runs=tuple(runs),
        verdict=verdict,
        because=RepeatedRuns(statistics=found.because, caveat=caveat),
        rate_kib_per_run=carrier.rate if carrier else None,
        rate_ci95_kib=carrier.interval if carrier else None,
        signature=found.signature if verdict is Verdict.LEAK else None,
    )


def _evidence(
    test: str, series: Sequence[Sequence[Reading]], recorded: MachineRecording
) -> CellEvidence:
    machine = recorded.machine
    cell = Cell(kernel=machine.release, machine=machine.host, mkfs="", mount="", workload=test)
    recordings = [
        TrialEvaluation(
            cell=cell,
            trial=trial,
            outcome=Outcome.PASSED,
            detail="",
            ram_kib=0,
            rounds=tuple(
                EvaluatedRound(number=k, floor=floor) for k, floor in enumerate(floors, start=1)
            ),
        )
        for trial, floors in enumerate(series, start=1)
    ]
    return gather(cell, recordings, None, None)


def _caveat(found: Decision, *, quiesced: bool) -> Caveat | None:
    """Call nothing a leak that reclaim was never asked for, or that belongs to processes."""
    if found.verdict is not Verdict.LEAK:
        return None
    if TRAITS[found.carrier].kind is GrowthKind.USER:
        return Caveat.OTHER_WORK
    return None if quiesced else Caveat.NOT_QUIESCED


def _too_few(runs: Sequence[TestRun], recorded: MachineRecording) -> VerdictReason:
    steps = [step for run in runs if (step := run.step_kib) is not None]
    if not steps:
        return NoFloors(gap=_gap(runs[-1], recorded))
    step = sum(steps) / len(steps)
    return TooFewRuns(
        runs=len(steps),
        enough=MIN_FLOORS + 2,
        step_kib=0.0 if -STEP_KIB < step <= STEP_KIB else step,
        memory_class=grown_class([run for run in runs if run.step_kib is not None]),
    )


def _gap(last: TestRun, recorded: MachineRecording) -> FloorGap:
    if last.span.joined:
        return FloorGap.BEGUN_BEFORE
    if last.span.end_s is None:
        return FloorGap.CUT_SHORT if recorded.ended is None else FloorGap.RECORDING_ENDED
    return FloorGap.TOO_FEW_SAMPLES


def grown_class(runs: Sequence[TestRun]) -> MemoryClass | None:
    """Return the class that grew most over some runs; caches and processes are left out."""
    totals = {c: sum(run.classes.get(c, 0.0) for run in runs) for c in of_kind(GrowthKind.KERNEL)}
    best = max(totals, key=lambda c: totals[c])
    return best if totals[best] > STEP_KIB else None
