from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.verdicts.floors import (
    MIN_FLOORS_AFTER_WARM_UP,
    FloorSeries,
    set_steps_aside,
    warm_up_rounds,
)


def series(*kib: float) -> FloorSeries:
    return FloorSeries(rounds=tuple(range(1, len(kib) + 1)), values=kib)


def rising(*rises: float) -> FloorSeries:
    levels = [0.0]
    for rise in rises:
        levels.append(levels[-1] + rise)
    return series(*levels)


@pytest.mark.parametrize(
    ("floors", "expected"),
    [
        (rising(4100, 0, -12, 8, 4), 1),  # zstd's first use
        (rising(4100, 900, 8, 0, -4, 8, 0, 4, 0), 2),  # dies out over two rounds
        (rising(-4100, 0, -12, 8, 4), 1),
        (rising(0, 0, 0, 0, 0), 0),
        (rising(2400, 2416, 2340, 2400, 2404), 0),  # a leak raises every round alike
        (rising(6500, 2416, 2340, 2400, 2404), 1),  # a leak with a warm-up
        (rising(4, 4, 4, 4, 4), 0),
        (rising(12, -8, 16, -20, 4), 0),
        (rising(4100, 0, 0), 0),  # too few rounds to tell
        (rising(4100, 0), 0),
        (series(), 0),
    ],
)
def test_warm_up_is_found(floors: FloorSeries, expected: int) -> None:
    assert warm_up_rounds([floors]) == expected


def test_the_longest_warm_up_of_all_counts() -> None:
    assert warm_up_rounds([rising(0, 0, 0, 0, 0), rising(4100, 0, 4, 0, 0)]) == 1
    assert warm_up_rounds([]) == 0


kib = st.integers(-(10**6), 10**6).map(lambda pages: 4.0 * pages)


@given(st.lists(kib, max_size=25))
def test_enough_floors_stay(floors: list[float]) -> None:
    warm_up = warm_up_rounds([series(*floors)])
    assert warm_up <= len(floors) // 3
    assert warm_up == 0 or len(floors) - warm_up >= MIN_FLOORS_AFTER_WARM_UP


@given(st.integers(4, 25), kib)
def test_a_constant_leak_is_never_swallowed(rounds: int, rate: float) -> None:
    leak = rising(*[rate] * (rounds - 1))
    assert warm_up_rounds([leak]) == 0
    assert all(set_steps_aside(leak.rises()).kept)


@given(st.lists(kib, min_size=1, max_size=25), st.floats(-1e4, 1e4).map(round))
def test_a_leak_on_top_changes_nothing_of_what_is_set_aside(floors: list[float], rate: int) -> None:
    leaking = [level + 4 * rate * i for i, level in enumerate(floors)]
    assert warm_up_rounds([series(*floors)]) == warm_up_rounds([series(*leaking)])


@pytest.mark.parametrize(
    ("floors", "aside"),
    [
        (rising(4, 0, 4100, 0, 8), [2]),
        (rising(0, 0, 4, 4000, -4000, 0, 4, 0), [3, 4]),  # one bad reading
        (rising(400, 0, 400, 0, 400, 0), []),  # again and again is no one-time cost
        (rising(0, 4100, 0), []),
    ],
)
def test_late_steps_are_set_aside(floors: FloorSeries, aside: list[int]) -> None:
    rises = set_steps_aside(floors.rises())
    assert [k for k, kept in enumerate(rises.kept) if not kept] == aside
    assert rises.count == len(rises.values) - len(aside)


def test_steps_are_set_aside_once() -> None:
    rises = set_steps_aside(rising(4, 0, 4100, 0, 8).rises())
    with pytest.raises(ValueError, match="once"):
        set_steps_aside(rises)


def test_a_missing_floor_widens_the_gap() -> None:
    floors = FloorSeries(rounds=(1, 2, 4, 5), values=(0, 10, 30, 40))
    assert floors.rises().gaps == (1, 2, 1)
    assert floors.rises().per_round().tolist() == [10, 10, 10]
