"""How probable it is that a finding is real."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.review.pairs.contracts.model import PairKind
from anyclue.review.pairs.model import Confidence, FindingKind, PathStep, StepKind
from anyclue.review.pairs.rules.probability import (
    SORTED,
    Likeness,
    SortedCount,
    likeness,
    probability,
)

ACQUIRED = PathStep(line=1, kind=StepKind.ACQUIRE, text="p = get();")
GIVEN = PathStep(line=2, kind=StepKind.CALL, text="use(p);")
LEFT = PathStep(line=3, kind=StepKind.RETURN, text="return 0;")


@pytest.mark.parametrize(
    ("path", "kind", "pair", "confidence", "steps", "like"),
    [
        ("fs/x.c", "leak", "reference", "high", (ACQUIRED, LEFT), Likeness.UNTOUCHED_OBJECT),
        ("fs/x.c", "leak", "memory", "high", (ACQUIRED, GIVEN, LEFT), Likeness.GIVEN_OBJECT),
        ("fs/x.c", "lost-release", "mapping", "high", (ACQUIRED, LEFT), Likeness.UNTOUCHED_OBJECT),
        ("fs/x.c", "leak", "lock", "high", (ACQUIRED, GIVEN, LEFT), Likeness.SCOPED),
        ("fs/x.c", "leak", "count", "high", (ACQUIRED, LEFT), Likeness.SCOPED),
        ("fs/x.c", "overwritten", "reference", "high", (ACQUIRED, LEFT), Likeness.OTHER),
        ("fs/x.c", "double-release", "lock", "high", (ACQUIRED, LEFT), Likeness.OTHER),
        ("fs/x.c", "leak", "reference", "medium", (ACQUIRED, LEFT), Likeness.DOUBTFUL),
        ("fs/x/tests/y.c", "leak", "memory", "high", (ACQUIRED, LEFT), Likeness.SELF_TEST),
        ("lib/list-test.c", "leak", "memory", "high", (ACQUIRED, LEFT), Likeness.SELF_TEST),
        ("fs/x/contest.c", "leak", "memory", "high", (ACQUIRED, LEFT), Likeness.UNTOUCHED_OBJECT),
        ("fs/x.c", "wrong-mode", "lock", "low", (ACQUIRED, LEFT), Likeness.DOUBTFUL),
    ],
)
def test_findings_are_counted_with_those_like_them(
    path: str, kind: str, pair: str, confidence: str, steps: tuple[PathStep, ...], like: Likeness
) -> None:
    found = likeness(path, FindingKind(kind), PairKind(pair), Confidence(confidence), steps)
    assert found is like


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_share_is_never_certain_and_grows_with_the_real_ones(real: int, false: int) -> None:
    def of(real: int, false: int) -> float:
        counts = {Likeness.OTHER: SortedCount(real=real, all=real + false)}
        return probability(Likeness.OTHER, counts)

    assert 0 < of(real, false) < 1
    assert of(real, false) < of(real + 1, false)
    assert of(real, false + 1) < of(real, false)
    assert of(0, 0) == 0.5


def test_every_likeness_was_sorted() -> None:
    assert SORTED.keys() == {*Likeness}
    for count in SORTED.values():
        assert 0 <= count.real <= count.all
        assert count.all > 0
