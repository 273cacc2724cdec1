"""The page of a recorded machine: its tests, their floors drawn, all text escaped."""

from __future__ import annotations

from anyclue.fstests.core.reasons import TooFewRuns
from anyclue.model.machine_recording import (
    MachineRecording,
    RecordedMachine,
    Span,
    TestRun,
    TestVerdict,
)
from anyclue.model.recording import Reading
from anyclue.model.verdict import MemoryClass, Verdict
from anyclue.record.core.model import RecordingVerdicts
from anyclue.record.render.html import recorded_html
from anyclue.record.render.text import row

MACHINE = RecordedMachine(
    command=("./check", "-g", "quick"),
    hz=5.0,
    quiesce=True,
    release="6.18",
    machine="x86_64",
    host="<b>vm</b>",
    cpus=2,
    begin="2026-11-23T03:00:00Z",
    unread={},
)

WHY = TooFewRuns(runs=1, enough=5, step_kib=0.0)


def findings(*names: str) -> RecordingVerdicts:
    tests = []
    for number, name in enumerate(names):
        span = Span(test=name, number=1, begin_s=10.0 * number, end_s=10.0 * number + 10)
        before = 1000.0 * number
        run = TestRun(span=span, peak_kib=9000, before_kib=before, after_kib=before + 1000)
        tests.append(TestVerdict(test=name, runs=(run,), verdict=Verdict.UNPROVEN, because=WHY))
    return RecordingVerdicts(
        recorded=MachineRecording(
            machine=MACHINE,
            spans=(),
            timeline=(Reading(t_s=0.0, counters={"meminfo.MemTotal": 1024.0 * 1024}),),
            status=1,
        ),
        tests=tuple(tests),
    )


def test_page_has_every_test_and_a_drawing() -> None:
    page = recorded_html(
        findings("generic/001", "btrfs/024"), [(float(t), 1000.0 * t) for t in range(20)]
    )
    assert page.count("<svg") == 1
    for text in (
        "generic/001",
        "btrfs/024",
        "one run cannot exclude a leak",
        "ended with status 1",
        "1024 MiB",
    ):
        assert text in page
    assert "./check -g quick" in page
    assert "seconds since the recording began" in page


def test_text_of_the_machine_is_escaped() -> None:
    page = recorded_html(findings("<script>x</script>\x1b[31m"), [])
    assert "<script" not in page
    assert "<b>vm" not in page
    assert "\x1b" not in page
    assert "<svg" not in page  # nothing to draw


def test_nothing_recorded() -> None:
    assert "Nothing was recorded of any test." in recorded_html(findings(), [])


def test_what_grew_is_memory_that_the_kernel_holds() -> None:
    span = Span(test="generic/001", number=1, begin_s=0, end_s=10)
    rises = {MemoryClass.ANON: 50_000.0, MemoryClass.SHMEM: 9000.0, MemoryClass.VMALLOC: 512.0}
    run = TestRun(span=span, peak_kib=9000, before_kib=1000, after_kib=1512, classes=rises)
    test = TestVerdict(test="t", runs=(run,), verdict=Verdict.UNPROVEN, because=WHY)
    assert row(test)[-2] == "vmalloc +0.5"
