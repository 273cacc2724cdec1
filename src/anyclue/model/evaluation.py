"""What judging needs of one trial: all of its recording that is not a series over time.

A recording is read once; its evaluation is small enough to be kept for every trial of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anyclue.model.recording import EndReason, Incident, Outcome, Reading
from anyclue.model.scenario import Cell, Scalar
from anyclue.model.verdict import MemoryClass


@dataclass(frozen=True, kw_only=True)
class Extremes:
    """Extremes of one trial, in KiB; None where nothing was recorded.

    ``held`` is the most that a round left behind and quiescing gave back, with the class that
    held most of it; ``used`` and ``uncached`` are the highest use above the lowest use, with and
    without caches; ``growth`` is the rise of each class above its first sample. ``pinned`` is the
    file cache of the last sample that is clean and mapped by nobody.
    """

    held: float | None = None
    held_class: MemoryClass | None = None
    used: float | None = None
    uncached: float | None = None
    growth: Mapping[MemoryClass, float] = field(default_factory=dict)
    pinned: float | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluatedRound:
    """A round with its floor (None when it did not reach it) and what the workload did in it."""

    number: int
    floor: Reading | None
    facts: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrialEvaluation:
    """A trial as verdicts see it."""

    cell: Cell
    trial: int
    outcome: Outcome
    detail: str
    ram_kib: int
    reason: EndReason | None = None
    rounds: tuple[EvaluatedRound, ...] = ()
    extremes: Extremes = Extremes()
    incident: Incident | None = None
    provenance: Mapping[str, Scalar] = field(default_factory=dict)
    merged_caches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
