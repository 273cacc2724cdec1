"""What one run of a test between two quiesced floors says: no step, or one that needs repetition.

A leak is a step. Where no class of the kernel's memory was higher after a test, it leaked nothing;
where one was, only repetition tells a leak from a one-time cost. And where a class fell, a leak of
that class may be hidden: unless the run just before it, of the same test, took what it gave back.
"""

from __future__ import annotations

from anyclue.fstests.core.charges import held_kib
from anyclue.fstests.core.reasons import (
    ClassFell,
    FloorGap,
    KernelReport,
    NoClassRose,
    NoFloors,
    RoseOnce,
)
from anyclue.fstests.core.test_verdict import FATAL, grown_class
from anyclue.model.machine_recording import TestRun, TestVerdict
from anyclue.model.recording import Reading
from anyclue.model.verdict import MemoryClass, Verdict, VerdictReason
from anyclue.verdicts.classes import GrowthKind, classes_kib, of_kind


def is_step(before: Reading, after: Reading, *, least_kib: float) -> bool:
    """Say whether kernel memory moved so far between two floors that one run proves nothing."""
    one, two = classes_kib(before), classes_kib(after)
    rises = [two[c] - one[c] for c in of_kind(GrowthKind.KERNEL) if c in one and c in two]
    was, now = held_kib(before), held_kib(after)
    step = now - was if was is not None and now is not None else 0.0
    return min(rises, default=0.0) <= -least_kib or max(step, *rises, 0.0) >= least_kib


def judge_once(run: TestRun, *, least_kib: float, before: TestRun | None = None) -> TestVerdict:
    """Return the verdict on a single run; ``least_kib`` is the smallest leak that matters.

    ``before`` is the run of the same test that came just before it, if one did.
    """
    verdict, because = _judged(run, before, least_kib)
    return TestVerdict(test=run.span.test, runs=(run,), verdict=verdict, because=because)


def _judged(
    run: TestRun, before: TestRun | None, least_kib: float
) -> tuple[Verdict, VerdictReason]:
    if run.incident and run.incident.kind in FATAL:
        return Verdict.BROKEN, KernelReport(incident=run.incident)
    step, highest = run.step_kib, rise_kib(run)
    if step is None or highest is None:
        return Verdict.UNPROVEN, NoFloors(gap=FloorGap.NOT_ENDED)
    fallen = _fallen(run, before, least_kib)
    if fallen is not None:
        return Verdict.UNPROVEN, ClassFell(memory_class=fallen, kib=-run.classes[fallen])
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


def rise_kib(run: TestRun) -> float | None:
    """Return the highest rise over a run, of one class of kernel memory or of all together.

    None where there is no floor on both sides of it.
    """
    if run.step_kib is None or not run.classes:
        return None
    return max(run.step_kib, *(run.classes.get(c, 0.0) for c in of_kind(GrowthKind.KERNEL)))
