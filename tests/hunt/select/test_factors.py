from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.hunt.model import Factor, FactorReason
from anyclue.hunt.render.verdict_words import factor_reason
from anyclue.hunt.select.factors import (
    find_factors,
    first_guilty,
    first_leak_or_break,
    innocent_beside,
)
from anyclue.model.reason import FloorSample, NotRun, ObjectsGrew, SlabCache
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Axis, Cell
from anyclue.model.verdict import (
    CellVerdict,
    ClassRate,
    MemoryClass,
    ObjectBound,
    ObjectKind,
    ObjectRate,
    ObjectSeries,
    Signature,
    Verdict,
)

if TYPE_CHECKING:
    from tests.hunt.conftest import Tools


def factors(verdicts: list[CellVerdict]) -> dict[Axis, Factor]:
    found = find_factors(verdicts)
    assert [factor.factor for factor in found] == list(Axis)
    return {factor.factor: factor for factor in found}


def test_the_mails_case(tools: Tools) -> None:
    found = factors(tools.default())
    assert {axis: factor.matters for axis, factor in found.items()} == {
        Axis.KERNEL: True,
        Axis.MACHINE: False,
        Axis.MKFS: None,
        Axis.MOUNT: True,
        Axis.WORKLOAD: None,
    }
    assert factor_reason(found[Axis.MKFS]) == "only one value was run (default)"
    assert found[Axis.MACHINE].evidence == (
        (tools.cell("bad", "i386"), tools.cell("bad", "x86_64")),
    )
    assert factor_reason(found[Axis.KERNEL]) == (
        "kernel bad is leak (page-cache-reference), kernel good is clean,"
        " all else equal (i386, default, lzo, mix); so says 1 more pair"
    )
    assert len(found[Axis.MOUNT].evidence) == 3


@given(st.permutations(range(4)))
def test_the_order_of_cells_does_not_matter(order: list[int]) -> None:
    cells = [
        Cell(kernel=k, machine=m, mkfs="d", mount=o, workload="w")
        for k, m, o in (("a", "x", "p"), ("b", "x", "p"), ("a", "y", "p"), ("a", "x", "q"))
    ]
    guilty = {cells[0], cells[2]}
    verdicts = [_verdict(cell, cell in guilty) for cell in cells]
    expected = [factor.matters for factor in find_factors(verdicts)]
    shuffled = [verdicts[i] for i in order]
    assert [factor.matters for factor in find_factors(shuffled)] == expected
    assert expected == [True, False, None, True, None]


def _verdict(cell: Cell, guilty: bool) -> CellVerdict:
    return CellVerdict(
        cell=cell,
        outcome=Outcome.PASSED,
        verdict=Verdict.LEAK if guilty else Verdict.CLEAN,
        because=NotRun(),
        rate_kib_per_round=None,
        rate_ci95_kib=None,
        signature=Signature.RAW_PAGES if guilty else None,
        signature_detail=None,
        classes={},
        rounds=6,
        warm_up=0,
        trials=1,
        reference=None,
    )


@pytest.mark.parametrize("innocent", [Verdict.CLEAN, Verdict.CACHE, Verdict.SURGE])
def test_flat_floors_are_innocent(tools: Tools, innocent: Verdict) -> None:
    pair = [tools.verdict("bad i386 lzo", *tools.leak), tools.verdict("good i386 lzo", innocent)]
    assert factors(pair)[Axis.KERNEL].matters is True


def test_an_unproven_neighbour_tells_nothing_and_is_named(tools: Tools) -> None:
    unproven = tools.verdict("good i386 lzo", Verdict.UNPROVEN, because=NotRun())
    found = factors([tools.verdict("bad i386 lzo", *tools.leak), unproven])[Axis.KERNEL]
    assert found.matters is None
    assert "good.i386.default.lzo.mix would tell, but is unproven: not run" in factor_reason(found)


def test_an_unproven_neighbour_may_still_accuse(tools: Tools) -> None:
    verdicts = [
        tools.verdict("bad i386 lzo", *tools.leak),
        tools.verdict("bad i386 zlib", *tools.leak),
        tools.verdict("bad i386 zstd", Verdict.UNPROVEN),
    ]
    assert factors(verdicts)[Axis.MOUNT].matters is None
    assert factors(verdicts[:2])[Axis.MOUNT].matters is False


