"""Memory charged to tests: what one run can say, what repetition can, and what needs quiescing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.verdicts.conftest import LEVELS, reading

from anyclue.fstests.core.charges import held_kib
from anyclue.fstests.render.reasons import reason_text
from anyclue.model.machine_recording import MachineRecording, RecordedMachine, Span, TestVerdict
from anyclue.model.recording import IncidentKind, LogLine, Reading
from anyclue.model.verdict import MemoryClass, Signature, Verdict
from anyclue.record.core.verdicts import judge_recording
from anyclue.record.render.notes import report_notes

HZ = 5.0
LENGTH_S = 8.0
MACHINE = RecordedMachine(
    command=("./check",),
    hz=HZ,
    quiesce=False,
    release="6.18",
    machine="x86_64",
    host="vm",
    cpus=2,
    begin="",
    unread={},
)


def recorded(
    tests: list[str],
    grows: Mapping[str, Mapping[MemoryClass, float]],
    *,
    quiesce: bool = False,
    cache_kib: float = 0.0,
    other_kib: float | None = None,
) -> MachineRecording:
    """Tests one after another; each leaves behind what ``grows`` says, and a busy peak."""
    level = dict(LEVELS)
    if other_kib is not None:
        level[MemoryClass.OTHER_COUNTED] = other_kib
    timeline: list[Reading] = []

    def sample(t_s: float, extra: float = 0.0) -> None:
        noise = 4.0 * (len(timeline) % 3)
        busy = {**level, MemoryClass.UNACCOUNTED: level[MemoryClass.UNACCOUNTED] + extra + noise}
        timeline.append(reading(busy, t_s=t_s))

    for k in range(5):
        sample(k / HZ)
    spans, floors = [], [(0.0, 0.8)]
    for number, test in enumerate(tests):
        begin = 1.0 + number * LENGTH_S
        for k in range(int(LENGTH_S * HZ)):
            if k == 6:
                for c, kib in grows.get(test, {}).items():
                    level[c] += kib
                level[MemoryClass.FILE_CACHE] += cache_kib
            sample(begin + k / HZ, extra=50_000.0 if 6 <= k <= 10 else 0.0)
        count = tests[:number].count(test) + 1
        spans.append(Span(test=test, number=count, begin_s=begin, end_s=begin + LENGTH_S))
        floors.append((begin, begin + 0.8))
    end = 1.0 + len(tests) * LENGTH_S
    for k in range(10):
        sample(end + k / HZ)
    floors.append((end, end + 1.0))
    return MachineRecording(
        machine=replace(MACHINE, quiesce=quiesce),
        spans=tuple(spans),
        timeline=tuple(timeline),
        floors=tuple(floors) if quiesce else (),
        ended="ended",
        status=0,
        command_s=(0.9, end),
    )


def judged(of: MachineRecording) -> dict[str, TestVerdict]:
    return {test.test: test for test in judge_recording(of).tests}


def test_held_memory_is_that_of_the_kernel_without_caches() -> None:
    kernel = sum(LEVELS[c] for c in LEVELS if c.value not in {"anon", "shmem", "file-cache"})
    expected = kernel - LEVELS[MemoryClass.SLAB_RECLAIMABLE]
    assert held_kib(reading(LEVELS)) == pytest.approx(expected)


def test_a_single_step_is_noted_and_never_a_leak() -> None:
    grows = {"btrfs/024": {MemoryClass.SLAB_UNRECLAIMABLE: 4096.0}}
    for quiesce in (False, True):
        tests = judged(recorded(["generic/001", "btrfs/024"], grows, quiesce=quiesce))
        guilty = tests["btrfs/024"]
        assert guilty.verdict is Verdict.UNPROVEN
        assert "4.0 MiB higher after it, mostly unreclaimable slab" in reason_text(guilty.because)
        assert guilty.runs[0].step_kib == pytest.approx(4096.0, abs=20)
        assert guilty.runs[0].peak_kib == pytest.approx(
            (guilty.runs[0].before_kib or 0) + 54_096, abs=20
        )
        innocent = tests["generic/001"]
        assert innocent.verdict is Verdict.UNPROVEN
        assert innocent.runs[0].step_kib == pytest.approx(0.0, abs=20)


REPEATED = ["generic/001", "btrfs/024"] * 8
LEAK = {"btrfs/024": {MemoryClass.ORPHANED_FILE_PAGES: 2400.0}}


GPU = {"btrfs/024": {MemoryClass.OTHER_COUNTED: 2400.0}}


@pytest.mark.parametrize("quiesce", [True, False])
def test_growth_of_a_counter_of_its_own_is_no_leak(quiesce: bool) -> None:
    tests = judged(recorded(REPEATED, GPU, quiesce=quiesce, other_kib=500.0))
    innocent = tests["btrfs/024"]
    assert innocent.verdict is Verdict.UNPROVEN
    assert innocent.signature is None
    text = reason_text(innocent.because)
    assert "counts apart as GPUActive (2400 KiB) grew by 2400 KiB a run" in text
    assert tests["generic/001"].verdict is Verdict.CLEAN


def test_a_leak_beside_such_growth_is_one() -> None:
    grows = {"btrfs/024": {**GPU["btrfs/024"], MemoryClass.UNACCOUNTED: 400.0}}
    guilty = judged(recorded(REPEATED, grows, quiesce=True, other_kib=500.0))["btrfs/024"]
    assert guilty.verdict is Verdict.LEAK
    assert guilty.signature is Signature.RAW_PAGES
    assert "other memory that /proc/meminfo counts (2400 KiB) grew too" in reason_text(
        guilty.because
    )


def test_a_counter_that_does_not_grow_changes_nothing() -> None:
    tests = judged(recorded(REPEATED, {}, quiesce=True, other_kib=500.0))
    assert {test.verdict for test in tests.values()} == {Verdict.CLEAN}


def test_growth_with_every_run_is_a_leak_when_caches_were_dropped() -> None:
    tests = judged(recorded(REPEATED, LEAK, quiesce=True))
    guilty = tests["btrfs/024"]
    assert guilty.verdict is Verdict.LEAK
    assert guilty.signature is Signature.PAGE_CACHE_REFERENCE
    assert guilty.rate_kib_per_run == pytest.approx(2400.0, abs=10)
    assert "a run" in reason_text(guilty.because)
    assert tests["generic/001"].verdict is Verdict.CLEAN


def test_the_same_growth_without_that_is_not_called_a_leak() -> None:
    tests = judged(recorded(REPEATED, LEAK))
    assert tests["btrfs/024"].verdict is Verdict.UNPROVEN
    assert "record again with --quiesce" in reason_text(tests["btrfs/024"].because)
    assert "no reclaim" not in reason_text(tests["btrfs/024"].because)
    assert tests["generic/001"].verdict is Verdict.CLEAN


def test_page_cache_that_is_not_dropped_accuses_nobody() -> None:
    tests = judged(recorded(REPEATED, {}, cache_kib=8192.0))
    assert {test.verdict for test in tests.values()} == {Verdict.CLEAN}
    assert tests["btrfs/024"].runs[0].step_kib == pytest.approx(0.0, abs=20)


def test_processes_that_grow_are_no_leak() -> None:
    grows = {"btrfs/024": {MemoryClass.ANON: 5000.0}}
    assert judged(recorded(REPEATED, grows, quiesce=True))["btrfs/024"].verdict is not Verdict.LEAK


def test_what_the_kernel_reports_breaks_the_test_in_which_it_came() -> None:
    of = recorded(["generic/001", "btrfs/024"], {})
    line = LogLine(t_s=12.0, level=1, text="kernel BUG at fs/btrfs/inode.c:1")
    spans = (of.spans[0], replace(of.spans[1], log_lines=(0, 1)))
    tests = judged(replace(of, kernel_log=(line,), spans=spans))
    assert tests["btrfs/024"].verdict is Verdict.BROKEN
    assert "kernel BUG at" in reason_text(tests["btrfs/024"].because)
    assert tests["generic/001"].verdict is Verdict.UNPROVEN


LEFT = "BUG demo_node (Not tainted): Objects remaining on __kmem_cache_shutdown()"
WARNED = "WARNING: fs/demo/dir.c:77 at demo_readdir+0x2f/0x90 [demo], CPU#3: find/811"


@pytest.mark.parametrize(
    ("text", "kind", "verdict"),
    [
        (LEFT, IncidentKind.LEAK, Verdict.BROKEN),
        ("VFS: Busy inodes after unmount of sdc1 (demo)", IncidentKind.LEAK, Verdict.BROKEN),
        ("kmemleak: 4 new suspected memory leaks (see ...)", IncidentKind.LEAK, Verdict.BROKEN),
        ("WARNING: held lock freed!", IncidentKind.LOCKDEP, Verdict.BROKEN),
        ("[ BUG: Invalid wait context ]", IncidentKind.LOCKDEP, Verdict.BROKEN),
        ("Internal error: Oops: 0000000096000006 [#1] SMP", IncidentKind.OOPS, Verdict.BROKEN),
        ("UBSAN: shift-out-of-bounds in fs/demo/a.c:9:1", IncidentKind.UBSAN, Verdict.BROKEN),
        (WARNED, IncidentKind.WARNING, Verdict.CLEAN),
    ],
)
def test_what_repeated_runs_are_with_a_report(
    text: str, kind: IncidentKind, verdict: Verdict
) -> None:
    of = recorded(REPEATED, {}, quiesce=True)
    assert judged(of)["btrfs/024"].verdict is Verdict.CLEAN
    with_report = _reporting(of, text)
    tests = judged(with_report)
    assert tests["btrfs/024"].verdict is verdict
    assert tests["generic/001"].verdict is Verdict.CLEAN
    incident = tests["btrfs/024"].runs[0].incident
    assert incident is not None
    assert incident.kind is kind
    said = report_notes(judge_recording(with_report))
    because = reason_text(tests["btrfs/024"].because)
    assert any(text[:40] in words for words in (*said, because))
    assert text[:40] in because if verdict is Verdict.BROKEN else len(said) == 1


def test_floors_that_prove_what_the_kernel_says_are_a_leak() -> None:
    tests = judged(_reporting(recorded(REPEATED, LEAK, quiesce=True), LEFT))
    assert tests["btrfs/024"].verdict is Verdict.LEAK
    bug = "kernel BUG at fs/demo/a.c:1!"
    tests = judged(_reporting(recorded(REPEATED, LEAK, quiesce=True), bug))
    assert tests["btrfs/024"].verdict is Verdict.BROKEN


def _reporting(of: MachineRecording, text: str) -> MachineRecording:
    """Return it with a line of the kernel's in the first run of the second test."""
    line = LogLine(t_s=12.0, level=3, text=text)
    spans = (of.spans[0], replace(of.spans[1], log_lines=(0, 1)), *of.spans[2:])
    return replace(of, kernel_log=(line,), spans=spans)


