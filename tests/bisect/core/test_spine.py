"""Ranges that are too large, with the limit made small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench.bisect_bench.simulation import generated_history

from anyclue.bisect.core import ancestry as histories
from anyclue.bisect.core import spine as narrowing
from anyclue.bisect.core.ancestry import ancestry_of, commits_between
from anyclue.bisect.core.model import BisectionStatus, CommitEvidence, Observation, Rates, Settings
from anyclue.bisect.core.spine import spine, staged_search
from anyclue.git.model import CommitRange

if TYPE_CHECKING:
    from tests.bisect.core.conftest import Tools

FLAKY = Rates(false_good=0.2, false_bad=0.01)


@pytest.fixture(scope="module")
def large() -> CommitRange:
    commits = generated_history(3000, 1)
    return commits_between(commits, [commits[0].id], commits[-1].id)


def test_a_spine_cuts_the_range_into_pieces(large: CommitRange) -> None:
    cut = spine(large)
    span = ancestry_of(large)
    assert set(cut.piece) == set(span.ids)
    assert [cut.piece[one.id] for one in cut.line.commits] == list(range(len(cut.line.commits)))
    for number in (0, len(cut.line.commits) // 2, len(cut.line.commits) - 1):
        ancestors = span.ancestors(span.number[cut.line.commits[number].id])
        reached = {span.ids[one] for one in ancestors.nonzero()[0]}
        assert reached == {one for one, piece in cut.piece.items() if piece <= number}


@pytest.mark.parametrize("rates", [Rates(), FLAKY])
def test_it_ends_at_the_culprit(
    tools: Tools, large: CommitRange, rates: Rates, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ancestry_of(large)
    known = [CommitEvidence(commit=one, ratio=10.0) for one in whole.ids[::9]]
    monkeypatch.setattr(narrowing, "MAX_SEGMENTS", 100)
    monkeypatch.setattr(histories, "MAX_SEGMENTS", 100)
    right = 0
    for number in range(8):
        culprit = whole.ids[(number * 997 + 3) % len(whole)]
        run = tools.guest(whole, culprit, rates, seed=number)
        settings = Settings(rates=rates)
        seen: list[Observation] = []
        now = staged_search(large, settings, evidence=known, observations=seen)
        assert len(now.ancestry.first) - 1 <= 100
        while now.state.next is not None:
            seen.append(run(now.state.next.commit))
            now = staged_search(large, settings, evidence=known, observations=seen)
            assert len(seen) < 100
        assert now.state.status is BisectionStatus.FOUND
        right += now.state.accused == (culprit,)
    assert right == 8


def test_a_range_that_fits_is_searched_as_it_is(large: CommitRange) -> None:
    assert len(staged_search(large, Settings()).ancestry) == len(large.commits)


@pytest.mark.parametrize("lies", [(4, "later"), (3, "earlier")])
def test_a_part_that_does_not_hold_it_is_left_again(
    tools: Tools, large: CommitRange, lies: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ancestry_of(large)
    monkeypatch.setattr(narrowing, "MAX_SEGMENTS", 100)
    monkeypatch.setattr(histories, "MAX_SEGMENTS", 100)
    count, where = lies
    truth = whole.ids[len(whole) // 2]
    false = whole.ids[-1 if where == "later" else 0]
    lying, run = tools.guest(whole, false), tools.guest(whole, truth)
    seen: list[Observation] = []
    now = staged_search(large, Settings())
    while now.state.next is not None:
        ask = now.state.next
        seen.append((lying if 2 <= len(seen) < 2 + count else run)(ask.commit))
        now = staged_search(large, Settings(), observations=seen)
        assert len(seen) < 150
    assert now.state.status is BisectionStatus.FOUND
    assert now.state.accused == (truth,)
