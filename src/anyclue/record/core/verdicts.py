"""A verdict on every test of a recorded machine."""

from __future__ import annotations

from anyclue.fstests.core.charges import ChargedRun, MemoryCharges
from anyclue.fstests.core.memory_verdict import judge_test
from anyclue.model.machine_recording import MachineRecording
from anyclue.record.core.model import RecordingVerdicts


def judge_recording(recorded: MachineRecording) -> RecordingVerdicts:
    """Charge memory to every span of a recording, and judge the tests."""
    by_test: dict[str, list[ChargedRun]] = {}
    for charged in MemoryCharges(recorded).runs():
        by_test.setdefault(charged.run.span.test, []).append(charged)
    return RecordingVerdicts(
        recorded=recorded,
        tests=tuple(judge_test([runs], recorded) for runs in by_test.values()),
    )
