"""From the recording of a trial to what judging needs of it."""

from __future__ import annotations

from anyclue.model.evaluation import EvaluatedRound, TrialEvaluation
from anyclue.model.recording import Recording
from anyclue.verdicts.peaks import extremes_of


def evaluate(recording: Recording) -> TrialEvaluation:
    """Return the evaluation of a recording."""
    return TrialEvaluation(
        cell=recording.cell,
        trial=recording.trial,
        outcome=recording.outcome,
        detail=recording.detail,
        reason=recording.reason,
        ram_kib=recording.ram_kib,
        rounds=tuple(
            EvaluatedRound(number=one.number, floor=one.floor, facts=one.facts)
            for one in recording.rounds
        ),
        extremes=extremes_of(recording),
        incident=recording.incident,
        provenance=recording.provenance,
        merged_caches=recording.merged_caches,
    )