def test_many_reports_are_counted() -> None:
    of = recorded(REPEATED, {}, quiesce=True)
    lines = tuple(LogLine(t_s=float(k), level=4, text=WARNED) for k in range(len(of.spans)))
    spans = tuple(replace(span, log_lines=(k, k + 1)) for k, span in enumerate(of.spans))
    notes = report_notes(judge_recording(replace(of, kernel_log=lines, spans=spans)))
    assert len(notes) == 6
    assert notes[-1] == "11 more runs in which the kernel reported something"


def test_a_test_that_was_cut_short_says_so() -> None:
    of = recorded(["generic/001", "btrfs/024"], {})
    spans = (of.spans[0], replace(of.spans[1], end_s=None))
    tests = judged(replace(of, ended=None, spans=spans))
    assert (
        reason_text(tests["btrfs/024"].because)
        == "the recording was cut short before the test had ended"
    )
    assert tests["btrfs/024"].runs[0].step_kib is None


def test_a_machine_that_says_little_is_no_crash() -> None:
    of = recorded(["generic/001"], {})
    bare = tuple(Reading(t_s=r.t_s, counters={"meminfo.MemTotal": 1.0}) for r in of.timeline)
    (test,) = judge_recording(replace(of, timeline=bare)).tests
    assert (test.verdict, test.runs[0].step_kib) == (Verdict.UNPROVEN, None)
