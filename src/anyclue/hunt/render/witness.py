"""Which recording speaks for a cell, and which part of its kernel log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anyclue.model.recording import LogLine, Recording
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict

LINES_BEFORE = 10
LINES_AFTER = 30


def witness(
    verdict: CellVerdict, recordings: Mapping[Cell, Sequence[Recording]]
) -> Recording | None:
    """Return the trial that shows a cell's verdict best, or None when none was recorded.

    That is the trial of the cell's incident, else one that ended with the cell's outcome, else
    the first.
    """
    trials = recordings.get(verdict.cell, ())

    def distance(trial: Recording) -> tuple[bool, bool]:
        same_incident = verdict.incident is not None and trial.incident == verdict.incident
        return (not same_incident, trial.outcome is not verdict.outcome)

    return min(trials, key=distance, default=None)


def log_around(verdict: CellVerdict, recording: Recording) -> tuple[LogLine, ...]:
    """Return some forty lines of the kernel log around the incident; the last ones if undated."""
    log = recording.kernel_log
    at = _position(verdict, log)
    if at is None:
        return log[-(LINES_BEFORE + LINES_AFTER) :]
    start = max(0, min(at - LINES_BEFORE, len(log) - LINES_BEFORE - LINES_AFTER))
    return log[start : start + LINES_BEFORE + LINES_AFTER]


def is_incident_line(verdict: CellVerdict, line: LogLine) -> bool:
    """Return whether ``line`` is the one that names the incident."""
    incident = verdict.incident
    if incident is None or not incident.title.strip():
        return False
    return incident.title.strip() in line.text or line.text.strip() == incident.title.strip()


def _position(verdict: CellVerdict, log: Sequence[LogLine]) -> int | None:
    for index, line in enumerate(log):
        if is_incident_line(verdict, line):
            return index
    incident = verdict.incident
    if incident is None or incident.t_s is None or not log:
        return None
    at = incident.t_s
    return min(range(len(log)), key=lambda index: abs(log[index].t_s - at))
