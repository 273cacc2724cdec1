"""Which axes matter: found from pairs of cells that differ on one axis only.

A guilty cell beside an innocent one, all else equal, accuses the axis between them. A guilty cell
beside a cell that is guilty in the same way acquits it, but only when no pair accuses it or still
could. Where the cells cannot tell, the cell that would tell is named.

A leak below the sensitivity may be proven in one cell and not in the next, which is then clean: the
same leak, seen less well. So a clean cell is innocent of a leak only where the two rates differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from math import hypot
from typing import Final, TypeAlias

from anyclue.fstests.render.reasons import reason_text
from anyclue.hunt.model import Factor
from anyclue.model.scenario import Axis, Cell
from anyclue.model.verdict import CellVerdict, Signature, Verdict

GUILTY: Final = frozenset({Verdict.LEAK, Verdict.BROKEN})
INNOCENT: Final = frozenset({Verdict.CLEAN, Verdict.CACHE, Verdict.SURGE})
"""Verdicts that rest on floors in which growth is excluded."""

Kind: TypeAlias = tuple[Verdict, Signature | None]
Pair: TypeAlias = tuple[CellVerdict, CellVerdict]


def is_guilty(verdict: CellVerdict) -> bool:
    """Say whether something was proven against the cell."""
    return verdict.verdict in GUILTY


def first_guilty(verdicts: Sequence[CellVerdict]) -> CellVerdict | None:
    """Return the first cell that leaks, else the first that broke: the one that is looked into."""
    guilty = sorted(filter(is_guilty, verdicts), key=lambda v: v.verdict is not Verdict.LEAK)
    return guilty[0] if guilty else None


def kind(verdict: CellVerdict) -> Kind:
    """Return what a cell is guilty of; two cells with the same kind are guilty in the same way."""
    return verdict.verdict, verdict.signature


def innocent_beside(other: CellVerdict, guilty: CellVerdict) -> bool:
    """Say whether a cell does not do what ``guilty`` does.

    Of a leak the rates of what leaks are compared: their difference has to be above 0, by the
    interval that follows from those of the two (R. G. Newcombe's square-and-add).
    """
    if other.verdict not in INNOCENT:
        return False
    leaks = [
        name
        for name, one in guilty.classes.items()
        if one.grew and one.rate_kib == guilty.rate_kib_per_round
    ]
    if guilty.verdict is not Verdict.LEAK or not leaks:
        return True
    more, less = guilty.classes[leaks[0]], other.classes.get(leaks[0])
    if less is None or more.rate_kib is None or less.rate_kib is None:
        return True
    (low, _), (_, high) = more.ci95_kib or (0.0, 0.0), less.ci95_kib or (0.0, less.rate_kib)
    return more.rate_kib - less.rate_kib > hypot(more.rate_kib - low, high - less.rate_kib)


def guilt(of: Kind) -> str:
    """Return what a cell is guilty of, in words: ``leak (object)``."""
    verdict, signature = of
    return f"{verdict.value} ({signature.value})" if signature is not None else verdict.value


def find_factors(verdicts: Sequence[CellVerdict]) -> tuple[Factor, ...]:
    """Return one factor an axis, in the order of :class:`Axis`."""
    return tuple(_factor(axis, verdicts) for axis in Axis)


def _factor(axis: Axis, verdicts: Sequence[CellVerdict]) -> Factor:
    values = {v.cell.value(axis) for v in verdicts}
    if len(values) < 2:
        only = f" ({min(values)})" if values else ""
        return Factor(factor=axis, matters=None, because=f"only one value was run{only}")
    if not any(is_guilty(v) for v in verdicts):
        return Factor(factor=axis, matters=None, because="no cell is guilty of anything")
    pairs = [_guilty_first(a, b) for a, b in _differing(verdicts, axis)]
    pairs = [pair for pair in pairs if is_guilty(pair[0])]
    accusing = [(a, b) for a, b in pairs if innocent_beside(b, a)]
    if accusing:
        return _decided(axis, accusing, matters=True)
    guilty = [pair for pair in pairs if is_guilty(pair[1])]
    unlike = [(a, b) for a, b in guilty if kind(a) != kind(b)]
    if unlike:
        a, b = unlike[0]
        return Factor(
            factor=axis,
            matters=None,
            because=f"{_named(a, axis)} is {guilt(kind(a))}"
            f" and {_named(b, axis)} is {guilt(kind(b))}: not the same{_else_equal(a.cell, axis)}",
            evidence=tuple((x.cell, y.cell) for x, y in unlike),
        )
    if guilty and len(guilty) == len(pairs):
        return _decided(axis, guilty, matters=False)
    return _open(axis, verdicts, pairs)


def _decided(axis: Axis, pairs: Sequence[Pair], *, matters: bool) -> Factor:
    first, second = pairs[0]
    if matters:
        because = (
            f"{_named(first, axis)} is {guilt(kind(first))},"
            f" {_named(second, axis)} is {second.verdict.value}"
        )
    else:
        because = f"{_named(first, axis)} and {_named(second, axis)} are both {guilt(kind(first))}"
    others = len(pairs) - 1
    more = f"; so {'say' if others > 1 else 'says'} {others} more" if others else ""
    more += (" pairs" if others > 1 else " pair") if others else ""
    return Factor(
        factor=axis,
        matters=matters,
        because=f"{because}{_else_equal(first.cell, axis)}{more}",
        evidence=tuple((a.cell, b.cell) for a, b in pairs),
    )


def _open(axis: Axis, verdicts: Sequence[CellVerdict], pairs: Sequence[Pair]) -> Factor:
    """Say which cell would settle an axis: one that is not judged yet, else one not planned."""
    unproven = [b for _, b in pairs if b.verdict is Verdict.UNPROVEN]
    alike = [(a, b) for a, b in pairs if b.verdict in INNOCENT and not innocent_beside(b, a)]
    if unproven:
        why = reason_text(unproven[0].because)
        because = f"{unproven[0].cell.id} would tell, but is unproven: {why}"
    elif alike:
        a, b = alike[0]
        because = (
            f"{_named(a, axis)} is {guilt(kind(a))}, {_named(b, axis)} is {b.verdict.value}, but"
            f" may leak as much{_else_equal(a.cell, axis)}: more rounds would tell"
        )
    else:
        guilty = next(v for v in verdicts if is_guilty(v))
        values = dict.fromkeys(v.cell.value(axis) for v in verdicts)
        other = next(value for value in values if value != guilty.cell.value(axis))
        because = f"no judged pair differs in it alone; {_with(guilty.cell, axis, other).id} would"
        because += " tell"
    return Factor(factor=axis, matters=None, because=because)


def _with(cell: Cell, axis: Axis, value: str) -> Cell:
    return replace(cell, **{axis.value: value})


def _differing(verdicts: Sequence[CellVerdict], axis: Axis) -> list[Pair]:
    """Return the pairs whose cells differ on this axis alone, in the order of the verdicts."""
    alike: dict[Cell, list[int]] = {}
    for at, verdict in enumerate(verdicts):
        alike.setdefault(_with(verdict.cell, axis, ""), []).append(at)
    pairs = sorted(pair for group in alike.values() for pair in combinations(group, 2))
    return [
        (verdicts[a], verdicts[b])
        for a, b in pairs
        if verdicts[a].cell.value(axis) != verdicts[b].cell.value(axis)
    ]


def _guilty_first(a: CellVerdict, b: CellVerdict) -> Pair:
    return (a, b) if is_guilty(a) or not is_guilty(b) else (b, a)


def _named(verdict: CellVerdict, axis: Axis) -> str:
    return f"{axis.value} {verdict.cell.value(axis)}"


def _else_equal(cell: Cell, axis: Axis) -> str:
    others = [cell.value(other) for other in Axis if other is not axis]
    return f", all else equal ({', '.join(others)})"
