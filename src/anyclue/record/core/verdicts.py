"""A verdict on every test of a recorded machine."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.fstests.core.charges import Charging, Pair
from anyclue.fstests.core.test_verdict import judge_test
from anyclue.model.machine_recording import MachineRecording, Span, TestRun, TestVerdict
from anyclue.model.recording import Incident
from anyclue.record.core.model import RecordingVerdicts
from anyclue.recordings.kernel_log import first_incident


def judged_tests(recorded: MachineRecording) -> RecordingVerdicts:
    """Charge memory to every span of a recording, and judge the tests."""
    charging = Charging(recorded)
    runs: dict[str, list[TestRun]] = {}
    pairs: dict[str, list[Pair]] = {}
    previous: Span | None = None
    for span in recorded.spans:
        run, pair = charging.charge(span, previous, _incident(recorded, span))
        runs.setdefault(span.test, []).append(run)
        pairs.setdefault(span.test, []).extend([pair] if pair else [])
        previous = span
    tests = [judge_test(of_test, pairs[test], recorded) for test, of_test in runs.items()]
    return findings(recorded, tests)


def _incident(recorded: MachineRecording, span: Span) -> Incident | None:
    begin, end = span.log_lines
    return first_incident(recorded.kernel_log[begin:end])


def notes(recorded: MachineRecording) -> tuple[str, ...]:
    """Return what could not be read, told or finished."""
    said = [f"not read: {name}: {why}" for name, why in recorded.machine.unread.items()]
    if recorded.lost_log:
        said.append(
            f"the kernel log was overwritten {recorded.lost_log} times before it was read:"
            " a test's begin may be missing"
        )
    if recorded.ended is None:
        said.append("the recorder was killed: the recording ends with its last sample")
    if recorded.status not in {None, 0}:
        said.append(f"the command ended with status {recorded.status}")
    if recorded.spans and not recorded.machine.quiesce:
        said.append(
            "caches were not dropped between tests: page cache and reclaimable slab, like memory of"
            " processes and tmpfs, are left out of peaks and floors"
        )
    if any(span.test.startswith("(") for span in recorded.spans):
        said.append("no test of fstests began in the kernel log: the command is one span")
    else:
        said.append("whether a test passed is not recorded: check's own output says it")
    return tuple(said)


def findings(recorded: MachineRecording, tests: Sequence[TestVerdict]) -> RecordingVerdicts:
    """Return the verdicts with the machine's size and what is open."""
    first = recorded.timeline[0].counters if recorded.timeline else {}
    return RecordingVerdicts(
        recorded=recorded,
        ram_kib=first.get("meminfo.MemTotal", 0.0),
        tests=tuple(tests),
        notes=notes(recorded),
    )
