"""All that a verdict on one cell can rest on, gathered from its recordings and its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.recording import Incident, Outcome, gravest_incident
from anyclue.model.scenario import Axis, Cell
from anyclue.model.verdict import MemoryClass, ObjectSeries
from anyclue.verdicts.floors import Floors, floors_of
from anyclue.verdicts.growth import GrowthTest, growth_by_class
from anyclue.verdicts.object_floors import ObjectFloors, counted_exactly, object_floors
from anyclue.verdicts.object_growth import NO_OBJECTS, ObjectTests, object_tests
from anyclue.verdicts.peaks import Peaks, peaks_of

SEVERITY: Final = (
    Outcome.CRASHED,
    Outcome.HUNG,
    Outcome.CORRUPT,
    Outcome.OOM,
    Outcome.FAILED,
    Outcome.PASSED,
    Outcome.NOT_RUN,
    Outcome.LOST,
)
"""The outcome of a cell is the first of these that one of its trials had."""


@dataclass(frozen=True, kw_only=True)
class CellEvidence:
    """All that a verdict on a cell can rest on; ``judged`` are the trials that said something.

    ``is_reference``: other cells are compared with it. ``known`` are counts of objects that were
    proven to leak under other conditions.
    """

    cell: Cell
    all: tuple[TrialEvaluation, ...]
    judged: tuple[TrialEvaluation, ...]
    floors: Floors
    growth: Mapping[MemoryClass, GrowthTest]
    peaks: Peaks
    reference: CellEvidence | None
    reference_cell: Cell | None
    is_reference: bool = False
    known: frozenset[ObjectSeries] = frozenset()

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of the cell's trials."""
        outcomes = {recording.outcome for recording in self.all}
        return next((o for o in SEVERITY if o in outcomes), Outcome.NOT_RUN)

    @property
    def worst(self) -> TrialEvaluation | None:
        """The first trial with that outcome."""
        return next((r for r in self.all if r.outcome is self.outcome), None)

    @property
    def incident(self) -> Incident | None:
        """The gravest thing that broke, in the trials with the worst outcome first."""
        worst = gravest_incident(r.incident for r in self.all if r.outcome is self.outcome)
        return worst or gravest_incident(r.incident for r in self.judged)

    @cached_property
    def object_floors(self) -> ObjectFloors:
        """Counts of objects at the floors."""
        return object_floors(self.judged)

    @cached_property
    def objects(self) -> ObjectTests:
        """How they grew; inexact counts say nothing without a reference.

        What a good kernel leaves behind hangs on machine and workload, so the reference has to have
        the same; of counts that are known to leak it says enough. One that is itself the reference
        shows what is normal.
        """
        reference = self.reference
        alike = {Axis.MACHINE} if self.known else {Axis.MACHINE, Axis.WORKLOAD}
        if reference is not None and alike & set(reference.cell.differs(self.cell)):
            reference = None
        if reference is None and not counted_exactly(self.judged):
            return NO_OBJECTS
        return object_tests(
            self.object_floors,
            reference.object_floors if reference is not None else None,
            is_reference=self.is_reference,
            known=self.known,
        )


def gather(
    cell: Cell,
    recordings: Sequence[TrialEvaluation],
    reference_cell: Cell | None,
    reference: CellEvidence | None,
    *,
    is_reference: bool = False,
    known: frozenset[ObjectSeries] = frozenset(),
) -> CellEvidence:
    """Gather the evidence on ``cell``; ``reference`` is that on ``reference_cell``, if any.

    ``known`` are counts of objects that were proven to leak under other conditions.
    """
    trials = tuple(sorted(recordings, key=lambda r: r.trial))
    judged = tuple(r for r in trials if r.outcome not in {Outcome.LOST, Outcome.NOT_RUN})
    floors = floors_of(judged)
    return CellEvidence(
        cell=cell,
        all=trials,
        judged=judged,
        floors=floors,
        growth=growth_by_class(
            floors,
            reference.floors if reference is not None else None,
            reference.growth if reference is not None else {},
        ),
        peaks=peaks_of(judged),
        reference=reference,
        reference_cell=reference_cell,
        is_reference=is_reference,
        known=known,
    )
