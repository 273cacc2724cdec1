"""Reasons that only tests of fstests have, in the words that users know."""

from __future__ import annotations

import pytest

from anyclue.fstests.core import reasons
from anyclue.fstests.core.model import TestId
from anyclue.fstests.render.reasons import detail_text, reason_text
from anyclue.model.reason import FloorSample, GrowthProven, NotRun
from anyclue.model.recording import EndState, Incident, IncidentKind, Outcome
from anyclue.model.verdict import MemoryClass, VerdictReason

SLAB = MemoryClass.SLAB_UNRECLAIMABLE
IDS = tuple(TestId(section="", test=f"generic/{number:03}") for number in range(1, 8))
GREW = GrowthProven(
    memory_class=SLAB,
    rate_kib=64.0,
    ci95_kib=(60.0, 68.0),
    sample=FloorSample(floors=5, trials=1, warm_up=1),
)
LEAKING = reasons.LeakingTest(test=IDS[0], after=IDS[1:3], rate_kib=64.0)
WORDS: list[tuple[VerdictReason, str]] = [
    (
        reasons.KernelReport(
            incident=Incident(
                kind=IncidentKind.BUG, t_s=1.0, title="kernel BUG", function="f", text=""
            )
        ),
        "the kernel reported: kernel BUG in f",
    ),
    (
        reasons.RepeatedRuns(statistics=GREW),
        "unreclaimable slab grew by 64 KiB a run (95 % interval 60 to 68) over 5 runs after"
        " 1 warm-up run and no reclaim gave it back",
    ),
    (
        reasons.RepeatedRuns(statistics=GREW, caveat=reasons.Caveat.OTHER_WORK),
        "unreclaimable slab grew by 64 KiB a run (95 % interval 60 to 68) over 5 runs after"
        " 1 warm-up run and no reclaim gave it back; on a machine with other work that is no proof",
    ),
    (
        reasons.RepeatedRuns(statistics=GREW, caveat=reasons.Caveat.NOT_QUIESCED),
        "unreclaimable slab grew by 64 KiB a run (95 % interval 60 to 68) over 5 runs after"
        " 1 warm-up run; no caches were dropped between the runs, so it may be reclaimable:"
        " record again with --quiesce",
    ),
    (
        reasons.NoFloors(gap=reasons.FloorGap.CUT_SHORT),
        "the recording was cut short before the test had ended",
    ),
    (
        reasons.TooFewRuns(runs=1, enough=5, step_kib=2048.0, memory_class=SLAB),
        "kernel memory without caches was 2.0 MiB higher after it, mostly unreclaimable slab;"
        " one run cannot tell a leak from a one-time cost: repeat it 5 times (check -i)",
    ),
    (
        reasons.TooFewRuns(runs=2, enough=5, step_kib=-2048.0),
        "kernel memory without caches was 2.0 MiB lower after it; 2 runs cannot exclude a leak",
    ),
    (
        reasons.ClassFell(memory_class=SLAB, kib=100.0),
        "unreclaimable slab was 100 KiB lower after it, which may hide a leak",
    ),
    (
        reasons.NoClassRose(limit_kib=64.0, step_kib=-3.0),
        "no class of kernel memory was 64 KiB higher after it (sum: -3)",
    ),
    (
        reasons.RoseOnce(kib=80.0),
        "kernel memory was 80 KiB higher after one run: a leak or a one-time cost",
    ),
    (
        reasons.RoseBehindOthers(behind_others_kib=100.0, alone_kib=3.0),
        "kernel memory was 100 KiB higher after it behind other tests, 3 alone:"
        " a leak that needs them, or a one-time cost",
    ),
    (
        reasons.CleanAlone(among=NotRun()),
        "not run; without the tests before it, it is clean",
    ),
    (
        reasons.EndUnknown(memory=NotRun()),
        "nothing says that the test came to its end; not run",
    ),
    (
        reasons.TestsOfCell(
            counted=9,
            leaking=(LEAKING,),
            broken=(
                reasons.BrokenTest(
                    test=IDS[3], killed=EndState(outcome=Outcome.HUNG, reason=None, detail="x")
                ),
                reasons.BrokenTest(test=IDS[4], memory=NotRun()),
                reasons.BrokenTest(test=IDS[5], reason="output mismatch"),
            ),
            clean=2,
            unproven=IDS[6:],
            not_run=IDS,
            expunged=IDS[:1],
        ),
        "leak in generic/001 after generic/002, generic/003 (+64 KiB a run); generic/004 ended its"
        " guest (hung: x); generic/005 broke the kernel (not run); generic/006 failed (output"
        " mismatch); 2 of 9 tests clean; unproven: generic/007; not run: generic/001, generic/002,"
        " generic/003, generic/004, generic/005 and 2 more; left out: generic/001",
    ),
    (reasons.NoTestRan(details=("mkfs failed",)), "no test ran; mkfs failed"),
    (NotRun(), "not run"),
]


@pytest.mark.parametrize(("because", "words"), WORDS)
def test_words_of_a_reason(because: VerdictReason, words: str) -> None:
    assert reason_text(because) == words


@pytest.mark.parametrize("gap", list(reasons.FloorGap))
def test_every_gap_has_words(gap: reasons.FloorGap) -> None:
    assert reason_text(reasons.NoFloors(gap=gap))


def test_every_reason_is_worded() -> None:
    known = {one for one in VerdictReason.__subclasses__() if one.__module__ == reasons.__name__}
    assert known == {type(because) for because, _ in WORDS} - {NotRun}


def test_the_test_that_leaks_is_the_detail() -> None:
    assert detail_text(LEAKING) == "in generic/001 after generic/002, generic/003"
    assert detail_text(None) == ""
