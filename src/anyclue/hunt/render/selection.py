"""What reports show of a run: which cells and classes of memory, which recording and log lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anyclue.hunt.model import RunVerdicts
from anyclue.model.recording import EXACT_OBJECTS, LogLine, Outcome, Recording
from anyclue.model.scenario import Axis, Cell, Scalar, Scenario
from anyclue.model.verdict import CellVerdict, ClassRate, MemoryClass, Verdict
from anyclue.report.words import SEVERITY, finite
from anyclue.verdicts.class_growth import GrowthStatus, growth_status

LINES_BEFORE = 10
LINES_AFTER = 30


def notable_cells(findings: RunVerdicts) -> list[CellVerdict]:
    """Return the cells that are shown in detail, the worst first: guilty ones, caches, breaks."""
    notable = [
        cell
        for cell in findings.cells
        if cell.verdict not in {Verdict.CLEAN, Verdict.UNPROVEN} or was_broken(cell)
    ]
    return sorted(notable, key=lambda cell: SEVERITY.index(cell.verdict))


def missing_cells(findings: RunVerdicts, scenario: Scenario) -> tuple[Cell, ...]:
    """Return the planned cells that the findings say nothing of."""
    seen = {verdict.cell for verdict in findings.cells}
    return tuple(cell for cell in scenario.cells if cell not in seen)


def varying_axes(cells: Sequence[Cell]) -> tuple[Axis, ...]:
    """Return the axes that tell ``cells`` apart (all of them when there is nothing to tell)."""
    axes = tuple(axis for axis in Axis if len({cell.value(axis) for cell in cells}) > 1)
    return axes or tuple(Axis)


def common_axes(cells: Sequence[Cell]) -> tuple[tuple[Axis, str], ...]:
    """Return the other axes, those on which all ``cells`` have one value, with that value."""
    axes = varying_axes(cells)
    return tuple((axis, cells[0].value(axis)) for axis in Axis if cells and axis not in axes)


def was_broken(verdict: CellVerdict) -> bool:
    """Return whether something broke in this cell, so that its kernel log is worth a look."""
    return (
        verdict.incident is not None
        or verdict.verdict is Verdict.BROKEN
        or verdict.outcome in {Outcome.OOM, Outcome.HUNG, Outcome.CRASHED, Outcome.CORRUPT}
    )


def classes_by_status(
    verdict: CellVerdict, limit_kib: float
) -> dict[GrowthStatus, list[tuple[MemoryClass, ClassRate]]]:
    """Return the classes by whether they grew; ``limit_kib`` a round is what matters to the user.

    Those that grew come fastest first, and the sum of all, ``USED``, last; others in the model's
    order.
    """
    found: dict[GrowthStatus, list[tuple[MemoryClass, ClassRate]]] = {of: [] for of in GrowthStatus}
    for name in MemoryClass:
        if name in verdict.classes:
            status = growth_status(verdict, name, limit_kib)
            found[status].append((name, verdict.classes[name]))
    found[GrowthStatus.PROVEN].sort(
        key=lambda item: (item[0] is MemoryClass.USED, -(finite(item[1].rate_kib) or 0.0))
    )
    return found


def representative(
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


def last_facts(recording: Recording | None) -> tuple[tuple[str, Scalar], ...]:
    """Return what the workload told of its last round; what the sampler notes is left out."""
    told = [
        tuple(item for item in entry.facts.items() if item[0] != EXACT_OBJECTS)
        for entry in (recording.rounds if recording else ())
    ]
    return next((facts for facts in reversed(told) if facts), ())


def log_excerpt(verdict: CellVerdict, recording: Recording) -> tuple[LogLine, ...]:
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
