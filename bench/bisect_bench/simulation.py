"""Histories to simulate bisections of, and how good evidence is once the culprit is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anyclue.bisect.core.ancestry import Ancestry, commits_between
from anyclue.bisect.core.model import CommitEvidence, Settings
from anyclue.bisect.core.posterior import prior
from anyclue.git.model import CommitNode, CommitRange


@dataclass(frozen=True, kw_only=True)
class EvidenceQuality:
    """How good evidence is.

    Attributes:
        ranked_below: the share of other commits that it ranks below the culprit, half of those
            level with it included: its mean is the area under the curve.
        bits: by how many it raises the culprit's prior.
    """

    ranked_below: float
    bits: float


def evidence_quality(
    ancestry: Ancestry, evidence: Sequence[CommitEvidence], culprit: int
) -> EvidenceQuality:
    """Return how good evidence is, given the culprit."""
    mass = prior(ancestry.number, evidence, Settings().floor)
    own = mass[culprit]
    level = int((mass == own).sum()) - 1
    below = int((mass < own).sum()) + level / 2
    return EvidenceQuality(
        ranked_below=below / max(len(ancestry) - 1, 1), bits=float(np.log2(own * len(ancestry)))
    )


def sample_ranges(
    commits: Sequence[CommitNode], sizes: Sequence[int], seed: int
) -> list[CommitRange]:
    """Return parts of a history (parents first) of about the sizes asked for.

    Both ends are on the line of first parents of its last commit, the bad one is drawn.
    """
    chance = np.random.default_rng(seed)
    parents = {commit.id: commit.parents for commit in commits}
    line = [commits[-1].id]
    while (first := parents[line[-1]][:1]) and first[0] in parents:
        line.append(first[0])
    found = []
    for size in sizes:
        newest = int(chance.integers(0, max(len(line) // 2, 1)))
        low, high = newest + 1, len(line) - 1
        while low < high:
            middle = (low + high) // 2
            if len(commits_between(commits, [line[middle]], line[newest]).commits) < size:
                low = middle + 1
            else:
                high = middle
        found.append(commits_between(commits, [line[low]], line[newest]))
    return found


def generated_history(count: int, seed: int) -> tuple[CommitNode, ...]:
    """Return a history of ``count`` commits at least, with a merge in about every fourth.

    Side branches of 1 to 12 commits begin at one of the last 40 merges and may merge the main line
    themselves.
    """
    chance = np.random.default_rng(seed)
    commits: list[CommitNode] = []

    def add(*parents: str) -> str:
        name = f"{len(commits):040x}"
        commits.append(CommitNode(id=name, parents=tuple(dict.fromkeys(parents))))
        return name

    line = [add()]
    while len(commits) < count:
        side = line[-1 - int(chance.integers(0, min(40, len(line))))]
        for _ in range(int(chance.integers(1, 13))):
            side = add(side, line[-1]) if chance.random() < 0.1 else add(side)
        line.append(add(line[-1], side))
        while chance.random() < 0.3:
            line.append(add(line[-1]))
    return tuple(commits)
