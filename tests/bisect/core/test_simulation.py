"""The simulation: what it measures against, and that it can be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from bench.bisect_bench.simulation import evidence_quality, generated_history, sample_ranges

from anyclue.bisect.core.ancestry import ancestry_of
from anyclue.bisect.core.model import Rates
from anyclue.bisect.core.simulation import (
    BEST_OF_THREE,
    SINGLE_RUN,
    TWO_AGREEING,
    SimulatedCase,
    Strategy,
    VotingRule,
    git_bisect,
    simulate,
    simulated_evidence,
)

if TYPE_CHECKING:
    from tests.bisect.core.conftest import Tools

FLAKY = Rates(false_good=0.2, false_bad=0.01)


@pytest.mark.parametrize(
    ("rule", "times"), [(SINGLE_RUN, 1), (TWO_AGREEING, 2), (BEST_OF_THREE, 3)]
)
def test_git_bisects_a_line_by_halves(tools: Tools, rule: VotingRule, times: int) -> None:
    span = ancestry_of(tools.line(64))
    runs = []

    def guest(commit: str) -> bool:
        runs.append(commit)
        return commit in span.number and span.number[commit] >= 40

    assert git_bisect(span, guest, rule=rule, repeats=times) == span.ids[40]
    assert len(runs) == times * (2 + 6)


def test_git_stops_at_ends_that_are_wrong(tools: Tools) -> None:
    span = ancestry_of(tools.line(8))
    assert git_bisect(span, lambda _: True, rule=SINGLE_RUN, repeats=2) is None
    assert git_bisect(span, lambda _: False, rule=SINGLE_RUN, repeats=2) is None


@pytest.mark.parametrize("strategy", Strategy)
def test_without_errors_every_strategy_is_right(tools: Tools, strategy: Strategy) -> None:
    span = ancestry_of(tools.woven(150, 6))
    for seed in range(8):
        case = SimulatedCase(culprit=seed * 17, rates=Rates(), seed=seed)
        outcome = simulate(span, strategy, case)
        assert outcome.right
        assert not outcome.wrong
        assert outcome == simulate(span, strategy, case)


def test_evidence_is_as_good_as_it_says(tools: Tools) -> None:
    span = ancestry_of(tools.line(400))
    for strategy, low, high in (
        (Strategy.SCORE, 0.8, 0.9),
        (Strategy.TOUCH, 0.8, 0.92),
        (Strategy.BOTH, 0.88, 0.96),
        (Strategy.MISLED, 0.0, 0.0),
    ):
        cases = [SimulatedCase(culprit=seed, rates=FLAKY, seed=seed) for seed in range(120)]
        ahead = [
            evidence_quality(
                span, simulated_evidence(span, strategy, case), case.culprit
            ).ranked_below
            for case in cases
        ]
        assert low <= np.mean(ahead) <= high, strategy


def test_ranges_have_the_sizes_asked_for() -> None:
    commits = generated_history(4000, 2)
    assert sum(len(one.parents) > 1 for one in commits) > 400
    found = sample_ranges(commits, (100, 800), 3)
    for size, one in zip((100, 800), found, strict=True):
        assert abs(len(ancestry_of(one)) - size) <= size / 5
    assert found == sample_ranges(commits, (100, 800), 3)
