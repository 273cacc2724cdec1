"""Bisections to their end, with runs that err and runs that do not."""

from __future__ import annotations

import warnings
from math import ceil, log, log2
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.bisect.core.ancestry import ancestry_of
from anyclue.bisect.core.model import (
    BisectionStatus,
    BisectTerm,
    CommitEvidence,
    Observation,
    Rates,
    Settings,
)
from anyclue.bisect.core.posterior import information_gain, prior
from anyclue.bisect.core.search import RunPurpose, search
from anyclue.model.errors import RequestError

if TYPE_CHECKING:
    from tests.bisect.core.conftest import Tools

FLAKY = Rates(false_good=0.2, false_bad=0.01)
SHAPE = {"count": st.integers(1, 80), "seed": st.integers(0, 10**6), "which": st.floats(0, 0.999)}


def most_runs(count: int) -> int:
    """Ends, a third of the candidates gone a run (two parents a commit), and the proof."""
    return 2 + ceil(log(count) / log(1.5)) + 2 + 6


@given(**SHAPE)
@settings(max_examples=80)
def test_without_errors_it_ends_at_the_culprit(
    tools: Tools, count: int, seed: int, which: float
) -> None:
    span = ancestry_of(tools.woven(count, seed))
    culprit = span.ids[int(which * len(span))]
    now, seen = tools.finish(search(span, Settings()), tools.guest(span, culprit))
    assert now.state.status is BisectionStatus.FOUND
    assert now.state.accused == (culprit,)
    assert len(seen) <= most_runs(len(span))


@given(**SHAPE)
@settings(max_examples=30)
def test_the_posterior_sums_to_one(tools: Tools, count: int, seed: int, which: float) -> None:
    span = ancestry_of(tools.woven(count, seed))
    run = tools.guest(span, span.ids[int(which * len(span))], FLAKY, seed=seed)
    now = search(span, Settings(rates=FLAKY))
    while now.state.next is not None:
        assert now.posterior.mass.sum() == pytest.approx(1)
        assert (now.posterior.mass > 0).all()
        assert 0 <= now.posterior.with_bug.min() <= now.posterior.with_bug.max() <= 1
        now = now.after(run(now.state.next.commit))


