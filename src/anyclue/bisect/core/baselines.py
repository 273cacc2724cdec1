"""What ours is measured against: ``git bisect`` as it is, and with the best of three runs.

They verify the ends and repeat the proof as ours does, and every run counts. They are treated
kindly: what they name counts, whatever its proof shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from anyclue.bisect.core.ancestry import Ancestry

Guest: TypeAlias = Callable[[str], bool]
"""Runs a commit and says whether it showed the bug."""


@dataclass(frozen=True, kw_only=True)
class Vote:
    """The runs a commit has at least, and how many of them have to agree."""

    runs: int
    agreeing: int


ONCE: Final = Vote(runs=1, agreeing=1)
TWO_AGREE: Final = Vote(runs=2, agreeing=2)
OF_THREE: Final = Vote(runs=3, agreeing=2)


def by_halves(span: Ancestry, guest: Guest, *, vote: Vote, repeats: int) -> str | None:
    """Return the commit that ``git bisect`` names; None when an end is not as it should be.

    The next commit is the one whose ancestors among the candidates, or the others, are most,
    whichever are fewer: git's own rule, on all parents.

    Args:
        span: the range.
        guest: runs a commit.
        vote: how a commit is called good or bad.
        repeats: runs of the named commit and its parents that show what they should, in the end.
    """
    seen: dict[str, Counter[bool]] = {}

    def run(commit: str) -> None:
        seen.setdefault(commit, Counter())[guest(commit)] += 1

    def bad(commit: str) -> bool:
        runs = seen.setdefault(commit, Counter())
        while runs.total() < vote.runs or max(runs.values()) < vote.agreeing:
            run(commit)
        return runs[True] >= vote.agreeing

    if not bad(span.ids[span.bad]) or any(bad(one) for one in span.good):
        return None
    alive = np.ones(len(span), dtype=np.bool_)
    while (left := int(alive.sum())) > 1:
        reached = np.rint(span.over_ancestors(alive.astype(np.float64)))
        place = int(np.argmax(np.where(alive, np.minimum(reached, left - reached), -1)))
        inside = span.ancestors(place)
        alive &= inside if bad(span.ids[place]) else ~inside
    named = int(np.argmax(alive))
    proof = [(span.ids[one], False) for one in span.parents[named]]
    proof += [(one, False) for one in span.beyond[named]]
    for commit, shows in [*proof, (span.ids[named], True)]:
        for _ in range(repeats - seen.get(commit, Counter())[shows]):
            run(commit)
    return span.ids[named]
