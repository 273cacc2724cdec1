"""How probable it is that a finding is real: as often as those like it were that were sorted.

Those that were sorted by hand are in bench/pairs_bench/sorted.json; `python -m bench.sorted` counts
them anew, and says how well counts foretell what was left out of them. There are few kinds, because
few were sorted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from anyclue.review.pairs.contracts.model import PairKind
from anyclue.review.pairs.engine.effects import SCOPED
from anyclue.review.pairs.model import Confidence, Finding, FindingKind, PathStep, StepKind


class Likeness(StrEnum):
    """What findings have in common that are counted together."""

    UNTOUCHED_OBJECT = "untouched-object"
    """An object is lost that the path gives to no call after it was acquired."""
    GIVEN_OBJECT = "given-object"
    """An object is lost that the path gives to a call, which may have kept it."""
    SCOPED = "scoped"
    """A lock, or another thing that is held by place, is still held."""
    OTHER = "other"
    """It is overwritten, released twice, in another order or mode, used afterwards."""
    SELF_TEST = "self-test"
    """Code that tests other code loses it, where what is tested is broken."""
    DOUBTFUL = "doubtful"
    """What the rules are not sure of."""


@dataclass(frozen=True, kw_only=True)
class SortedCount:
    """How many findings were sorted, and how many of them are real."""

    real: int
    all: int


SORTED: Final[Mapping[Likeness, SortedCount]] = {
    Likeness.UNTOUCHED_OBJECT: SortedCount(real=5, all=7),
    Likeness.GIVEN_OBJECT: SortedCount(real=10, all=20),
    Likeness.SCOPED: SortedCount(real=2, all=9),
    Likeness.OTHER: SortedCount(real=0, all=4),
    Likeness.SELF_TEST: SortedCount(real=0, all=8),
    Likeness.DOUBTFUL: SortedCount(real=0, all=13),
}


_SELF_TEST = re.compile(r"(^|/)(self)?tests?/|[_-](self)?tests?\.c$|[_-]kunit\.c$")


def likeness(
    path: str,
    kind: FindingKind,
    pair: PairKind,
    confidence: Confidence,
    steps: Sequence[PathStep],
) -> Likeness:
    """Return what a finding is counted with.

    Args:
        path: the file.
        kind: what is wrong.
        pair: what sort of thing the resource is.
        confidence: how sure the rules are.
        steps: the path.
    """
    if confidence is not Confidence.HIGH:
        return Likeness.DOUBTFUL
    if _SELF_TEST.search(path):
        return Likeness.SELF_TEST
    if kind not in (FindingKind.LEAK, FindingKind.LOST_RELEASE):
        return Likeness.OTHER
    if pair in SCOPED:
        return Likeness.SCOPED
    if any(step.kind is StepKind.CALL for step in steps):
        return Likeness.GIVEN_OBJECT
    return Likeness.UNTOUCHED_OBJECT


def probability(like: Likeness, counts: Mapping[Likeness, SortedCount] = SORTED) -> float:
    """Return the mean of the posterior of a share, from the prior of Jeffreys."""
    count = counts[like]
    return (count.real + 0.5) / (count.all + 1)


HIGH_AT_LEAST: Final = 0.4
"""Of a tree, what is real less often is not ``high``, however clear its path is.

What ``high`` should mean is nine of ten; in what was sorted no kind reaches that.
"""


def confidence_in_tree(finding: Finding) -> Confidence:
    """Return how much a finding in a tree may be trusted, by those like it that were sorted.

    Of a change nothing was sorted: what a change brings in is real more often.
    """
    if finding.confidence is Confidence.HIGH and finding.probability < HIGH_AT_LEAST:
        return Confidence.MEDIUM
    return finding.confidence
