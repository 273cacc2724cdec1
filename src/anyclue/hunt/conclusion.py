"""The verdicts of a run's cells, put together with the factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anyclue.hunt.minimise.dose_response import done_per_round
from anyclue.hunt.model import RunVerdicts
from anyclue.hunt.select.factors import find_factors
from anyclue.hunt.select.faults import find_faults
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict


def conclude(
    verdicts: Sequence[CellVerdict], trials: Mapping[Cell, Sequence[TrialEvaluation]] | None = None
) -> RunVerdicts:
    """Return what the verdicts say together; of trials counts how many files a round made."""
    files = {v.cell: done_per_round(v, (trials or {}).get(v.cell, ()), "files") for v in verdicts}
    faults = find_faults(verdicts)
    return RunVerdicts(
        cells=tuple(verdicts),
        factors=faults[0].factors if faults else find_factors(verdicts),
        faults=faults,
        files_per_round={cell: count for cell, count in files.items() if count is not None},
    )
