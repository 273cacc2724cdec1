"""The smallest conjunction that is guilty: which values have to come together, what may vary."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.hunt.clue.model import Condition, Conjunction
from anyclue.hunt.model import Factor
from anyclue.hunt.select.factors import find_factors, first_guilty, is_guilty, kind
from anyclue.hunt.select.isolation import open_questions
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict


def smallest_conjunction(
    verdicts: Sequence[CellVerdict], universe: Sequence[Cell], references: Sequence[Cell]
) -> Conjunction | None:
    """Return what has to come together for the first guilty cell; None when nothing is guilty.

    ``universe`` are all combinations, ``verdicts`` those that ran.
    """
    first = first_guilty(verdicts)
    if first is None:
        return None
    guilty = [v.cell for v in verdicts if is_guilty(v) and kind(v) == kind(first)]
    factors = [f for f in find_factors(verdicts) if len(_values(universe, f)) > 1]
    open_axes = {question.axis for question in open_questions(universe, references, verdicts)}
    undecided = [f for f in factors if f.matters is None or (f.matters and f.factor in open_axes)]
    return Conjunction(
        conditions=tuple(
            Condition(axis=factor.factor, value=" or ".join(_values(guilty, factor)))
            for factor in factors
            if factor.matters
        ),
        irrelevant=tuple((f.factor, f.evidence[0]) for f in factors if f.matters is False),
        proven=not undecided,
        because="; ".join(f"{f.factor.value}: {f.because}" for f in undecided),
        cells_run=len(verdicts),
        cells_full=len(universe),
    )


def _values(cells: Sequence[Cell], factor: Factor) -> list[str]:
    return list(dict.fromkeys(cell.value(factor.factor) for cell in cells))
