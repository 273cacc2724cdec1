"""How a trial ended, from how its session ended, what the kernel said, and what still moved."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from anyclue.model.recording import (
    EndReason,
    EndState,
    Incident,
    IncidentKind,
    IncidentSeverity,
    LogLine,
    Outcome,
    Reading,
)
from anyclue.recordings.kernel_log import blocked_incident, kind_of

STILL_S = 20.0
"""A guest in which nothing moved for so long (of its own time) will not move again by itself."""

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


def conclude_ending(
    ending: EndState,
    incident: Incident | None,
    lines: Sequence[LogLine],
    moved: Movement,
    limit_key: str,
) -> EndState:
    """Return how a trial ended, from how its session ended and what the kernel said.

    ``limit_key`` names the key of the scenario by which a round took too long.
    """
    oom = any(kind_of(line) is IncidentKind.OOM for line in lines)
    fatal = incident is not None and incident.kind.severity is IncidentSeverity.FATAL
    if oom and (incident is None or not fatal or incident.kind is IncidentKind.PANIC):
        return EndState(
            outcome=Outcome.OOM,
            reason=EndReason.OUT_OF_MEMORY,
            detail=f"out of memory ({ending.detail})",
        )
    if incident is not None and (ending.outcome is Outcome.CRASHED or fatal):
        return EndState(outcome=Outcome.CRASHED, reason=EndReason.KERNEL_BUG, detail=incident.title)
    if ending.outcome is Outcome.CRASHED:
        return EndState(
            outcome=Outcome.LOST,
            reason=EndReason.GUEST_ENDED,
            detail=f"{ending.detail}, and its kernel reported nothing",
        )
    if ending.outcome is Outcome.HUNG:
        return _hung_or_slow(ending.detail, lines, moved, limit_key)
    return ending


def _hung_or_slow(
    detail: str,
    lines: Sequence[LogLine],
    moved: Movement,
    limit_key: str,
) -> EndState:
    """A round that took too long: only one in which nothing moves any more is hung."""
    if moved is Movement.SILENT:
        return EndState(
            outcome=Outcome.HUNG,
            reason=EndReason.GUEST_SILENT,
            detail=f"{detail}, and the guest had fallen silent",
        )
    named = any(kind_of(line) in (IncidentKind.HUNG_TASK, IncidentKind.STALL) for line in lines)
    if moved is Movement.STILL and (named or blocked_incident(lines) is not None):
        return EndState(
            outcome=Outcome.HUNG,
            reason=EndReason.TASKS_STUCK,
            detail=f"{detail}, and nothing moved any more",
        )
    at_work = moved is Movement.MOVING
    why = "it was still at work" if at_work else "no task is stuck"
    return EndState(
        outcome=Outcome.LOST,
        reason=EndReason.STILL_AT_WORK if at_work else EndReason.NO_TASK_STUCK,
        detail=f"{detail}, but {why}: raise {limit_key}",
    )
