"""Bisections of a repository's range with a chosen culprit, without any guest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np

from anyclue.bisect.core.ancestry import MAX_SEGMENTS, ancestry_of, count_segments
from anyclue.bisect.core.model import Rates
from anyclue.bisect.core.result import StrategyResult
from anyclue.bisect.core.simulation import SimulatedCase, Strategy, simulate
from anyclue.git import repository as git
from anyclue.git.history import commit_range
from anyclue.model.errors import RequestError

CULPRITS = 50
"""So many are drawn where none is named."""
STRATEGIES = (Strategy.GIT, Strategy.OF_THREE, Strategy.OURS, Strategy.SCORE, Strategy.BOTH)
_SEED = 5


def simulate_strategies(
    tree: Path, good: Sequence[str], bad: str, *, culprit: str | None, flakes: float
) -> tuple[StrategyResult, ...]:
    """Return how each strategy does.

    Args:
        tree: a directory of the repository.
        good: revisions without the bug.
        bad: a revision with it.
        culprit: the first bad commit; None for some that are drawn.
        flakes: share of runs with the bug that do not show it.

    Raises:
        RequestError: unknown revisions, a culprit outside of the range, too large a range.
    """
    if not 0 <= flakes < 0.5:
        raise RequestError.of(
            "--flakes is not between 0 and 0.5", next_step="give a share like 0.2"
        )
    repo = git.repository(tree)
    ends = [git.commit(repo, one) for one in good]
    span = commit_range(repo, ends, git.commit(repo, bad))
    if count_segments(span.commits) > MAX_SEGMENTS:
        step = f"name ends that are closer: {MAX_SEGMENTS} stretches of history can be simulated"
        raise RequestError.of(
            "the range is too large to be simulated", where=str(repo.at), next_step=step
        )
    ancestry = ancestry_of(span)
    chance = np.random.default_rng(_SEED)
    culprits = [int(one) for one in chance.integers(0, len(ancestry), CULPRITS)]
    if culprit is not None:
        commit = git.commit(repo, culprit)
        if commit not in ancestry.number:
            raise RequestError.of(
                f"{culprit!r} is outside of the range",
                where=str(repo.at),
                next_step="name a commit that the bad end has and the good ones have not",
            )
        culprits = [ancestry.number[commit]] * CULPRITS
    rates = Rates(false_bad=0.01 if flakes else 0.0, false_good=flakes)
    found = []
    for strategy in STRATEGIES:
        outcomes = [
            simulate(ancestry, strategy, SimulatedCase(culprit=one, rates=rates, seed=seed))
            for seed, one in enumerate(culprits)
        ]
        found.append(
            StrategyResult(
                strategy=strategy.value,
                runs=fmean(one.runs for one in outcomes),
                right=fmean(one.right for one in outcomes),
            )
        )
    return tuple(found)
