"""How probable it is that a finding is real: as often as those like it were that were sorted.

Those that were sorted by hand are in bench/pairs_bench/sorted.json; `python -m bench.sorted` counts
them anew, and says how well counts foretell what was left out of them. There are few kinds, because
few were sorted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from anyclue.review.pairs.contracts.model import PairKind
from anyclue.review.pairs.engine.effects import SCOPED
from anyclue.review.pairs.model import (
    Confidence,
    ConfidenceReason,
    Finding,
    FindingKind,
)


class Likeness(StrEnum):
    """What findings have in common that are counted together."""

    FAILURE = "failure"
    """An object is lost where the function fails, which hands it on when it succeeds."""
    UNTOUCHED_OBJECT = "untouched-object"
    """An object is lost that other paths release; this one gives it to calls of contracts alone."""
    GIVEN_OBJECT = "given-object"
    """An object is lost that other paths release; this one gives it to a call that may keep it."""
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
    Likeness.FAILURE: SortedCount(real=14, all=15),
    Likeness.UNTOUCHED_OBJECT: SortedCount(real=23, all=28),
    Likeness.GIVEN_OBJECT: SortedCount(real=10, all=21),
    Likeness.SCOPED: SortedCount(real=2, all=7),
    Likeness.OTHER: SortedCount(real=0, all=3),
    Likeness.SELF_TEST: SortedCount(real=0, all=11),
    Likeness.DOUBTFUL: SortedCount(real=0, all=15),
}


_SELF_TEST = re.compile(r"(^|/)(self)?tests?/|[_-](self)?tests?\.c$|[_-]kunit\.c$")


def likeness(finding: Finding, pair: PairKind) -> Likeness:
    """Return what a finding is counted with.

    Args:
        finding: with its confidence as the rules have it.
        pair: what sort of thing the resource is.
    """
    if finding.confidence is not Confidence.HIGH:
        return Likeness.DOUBTFUL
    if _SELF_TEST.search(finding.path):
        return Likeness.SELF_TEST
    if finding.kind not in (FindingKind.LEAK, FindingKind.LOST_RELEASE):
        return Likeness.OTHER
    if pair in SCOPED:
        return Likeness.SCOPED
    if finding.reason is ConfidenceReason.LOST_ON_FAILURE:
        return Likeness.FAILURE
    return Likeness.GIVEN_OBJECT if finding.passed else Likeness.UNTOUCHED_OBJECT


def probability(like: Likeness, counts: Mapping[Likeness, SortedCount] = SORTED) -> float:
    """Return the mean of the posterior of a share, from the prior of Jeffreys."""
    count = counts[like]
    return (count.real + 0.5) / (count.all + 1)


HIGH_AT_LEAST: Final = 0.7
"""Of a tree, what is real less often is not ``high``, however clear its path is."""


def confidence_in_tree(finding: Finding) -> Confidence:
    """Return how much a finding in a tree may be trusted, by those like it that were sorted.

    Of a change nothing was sorted: what a change brings in is real more often.
    """
    if finding.confidence is Confidence.HIGH and finding.probability < HIGH_AT_LEAST:
        return Confidence.MEDIUM
    return finding.confidence
