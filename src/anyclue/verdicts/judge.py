"""From recordings to one verdict a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anyclue.model.recording import Outcome, Recording
from anyclue.model.scenario import Cell, Scenario, Sensitivity
from anyclue.model.verdict import CellVerdict
from anyclue.verdicts.conclusions import conclude
from anyclue.verdicts.evidence import CellEvidence, gather


def judge_cells(
    scenario: Scenario, recordings: Mapping[Cell, Sequence[Recording]]
) -> tuple[CellVerdict, ...]:
    """Return the verdict of every planned cell, in plan order.

    A cell without recordings is ``unproven``; so is each that could not be judged: never clean.
    """
    references = {
        cell: gather(cell, recordings.get(cell, ()), None, None)
        for cell in scenario.references
        if cell in scenario.cells
    }
    verdicts = []
    for cell in scenario.cells:
        evidence = references.get(cell)
        if evidence is None:
            nearest = scenario.reference_for(cell)
            reference = references[nearest] if nearest is not None else None
            evidence = gather(cell, recordings.get(cell, ()), nearest, reference)
        verdicts.append(_verdict(scenario.sensitivity, evidence))
    return tuple(verdicts)


def _verdict(sensitivity: Sensitivity, evidence: CellEvidence) -> CellVerdict:
    conclusion = conclude(sensitivity, evidence)
    carrier = evidence.decisions.get(conclusion.carrier) if conclusion.rate_known else None
    return CellVerdict(
        cell=evidence.cell,
        outcome=evidence.outcome,
        verdict=conclusion.verdict,
        because=conclusion.because + _trials_left_out(evidence),
        rate_kib_per_round=carrier.rate if carrier is not None else None,
        rate_ci95_kib=carrier.interval if carrier is not None else None,
        signature=conclusion.signature,
        signature_detail=conclusion.detail,
        classes={c: decision.class_rate() for c, decision in evidence.decisions.items()},
        rounds=evidence.floors.used_rounds,
        warm_up=evidence.floors.warm_up,
        trials=len(evidence.all),
        reference=evidence.reference_cell,
        incident=evidence.incident,
        floors={
            memory_class: tuple(trial.kib for trial in series)
            for memory_class, series in evidence.floors.series.items()
        },
    )


def _trials_left_out(evidence: CellEvidence) -> str:
    if not evidence.judged:
        return ""
    left_out = [
        f"{count} {outcome.value}"
        for outcome in (Outcome.LOST, Outcome.NOT_RUN)
        if (count := sum(r.outcome is outcome for r in evidence.all))
    ]
    return f"; left out of {len(evidence.all)} trials: {', '.join(left_out)}" if left_out else ""
