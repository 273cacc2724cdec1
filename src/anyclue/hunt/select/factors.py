"""Which axes matter: found from pairs of cells that differ on one axis only.

A guilty cell beside an innocent one, all else equal, accuses the axis between them. A guilty cell
beside a cell that is guilty in the same way acquits it, but only when no pair accuses it or still
could. Where the cells cannot tell, the cell that would tell is named.

A leak below the sensitivity may be proven in one cell and not in the next, which is then clean: the
same leak, seen less well. So a clean cell is innocent of a leak only where the two rates differ;
of one that only counts of objects show, only where a gain of as many is excluded.

Here a run has one fault; where it has several, the verdicts are those of one of them, as
`anyclue.hunt.select.faults` gives them.

A surge is guilt too, of peaks; its floors are flat, and so it is innocent of a leak. While a cell
leaks or broke, the factors are about that, and surges count as innocent; else about the surges.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from math import hypot
from typing import Final, TypeAlias

from anyclue.hunt.model import Factor, FactorReason
from anyclue.model.reason import ObjectsGrew, grown_objects
from anyclue.model.scenario import Axis, Cell
from anyclue.model.verdict import CellVerdict, Signature, Verdict
from anyclue.verdicts.breakdown import part_name

FLAT_FLOORS: Final = frozenset({Verdict.CLEAN, Verdict.CACHE, Verdict.SURGE})
"""Verdicts that rest on floors in which growth is excluded."""
GRAVITY: Final = (Verdict.LEAK, Verdict.BROKEN, Verdict.SURGE)
"""The guilty verdicts, in the order in which they are looked into."""

Kind: TypeAlias = tuple[Verdict, Signature | None]
Pair: TypeAlias = tuple[CellVerdict, CellVerdict]
RateInterval: TypeAlias = tuple[float, tuple[float, float]]
"""A rate with its 95 % interval."""


def gravest(verdicts: Sequence[CellVerdict]) -> tuple[CellVerdict, ...]:
    """Return the cells that leak or broke, or else those that surge."""
    guilty = tuple(v for v in verdicts if v.verdict.is_guilty)
    return tuple(v for v in guilty if v.verdict is not Verdict.SURGE) or guilty


def first_guilty(verdicts: Sequence[CellVerdict]) -> CellVerdict | None:
    """Return the first cell that leaks, else that broke, else that surges: it is looked into."""
    return min(gravest(verdicts), key=lambda v: GRAVITY.index(v.verdict), default=None)


def first_leak_or_break(verdicts: Sequence[CellVerdict]) -> CellVerdict | None:
    """Return the same, but no surge: nothing of it stays that follow-ups or probes could find."""
    first = first_guilty(verdicts)
    return first if first is not None and first.verdict is not Verdict.SURGE else None


def kind(verdict: CellVerdict) -> Kind:
    """Return what a cell is guilty of; two cells with the same kind are guilty in the same way."""
    return verdict.verdict, verdict.signature


def innocent_verdicts(guilty: Verdict) -> frozenset[Verdict]:
    """Return the verdicts of cells that are innocent of what a guilty verdict says."""
    return FLAT_FLOORS - {Verdict.SURGE} if guilty is Verdict.SURGE else FLAT_FLOORS


def innocent_beside(other: CellVerdict, guilty: CellVerdict) -> bool:
    """Say whether a cell does not do what ``guilty`` does.

    Of a leak the rates of what leaks are compared, in KiB or in objects: their difference has to be
    above 0.
    """
    if other.verdict not in innocent_verdicts(guilty.verdict):
        return False
    grown = grown_objects(guilty.because)
    if guilty.verdict is Verdict.LEAK and grown is not None:
        return _gains_fewer(other, guilty, grown)
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
    return _differ(
        (more.rate_kib, more.ci95_kib or (0.0, 0.0)),
        (less.rate_kib, less.ci95_kib or (0.0, less.rate_kib)),
    )


def _differ(more: RateInterval, less: RateInterval) -> bool:
    """Say whether a rate is above another, by R. G. Newcombe's square-and-add of intervals."""
    (rate, (low, _)), (other, (_, high)) = more, less
    return rate - other > hypot(rate - low, high - other)


def _gains_fewer(other: CellVerdict, guilty: CellVerdict, grown: ObjectsGrew) -> bool:
    """Say whether a cell is known to gain fewer of the objects that grew in a guilty one.

    Beyond the reference they grew by the verdict itself. Elsewhere their count has to be exact, and
    a gain of as many whole objects excluded. On another machine the cache may be of another size.
    """
    if other.cell == guilty.reference:
        return True
    bound, wanted = other.object_bound, part_name(grown.series.name)
    alike = [
        of
        for series, of in other.objects.items()
        if series.kind is grown.series.kind
        and (part_name(series.name) == wanted or other.cell.machine != guilty.cell.machine)
    ]
    if bound is None or bound.excluded + len(other.objects) < bound.series:
        return False
    if round(grown.rate) < bound.limit:
        return False
    own = grown.rate, grown.ci95
    return all(not of.grew and _differ(own, (of.rate, of.ci95)) for of in alike)


