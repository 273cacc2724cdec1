"""From recordings to one verdict a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.recording import Outcome, Recording
from anyclue.model.scenario import Cell, Scenario, Sensitivity
from anyclue.model.verdict import CellVerdict
from anyclue.verdicts.conclusions import conclude
from anyclue.verdicts.evaluation import evaluate
from anyclue.verdicts.evidence import CellEvidence, gather


def judge_cells(
    scenario: Scenario, recordings: Mapping[Cell, Sequence[Recording]]
) -> tuple[CellVerdict, ...]:
    """Return the verdict of every planned cell, in plan order.

    A cell without recordings is ``unproven``; so is each that could not be judged: never clean.
    """
    trials = {cell: tuple(map(evaluate, of)) for cell, of in recordings.items()}
    return CellJudge().judge(scenario, trials)


class CellJudge:
    """Judges cells; one whose trials, reference and sensitivity are the same is judged once."""

    def __init__(self) -> None:
        self._judged: dict[Cell, _JudgedCell] = {}

    def judge(
        self, scenario: Scenario, trials: Mapping[Cell, tuple[TrialEvaluation, ...]]
    ) -> tuple[CellVerdict, ...]:
        """Return the verdict of every planned cell, in plan order.

        The evaluation of a trial is the same when it is the same object.
        """
        references = {
            cell: self._cell(scenario, cell, trials.get(cell, ()), None)
            for cell in scenario.planned_references
        }
        verdicts = []
        for cell in scenario.cells:
            judged = references.get(cell)
            if judged is None:
                nearest = scenario.reference_for(cell)
                reference = references[nearest].evidence if nearest is not None else None
                judged = self._cell(scenario, cell, trials.get(cell, ()), reference)
            verdicts.append(judged.verdict)
        return tuple(verdicts)

    def _cell(
        self,
        scenario: Scenario,
        cell: Cell,
        trials: tuple[TrialEvaluation, ...],
        reference: CellEvidence | None,
    ) -> _JudgedCell:
        before = self._judged.get(cell)
        if (
            before is None
            or before.sensitivity != scenario.sensitivity
            or before.evidence.reference is not reference
            or len(before.trials) != len(trials)
            or any(a is not b for a, b in zip(before.trials, trials, strict=True))
        ):
            evidence = gather(cell, trials, reference.cell if reference else None, reference)
            before = self._judged[cell] = _JudgedCell(
                trials=trials,
                sensitivity=scenario.sensitivity,
                evidence=evidence,
                verdict=_verdict(scenario.sensitivity, evidence),
            )
        return before


@dataclass(frozen=True, kw_only=True)
class _JudgedCell:
    """A verdict and all that it was made from."""

    trials: tuple[TrialEvaluation, ...]
    sensitivity: Sensitivity
    evidence: CellEvidence
    verdict: CellVerdict


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
