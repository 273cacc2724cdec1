"""A bisection as JSON, for machines; documented in ``docs/bisect.md``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from anyclue.bisect.core.model import BisectionStatus, BisectTerm
from anyclue.bisect.core.result import (
    BisectionResult,
    RevertOutcome,
    RevertProof,
    RunReport,
    StrategyResult,
)
from anyclue.bisect.render.text import conclusion, conflict
from anyclue.hunt.clue.model import Place
from anyclue.report.json_document import DocumentModel, Line, document_text
from anyclue.report.text import clean


class AccusedItem(DocumentModel):
    """A commit that is accused."""

    commit: str
    subject: Line


class ProofItem(DocumentModel):
    """What the bad end showed without the change, or with the fix."""

    reverted: BisectTerm | None
    fix: str | None
    runs: int
    because: Line

    @classmethod
    def of(cls, proof: RevertProof) -> ProofItem:
        """Return the item of a proof."""
        conflicts = proof.outcome is RevertOutcome.CONFLICT
        return cls(
            reverted=None if conflicts else BisectTerm(proof.outcome.value),
            fix=clean(proof.fix) or None,
            runs=proof.runs,
            because=conflict(proof) if conflicts else proof.because,
        )


class StepItem(DocumentModel):
    """A run of a commit."""

    commit: str
    shown: BisectTerm
    because: Line
    seconds: float | None
    build_seconds: float | None

    @classmethod
    def of(cls, run: RunReport) -> StepItem:
        """Return the item of a run."""
        return cls(
            commit=run.observation.commit,
            shown=run.observation.term,
            because=run.observation.because,
            seconds=run.seconds,
            build_seconds=run.build_seconds,
        )


class PlaceItem(DocumentModel):
    """A function of the accused commit where the fault may be."""

    function: Line
    path: Line
    line: int
    probability: float

    @classmethod
    def of(cls, place: Place) -> PlaceItem:
        """Return the item of a place."""
        return cls(
            function=place.function,
            path=place.path,
            line=place.line,
            probability=round(place.probability, 6),
        )


class BisectionDocument(DocumentModel):
    """What ``anyclue bisect --json`` prints."""

    schema_: Literal["anyclue.bisect/1"] = Field(
        default="anyclue.bisect/1", serialization_alias="schema"
    )
    standing: BisectionStatus
    said: str
    accused: list[AccusedItem]
    confidence: float
    commits: int
    cell: str
    wanted: Line
    runs: int
    proof: ProofItem | None
    steps: list[StepItem]
    places: list[PlaceItem]
    run: Line


class StrategyItem(DocumentModel):
    """How a strategy does in simulation."""

    strategy: str
    runs: float
    right: float


class SimulationDocument(DocumentModel):
    """What ``anyclue bisect --simulate --json`` prints."""

    schema_: Literal["anyclue.bisect-simulation/1"] = Field(
        default="anyclue.bisect-simulation/1", serialization_alias="schema"
    )
    strategies: list[StrategyItem]


def bisect_json(result: BisectionResult) -> str:
    """Return a bisection as JSON, in ASCII, ended by a line end."""
    document = BisectionDocument(
        standing=result.status,
        said=conclusion(result),
        accused=[AccusedItem(commit=one.commit, subject=one.subject) for one in result.accused],
        confidence=round(result.confidence, 6),
        commits=result.commits,
        cell=result.cell,
        wanted=result.failure,
        runs=len(result.runs),
        proof=ProofItem.of(result.proof) if result.proof is not None else None,
        steps=[StepItem.of(one) for one in result.runs],
        places=[PlaceItem.of(one) for one in result.places],
        run=result.run,
    )
    return document_text(document)


def simulated_json(rows: Sequence[StrategyResult]) -> str:
    """Return how strategies do in simulation as JSON, ended by a line end."""
    strategies = [
        StrategyItem(strategy=one.strategy, runs=round(one.runs, 2), right=round(one.right, 4))
        for one in rows
    ]
    return document_text(SimulationDocument(strategies=strategies))
