"""What the trials of a cell say of each test: check's results, and its runs with their floors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from anyclue.fstests.core.charges import ChargedRun, MemoryCharges, rise_kib
from anyclue.fstests.core.check_output import parse_check
from anyclue.fstests.core.model import (
    CallOutput,
    CheckCall,
    CheckResult,
    CheckStatus,
    Disagreement,
    Part,
    TestId,
    TrialRecord,
)
from anyclue.fstests.core.trial_recording import machine_recording
from anyclue.fstests.core.xunit import disagreements, parse_xunit
from anyclue.model.machine_recording import MachineRecording, TestRun
from anyclue.model.recording import EndState, Outcome, Recording
from anyclue.verdicts.floors import MIN_FLOORS


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial of a cell: its recording, what it did, and what each call of check left."""

    recording: Recording
    record: TrialRecord
    outputs: Mapping[int, CallOutput]

    @property
    def fatal_call(self) -> CheckCall | None:
        """The call during which the guest ended, if it did."""
        last = self.record.calls[-1] if self.record.calls else None
        ended = self.recording.outcome is not Outcome.PASSED
        return last if last and ended and last.status is None else None


@dataclass(kw_only=True)
class TestEvidence:
    """All that the trials of a cell have of one test.

    Attributes:
        id: the test.
        results: what check said, run by run.
        guests: its runs, trial by trial, where it ran alone or too seldom to be judged by.
        alone: those of them in trials that run nothing else.
        among: its runs in the trials in which it ran again and again with others in between.
        before: the tests before it in the first such trial.
        rise_listed: the highest rise over one run behind other tests, of runs in a row the last's
            (KiB).
        rise_alone: the highest over one run in a trial that runs nothing else.
        repeat_trials: trials that run nothing else.
        group_trials: trials that run it again and again with the tests before it.
        killed: how the guest ended in it; None when it never did.
        recorded: the last trial that has a run of it.
    """

    id: TestId
    results: list[CheckResult] = field(default_factory=list)
    guests: list[list[ChargedRun]] = field(default_factory=list)
    alone: list[list[ChargedRun]] = field(default_factory=list)
    among: list[list[ChargedRun]] = field(default_factory=list)
    before: tuple[TestId, ...] = ()
    rise_listed: float | None = None
    rise_alone: float | None = None
    repeat_trials: int = 0
    group_trials: int = 0
    killed: EndState | None = None
    disagreements: list[Disagreement] = field(default_factory=list)
    recorded: MachineRecording | None = None


@dataclass(frozen=True, kw_only=True)
class CellTests:
    """A cell's trials in order, and its tests in the order in which they were to run."""

    trials: tuple[Trial, ...]
    tests: tuple[TestEvidence, ...]


def gather(trials: Sequence[Trial]) -> CellTests:
    """Put together what the trials say of each test."""
    found: dict[TestId, TestEvidence] = {}
    for trial in trials:
        record = trial.record
        for id_ in record.tests:
            found.setdefault(id_, TestEvidence(id=id_))
        for id_ in record.expunged:
            evidence = found.setdefault(id_, TestEvidence(id=id_))
            evidence.results.append(_unprinted(id_, CheckStatus.EXPUNGED, "expunged"))
        for name in record.unknown:
            id_ = TestId(section="", test=name)
            evidence = found.setdefault(id_, TestEvidence(id=id_))
            evidence.results.append(
                _unprinted(id_, CheckStatus.NOT_RUN, "fstests has no such test")
            )
        for call in record.calls:
            found.setdefault(call.id, TestEvidence(id=call.id))
        if record.part is Part.REPEAT and record.tests:
            found[record.tests[0]].repeat_trials += 1
        if record.part is Part.GROUP:
            for id_ in set(record.tests):
                found[id_].group_trials += 1
        _add_calls(trial, found)
        _add_runs(trial, found)
    return CellTests(trials=tuple(trials), tests=tuple(found.values()))


def _add_calls(trial: Trial, found: dict[TestId, TestEvidence]) -> None:
    for call in trial.record.calls:
        evidence = found[call.id]
        ended = call.status is not None
        output = trial.outputs[call.round]
        run = parse_check(output.printed, ended=ended)
        own = [
            replace(result, section=call.section)  # each call has a section's options to itself
            for result in run.results
            if result.test == call.test
        ]
        if own and ended:
            report = parse_xunit(output.report) if output.report is not None else None
            evidence.disagreements += disagreements(own, report)
        if not own:
            why = run.cut_short if ended else trial.recording.detail
            own = [_unprinted(call.id, CheckStatus.LOST, why)]
        evidence.results += own
        if call is trial.fatal_call:
            evidence.killed = trial.recording.ending


def _add_runs(trial: Trial, found: dict[TestId, TestEvidence]) -> None:
    recorded = machine_recording(trial.recording)
    by_name = {str(id_): evidence for id_, evidence in found.items()}
    charged = [one for one in MemoryCharges(recorded).runs() if one.run.span.test in by_name]
    runs: dict[str, list[ChargedRun]] = {}
    for one in charged:
        runs.setdefault(one.run.span.test, []).append(one)
    part = trial.record.part
    every = [one.run for one in charged]
    for run in every if part is Part.REPEAT else [of for of, _ in last_in_a_row(charged)]:
        is_first = run.span.test == every[0].span.test
        _note_rise(by_name[run.span.test], part, run, first=is_first)
    for name, of_test in runs.items():
        evidence = by_name[name]
        evidence.recorded = recorded
        pairs = sum(one.floors is not None for one in of_test)
        if len(runs) > 1 and pairs >= MIN_FLOORS:
            evidence.among.append(of_test)
            evidence.before = evidence.before or _before(trial, evidence.id)
        else:
            evidence.guests.append(of_test)
            if part is Part.REPEAT:
                evidence.alone.append(of_test)


def last_in_a_row(charged: Sequence[ChargedRun]) -> Iterator[tuple[TestRun, TestRun | None]]:
    """Give the runs of one guest, of those of one test in a row only the last with that before it.

    What the last of them does not do again, the ones before it did once. A run in which the kernel
    broke is given too.
    """
    runs = [one.run for one in charged]
    before = None
    for at, run in enumerate(runs):
        following = runs[at + 1] if at + 1 < len(runs) else None
        in_a_row = (
            following is not None
            and following.span.test == run.span.test
            and following.span.begin_s == run.span.end_s
        )
        if run.incident is not None or not in_a_row:
            yield run, before
        before = run if in_a_row else None


def _note_rise(evidence: TestEvidence, part: Part, run: TestRun, *, first: bool) -> None:
    rise = rise_kib(run)
    if rise is None:
        return
    if part is Part.REPEAT:
        evidence.rise_alone = max(rise, evidence.rise_alone or rise)
    elif part is Part.LIST and not first:
        evidence.rise_listed = max(rise, evidence.rise_listed or rise)


def _before(trial: Trial, id_: TestId) -> tuple[TestId, ...]:
    """Return the tests that ran before this one in a trial, each once, in order."""
    ids = [call.id for call in trial.record.calls]
    return tuple(dict.fromkeys(ids[: ids.index(id_)]))


def _unprinted(id_: TestId, status: CheckStatus, reason: str) -> CheckResult:
    return CheckResult(test=id_.test, status=status, reason=reason, section=id_.section)
