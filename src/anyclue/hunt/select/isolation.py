"""Which cells to run next, so that few of many tell what matters; and what that isolated.

As long as nothing leaks or broke, the cells that are most unlike those that ran are next: first
each value of each axis is met once, then each pair of values, and what is known to be good comes
last. From the first such cell on only that is asked which pairs of cells answer, a guilty one and
one that differs from it on one axis: does this axis matter? If it does: with which of its values?
An axis that a pair acquits is not asked about again. Each fault is asked about by itself.
A surge does not end the search: a leak is the graver.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from anyclue.hunt.clue.model import Condition, Conjunction
from anyclue.hunt.model import Factor, Fault
from anyclue.hunt.select.factors import (
    first_leak_or_break,
    gravest,
    innocent_beside,
    kind,
    without,
)
from anyclue.hunt.select.faults import find_faults
from anyclue.model.scenario import Axis, Cell
from anyclue.model.verdict import CellVerdict

Met: TypeAlias = frozenset[tuple[Axis, str]]
"""A value on an axis, or values on two of them."""


@dataclass(frozen=True, kw_only=True)
class OpenQuestion:
    """What one more cell could answer; any of ``candidates`` would, in order of preference."""

    axis: Axis
    matters: bool
    """Whether it is known that the axis matters, and this asks for one of its values."""
    candidates: tuple[Cell, ...]


def next_cells(
    universe: Sequence[Cell],
    references: Sequence[Cell],
    verdicts: Sequence[CellVerdict],
    width: int,
) -> tuple[Cell, ...]:
    """Return the cells of ``universe`` to run next, at most ``width``; none when all is known.

    ``verdicts`` are of all cells that ran. The same verdicts give the same cells.
    """
    ran = {verdict.cell for verdict in verdicts}
    if first_leak_or_break(verdicts) is None:
        return _most_unlike(universe, references, ran, width)
    questions = [
        question
        for fault in find_faults(verdicts)
        for question in open_questions(universe, references, fault)
    ]
    return _answers(questions, width)


def open_questions(
    universe: Sequence[Cell], references: Sequence[Cell], fault: Fault
) -> tuple[OpenQuestion, ...]:
    """Return what is not known of a fault yet and a cell that did not run could tell."""
    ran = {verdict.cell for verdict in fault.verdicts}
    left = [cell for cell in universe if cell not in ran]
    return tuple(
        question for axis in Axis for question in _questions(fault, axis, left, set(references))
    )


def _questions(
    fault: Fault, axis: Axis, left: Sequence[Cell], good: Container[Cell]
) -> Iterable[OpenQuestion]:
    verdicts, proven = fault.verdicts, fault.cells
    of = fault.verdict, fault.signature
    guilty = [v.cell for v in proven]
    grave = {v.cell for v in gravest(verdicts)}
    beside: dict[Cell, list[CellVerdict]] = {}
    for one in proven:
        beside.setdefault(without(one.cell, axis), []).append(one)
    pairs = [
        v
        for v in verdicts
        if any(
            v.cell != one.cell and (v.cell in grave or innocent_beside(v, one))
            for one in beside.get(without(v.cell, axis), ())
        )
    ]
    alike = [v for v in pairs if kind(v) == of]
    # Whether an axis matters, a cell that is known to be good tells best; of a value that is not
    # the point it would say what is known.
    candidates = sorted(
        (cell for cell in left if without(cell, axis) in beside),
        key=lambda cell: (cell in good) is bool(pairs),
    )
    if not pairs:
        if candidates:
            yield OpenQuestion(axis=axis, matters=False, candidates=tuple(candidates))
    elif len(alike) < len(pairs):
        known = {v.cell.value(axis) for v in pairs} | {cell.value(axis) for cell in guilty}
        for value in dict.fromkeys(cell.value(axis) for cell in candidates):
            if value not in known:
                those = tuple(cell for cell in candidates if cell.value(axis) == value)
                yield OpenQuestion(axis=axis, matters=True, candidates=those)


def _answers(questions: Sequence[OpenQuestion], width: int) -> tuple[Cell, ...]:
    """Return cells that answer as many questions as they can.

    Whether an axis matters is asked first: one that does not makes more cells guilty, and a cell
    beside two guilty ones answers more.
    """
    urgent = [question for question in questions if not question.matters]
    chosen: list[Cell] = []
    for group in (urgent, list(questions)):
        left = [q for q in group if not set(q.candidates) & set(chosen)]
        while left and len(chosen) < width:
            rank = {
                cell: at
                for question in reversed(left)
                for at, cell in enumerate(question.candidates)
            }
            best = max(rank, key=lambda c: (sum(c in q.candidates for q in left), -rank[c]))
            chosen.append(best)
            left = [question for question in left if best not in question.candidates]
    return tuple(chosen)


def _most_unlike(
    universe: Sequence[Cell], references: Sequence[Cell], ran: set[Cell], width: int
) -> tuple[Cell, ...]:
    """Return cells with values, then pairs of values, that no cell has been run with."""
    known = set(references)
    met: set[Met] = {of for cell in ran for of in (*_values(cell), *_pairs(cell))}
    chosen: list[Cell] = []
    left = [cell for cell in universe if cell not in ran]
    while left and len(chosen) < width:
        best = max(
            left,
            key=lambda cell: (
                cell not in known,
                sum(of not in met for of in _values(cell)),
                sum(of not in met for of in _pairs(cell)),
            ),
        )
        chosen.append(best)
        met.update((*_values(best), *_pairs(best)))
        left.remove(best)
    return tuple(chosen)


def _values(cell: Cell) -> tuple[Met, ...]:
    return tuple(frozenset({(axis, cell.value(axis))}) for axis in Axis)


def _pairs(cell: Cell) -> tuple[Met, ...]:
    return tuple(a | b for a, b in combinations(_values(cell), 2))


def smallest_conjunction(
    fault: Fault, universe: Sequence[Cell], references: Sequence[Cell]
) -> Conjunction:
    """Return what has to come together for a fault; ``universe`` are all combinations."""
    guilty = [v.cell for v in fault.cells]
    factors = _varied_factors(fault, universe)
    return Conjunction(
        conditions=tuple(
            Condition(axis=factor.factor, value=" or ".join(_distinct(guilty, factor)))
            for factor in factors
            if factor.matters
        ),
        irrelevant=tuple((f.factor, f.evidence[0]) for f in factors if f.matters is False),
        proven=not undecided_factors(fault, universe, references),
        cells_run=sum(v.trials > 0 for v in fault.verdicts),
        cells_full=len(universe),
    )


def undecided_factors(
    fault: Fault, universe: Sequence[Cell], references: Sequence[Cell]
) -> tuple[Factor, ...]:
    """Return the factors that are missing to the proof of the smallest conjunction."""
    open_axes = {question.axis for question in open_questions(universe, references, fault)}
    return tuple(
        factor
        for factor in _varied_factors(fault, universe)
        if factor.matters is None or (factor.matters and factor.factor in open_axes)
    )


def _varied_factors(fault: Fault, universe: Sequence[Cell]) -> list[Factor]:
    return [factor for factor in fault.factors if len(_distinct(universe, factor)) > 1]


def _distinct(cells: Sequence[Cell], factor: Factor) -> list[str]:
    return list(dict.fromkeys(cell.value(factor.factor) for cell in cells))
