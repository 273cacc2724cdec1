"""Counts of objects among kworkers that come and go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.verdict import ObjectKind, ObjectSeries
from anyclue.verdicts.kworkers import KWORKERS, MOST_TAKEN, without_kworkers
from anyclue.verdicts.object_floors import ObjectFloors
from anyclue.verdicts.object_growth import ObjectGrowth, ObjectTests, object_tests

CACHE: Final = ObjectSeries(kind=ObjectKind.SLAB, name="kmalloc-128")
TASKS: Final = ObjectSeries(kind=ObjectKind.SLAB, name="task_struct")
STILL: Final = tuple(ObjectSeries(kind=ObjectKind.SLAB, name=f"still-{k}") for k in range(150))
ROUNDS: Final = 10

# Rises of the number of kworkers, as in real guests of the quick bench of objects.
CELL: Final = ((0, 0, 0, 0, 0, 1, 0, 0, 0), (0, 1, 0, 0, 0, 2, 0, 0, 0))
REFERENCE: Final = ((0, 0, 0, 0, 0, 0, 0, 0, 0), (1, 1, 0, 0, 0, 0, 0, 1, 0))

Rises = Sequence[Sequence[float]]


def floors(kworkers: Rises | None, objects: Rises) -> ObjectFloors:
    """Return floors of one cache, by the rises in each guest, beside caches that never move.

    ``kworkers``: those of kworkers, each of which has one ``task_struct``; None: not counted.
    """
    counts = []
    for guest, rises in enumerate(objects):
        number = np.cumsum([12.0, *(kworkers[guest] if kworkers else np.zeros(len(rises)))])
        own = np.cumsum([300.0, *rises])
        columns = [own, number + 40, *([number] if kworkers else [])]
        columns += [np.zeros(len(own))] * len(STILL)
        counts.append(np.column_stack(columns).astype(np.float64))
    return ObjectFloors(
        series=(CACHE, TASKS, *((KWORKERS,) if kworkers else ()), *STILL),
        rounds=tuple(tuple(range(1, len(one) + 1)) for one in counts),
        counts=tuple(counts),
        exact=True,
    )


def taking(kworkers: Rises, taken: float, leak: float = 0.0) -> list[list[float]]:
    return [[leak + taken * k for k in guest] for guest in kworkers]


def judged(
    own: Rises, theirs: Rises, cell: Rises | None = CELL, reference: Rises | None = REFERENCE
) -> ObjectTests:
    return object_tests(floors(cell, own), floors(reference, theirs))


@pytest.mark.parametrize("taken", range(MOST_TAKEN + 1))
@pytest.mark.parametrize("leak", [1, 2])
def test_a_leak_among_kworkers_is_proven(taken: int, leak: int) -> None:
    found = judged(taking(CELL, taken, leak), taking(REFERENCE, taken)).moved[CACHE]
    assert found.growth is ObjectGrowth.PROVEN
    assert found.rate == pytest.approx(leak)
    assert found.reference_rate == pytest.approx(0.0)


def test_where_kworkers_are_not_counted_all_is_as_it_was() -> None:
    found = judged(taking(CELL, 1, 1), taking(REFERENCE, 1), None, None).moved[CACHE]
    assert found.growth is not ObjectGrowth.PROVEN
    assert found.rate > 1.1
    one_sided = judged(taking(CELL, 1, 1), taking(REFERENCE, 1), CELL, None).moved[CACHE]
    assert one_sided.rate == found.rate


def test_a_cache_that_is_first_filled_does_not_hide_what_kworkers_take() -> None:
    cell, reference = ((1, 0, 0, 2, 0, 0, 1, 0, 0),) * 2, ((1, 0, 2, 0, 0, 0, 0, 1, 0),)
    own, theirs = taking(cell, 1, 1), taking(reference, 1)
    for guest in (*own, *theirs):
        guest[0] += 500
    found = judged(own, theirs, cell, reference).moved[CACHE]
    assert found.growth is ObjectGrowth.PROVEN
    assert found.rate == pytest.approx(1.0)


def test_kworkers_that_drift_accuse_no_cache() -> None:
    cell = ((1, 1, 0, 1, 1, 1, 0, 1, 1), (1, 0, 1, 1, 1, 1, 1, 0, 1))
    own, theirs = taking(cell, 2), taking(REFERENCE, 2)
    blamed = judged(own, theirs, None, None)
    assert CACHE in {one.series for one in (*blamed.grown, *blamed.in_doubt)}
    found = judged(own, theirs, cell)
    told = (*found.grown, *found.in_doubt, *found.not_excluded)
    assert [one.series for one in told] == [KWORKERS]


def test_kworkers_that_drift_a_little_are_not_told() -> None:
    cell = ((1, 1, 0, 0, 1, 1, 0, 1, 0), (0, 0, 1, 1, 0, 1, -1, 0, 1))
    assert judged(taking(cell, 2), taking(REFERENCE, 2), None, None).not_excluded
    found = judged(taking(cell, 2), taking(REFERENCE, 2), cell)
    assert not found.grown
    assert not found.in_doubt
    assert not found.not_excluded


def test_kworkers_that_grow_in_every_round_are_told_as_such() -> None:
    cell = ((1,) * 9,) * 2
    found = judged(taking(cell, 2), taking(REFERENCE, 2), cell)
    assert [one.series for one in found.grown] == [KWORKERS]


def test_a_leak_beside_kworkers_that_grow_is_not_explained_by_them() -> None:
    grow = ((1,) * 9,) * 2
    still = ((0,) * 9,)
    # Nothing says what a kworker takes: each count is judged as it is.
    found = judged(taking(grow, 0, 1), taking(still, 0), grow, still)
    assert {one.series for one in found.grown} == {CACHE, TASKS, KWORKERS}
    # The reference says that it takes none, and that it takes one.
    for taken in (0, 1):
        found = judged(taking(grow, taken, 1), taking(REFERENCE, taken), grow)
        assert {one.series for one in found.grown} == {CACHE, KWORKERS}
        assert found.moved[CACHE].rate == pytest.approx(1.0)


def test_kworkers_that_go_do_not_make_a_leak() -> None:
    cell = ((-1, -1, -1, 0, -1, -1, -1, -1, -1),) * 2
    flat_but_once = [[0.0, 0, 0, 1, 0, 0, 0, 0, 0]] * 2
    found = judged(flat_but_once, taking(REFERENCE, 1), cell)
    assert not found.grown
    assert not found.in_doubt


def test_one_move_of_kworkers_tells_nothing() -> None:
    cell, still = ((0, 0, 0, 0, 1, 0, 0, 0, 0),), ((0,) * 9,)
    own, _ = without_kworkers(CACHE, floors(cell, taking(cell, 1)), floors(still, taking(still, 0)))
    assert max(own[0].rises().values) == 1.0


def test_a_reference_that_counts_no_such_objects_is_none() -> None:
    areas = ObjectSeries(kind=ObjectKind.VMALLOC_AREAS, name="kernel_clone")
    cell, reference = floors(CELL, taking(CELL, 1)), floors(REFERENCE, taking(REFERENCE, 1))
    cell = replace(cell, series=(areas, *cell.series[1:]))
    own, theirs = without_kworkers(areas, cell, reference)
    assert [set(one.rises().values) for one in own] == [{0.0}, {0.0}]
    assert theirs == ()


def test_threads_are_not_explained_by_threads() -> None:
    cell = floors(CELL, taking(CELL, 1))
    assert without_kworkers(KWORKERS, cell, None)[0] == cell.of(KWORKERS)


moves = st.lists(st.integers(-3, 3), min_size=9, max_size=9)
rises = st.lists(st.integers(-60, 60).map(float) | st.just(0.0), min_size=9, max_size=9)
guests = st.lists(st.tuples(moves, rises), min_size=1, max_size=3)


def _scatter(of: Sequence[float]) -> float:
    return float(np.sum((np.asarray(of) - np.median(of)) ** 2))


@given(guests, guests)
def test_nothing_becomes_noisier(
    cell: list[tuple[list[int], list[float]]], reference: list[tuple[list[int], list[float]]]
) -> None:
    mine, other = (
        floors([k for k, _ in guests], [r for _, r in guests]) for guests in (cell, reference)
    )
    for after, before in zip(
        without_kworkers(CACHE, mine, other), (mine.of(CACHE), other.of(CACHE)), strict=True
    ):
        one, two = ([v for of in part for v in of.rises().values] for part in (after, before))
        assert _scatter(one) <= _scatter(two)


@given(st.lists(moves, min_size=2, max_size=3), st.lists(moves, max_size=2), st.integers(1, 5))
def test_what_is_gained_in_every_round_is_never_explained(
    cell: list[list[int]], reference: list[list[int]], leak: int
) -> None:
    found = judged(taking(cell, 0, leak), taking(reference, 0), cell, reference)
    assert found.moved[CACHE].rate == pytest.approx(leak)