@pytest.mark.parametrize("count", [1, 2, 10, 100, 1000, 10_000])
def test_a_line_takes_its_logarithm(tools: Tools, count: int) -> None:
    span = ancestry_of(tools.line(count))
    for number in {0, count // 3, count - 1}:
        _, seen = tools.finish(search(span, Settings()), tools.guest(span, span.ids[number]))
        assert len(seen) <= 2 + ceil(log2(count)) + 1 + 4


def test_with_errors_it_is_right_as_often_as_it_says(tools: Tools) -> None:
    span = ancestry_of(tools.woven(300, 3))
    right = 0
    for seed in range(100):
        culprit = span.ids[seed * 7 % len(span)]
        run = tools.guest(span, culprit, FLAKY, seed=seed)
        now, _ = tools.finish(search(span, Settings(rates=FLAKY)), run)
        assert now.state.confidence >= 0.99
        right += now.state.accused == (culprit,)
    assert right >= 97


@given(**SHAPE)
@settings(max_examples=40)
def test_a_wrong_prior_costs_steps_and_not_the_answer(
    tools: Tools, count: int, seed: int, which: float
) -> None:
    span = ancestry_of(tools.woven(count, seed))
    place = int(which * len(span))
    wrong = [
        CommitEvidence(commit=one, ratio=1e-9 if number == place else 1e9)
        for number, one in enumerate(span.ids)
        if number == place or number % 3 == 0
    ]
    begun = search(span, Settings(), evidence=wrong)
    now, _ = tools.finish(begun, tools.guest(span, span.ids[place]))
    assert now.state.accused == (span.ids[place],)
    assert now.state.status is BisectionStatus.FOUND


@given(
    ratios=st.lists(st.floats(0, 1e300), min_size=1, max_size=50),
    floor=st.floats(0.01, 1),
)
def test_every_commit_keeps_its_share(ratios: list[float], floor: float) -> None:
    number = {str(one): one for one in range(len(ratios))}
    known = [CommitEvidence(commit=str(n), ratio=ratio) for n, ratio in enumerate(ratios)]
    mass = prior(number, known, floor)
    assert mass.sum() == pytest.approx(1)
    assert mass.min() >= floor / len(ratios) * (1 - 1e-9)
    assert log2(1 / (mass.min() * len(ratios))) <= log2(1 / floor) + 1e-6


def test_evidence_that_is_right_saves_runs(tools: Tools) -> None:
    span = ancestry_of(tools.line(1000))
    culprit = span.ids[700]
    known = [CommitEvidence(commit=span.ids[one], ratio=100.0) for one in range(0, 1000, 50)]
    run = tools.guest(span, culprit)
    _, plain = tools.finish(search(span, Settings()), run)
    _, helped = tools.finish(search(span, Settings(), evidence=known), run)
    assert len(helped) <= len(plain) - 4


EXTREME = st.sampled_from([0.0, 5e-324, 1e-300, 1.0, 1e308]) | st.floats(0, 1e308)
SHARE = st.sampled_from([5e-324, 0.5, 0.5 - 2**-54, 1 - 2**-53]) | st.floats(0, 1)


@given(
    ratios=st.lists(EXTREME, min_size=12, max_size=12),
    kept=st.builds(
        Settings,
        confidence=SHARE,
        floor=SHARE,
        rates=st.builds(Rates, false_bad=SHARE, false_good=SHARE),
        repeats=st.integers(0, 3),
    ),
    runs=st.lists(
        st.tuples(st.integers(0, 11), st.sampled_from(BisectTerm), st.none() | EXTREME), max_size=8
    ),
)
def test_extreme_numbers_are_refused_or_give_probabilities(
    tools: Tools,
    ratios: list[float],
    kept: Settings,
    runs: list[tuple[int, BisectTerm, float | None]],
) -> None:
    span = ancestry_of(tools.woven(12, 3))
    known = [CommitEvidence(commit=span.ids[n], ratio=ratio) for n, ratio in enumerate(ratios)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = search(span, kept, evidence=known)
        except ValueError:
            return  # they leave nothing to learn
        for place, term, ratio in runs:
            found = found.after(Observation(commit=span.ids[place], term=term, ratio=ratio))
            assert found.posterior.mass.sum() == pytest.approx(1)
            assert 0 <= found.posterior.mass.min() <= found.posterior.mass.max() <= 1
        state = found.state
    assert 0 <= state.confidence <= 1 + 1e-9
    assert all(one.runs > 0 for one in state.proof)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Settings(floor=0.0), "floor"),
        (Settings(confidence=1.0), "confidence"),
        (Settings(rates=Rates(false_good=0.6, false_bad=0.4)), "says nothing"),
    ],
)
def test_settings_that_leave_nothing_to_learn(tools: Tools, wrong: Settings, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        search(ancestry_of(tools.line(3)), wrong)


def test_the_ends_come_first(tools: Tools) -> None:
    span = ancestry_of(tools.line(8))
    now = search(span, Settings())
    order = []
    for _ in range(2):
        assert now.state.next is not None
        assert now.state.next.purpose is RunPurpose.ENDS
        order.append(now.state.next.commit)
        now = now.after(tools.guest(span, span.ids[3])(order[-1]))
    assert order == [span.ids[-1], tools.good]
    assert now.state.next is not None
    assert now.state.next.purpose is RunPurpose.SEARCH


def test_ends_that_are_wrong(tools: Tools) -> None:
    span = ancestry_of(tools.line(100))
    for shown, standing in (
        (BisectTerm.GOOD, BisectionStatus.BAD_IS_CLEAN),
        (BisectTerm.BAD, BisectionStatus.GOOD_IS_BAD),
    ):
        run = lambda commit, shown=shown: Observation(commit=commit, term=shown)  # noqa: E731
        now, seen = tools.finish(search(span, Settings(rates=FLAKY)), run)
        assert now.state.status is standing
        assert len(seen) <= 12


def test_runs_of_a_coin_fit_nothing(tools: Tools) -> None:
    span = ancestry_of(tools.line(50))
    coin = np.random.default_rng(1)
    run = lambda commit: Observation(  # noqa: E731
        commit=commit, term=BisectTerm.BAD if coin.random() < 0.5 else BisectTerm.GOOD
    )
    now, _ = tools.finish(search(span, Settings()), run)
    assert now.state.status is BisectionStatus.NO_ONE_COMMIT


def test_one_run_is_repeated_when_that_teaches_more(tools: Tools) -> None:
    span = ancestry_of(tools.line(2))
    now = search(span, Settings(rates=FLAKY))
    run = tools.guest(span, span.ids[1])
    now, seen = tools.finish(now, run)
    assert [one.commit for one in seen].count(span.ids[0]) > 1
    assert now.state.accused == (span.ids[1],)


def test_a_measurement_with_its_own_ratio(tools: Tools) -> None:
    span = ancestry_of(tools.line(3))
    now = search(span, Settings(rates=FLAKY))
    sure = now.after(Observation(commit=span.ids[1], term=BisectTerm.BAD, ratio=500.0))
    unsure = now.after(Observation(commit=span.ids[1], term=BisectTerm.BAD, ratio=1.0))
    assert sure.posterior.commits[:2].sum() > 0.9
    assert unsure.posterior.commits == pytest.approx(now.posterior.commits)


def test_of_a_line_the_middle_is_run_first(tools: Tools) -> None:
    span = ancestry_of(tools.line(99))
    run = tools.guest(span, span.ids[20])
    ends = [run(span.ids[-1]), run(tools.good)]
    middle = search(span, Settings(), observations=ends).state.next
    assert middle is not None
    assert span.number[middle.commit] in (48, 49, 50)


def test_a_commit_from_elsewhere_is_refused(tools: Tools) -> None:
    begun = search(ancestry_of(tools.line(3)), Settings())
    with pytest.raises(RequestError, match="neither between"):
        begun.after(Observation(commit="f" * 40, term=BisectTerm.SKIP))


def test_bits_of_a_run() -> None:
    clear = information_gain(np.array([0.0, 0.5, 1.0]), 0.0, Rates())
    assert clear == pytest.approx([0, 1, 0], abs=0.02)
    noisy = information_gain(np.array([0.5]), 0.0, Rates(false_good=0.2, false_bad=0.2))
    assert noisy == pytest.approx([0.278], abs=0.001)