def test_the_cell_that_would_settle_it_is_named(tools: Tools) -> None:
    verdicts = [tools.verdict("bad i386 lzo", *tools.leak), tools.verdict("good x86_64 lzo")]
    found = factors(verdicts)
    assert found[Axis.KERNEL].matters is found[Axis.MACHINE].matters is None
    assert "good.i386.default.lzo.mix would tell" in factor_reason(found[Axis.KERNEL])
    assert "bad.x86_64.default.lzo.mix would tell" in factor_reason(found[Axis.MACHINE])


def test_two_ways_of_being_guilty_do_not_acquit(tools: Tools) -> None:
    verdicts = [
        tools.verdict("bad i386 lzo", *tools.leak),
        tools.verdict("bad x86_64 lzo", Verdict.BROKEN),
    ]
    found = factors(verdicts)[Axis.MACHINE]
    assert found.matters is None
    assert "not the same" in factor_reason(found)
    other = [verdicts[0], tools.verdict("bad x86_64 lzo", Verdict.LEAK, Signature.OBJECT)]
    assert factors(other)[Axis.MACHINE].matters is None


def test_broken_cells_are_guilty(tools: Tools) -> None:
    kmap = (Verdict.BROKEN, Signature.KMAP_SLOTS)
    verdicts = [
        tools.verdict("bad i386 lzo", *kmap),
        tools.verdict("bad x86_64 lzo", *kmap),
        tools.verdict("good i386 lzo"),
    ]
    found = factors(verdicts)
    assert found[Axis.KERNEL].matters is True
    assert found[Axis.MACHINE].matters is False


def test_without_guilt_nothing_matters(tools: Tools) -> None:
    verdicts = [tools.verdict("bad i386 lzo"), tools.verdict("good i386 lzo")]
    assert factor_reason(factors(verdicts)[Axis.KERNEL]) == "no cell is guilty of anything"
    assert all(factor.matters is None for factor in find_factors([]))


def _in_slab(tools: Tools, where: str, rate: float, half: float, *, leaks: bool) -> CellVerdict:
    """Return the verdict of a cell in which slab moved by ``rate`` plus or minus ``half``."""
    slab = ClassRate(rate_kib=rate, ci95_kib=(rate - half, rate + half), grew=leaks)
    guilt = (Verdict.LEAK, Signature.OBJECT) if leaks else (Verdict.CLEAN, None)
    verdict = tools.verdict(where, *guilt, rate=rate)
    return replace(verdict, classes={MemoryClass.SLAB_UNRECLAIMABLE: slab})


def test_a_clean_cell_that_may_leak_as_much_accuses_nothing(tools: Tools) -> None:
    """A leak of 24 KiB, below the sensitivity, was proven in one of four cells that have it."""
    guilty = _in_slab(tools, "bad i386 lzo", 23.7, 8, leaks=True)
    good = _in_slab(tools, "good i386 lzo", 4.9, 11, leaks=False)
    others = [
        _in_slab(tools, f"bad i386 {mount}", rate, 17, leaks=False)
        for mount, rate in (("none", 22.1), ("zlib", 25.7), ("zstd", 20.8))
    ]
    found = factors([guilty, good, *others])
    assert found[Axis.KERNEL].matters
    assert found[Axis.MOUNT].matters is None
    assert factor_reason(found[Axis.MOUNT]) == (
        "mount lzo is leak (object), mount none is clean, but may leak as much,"
        " all else equal (bad, i386, default, mix): more rounds would tell"
    )


@pytest.mark.parametrize(
    ("rate", "half", "matters"), [(0, 1, True), (60, 38, True), (60, 40, None)]
)
def test_a_pair_accuses_where_the_rates_differ(
    tools: Tools, rate: float, half: float, matters: bool | None
) -> None:
    """Square-and-add: the difference of 40 needs a half interval of the clean cell below 38.97."""
    guilty = _in_slab(tools, "bad i386 lzo", 100, 9, leaks=True)
    other = _in_slab(tools, "bad i386 none", rate, half, leaks=False)
    assert factors([guilty, other])[Axis.MOUNT].matters is matters


def test_a_surge_is_guilty_beside_what_does_not_peak(tools: Tools) -> None:
    surge = tools.verdict("bad i386 lzo", Verdict.SURGE)
    others = [tools.verdict("good i386 lzo"), tools.verdict("bad x86_64 lzo", Verdict.SURGE)]
    found = factors([surge, *others])
    assert found[Axis.KERNEL].matters is True
    assert found[Axis.MACHINE].matters is False
    assert factor_reason(found[Axis.KERNEL]).startswith(
        "kernel bad is surge, kernel good is clean,"
    )


