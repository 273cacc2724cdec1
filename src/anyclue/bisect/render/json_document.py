"""A bisection as JSON, for machines; documented in ``docs/bisect.md``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from anyclue.bisect.core.model import BisectionStatus, BisectTerm
from anyclue.bisect.core.result import BisectionResult, RevertProof, StrategyResult
from anyclue.bisect.render.text import conclusion, conflict
from anyclue.report.json_document import DocumentModel, Line, Number, document_text
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


class StepItem(DocumentModel):
    """A run of a commit."""

    commit: str
    shown: BisectTerm
    because: Line
    seconds: float | None
    build_seconds: float | None


class PlaceItem(DocumentModel):
    """A function of the accused commit where the fault may be."""

    function: Line
    path: Line
    line: int
    probability: Number


class BisectionDocument(DocumentModel):
    """What ``anyclue bisect --json`` prints."""

    schema_: Literal["anyclue.bisect/1"] = Field(
        default="anyclue.bisect/1", serialization_alias="schema"
    )
    standing: BisectionStatus
    said: str
    accused: list[AccusedItem]
    confidence: Number
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
    accused = [AccusedItem(commit=one.commit, subject=one.subject) for one in result.accused]
    steps = [
        StepItem(
            commit=one.observation.commit,
            shown=one.observation.term,
            because=one.observation.because,
            seconds=one.seconds,
            build_seconds=one.build_seconds,
        )
        for one in result.runs
    ]
    places = [
        PlaceItem(function=one.function, path=one.path, line=one.line, probability=one.probability)
        for one in result.places
    ]
    document = BisectionDocument(
        standing=result.status,
        said=conclusion(result),
        accused=accused,
        confidence=result.confidence,
        commits=result.commits,
        cell=result.cell,
        wanted=result.failure,
        runs=len(result.runs),
        proof=_proof(result.proof) if result.proof is not None else None,
        steps=steps,
        places=places,
        run=result.run,
    )
    return document_text(document)


def _proof(proof: RevertProof) -> ProofItem:
    return ProofItem(
        reverted=proof.worst,
        fix=clean(proof.fix) or None,
        runs=len(proof.terms),
        because=proof.because if proof.terms else conflict(proof),
    )


def simulated_json(rows: Sequence[StrategyResult]) -> str:
    """Return how strategies do in simulation as JSON, ended by a line end."""
    strategies = [
        StrategyItem(strategy=one.strategy, runs=round(one.runs, 2), right=round(one.right, 4))
        for one in rows
    ]
    return document_text(SimulationDocument(strategies=strategies))
