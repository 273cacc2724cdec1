"""A verdict on every test of a recording: only repetition can call one a leak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from anyclue.fstests.core.charges import charged_floors
from anyclue.model.evaluation import EvaluatedRound, TrialEvaluation
from anyclue.model.machine_recording import MachineRecording, TestRun, TestVerdict
from anyclue.model.recording import Outcome, Reading
from anyclue.model.scenario import Cell, Sensitivity
from anyclue.model.verdict import MemoryClass, Verdict
from anyclue.verdicts import words
from anyclue.verdicts.classes import TRAITS, GrowthKind, of_kind
from anyclue.verdicts.conclusions import Conclusion, conclude
from anyclue.verdicts.evidence import CellEvidence, gather
from anyclue.verdicts.floors import MIN_FLOORS

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
        because = f"the kernel reported: {words.incident(broken)}"
        return TestVerdict(test=test, runs=tuple(runs), verdict=Verdict.BROKEN, because=because)
    if len(pairs) < MIN_FLOORS:
        return TestVerdict(
            test=test, runs=tuple(runs), verdict=Verdict.UNPROVEN, because=_single(runs, recorded)
        )
    quiesced = all(run.quiesced for run in runs if run.step_kib is not None)
    series = [charged_floors(of_one, quiesced=quiesced) for of_one in guests or (pairs,)]
    evidence = _evidence(test, series, recorded)
    found = conclude(Sensitivity(), evidence)
    verdict, because = _careful(found, quiesced=quiesced)
    carrier = evidence.decisions.get(found.carrier) if found.rate_known else None
    return TestVerdict(
        test=test,
        runs=tuple(runs),
        verdict=verdict,
        because=because.replace("a round", "a run")
        .replace("more round", "more run")
        .replace("rounds", "runs"),
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


def _careful(found: Conclusion, *, quiesced: bool) -> tuple[Verdict, str]:
    """Call nothing a leak that reclaim was never asked for, or that belongs to processes."""
    if found.verdict is not Verdict.LEAK:
        return found.verdict, found.because
    if TRAITS[found.carrier].kind is GrowthKind.USER:
        return Verdict.UNPROVEN, f"{found.because}; on a machine with other work that is no proof"
    if not quiesced:
        because = found.because.replace(" and no reclaim gave it back", "")
        return Verdict.UNPROVEN, (
            f"{because}; no caches were dropped between the runs, so it may be reclaimable:"
            " record again with --quiesce"
        )
    return found.verdict, found.because


def _single(runs: Sequence[TestRun], recorded: MachineRecording) -> str:
    steps = [run for run in runs if run.step_kib is not None]
    if not steps:
        return _no_floor(runs, recorded)
    step = sum(run.step_kib or 0.0 for run in steps) / len(steps)
    grown = grown_class(steps)
    mostly = f", mostly {words.name(grown)}" if grown is not None and step > STEP_KIB else ""
    size = f"{abs(step) / 1024:.1f} MiB"
    count = "one run" if len(steps) == 1 else f"{len(steps)} runs"
    if step > STEP_KIB:
        return (
            f"kernel memory without caches was {size} higher after it{mostly}; {count} cannot tell"
            f" a leak from a one-time cost: repeat it {MIN_FLOORS + 2} times (check -i)"
        )
    how = "as high as before" if step > -STEP_KIB else f"{size} lower after it"
    return f"kernel memory without caches was {how}; {count} cannot exclude a leak"


def _no_floor(runs: Sequence[TestRun], recorded: MachineRecording) -> str:
    if runs[-1].span.joined:
        return "it had begun before the recording, if it still ran: there is no floor before it"
    if runs[-1].span.end_s is None:
        how = "was cut short" if recorded.ended is None else "ended"
        return f"the recording {how} before the test had ended"
    return "too few samples around it for floors"


def grown_class(runs: Sequence[TestRun]) -> MemoryClass | None:
    """Return the class that grew most over some runs; caches and processes are left out."""
    totals = {c: sum(run.classes.get(c, 0.0) for run in runs) for c in of_kind(GrowthKind.KERNEL)}
    best = max(totals, key=lambda c: totals[c])
    return best if totals[best] > STEP_KIB else None
