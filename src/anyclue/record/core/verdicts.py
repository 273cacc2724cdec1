"""A verdict on every test of a recorded machine."""

from __future__ import annotations

from anyclue.fstests.core.charges import Charging, Pair
from anyclue.fstests.core.test_verdict import judge_test
from anyclue.model.machine_recording import MachineRecording, Span, TestRun
from anyclue.record.core.model import RecordingVerdicts
from anyclue.recordings.kernel_log import first_incident


def judge_recording(recorded: MachineRecording) -> RecordingVerdicts:
    """Charge memory to every span of a recording, and judge the tests."""
    charging = Charging(recorded)
    runs: dict[str, list[TestRun]] = {}
    pairs: dict[str, list[Pair]] = {}
    previous: Span | None = None
    for span in recorded.spans:
        begin, end = span.log_lines
        incident = first_incident(recorded.kernel_log[begin:end])
        run, pair = charging.charge(span, previous, incident)
        runs.setdefault(span.test, []).append(run)
        pairs.setdefault(span.test, []).extend([pair] if pair else [])
        previous = span
    return RecordingVerdicts(
        recorded=recorded,
        tests=tuple(judge_test(of_test, pairs[test], recorded) for test, of_test in runs.items()),
    )
