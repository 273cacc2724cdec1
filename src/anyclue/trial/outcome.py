"""How a trial ended, from how the procedure ended, what the kernel said, and what still moved."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from anyclue.model.recording import Incident, LogLine, Outcome, Reading
from anyclue.recordings.kernel_log import blocked_incident, kind_of

STILL_S = 20.0
"""A guest in which nothing moved for so long (of its own time) will not move again by itself."""

STILL_AT_WORK = "it was still at work"
"""In the detail of a trial whose round took too long, and would again."""

ACTIVITY = ("nr_dirtied", "nr_written", "pgpgin", "pgpgout", "pgfault")
"""Counters of /proc/vmstat of which a working file system, or a working process, moves one."""


class Movement(StrEnum):
    """What the last seconds of a trial showed."""

    MOVING = "moving"
    STILL = "still"
    SILENT = "silent"


def movement(samples: Sequence[Reading], deadline_s: float) -> Movement:
    """Say what moved in the last `STILL_S` seconds before ``deadline_s`` (the guest's clock).

    Silent means that not even the agent, the first process, could take a sample.
    """
    # After the deadline it is we who make the kernel busy: it lists its blocked tasks for us.
    before = [sample for sample in samples if sample.t_s <= deadline_s]
    if not before or deadline_s - before[-1].t_s > STILL_S:
        return Movement.SILENT
    recent = [sample for sample in before if sample.t_s >= before[-1].t_s - STILL_S]
    seen = {tuple(sample.counters.get(f"vmstat.{name}") for name in ACTIVITY) for sample in recent}
    return Movement.STILL if len(seen) == 1 else Movement.MOVING


def settle(
    outcome: Outcome,
    detail: str,
    incident: Incident | None,
    lines: Sequence[LogLine],
    moved: Movement,
    limit: str = "limits.round_seconds",
) -> tuple[Outcome, str]:
    """Decide the outcome from how the procedure ended and what the kernel said.

    ``limit`` names the key of the scenario by which a round took too long.
    """
    oom = any((kind := kind_of(line.text)) and kind.name == "oom" for line in lines)
    if oom and (incident is None or not _broke(incident) or incident.kind == "panic"):
        return Outcome.OOM, f"out of memory ({detail})"
    if incident is not None and (outcome is Outcome.CRASHED or _broke(incident)):
        return Outcome.CRASHED, incident.title
    if outcome is Outcome.CRASHED:
        return Outcome.LOST, f"{detail}, and its kernel reported nothing"
    if outcome is Outcome.HUNG:
        outcome, detail = _hung_or_slow(detail, incident, lines, moved)
        return outcome, detail if outcome is Outcome.HUNG else f"{detail}: raise {limit}"
    return outcome, detail


def _hung_or_slow(
    detail: str, incident: Incident | None, lines: Sequence[LogLine], moved: Movement
) -> tuple[Outcome, str]:
    """A round that took too long: only one in which nothing moves any more is hung."""
    if moved is Movement.MOVING:
        return Outcome.LOST, f"{detail}, but {STILL_AT_WORK}"
    if moved is Movement.SILENT:
        return Outcome.HUNG, f"{detail}, and the guest had fallen silent"
    named = incident is not None and incident.kind in ("hung-task", "stall")
    if named or blocked_incident(lines) is not None:
        return Outcome.HUNG, f"{detail}, and nothing moved any more"
    return Outcome.LOST, f"{detail}, but no task is stuck"


def _broke(incident: Incident) -> bool:
    kind = kind_of(incident.title)
    return kind is not None and kind.fatal
