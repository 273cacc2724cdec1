from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.verdicts.floors import FloorSeries, Rises
from anyclue.verdicts.rates import Estimate, fit

PAGES = st.lists(st.integers(-5000, 5000).map(lambda p: 4.0 * p), min_size=3, max_size=20)


def rises(kib: list[float]) -> Rises:
    return FloorSeries(rounds=tuple(range(1, len(kib) + 1)), values=tuple(kib)).rises()


def simulated(random: np.random.Generator, rounds: int, sd: float, walk: float) -> Rises:
    """Floors whose rises have standard deviation ``sd``, ``walk`` of it from a random walk."""
    drift = np.cumsum(random.normal(0, sd * math.sqrt(walk), rounds))
    noise = random.normal(0, sd * math.sqrt((1 - walk) / 2), rounds)
    return rises(list(np.round((drift + noise) / 4) * 4))


def test_less_than_two_rises_have_no_rate() -> None:
    assert fit([]) is None
    assert fit([rises([])]) is None
    assert fit([rises([0.0, 4.0])]) is None
    assert fit([rises([0.0, 4.0, 8.0])]) is not None


@given(PAGES, PAGES)
def test_intervals_are_finite_and_hold_the_rate(own: list[float], reference: list[float]) -> None:
    fitted = fit([rises(own)], [rises(reference)])
    assert fitted is not None
    assert fitted.excess is not None
    for estimate in (fitted.own, fitted.excess):
        low, high = estimate.interval
        assert math.isfinite(low)
        assert math.isfinite(high)
        assert low < high
        assert low <= estimate.rate <= high
        assert 0.0 <= estimate.below(0.0) <= 1.0


@given(PAGES, st.integers(-500, 500))
def test_a_leak_on_top_moves_the_rate_by_as_much(floors: list[float], pages: int) -> None:
    before = fit([rises(floors)])
    after = fit([rises([kib + 4.0 * pages * i for i, kib in enumerate(floors)])])
    assert before is not None
    assert after is not None
    assert after.own.rate - before.own.rate == pytest.approx(4.0 * pages, abs=1e-3)


def test_quantiles_invert_probabilities() -> None:
    mixture = Estimate(
        centres=np.array([0.0, 5.0]),
        errors=np.array([1.0, 10.0]),
        weights=np.array([0.7, 0.3]),
        freedom=4.0,
    )
    for probability in (0.001, 0.025, 0.3, 0.975):
        assert mixture.below(mixture.quantile(probability)) == pytest.approx(probability, abs=1e-6)
    assert mixture.below(2.0) + mixture.above(2.0) == pytest.approx(1.0)


def test_exact_agreement_is_not_infinite_certainty() -> None:
    """Three rises of one page each may be an accident, nineteen may not."""
    few, many = (fit([rises([4.0 * i for i in range(n)])]) for n in (4, 20))
    assert few is not None
    assert many is not None
    assert few.own.rate == pytest.approx(4.0) == many.own.rate
    assert few.own.below(0.0) > 0.01
    assert many.own.below(0.0) < 1e-6


def test_one_step_is_no_growth() -> None:
    fitted = fit([rises([0.0, 0.0, 4000.0, 4000.0, 4000.0, 4000.0])])
    assert fitted is not None
    assert fitted.own.interval[0] < 0.0


def test_a_noisier_or_quieter_reference_is_not_pooled() -> None:
    random = np.random.default_rng(3)
    quiet, loud = simulated(random, 10, 10, 0.5), simulated(random, 10, 1000, 0.5)
    for own, reference in ((quiet, loud), (loud, quiet)):
        alone, beside = fit([own]), fit([own], [reference])
        assert alone is not None
        assert beside is not None
        assert beside.own.interval == pytest.approx(alone.own.interval)


def test_trials_are_combined() -> None:
    random = np.random.default_rng(4)
    trials = [simulated(random, 6, 20, 0.3) for _ in range(4)]
    one, all_four = fit(trials[:1]), fit(trials)
    assert one is not None
    assert all_four is not None
    width = [high - low for low, high in (one.own.interval, all_four.own.interval)]
    assert width[1] < width[0] / 2


def test_set_aside_rises_do_not_count() -> None:
    leak = rises([0.0, 100.0, 200.0, 5000.0, 5100.0, 5200.0])
    without = replace(leak, kept=(True, True, False, True, True))
    fitted = fit([without])
    assert fitted is not None
    assert fitted.own.rate == pytest.approx(100.0)


@pytest.mark.parametrize("rounds", [5, 6, 10, 20])
@pytest.mark.parametrize(("walk", "least"), [(0.0, 0.95), (0.3, 0.95), (1.0, 0.90)])
def test_the_interval_is_honest_for_few_rounds(rounds: int, walk: float, least: float) -> None:
    """Coverage of the 95 % interval: at least 95 %, and 92 to 93 % for a pure random walk."""
    random = np.random.default_rng(rounds)
    covered = 0
    count = 300
    for _ in range(count):
        fitted = fit([simulated(random, rounds, 30, walk)], [simulated(random, rounds, 30, walk)])
        assert fitted is not None
        covered += 0.025 <= fitted.own.below(0.0) <= 0.975
    assert covered / count >= least - 1.5 * math.sqrt(least * (1 - least) / count)