@lru_cache(maxsize=1 << 16)
def without(cell: Cell, axis: Axis) -> Cell:
    """Return a cell without its value on an axis: the same for all that differ in it alone."""
    return replace(cell, **{axis.value: ""})


@lru_cache(maxsize=4)
def _neighbours(cells: tuple[Cell, ...]) -> Mapping[Axis, Mapping[Cell, Sequence[int]]]:
    """Return by axis which cells differ on it alone, as their places; each fault asks for them."""
    found: dict[Axis, dict[Cell, list[int]]] = {axis: {} for axis in Axis}
    for at, cell in enumerate(cells):
        for axis, alike in found.items():
            alike.setdefault(without(cell, axis), []).append(at)
    return found


def find_factors(verdicts: Sequence[CellVerdict], of: Kind | None = None) -> tuple[Factor, ...]:
    """Return one factor an axis, in the order of :class:`Axis`.

    They are about what is guilty of the kind ``of``: without it, of that of the first guilty cell.
    """
    if not any(v.trials for v in verdicts):
        return tuple(Factor(factor=axis, reason=FactorReason.NO_CELL_RUN) for axis in Axis)
    first = first_guilty(verdicts)
    of = of or (kind(first) if first is not None else None)
    guilty = tuple(v for v in verdicts if kind(v) == of and v.verdict.is_guilty)
    beside = _neighbours(tuple(verdict.cell for verdict in verdicts))
    return tuple(_factor(axis, verdicts, guilty, beside[axis]) for axis in Axis)


def _factor(
    axis: Axis,
    verdicts: Sequence[CellVerdict],
    shown: Sequence[CellVerdict],
    beside: Mapping[Cell, Sequence[int]],
) -> Factor:
    guilty = {v.cell for v in shown}
    first = verdicts[0].cell.value(axis)
    if all(v.cell.value(axis) == first for v in verdicts):
        return Factor(factor=axis, reason=FactorReason.ONE_VALUE, verdicts=tuple(verdicts[:1]))
    if not guilty:
        return Factor(factor=axis, reason=FactorReason.NOTHING_GUILTY)
    pairs = [
        (a, b) if a.cell in guilty else (b, a)
        for a, b in _differing(verdicts, axis, guilty, beside)
    ]
    accusing = [(a, b) for a, b in pairs if innocent_beside(b, a)]
    if accusing:
        return _factor_by(axis, FactorReason.INNOCENT_BESIDE, accusing)
    both = [pair for pair in pairs if pair[1].cell in guilty]
    grave = {v.cell for v in gravest(verdicts)} - guilty
    unlike = [(a, b) for a, b in pairs if b.cell in grave]
    if unlike:
        return _factor_by(axis, FactorReason.GUILTY_UNLIKE, unlike)
    if both and len(both) == len(pairs):
        return _factor_by(axis, FactorReason.GUILTY_ALIKE, both)
    return _open_factor(axis, verdicts, pairs, shown[0].cell)


def _differing(
    verdicts: Sequence[CellVerdict],
    axis: Axis,
    guilty: Collection[Cell],
    beside: Mapping[Cell, Sequence[int]],
) -> list[Pair]:
    """Return the pairs that differ on this axis alone, one of them guilty, in order."""
    pairs = sorted(
        (a, b)
        for key in {without(cell, axis) for cell in guilty}
        for a, b in combinations(beside[key], 2)
        if verdicts[a].cell in guilty or verdicts[b].cell in guilty
    )
    return [
        (verdicts[a], verdicts[b])
        for a, b in pairs
        if verdicts[a].cell.value(axis) != verdicts[b].cell.value(axis)
    ]


def _factor_by(axis: Axis, reason: FactorReason, pairs: Sequence[Pair]) -> Factor:
    evidence = tuple((a.cell, b.cell) for a, b in pairs)
    return Factor(factor=axis, reason=reason, verdicts=pairs[0], evidence=evidence)


def _open_factor(
    axis: Axis, verdicts: Sequence[CellVerdict], pairs: Sequence[Pair], guilty: Cell
) -> Factor:
    """Return which cell would settle an axis: one that is not judged yet, else one not planned."""
    for _, other in pairs:
        if other.verdict is Verdict.UNPROVEN:
            return Factor(factor=axis, reason=FactorReason.UNPROVEN, verdicts=(other,))
    for pair in pairs:
        if pair[1].verdict in FLAT_FLOORS:
            return Factor(factor=axis, reason=FactorReason.RATES_OVERLAP, verdicts=pair)
    values = dict.fromkeys(v.cell.value(axis) for v in verdicts)
    other_value = next(value for value in values if value != guilty.value(axis))
    missing = replace(guilty, **{axis.value: other_value})
    return Factor(factor=axis, reason=FactorReason.NO_PAIR, missing=missing)
