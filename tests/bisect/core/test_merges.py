"""Merges, proofs, and commits that cannot be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.bisect.core.ancestry import ancestry_of
from anyclue.bisect.core.model import BisectionStatus, BisectTerm, Observation, Rates, Settings
from anyclue.bisect.core.search import RunPurpose, search

if TYPE_CHECKING:
    from tests.bisect.core.conftest import Tools

FLAKY = Rates(false_good=0.2, false_bad=0.01)
SIDE = (
    *(("a", "g"), ("b", "a"), ("c", "b"), ("s", "a"), ("t", "s"), ("u", "t")),
    *(("m", "cu"), ("n", "m"), ("o", "n")),
)


@pytest.mark.parametrize("rates", [Rates(), FLAKY])
def test_an_evil_merge_is_accused_after_both_parents(tools: Tools, rates: Rates) -> None:
    span = ancestry_of(tools.span(*SIDE))
    for seed in range(10):
        run = tools.guest(span, "m", rates, seed=seed)
        now, seen = tools.finish(search(span, Settings(rates=rates)), run)
        assert now.state.accused == ("m",)
        for parent in "cu":
            assert sum(one == Observation(commit=parent, term=BisectTerm.GOOD) for one in seen) >= 2
        assert sum(one == Observation(commit="m", term=BisectTerm.BAD) for one in seen) >= 2


@pytest.mark.parametrize("culprit", "abcstumno")
def test_a_side_branch_is_entered(tools: Tools, culprit: str) -> None:
    span = ancestry_of(tools.span(*SIDE))
    now, _ = tools.finish(search(span, Settings()), tools.guest(span, culprit))
    assert now.state.accused == (culprit,)


@given(count=st.integers(5, 60), seed=st.integers(0, 10**6))
@settings(max_examples=40)
def test_no_merge_is_accused_before_its_parents_were_good(
    tools: Tools, count: int, seed: int
) -> None:
    span = ancestry_of(tools.woven(count, seed))
    merges = [n for n in range(len(span)) if len(span.parents[n]) > 1]
    for merge in merges[:3]:
        now, _ = tools.finish(search(span, Settings()), tools.guest(span, span.ids[merge]))
        assert now.state.accused == (span.ids[merge],)
        for parent in span.parents[merge]:
            shown = [one.term for one in now.runs[span.ids[parent]]]
            assert shown.count(BisectTerm.GOOD) >= 2


def test_a_proof_that_contradicts_opens_the_search_again(tools: Tools) -> None:
    span = ancestry_of(tools.line(16))
    now = search(span, Settings())
    lying = tools.guest(span, span.ids[9])
    asked = now.state.next
    while asked is not None and asked.purpose is not RunPurpose.PROOF:
        now = now.after(lying(asked.commit))
        asked = now.state.next
    assert asked is not None
    assert asked.commit == span.ids[8]
    assert now.state.accused == (span.ids[9],)
    assert [(one.commit, one.expected, one.runs) for one in now.state.proof] == [
        (span.ids[9], BisectTerm.BAD, 1),
        (span.ids[8], BisectTerm.GOOD, 1),
    ]
    now = now.after(Observation(commit=span.ids[8], term=BisectTerm.BAD))
    assert now.state.next is not None
    assert now.state.next.purpose is RunPurpose.SEARCH
    now, _ = tools.finish(now, tools.guest(span, span.ids[8]))
    assert now.state.accused == (span.ids[8],)
    assert now.state.status is BisectionStatus.FOUND


@pytest.mark.parametrize(("culprit", "standing"), [(70, "range"), (20, "found"), (161, "found")])
def test_a_broken_stretch(tools: Tools, culprit: int, standing: str) -> None:
    span = ancestry_of(tools.line(200))
    broken = frozenset(span.ids[60:120])
    run = tools.guest(span, span.ids[culprit], broken=broken)
    now, seen = tools.finish(search(span, Settings()), run)
    assert now.state.status is BisectionStatus(standing)
    assert span.ids[culprit] in now.state.accused
    skipped = sum(one.term is BisectTerm.SKIP for one in seen)
    if standing == "range":
        assert set(now.state.accused) == set(span.ids[60:121])
        assert skipped == len(broken)  # only all of them skipped leave nothing to learn
    else:
        assert len(now.state.accused) == 1
        assert skipped <= 8


def test_a_skipped_parent_leaves_two(tools: Tools) -> None:
    span = ancestry_of(tools.span(("a", "g"), ("b", "a"), ("c", "b"), ("d", "c")))
    run = tools.guest(span, "c", broken=frozenset("b"))
    now, seen = tools.finish(search(span, Settings()), run)
    assert now.state.status is BisectionStatus.RANGE
    assert now.state.accused == ("b", "c")
    assert Observation(commit="a", term=BisectTerm.GOOD) in seen
    assert Observation(commit="c", term=BisectTerm.BAD) in seen


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
    span = ancestry_of(tools.woven(count, seed))
    culprit = span.ids[int(which * len(span))]
    spared = {span.ids[span.bad]}
    broken = frozenset(
        one for n, one in enumerate(span.ids) if (n * 37 + seed) % 100 < share * 100
    ).difference(spared)
    run = tools.guest(span, culprit, broken=broken)
    now, _ = tools.finish(search(span, Settings()), run)
    assert now.state.status in (BisectionStatus.FOUND, BisectionStatus.RANGE)
    assert culprit in now.state.accused
    if now.state.status is BisectionStatus.RANGE:
        assert broken & set(now.state.accused)


def test_an_end_that_cannot_be_run(tools: Tools) -> None:
    span = ancestry_of(tools.line(10))
    run = tools.guest(span, span.ids[3], broken=frozenset({span.ids[-1]}))
    now, seen = tools.finish(search(span, Settings()), run)
    assert now.state.status is BisectionStatus.STUCK
    assert len(seen) == 1
