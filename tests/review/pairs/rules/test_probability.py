"""How probable it is that a finding is real."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.review.pairs.contracts.model import PairKind
from anyclue.review.pairs.model import (
    Confidence,
    ConfidenceReason,
    Finding,
    FindingKind,
    PathStep,
    StepKind,
)
from anyclue.review.pairs.rules.probability import (
    SORTED,
    Likeness,
    SortedCount,
    likeness,
    probability,
)

ACQUIRED = PathStep(line=1, kind=StepKind.ACQUIRE, text="p = get();")
LEFT = PathStep(line=3, kind=StepKind.RETURN, text="return 0;")


RELEASED = ConfidenceReason.RELEASED_ELSEWHERE
LOST = ConfidenceReason.LOST_ON_FAILURE


@pytest.mark.parametrize(
    ("path", "kind", "pair", "confidence", "reason", "passed", "like"),
    [
        ("x.c", "leak", "memory", "high", LOST, True, Likeness.FAILURE),
        ("x.c", "leak", "reference", "high", RELEASED, False, Likeness.UNTOUCHED_OBJECT),
        ("x.c", "leak", "memory", "high", RELEASED, True, Likeness.GIVEN_OBJECT),
        ("x.c", "lost-release", "mapping", "high", LOST, False, Likeness.FAILURE),
        ("x.c", "leak", "lock", "high", RELEASED, True, Likeness.SCOPED),
        ("x.c", "leak", "count", "high", RELEASED, False, Likeness.SCOPED),
        ("x.c", "overwritten", "reference", "high", RELEASED, False, Likeness.OTHER),
        ("x.c", "double-release", "lock", "high", RELEASED, False, Likeness.OTHER),
        ("x.c", "leak", "reference", "medium", RELEASED, False, Likeness.DOUBTFUL),
        ("x.c", "wrong-mode", "lock", "low", RELEASED, False, Likeness.DOUBTFUL),
        ("x/tests/y.c", "leak", "memory", "high", LOST, False, Likeness.SELF_TEST),
        ("list-test.c", "leak", "memory", "high", LOST, False, Likeness.SELF_TEST),
        ("contest.c", "leak", "memory", "high", LOST, False, Likeness.FAILURE),
    ],
)
def test_findings_are_counted_with_those_like_them(
    path: str,
    kind: str,
    pair: str,
    confidence: str,
    reason: ConfidenceReason,
    passed: bool,
    like: Likeness,
) -> None:
    finding = Finding(
        kind=FindingKind(kind),
        pair="x",
        resource="p",
        function="f",
        path=path,
        line=3,
        column=1,
        acquired_line=1,
        acquired_by="get",
        release=("put",),
        message="",
        steps=(ACQUIRED, LEFT),
        confidence=Confidence(confidence),
        reason=reason,
        passed=passed,
    )
    assert likeness(finding, PairKind(pair)) is like


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
