"""Ancestry by segments against ancestry by walking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.bisect.core import ancestry as module
from anyclue.bisect.core.ancestry import ancestry_of, commits_between, count_segments
from anyclue.git.model import CommitNode, CommitRange
from anyclue.model.errors import RequestError

if TYPE_CHECKING:
    from tests.bisect.core.conftest import Tools


@given(count=st.integers(1, 60), seed=st.integers(0, 10**6))
@settings(max_examples=60)
def test_ancestry(tools: Tools, count: int, seed: int) -> None:
    woven = tools.woven(count, seed)
    span = ancestry_of(woven)
    reached: dict[str, set[str]] = {}
    for commit in woven.commits:
        above = (reached.get(parent, set()) for parent in commit.parents)
        reached[commit.id] = {commit.id}.union(*above)
    values = np.random.default_rng(seed).random(len(span))
    sums = span.over_ancestors(values)
    for name, ancestors in reached.items():
        number = span.number[name]
        assert {span.ids[one] for one in np.flatnonzero(span.ancestors(number))} == ancestors
        held = {n for n, above in reached.items() if name in above}
        assert {span.ids[one] for one in np.flatnonzero(span.descendants(number))} == held
        assert sums[number] == pytest.approx(
            sum(values[span.number[one]] for one in ancestors), rel=1e-5
        )
        assert all(span.number[p] <= number for p in ancestors)
    assert len(span.first) - 1 == count_segments(woven.commits)


def test_a_line_is_one_segment(tools: Tools) -> None:
    assert count_segments(tools.line(500).commits) == 1


def test_parents_beyond_the_range(tools: Tools) -> None:
    span = ancestry_of(tools.span(("a", "g"), ("b", "ax"), ("c", "b")))
    assert span.beyond == (("g",), ("x",), ())
    assert span.borders("g")
    assert span.borders("x")
    assert not span.borders("a")
    assert count_segments(tools.span(("a", "g"), ("b", "ax"), ("c", "b")).commits) == 1


@pytest.mark.parametrize(
    ("commits", "words"),
    [
        ([("b", "a"), ("a", "g")], "not ordered"),
        ([("a", "g"), ("a", "g")], "not ordered"),
        ([("a", "g"), ("b", "g")], "not the only tip"),
    ],
)
def test_what_is_no_range(tools: Tools, commits: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        ancestry_of(tools.span(*commits))


def test_too_many_merges(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SEGMENTS", 3)
    with pytest.raises(RequestError, match="narrow it first"):
        ancestry_of(tools.woven(40, 1))


def test_a_part_of_a_history(tools: Tools) -> None:
    whole = tools.span(("a", "g"), ("b", "a"), ("s", "a"), ("t", "s"), ("m", "bt"), ("n", "m"))
    part = commits_between(whole.commits, ["b"], "m")
    assert part == CommitRange(
        good=("b",),
        bad="m",
        commits=(
            CommitNode(id="s", parents=("a",)),
            CommitNode(id="t", parents=("s",)),
            CommitNode(id="m", parents=("b", "t")),
        ),
    )
