from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.evaluation import EvaluatedRound, TrialEvaluation
from anyclue.model.recording import Outcome, Reading
from anyclue.model.scenario import Cell
from anyclue.verdicts.breakdown import counter_rates, kib_per_file

CELL = Cell(kernel="k", machine="m", mkfs="d", mount="d", workload="w")


def trial(floors: Mapping[int, Mapping[str, float]]) -> TrialEvaluation:
    rounds = [
        EvaluatedRound(number=number, floor=Reading(t_s=float(number), counters=counters))
        for number, counters in floors.items()
    ]
    return TrialEvaluation(
        cell=CELL, trial=1, outcome=Outcome.PASSED, detail="", ram_kib=1, rounds=tuple(rounds)
    )


def slope(floors: Mapping[int, float], *, warm_up: int = 0) -> float:
    own = trial({number: {"slab_kib.a": kib} for number, kib in floors.items()})
    return counter_rates([own], warm_up, "slab_kib.")["a"]


@pytest.mark.parametrize(
    ("floors", "expected"),
    [
        ({3: 5.0}, 0.0),  # one floor has no slope
        ({1: 0.0, 2: 8.0}, 8.0),
        ({1: 4.0, 2: 4.0, 3: 4.0, 4: 8.0}, 2 / 3),  # ties are slopes of 0
        ({1: 0.0, 2: 10.0, 4: 30.0, 5: 40.0}, 10.0),  # a floor is missing
        ({n: 900.0 if n == 4 else 10.0 * n for n in range(1, 8)}, 10.0),  # one is far off
    ],
)
def test_slopes_are_medians_over_all_pairs(floors: Mapping[int, float], expected: float) -> None:
    assert slope(floors) == pytest.approx(expected)


def test_warm_up_is_left_out() -> None:
    assert slope({1: 900.0, 2: 10.0, 3: 20.0}, warm_up=1) == pytest.approx(10.0)


def test_a_cache_that_comes_later_was_empty_before() -> None:
    own = trial({1: {}, 2: {"slab_kib.a": 4.0}, 3: {"slab_kib.a": 8.0}})
    assert counter_rates([own], 0, "slab_kib.") == {"a": 4.0}


def test_trials_agree_by_their_median() -> None:
    trials = [trial({n: {"x.a": rate * n} for n in (1, 2, 3)}) for rate in (1.0, 2.0, 90.0)]
    assert counter_rates(trials, 0, "x.") == {"a": 2.0}


@pytest.mark.parametrize(
    ("interval", "files", "expected"),
    [
        ((2399.0, 2401.0), 600, 4.0),  # a page for each
        ((2399.0, 2409.0), 600, 4.0),
        ((4799.0, 4801.0), 600, 8.0),
        ((2390.0, 2520.0), 600, None),  # too wide to tell
        ((28.0, 32.0), 600, None),  # 0.05 KiB a file: nothing says that files are what leaks
        ((-2.0, 2.0), 600, None),
        ((3000.0, 3002.0), 600, None),  # a page and a quarter
        ((2399.0, 2401.0), None, None),
        (None, 600, None),
    ],
)
def test_what_leaks_for_each_file_is_whole_pages(
    interval: tuple[float, float] | None, files: float | None, expected: float | None
) -> None:
    assert kib_per_file(interval, files) == expected


@given(st.tuples(st.floats(), st.floats()), st.floats(min_value=0.0))
def test_any_rate_for_any_number_of_files(interval: tuple[float, float], files: float) -> None:
    found = kib_per_file(interval, files)
    assert found is None or (math.isfinite(found) and found >= 4.0)
