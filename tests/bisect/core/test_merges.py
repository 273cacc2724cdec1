"""Merges, proofs, and commits that cannot be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.bisect.core.ancestry import history
from anyclue.bisect.core.model import BisectionStatus, Observation, Rates, Settings, Shown, Why
from anyclue.bisect.core.search import search

if TYPE_CHECKING:
    from tests.bisect.core.conftest import Tools

FLAKY = Rates(false_good=0.2, false_bad=0.01)
SIDE = (
    *(("a", "g"), ("b", "a"), ("c", "b"), ("s", "a"), ("t", "s"), ("u", "t")),
    *(("m", "cu"), ("n", "m"), ("o", "n")),
)


@pytest.mark.parametrize("rates", [Rates(), FLAKY])
def test_an_evil_merge_is_accused_after_both_parents(tools: Tools, rates: Rates) -> None:
    span = history(tools.span(*SIDE))
    for seed in range(10):
        run = tools.guest(span, "m", rates, seed=seed)
        now, seen = tools.finish(search(span, Settings(rates=rates)), run)
        assert now.status.accused == ("m",)
        for parent in "cu":
            assert sum(one == Observation(commit=parent, shown=Shown.GOOD) for one in seen) >= 2
        assert sum(one == Observation(commit="m", shown=Shown.BAD) for one in seen) >= 2


@pytest.mark.parametrize("culprit", "abcstumno")
def test_a_side_branch_is_entered(tools: Tools, culprit: str) -> None:
    span = history(tools.span(*SIDE))
    now, _ = tools.finish(search(span, Settings()), tools.guest(span, culprit))
    assert now.status.accused == (culprit,)


@given(count=st.integers(5, 60), seed=st.integers(0, 10**6))
@settings(max_examples=40)
def test_no_merge_is_accused_before_its_parents_were_good(
    tools: Tools, count: int, seed: int
) -> None:
    span = history(tools.woven(count, seed))
    merges = [n for n in range(len(span)) if len(span.parents[n]) > 1]
    for merge in merges[:3]:
        now, _ = tools.finish(search(span, Settings()), tools.guest(span, span.ids[merge]))
        assert now.status.accused == (span.ids[merge],)
        for parent in span.parents[merge]:
            shown = [one.shown for one in now.runs[span.ids[parent]]]
            assert shown.count(Shown.GOOD) >= 2


def test_a_proof_that_contradicts_opens_the_search_again(tools: Tools) -> None:
    span = history(tools.line(16))
    now = search(span, Settings())
    lying = tools.guest(span, span.ids[9])
    asked = now.status.next
    while asked is not None and asked.why is not Why.PROOF:
        now = now.after(lying(asked.commit))
        asked = now.status.next
    assert asked is not None
    assert asked.commit == span.ids[8]
    assert now.status.accused == (span.ids[9],)
    assert [(one.commit, one.expected, one.runs) for one in now.status.proof] == [
        (span.ids[9], Shown.BAD, 1),
        (span.ids[8], Shown.GOOD, 1),
    ]
    now = now.after(Observation(commit=span.ids[8], shown=Shown.BAD))
    assert now.status.next is not None
    assert now.status.next.why is Why.SEARCH
    now, _ = tools.finish(now, tools.guest(span, span.ids[8]))
    assert now.status.accused == (span.ids[8],)
    assert now.status.standing is BisectionStatus.FOUND


@pytest.mark.parametrize(("culprit", "standing"), [(70, "range"), (20, "found"), (161, "found")])
def test_a_broken_stretch(tools: Tools, culprit: int, standing: str) -> None:
    span = history(tools.line(200))
    broken = frozenset(span.ids[60:120])
    run = tools.guest(span, span.ids[culprit], broken=broken)
    now, seen = tools.finish(search(span, Settings()), run)
    assert now.status.standing is BisectionStatus(standing)
    assert span.ids[culprit] in now.status.accused
    skipped = sum(one.shown is Shown.SKIP for one in seen)
    if standing == "range":
        assert set(now.status.accused) == set(span.ids[60:121])
        assert skipped == len(broken)  # only all of them skipped leave nothing to learn
    else:
        assert len(now.status.accused) == 1
        assert skipped <= 8


def test_a_skipped_parent_leaves_two(tools: Tools) -> None:
    span = history(tools.span(("a", "g"), ("b", "a"), ("c", "b"), ("d", "c")))
    run = tools.guest(span, "c", broken=frozenset("b"))
    now, seen = tools.finish(search(span, Settings()), run)
    assert now.status.standing is BisectionStatus.RANGE
    assert now.status.accused == ("b", "c")
    assert Observation(commit="a", shown=Shown.GOOD) in seen
    assert Observation(commit="c", shown=Shown.BAD) in seen


@given(
    count=st.integers(2, 60),
    seed=st.integers(0, 10**6),
    which=st.floats(0, 0.999),
    share=st.floats(0, 0.6),
)
@settings(max_examples=60)
def test_the_culprit_is_among_the_accused_whatever_is_skipped(
    tools: Tools, count: int, seed: int, which: float, share: float
) -> None:
    span = history(tools.woven(count, seed))
    culprit = span.ids[int(which * len(span))]
    spared = {span.ids[span.bad]}
    broken = frozenset(
        one for n, one in enumerate(span.ids) if (n * 37 + seed) % 100 < share * 100
    ).difference(spared)
    run = tools.guest(span, culprit, broken=broken)
    now, _ = tools.finish(search(span, Settings()), run)
    assert now.status.standing in (BisectionStatus.FOUND, BisectionStatus.RANGE)
    assert culprit in now.status.accused
    if now.status.standing is BisectionStatus.RANGE:
        assert broken & set(now.status.accused)


def test_an_end_that_cannot_be_run(tools: Tools) -> None:
    span = history(tools.line(10))
    run = tools.guest(span, span.ids[3], broken=frozenset({span.ids[-1]}))
    now, seen = tools.finish(search(span, Settings()), run)
    assert now.status.standing is BisectionStatus.STUCK
    assert len(seen) == 1
