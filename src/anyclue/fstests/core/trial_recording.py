"""A trial that ran one test a round, as a recorded machine: spans and quiesced floors."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from anyclue.fstests.core.begun_tests import begun_test
from anyclue.model.machine_recording import MachineRecording, RecordedMachine, Span
from anyclue.model.recording import Mark, MarkName, Reading, Recording

_KEPT = ("meminfo.", "pcp.")


def machine_recording(recording: Recording) -> MachineRecording:
    """Return the trial's rounds as spans, each from the floor before it to the floor behind it.

    A round counts as a run of its test only where the kernel log has check's own line for it. One
    that was cut short has no end.
    """
    floors = _floors(recording.marks)
    begins = [mark for mark in recording.marks if mark.name is MarkName.ROUND_BEGIN]
    log = [line.t_s for line in recording.kernel_log]
    numbers: Counter[str] = Counter()
    spans = []
    for at, mark in enumerate(begins):
        until = begins[at + 1].t_s if at + 1 < len(begins) else float("inf")
        before = next((f for f in reversed(floors) if f[1] <= mark.t_s), None)
        after = next((f for f in floors if mark.t_s < f[0] < until), None)
        lines = bisect_left(log, mark.t_s), bisect_left(log, until)
        test = str(mark.data.get("test", ""))
        section = str(mark.data.get("section", ""))
        begun = any(
            begun_test(line.text) == test for line in recording.kernel_log[lines[0] : lines[1]]
        )
        if not begun:
            continue
        name = f"{section}:{test}" if section else test
        numbers[name] += 1
        spans.append(
            Span(
                test=name,
                number=numbers[name],
                begin_s=before[0] if before else mark.t_s,
                end_s=after[0] if after else None,
                log_lines=lines,
            )
        )
    begin = recording.marks[0].t_s if recording.marks else 0.0
    return MachineRecording(
        machine=_machine(recording),
        spans=tuple(spans),
        timeline=recording.timeline,
        details=tuple(r for r in recording.timeline if any(a <= r.t_s <= b for a, b in floors)),
        floors=tuple(floors),
        kernel_log=recording.kernel_log,
        ended="ended",
        command_s=(begin, None),
    )


def thin_samples(samples: Sequence[Reading], marks: Sequence[Mark]) -> tuple[Reading, ...]:
    """Return samples with fewer counters: all of them at the floors, between them memory's.

    A list of tests takes long, and slab caches one by one are looked at only where it is quiet.
    """
    floors = _floors(marks)
    return tuple(
        sample
        if any(begin <= sample.t_s <= end for begin, end in floors)
        else Reading(
            t_s=sample.t_s,
            counters={k: v for k, v in sample.counters.items() if k.startswith(_KEPT)},
        )
        for sample in samples
    )


def _floors(marks: Sequence[Mark]) -> list[tuple[float, float]]:
    floors: list[tuple[float, float]] = []
    begin: float | None = None
    for mark in marks:
        if mark.name is MarkName.FLOOR_BEGIN:
            begin = mark.t_s
        elif mark.name is MarkName.FLOOR_END and begin is not None:
            floors.append((begin, mark.t_s))
            begin = None
    return floors


def _machine(recording: Recording) -> RecordedMachine:
    return RecordedMachine(
        command=("check",),
        hz=0.0,
        quiesce=True,
        release=str(recording.provenance.get("release", "")),
        machine="",
        host=recording.cell.machine,
        cpus=1,
        begin="",
        unread={},
    )
