"""Put verdicts, factors and the sentence together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anyclue.fstests.render.reasons import reason_text
from anyclue.hunt.clue.sentence import sentence
from anyclue.hunt.model import RunVerdicts
from anyclue.hunt.select.factors import find_factors
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict, Verdict


def conclude(
    verdicts: Sequence[CellVerdict],
    recordings: Mapping[Cell, Sequence[TrialEvaluation]] | None = None,
) -> RunVerdicts:
    """Return the findings of a run; every cell that could not be judged is listed with its why."""
    factors = find_factors(verdicts)
    return RunVerdicts(
        sentence=sentence(verdicts, factors, recordings),
        cells=tuple(verdicts),
        factors=factors,
        not_judged=tuple(
            f"{v.cell.id}: {reason_text(v.because)}"
            for v in verdicts
            if v.verdict is Verdict.UNPROVEN
        ),
    )
