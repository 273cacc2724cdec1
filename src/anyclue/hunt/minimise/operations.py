"""How much a round did, as its workload counted it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.verdict import CellVerdict


def done_per_round(
    verdict: CellVerdict, recordings: Sequence[TrialEvaluation], fact: str
) -> float | None:
    """Return the median of a fact over the rounds that were judged; None where it is not told."""
    counts = [
        float(value)
        for recording in recordings
        for one_round in recording.rounds[verdict.warm_up :]
        if isinstance(value := one_round.facts.get(fact), int | float)
    ]
    done = median(counts) if counts else 0.0
    return done if done > 0 else None
