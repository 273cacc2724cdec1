"""What the trials of a cell say of each test: check's results, and its runs with their floors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from anyclue.hunts.fstests.journal import CheckCall, TrialRecord, read_record
from anyclue.model.fstests import CheckResult, CheckStatus
from anyclue.model.recorded import Recorded, TestRun
from anyclue.model.recording import Outcome, Recording
from anyclue.model.scenario import Cell
from anyclue.model.suite import Part, TestId
from anyclue.recordings import RunDirectory
from anyclue.recordings.kernel_log import first_incident
from anyclue.recordings.trial_tests import as_recorded
from anyclue.suites.fstests.agreement import disagreements
from anyclue.suites.fstests.check_output import parse_check
from anyclue.suites.fstests.xunit import parse_xunit
from anyclue.verdicts.charges import Charging, Pair

Charged = tuple[TestRun, Pair | None]
"""A run, and the floors before and after it where it has both."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial of a cell: its recording, and what it did."""

    recording: Recording
    record: TrialRecord

    @property
    def killer(self) -> CheckCall | None:
        """The call during which the guest ended, if it did."""
        last = self.record.calls[-1] if self.record.calls else None
        ended = self.recording.outcome is not Outcome.PASSED
        return last if last and ended and last.status is None else None


@dataclass(kw_only=True)
class Evidence:
    """All that the trials of a cell have of one test; ``guests`` are its runs, trial by trial."""

    id: TestId
    results: list[CheckResult] = field(default_factory=list)
    guests: list[list[Charged]] = field(default_factory=list)
    repeat_trials: int = 0
    killed: str = ""
    disagreements: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    recorded: Recorded | None = None


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """A cell's trials in order, and its tests in the order in which they were to run."""

    trials: tuple[Trial, ...]
    tests: tuple[Evidence, ...]


def read_trials(run: RunDirectory, recordings: Sequence[Recording]) -> tuple[Trial, ...]:
    """Return the trials that have a recording, with what each did.

    Raises:
        RequestError: one is damaged.
    """
    return tuple(
        Trial(
            recording=recording,
            record=read_record(run.trial(recording.cell, recording.trial))
            or TrialRecord(part=Part.LIST),
        )
        for recording in recordings
    )


def gather(trials: Sequence[Trial]) -> Gathered:
    """Put together what the trials say of each test."""
    found: dict[TestId, Evidence] = {}
    for trial in trials:
        record = trial.record
        for id_ in record.tests:
            found.setdefault(id_, Evidence(id=id_))
        for id_ in record.expunged:
            evidence = found.setdefault(id_, Evidence(id=id_))
            evidence.results.append(_said(id_, CheckStatus.EXPUNGED, "expunged"))
        for name in record.unknown:
            id_ = TestId(section="", test=name)
            evidence = found.setdefault(id_, Evidence(id=id_))
            evidence.results.append(_said(id_, CheckStatus.NOT_RUN, "fstests has no such test"))
        for call in record.calls:
            found.setdefault(call.id, Evidence(id=call.id))
        if record.part is Part.REPEAT and record.tests:
            found[record.tests[0]].repeat_trials += 1
        _add_calls(trial, found)
        _add_runs(trial, found)
    return Gathered(trials=tuple(trials), tests=tuple(found.values()))


def _add_calls(trial: Trial, found: dict[TestId, Evidence]) -> None:
    for call in trial.record.calls:
        evidence = found[call.id]
        evidence.kept += call.kept
        ended = call.status is not None
        said = parse_check(trial.record.said(call), ended=ended)
        own = [
            replace(result, section=call.section)  # each call has a section's options to itself
            for result in said.results
            if result.test == call.test
        ]
        if own and ended:
            document = trial.record.reported(call)
            report = parse_xunit(document) if document is not None else None
            evidence.disagreements += disagreements(own, report)
        if not own:
            why = said.cut_short if ended else trial.recording.detail
            own = [_said(call.id, CheckStatus.LOST, why)]
        evidence.results += own
        if call is trial.killer:
            evidence.killed = f"{trial.recording.outcome}: {trial.recording.detail}"


def _add_runs(trial: Trial, found: dict[TestId, Evidence]) -> None:
    recorded = as_recorded(trial.recording)
    charging = Charging(recorded)
    by_name = {str(id_): evidence for id_, evidence in found.items()}
    for one in by_name.values():
        one.guests.append([])
    previous = None
    for span in recorded.spans:
        begin, end = span.log_lines
        incident = first_incident(recorded.kernel_log[begin:end])
        charged = charging.charge(span, previous, incident)
        previous = span
        evidence = by_name.get(span.test)
        if evidence is None:
            continue
        evidence.guests[-1].append(charged)
        evidence.recorded = recorded


def _said(id_: TestId, status: CheckStatus, reason: str) -> CheckResult:
    return CheckResult(test=id_.test, status=status, reason=reason, section=id_.section)


def recordings_of(run: RunDirectory, cell: Cell) -> Sequence[Recording]:
    """Return the recordings of one cell, trials in order."""
    return run.recordings([cell])[cell]
