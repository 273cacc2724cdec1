"""Histories by the seed, and guests that run them."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from anyclue.bisect.core.ancestry import Ancestry, ancestry_of
from anyclue.bisect.core.model import BisectTerm, Observation, Rates
from anyclue.bisect.core.search import Search
from anyclue.git.model import CommitNode, CommitRange

GOOD = "g" * 40


class Tools:
    """What tests need of this file (test modules cannot import it)."""

    good = GOOD

    def span(self, *commits: tuple[str, str]) -> CommitRange:
        """Return a range of commits with one-letter names: ``("c", "ab")`` is a merge."""
        made = tuple(CommitNode(id=name, parents=tuple(parents)) for name, parents in commits)
        return CommitRange(good=("g",), bad=commits[-1][0], commits=made)

    def line(self, count: int) -> CommitRange:
        """Return a history without merges."""
        names = [GOOD, *(f"{one:040x}" for one in range(count))]
        commits = (CommitNode(id=names[n + 1], parents=(names[n],)) for n in range(count))
        return CommitRange(good=(GOOD,), bad=names[-1], commits=tuple(commits))

    def woven(self, count: int, seed: int) -> CommitRange:
        """Return a history of random shape: up to two parents a commit, one tip."""
        chance = random.Random(seed)
        commits = [CommitNode(id=f"{0:040x}", parents=(GOOD,))]
        tips = {commits[0].id}
        back = chance.choice([1, 2, 5, count])

        def add(*parents: str) -> None:
            name = f"{len(commits):040x}"
            commits.append(CommitNode(id=name, parents=parents))
            tips.difference_update(parents)
            tips.add(name)

        while len(commits) < count:
            recent = [one.id for one in commits[-back:]] + [GOOD] * (chance.random() < 0.05)
            add(*chance.sample(recent, min(len(recent), chance.choice([1, 1, 2]))))
        while len(tips) > 1:
            add(*sorted(tips)[:2])
        return CommitRange(good=(GOOD,), bad=commits[-1].id, commits=tuple(commits))

    def guest(
        self,
        span: Ancestry,
        culprit: str,
        rates: Rates | None = None,
        *,
        seed: int = 0,
        broken: frozenset[str] = frozenset(),
    ) -> Callable[[str], Observation]:
        """Return what runs commits as they are with that culprit."""
        chance = random.Random(seed)
        err = rates or Rates()
        guilty = span.descendants(span.number[culprit])

        def run(commit: str) -> Observation:
            if commit in broken:
                return Observation(commit=commit, term=BisectTerm.SKIP)
            shows = commit in span.number and bool(guilty[span.number[commit]])
            missed = chance.random() < (err.false_good if shows else err.false_bad)
            return Observation(
                commit=commit, term=BisectTerm.BAD if shows != missed else BisectTerm.GOOD
            )

        return run

    def finish(
        self, now: Search, run: Callable[[str], Observation], most: int = 500
    ) -> tuple[Search, list[Observation]]:
        """Run to the end; return the last state and all runs."""
        seen: list[Observation] = []
        while now.state.next is not None:
            assert len(seen) < most
            seen.append(run(now.state.next.commit))
            now = now.after(seen[-1])
        return now, seen

    def ancestry_of(self, span: CommitRange) -> Ancestry:
        return ancestry_of(span)


@pytest.fixture(scope="session")
def tools() -> Tools:
    return Tools()
