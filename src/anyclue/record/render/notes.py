"""What a reader of a recording, or of two, has to know: what was not read, told or alike."""

from __future__ import annotations

from collections.abc import Mapping

from anyclue.model.machine_recording import WHOLE_COMMAND, MachineRecording
from anyclue.model.verdict import Verdict
from anyclue.record.core.model import Mismatch, RecordedComparison, RecordingVerdicts
from anyclue.report.reasons import incident_text

_REPORTS_NAMED = 5


def recording_notes(recorded: MachineRecording) -> tuple[str, ...]:
    """Return what could not be read, told or finished."""
    notes = [f"not read: {name}: {why}" for name, why in recorded.machine.unread.items()]
    if recorded.lost_log:
        notes.append(
            f"the kernel log was overwritten {recorded.lost_log} times before it was read:"
            " a test's begin may be missing"
        )
    if recorded.ended is None:
        notes.append("the recorder was killed: the recording ends with its last sample")
    if recorded.status not in {None, 0}:
        notes.append(f"the command ended with status {recorded.status}")
    if recorded.spans and not recorded.machine.quiesce:
        notes.append(
            "caches were not dropped between tests: page cache and reclaimable slab, like memory of"
            " processes and tmpfs, are left out of peaks and floors"
        )
    if any(span.test == WHOLE_COMMAND for span in recorded.spans):
        notes.append("no test of fstests began in the kernel log: the command is one span")
    else:
        notes.append("whether a test passed is not recorded: check's own output says it")
    return tuple(notes)


def report_notes(findings: RecordingVerdicts) -> tuple[str, ...]:
    """Return what the kernel reported in runs of tests that are not broken by it."""
    notes = [
        f"{test.test}, run {run.span.number}: the kernel reported: {incident_text(run.incident)}"
        for test in findings.tests
        for run in test.runs
        if run.incident is not None and test.verdict is not Verdict.BROKEN
    ]
    more = len(notes) - _REPORTS_NAMED
    if more > 0:
        notes = [
            *notes[:_REPORTS_NAMED],
            f"{more} more runs in which the kernel reported something",
        ]
    return tuple(notes)


def comparison_notes(compared: RecordedComparison) -> tuple[str, ...]:
    """Return what keeps two recordings from being compared well, and what else differs."""
    here, there = compared.here.recorded, compared.there.recorded
    mine, other = here.machine, there.machine
    mismatches: Mapping[Mismatch, str] = {
        Mismatch.RAM: f"RAM differs: {here.ram_kib:.0f} and {there.ram_kib:.0f} KiB",
        Mismatch.ARCHITECTURE: f"the architecture differs: {mine.machine} and {other.machine}",
        Mismatch.QUIESCE: "only one was recorded with --quiesce",
    }
    notes = [
        f"{mismatches[mismatch]}; nothing is called higher or lower"
        for mismatch in compared.mismatches
    ]
    notes += [
        f"{what} differs: {a} and {b}"
        for what, a, b in (
            ("the command", " ".join(mine.command), " ".join(other.command)),
            ("the number of processors", mine.cpus, other.cpus),
            ("the pace of sampling, which peaks depend on,", mine.hz, other.hz),
            ("the host", mine.host, other.host),
        )
        if a != b
    ]
    if mine.release == other.release:
        notes.append(f"both are of kernel {mine.release}, by its release")
    return tuple(notes)
