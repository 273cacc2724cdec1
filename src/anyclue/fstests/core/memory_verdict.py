"""The verdict on what a test did to memory: only repetition can call it a leak.

A leak is a step between two quiesced floors. Where no class of the kernel's memory was higher after
a test, it leaked nothing; where one was, only repetition tells a leak from a one-time cost. And
where a class fell, a leak of that class may be hidden: unless the run just before it, of the same
test, took what it gave back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from anyclue.fstests.core.charges import ChargedRun, charged_floors, rise_kib
from anyclue.fstests.core.evidence import TestEvidence, last_in_a_row
from anyclue.fstests.core.model import TestId
from anyclue.fstests.core.reasons import (
    Caveat,
    ClassFell,
    CleanAlone,
    FloorGap,
    KernelReport,
    NoClassRose,
    NoFloors,
    RepeatedRuns,
    RoseBehindOthers,
    RoseOnce,
    TooFewRuns,
)
from anyclue.model.evaluation import EvaluatedRound, TrialEvaluation
from anyclue.model.machine_recording import MachineRecording, TestRun, TestVerdict
from anyclue.model.recording import IncidentKind, Outcome, Reading, gravest_incident
from anyclue.model.scenario import Cell, Sensitivity
from anyclue.model.verdict import MemoryClass, Verdict, VerdictReason
from anyclue.verdicts.classes import TRAITS, GrowthKind, of_kind
from anyclue.verdicts.evidence import CellEvidence, gather
from anyclue.verdicts.floors import MIN_FLOORS
from anyclue.verdicts.judge import Decision, decide

STEP_KIB: Final = 64.0
"""A step is worth a word when it is larger than this."""

_WORSE: Final = (
    *(Verdict.BROKEN, Verdict.LEAK, Verdict.SURGE),
    *(Verdict.UNPROVEN, Verdict.CACHE, Verdict.CLEAN),
)


@dataclass(frozen=True, kw_only=True)
class MemoryVerdict:
    """What is said of a test's memory.

    Attributes:
        verdict: the verdict on it; None where it did not run.
        alone: whether it leaks by itself.
        after: the tests before it where it leaks, without which it is clean.
        wants_group: whether only a repetition together with them can tell.
    """

    verdict: TestVerdict | None = None
    alone: bool = False
    after: tuple[TestId, ...] = ()
    wants_group: bool = False


def judge_memory(evidence: TestEvidence, least_kib: float) -> MemoryVerdict:
    """Return the worse of the verdicts alone and among others.

    A test that is clean alone may leak by what a test before it left behind. It is suspected of
    that when it grew more behind others than in any run alone: a one-time cost is paid there, too.
    """
    alone = _alone(evidence, least_kib) if evidence.guests else None
    if not evidence.among:
        if alone is not None and alone.verdict is Verdict.CLEAN and _is_more(evidence, least_kib):
            because = RoseBehindOthers(
                behind_others_kib=evidence.rise_listed or 0.0, alone_kib=evidence.rise_alone or 0.0
            )
            unproven = replace(alone, verdict=Verdict.UNPROVEN, because=because)
            return MemoryVerdict(verdict=unproven, wants_group=True)
        return MemoryVerdict(verdict=alone, alone=_leaks(alone))
    among = _repeated(evidence, evidence.among)
    if alone is None:
        return MemoryVerdict(verdict=among)
    if alone.verdict is Verdict.CLEAN and among.verdict is Verdict.LEAK:
        needs_others = replace(among, because=CleanAlone(among=among.because))
        return MemoryVerdict(verdict=needs_others, after=evidence.before)
    undecided = alone.verdict is Verdict.CLEAN and among.verdict is Verdict.UNPROVEN
    if undecided and not _is_more(evidence, least_kib):
        return MemoryVerdict(verdict=alone)  # it was in the group for another test's sake
    worse = min(alone, among, key=_worse)
    return MemoryVerdict(verdict=worse, alone=_leaks(alone), wants_group=undecided)


def _leaks(alone: TestVerdict | None) -> bool:
    return alone is not None and alone.verdict is Verdict.LEAK


def _worse(verdict: TestVerdict) -> int:
    return _WORSE.index(verdict.verdict)


def _is_more(evidence: TestEvidence, least_kib: float) -> bool:
    listed, alone = evidence.rise_listed, evidence.rise_alone
    return listed is not None and alone is not None and listed - alone >= least_kib


def _alone(evidence: TestEvidence, least_kib: float) -> TestVerdict:
    # What it did behind other tests is not what it does alone, where it ran alone often enough.
    for guests in (evidence.alone, evidence.guests):
        if any(sum(run.floors is not None for run in guest) >= MIN_FLOORS for guest in guests):
            return _repeated(evidence, guests)
    runs = [of for guest in evidence.guests for of in last_in_a_row(guest)]
    verdicts = [judge_once(run, before=before, least_kib=least_kib) for run, before in runs]
    return min(verdicts, key=_worse)


def _repeated(evidence: TestEvidence, guests: Sequence[Sequence[ChargedRun]]) -> TestVerdict:
    assert evidence.recorded is not None  # noqa: S101 - a run has a recording
    return judge_test(guests, evidence.recorded)


def judge_test(boots: Sequence[Sequence[ChargedRun]], recorded: MachineRecording) -> TestVerdict:
    """Return the verdict on one test from its runs, boot by boot."""
    runs = [charged.run for boot in boots for charged in boot]
    test = runs[0].span.test
    reported = gravest_incident(run.incident for run in runs)
    if reported is not None and reported.breaks:
        because = KernelReport(incident=reported)
        broken = TestVerdict(test=test, runs=tuple(runs), verdict=Verdict.BROKEN, because=because)
        if reported.kind is not IncidentKind.LEAK:
            return broken
        # The floors may prove what the kernel says, and how much it is.
        leak = _from_floors(runs, boots, recorded)
        return leak if leak.verdict is Verdict.LEAK else broken
    return _from_floors(runs, boots, recorded)


def _from_floors(
    runs: Sequence[TestRun], boots: Sequence[Sequence[ChargedRun]], recorded: MachineRecording
) -> TestVerdict:
    test = runs[0].span.test
    pairs = [[charged.floors for charged in boot if charged.floors] for boot in boots]
    if sum(map(len, pairs)) < MIN_FLOORS:
        return TestVerdict(
            test=test, runs=tuple(runs), verdict=Verdict.UNPROVEN, because=_too_few(runs, recorded)
        )
    quiesced = all(run.quiesced for run in runs if run.step_kib is not None)
    series = [charged_floors(of_boot, quiesced=quiesced) for of_boot in pairs if of_boot]
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


def judge_once(run: TestRun, *, least_kib: float, before: TestRun | None = None) -> TestVerdict:
    """Return the verdict on a single run; ``least_kib`` is the smallest leak that matters.

    ``before`` is the run of the same test that came just before it, if one did.
    """
    verdict, because = _judged(run, before, least_kib)
    return TestVerdict(test=run.span.test, runs=(run,), verdict=verdict, because=because)


def _judged(
    run: TestRun, before: TestRun | None, least_kib: float
) -> tuple[Verdict, VerdictReason]:
    if run.incident and run.incident.breaks:
        return Verdict.BROKEN, KernelReport(incident=run.incident)
    step, highest = run.step_kib, rise_kib(run)
    if step is None or highest is None:
        return Verdict.UNPROVEN, NoFloors(gap=FloorGap.NOT_ENDED)
    fallen = _fallen(run, before, least_kib)
    if fallen is not None:
        return Verdict.UNPROVEN, ClassFell(memory_class=fallen, kib=-run.classes[fallen])
    other = run.classes.get(MemoryClass.OTHER_COUNTED, 0.0)
    if highest < least_kib <= other:
        because = RoseOnce(kib=other, memory_class=MemoryClass.OTHER_COUNTED)
        return Verdict.UNPROVEN, because
    if highest < least_kib:
        return Verdict.CLEAN, NoClassRose(limit_kib=least_kib, step_kib=step)
    return Verdict.UNPROVEN, RoseOnce(kib=highest, memory_class=grown_class((run,)))


def _fallen(run: TestRun, before: TestRun | None, least_kib: float) -> MemoryClass | None:
    """Return the class that fell most, of those that gave back more than the run before took."""
    took = before.classes if before is not None else {}
    falls = {
        c: kib
        for c in of_kind(GrowthKind.KERNEL)
        if (kib := run.classes.get(c, 0.0)) <= -least_kib and kib + took.get(c, 0.0) < 0.0
    }
    return min(falls, key=lambda c: falls[c], default=None)


def grown_class(runs: Sequence[TestRun]) -> MemoryClass | None:
    """Return the class that grew most over some runs; caches and processes are left out."""
    totals = {c: sum(run.classes.get(c, 0.0) for run in runs) for c in of_kind(GrowthKind.KERNEL)}
    best = max(totals, key=lambda c: totals[c])
    return best if totals[best] > STEP_KIB else None