@pytest.mark.parametrize("order", [1, -1])
def test_beside_a_leak_a_surge_is_innocent(tools: Tools, order: int) -> None:
    """What leaks is looked into first: whether an axis matters to a surge is not told then."""
    verdicts = [
        tools.verdict("bad i386 lzo", *tools.leak),
        tools.verdict("bad i386 none", Verdict.SURGE),
        tools.verdict("bad x86_64 none"),
    ][::order]
    found = factors(verdicts)
    assert found[Axis.MOUNT].matters is True
    assert found[Axis.MACHINE].reason is FactorReason.NO_PAIR


def test_what_leaks_comes_before_what_broke_and_that_before_a_surge(tools: Tools) -> None:
    surge = tools.verdict("bad i386 lzo", Verdict.SURGE)
    broken = tools.verdict("bad i386 none", Verdict.BROKEN)
    leak = tools.verdict("bad i386 zlib", *tools.leak)
    assert first_guilty([surge, broken, leak]) == leak
    assert first_guilty([surge, broken]) == first_leak_or_break([surge, broken]) == broken
    assert first_guilty([surge]) == surge
    assert first_leak_or_break([surge]) is None


NODES = ObjectSeries(kind=ObjectKind.SLAB, name="kmalloc-64")
EXACT = ObjectBound(series=100, excluded=100, limit=1)


def _of_objects(tools: Tools, rate: float) -> CellVerdict:
    """Return the verdict of a cell in which a count grew, and no class of memory."""
    because = ObjectsGrew(
        series=NODES,
        rate=rate,
        ci95=(rate - 0.1, rate + 0.1),
        sample=FloorSample(floors=16, trials=2, warm_up=0),
        detail=SlabCache(name=NODES.name, objects=rate),
    )
    leak = tools.verdict("bad i386 lzo", Verdict.LEAK, Signature.OBJECT, because=because)
    return replace(leak, reference=tools.cell("good"))


def _gaining(rate: float, high: float) -> ObjectRate:
    return ObjectRate(rate=rate, ci95=(rate - 0.1, high), at_most=high, grew=False)


@pytest.mark.parametrize(
    ("of", "objects", "bound", "innocent"),
    [
        (14.0, {}, EXACT, True),
        (0.97, {}, EXACT, True),  # one object a round, seen with an error
        (0.3, {}, EXACT, False),
        (3.0, {}, replace(EXACT, limit=4), False),
        (14.0, {}, None, False),  # not counted exactly
        (14.0, {}, replace(EXACT, excluded=98), False),  # two could not be read: this may be one
        (14.0, {"kmalloc-64": _gaining(2.0, 4.0)}, replace(EXACT, excluded=99), True),
        (14.0, {"kmalloc-64": _gaining(2.0, 14.5)}, replace(EXACT, excluded=99), False),
        (14.0, {"kmalloc-rnd-03-64": _gaining(2.0, 14.5)}, replace(EXACT, excluded=99), False),
        (14.0, {"dentry": _gaining(2.0, 14.5)}, replace(EXACT, excluded=99), True),
    ],
)
def test_a_cell_is_innocent_of_objects_where_a_gain_of_as_many_is_excluded(
    tools: Tools,
    of: float,
    objects: dict[str, ObjectRate],
    bound: ObjectBound | None,
    innocent: bool,
) -> None:
    guilty = _of_objects(tools, of)
    series = {replace(NODES, name=name): rate for name, rate in objects.items()}
    other = replace(tools.verdict("bad i386 none"), objects=series, object_bound=bound)
    assert innocent_beside(other, guilty) is innocent
    found = factors([guilty, other])[Axis.MOUNT]
    assert found.reason is (
        FactorReason.INNOCENT_BESIDE if innocent else FactorReason.RATES_OVERLAP
    )
    more = not innocent and bound is not None
    assert factor_reason(found).endswith("more rounds would tell") is more
    # Beyond the reference it grew by the verdict itself.
    assert innocent_beside(tools.verdict("good i386 lzo"), guilty)


def test_on_another_machine_the_cache_may_be_of_another_size(tools: Tools) -> None:
    series = {replace(NODES, name="kmalloc-128"): _gaining(2.0, 14.5)}
    bound = replace(EXACT, excluded=99)
    for machine, innocent in (("i386", True), ("x86_64", False)):
        other = tools.verdict(f"bad {machine} none")
        other = replace(other, objects=series, object_bound=bound)
        assert innocent_beside(other, _of_objects(tools, 14.0)) is innocent
