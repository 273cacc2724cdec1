"""A bisection as JSON, for machines; documented in ``docs/bisect.md``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

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
from anyclue.report.text import clean

Clean = Annotated[str, AfterValidator(clean)]
"""Text that may be hostile, made harmless and put on one line."""


class AccusedItem(BaseModel):
    """A commit that is accused."""

    commit: str
    subject: Clean


class ProofItem(BaseModel):
    """What the bad end showed without the change, or with the fix."""

    reverted: BisectTerm | None
    fix: str | None
    runs: int
    because: Clean

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


class StepItem(BaseModel):
    """A run of a commit."""

    commit: str
    shown: BisectTerm
    because: Clean
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


class PlaceItem(BaseModel):
    """A function of the accused commit where the fault may be."""

    function: Clean
    path: Clean
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


class BisectionDocument(BaseModel):
    """What ``anyclue bisect --json`` prints."""

    schema_: str = Field(default="anyclue.bisect/1", alias="schema")
    standing: BisectionStatus
    said: str
    accused: list[AccusedItem]
    confidence: float
    commits: int
    cell: str
    wanted: Clean
    runs: int
    proof: ProofItem | None
    steps: list[StepItem]
    places: list[PlaceItem]
    run: Clean


class StrategyItem(BaseModel):
    """How a strategy does in simulation."""

    strategy: str
    runs: float
    right: float


class SimulationDocument(BaseModel):
    """What ``anyclue bisect --simulate --json`` prints."""

    schema_: str = Field(default="anyclue.bisect-simulation/1", alias="schema")
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
    return _text(document)


def simulated_json(rows: Sequence[StrategyResult]) -> str:
    """Return how strategies do in simulation as JSON, ended by a line end."""
    strategies = [
        StrategyItem(strategy=one.strategy, runs=round(one.runs, 2), right=round(one.right, 4))
        for one in rows
    ]
    return _text(SimulationDocument(strategies=strategies))


def _text(document: BaseModel) -> str:
    value = document.model_dump(mode="json", by_alias=True)
    return json.dumps(value, indent=2, allow_nan=False) + "\n"
