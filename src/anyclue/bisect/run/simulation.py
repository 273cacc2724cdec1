"""Bisections of a repository's range with a chosen culprit, without any guest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from anyclue.bisect.core.ancestry import MOST_SEGMENTS, history, segments
from anyclue.bisect.core.model import Rates, Simulated
from anyclue.bisect.core.simulation import SimulatedCase, Strategy, simulate
from anyclue.git import repository as git
from anyclue.git.history import commit_range
from anyclue.model.errors import Problem, RequestError

CULPRITS = 50
"""So many are drawn where none is named."""
STRATEGIES = (Strategy.GIT, Strategy.OF_THREE, Strategy.OURS, Strategy.SCORE, Strategy.BOTH)
_SEED = 5


@dataclass(frozen=True, kw_only=True)
class SimulationRequest:
    """What is to be simulated.

    Attributes:
        tree: a directory of the repository.
        good: revisions without the bug.
        bad: a revision with it.
        culprit: the first bad commit; None for some that are drawn.
        flakes: share of runs with the bug that do not show it.
    """

    tree: Path
    good: tuple[str, ...]
    bad: str
    culprit: str | None
    flakes: float


def simulated(asked: SimulationRequest) -> tuple[Simulated, ...]:
    """Return how each strategy does.

    Raises:
        RequestError: unknown revisions, a culprit outside of the range, too large a range.
    """
    if not 0 <= asked.flakes < 0.5:
        raise _wrong("--flakes is not between 0 and 0.5", "", "give a share like 0.2")
    repo = git.repository(asked.tree)
    good = [git.commit(repo, one) for one in asked.good]
    span = commit_range(repo, good, git.commit(repo, asked.bad))
    if segments(span.commits) > MOST_SEGMENTS:
        step = f"name ends that are closer: {MOST_SEGMENTS} stretches of history can be simulated"
        raise _wrong("the range is too large to be simulated", str(repo.at), step)
    past = history(span)
    chance = np.random.default_rng(_SEED)
    culprits = [int(one) for one in chance.integers(0, len(past), CULPRITS)]
    if asked.culprit is not None:
        commit = git.commit(repo, asked.culprit)
        if commit not in past.number:
            step = "name a commit that the bad end has and the good ones have not"
            raise _wrong(f"{asked.culprit!r} is outside of the range", str(repo.at), step)
        culprits = [past.number[commit]] * CULPRITS
    rates = Rates(false_bad=0.01 if asked.flakes else 0.0, false_good=asked.flakes)
    found = []
    for strategy in STRATEGIES:
        endings = [
            simulate(past, strategy, SimulatedCase(culprit=one, rates=rates, seed=seed))
            for seed, one in enumerate(culprits)
        ]
        found.append(
            Simulated(
                strategy=strategy.value,
                runs=fmean(one.runs for one in endings),
                right=fmean(one.right for one in endings),
            )
        )
    return tuple(found)


def _wrong(what: str, where: str, next_step: str) -> RequestError:
    return RequestError([Problem(what=what, where=where, next_step=next_step)])
