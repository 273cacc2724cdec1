"""Bisections of a real history with a chosen culprit, runs that err, and evidence that may err."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Final

import numpy as np
from scipy.special import ndtri

from anyclue.bisect.core.ancestry import Ancestry, Floats, between
from anyclue.bisect.core.baselines import OF_THREE, ONCE, TWO_AGREE, by_halves
from anyclue.bisect.core.model import (
    BisectionStatus,
    CommitEvidence,
    Observation,
    Rates,
    Settings,
    Shown,
)
from anyclue.bisect.core.prior import prior
from anyclue.bisect.core.search import search
from anyclue.git.model import CommitNode, CommitRange

MOST_RUNS: Final = 1000
"""Runs after which a bisection is given up."""
SCORE_AUC: Final = 0.85
"""Area under the curve of a middling score: a culprit's is higher than another's so often."""
TOUCHES: Final = (0.75, 0.03)
"""How often the culprit touches the accused module, and how often another commit does."""
REPORTED: Final = (0.4, 0.01)
"""How often a review of the commit reports the culprit, and how often another commit."""
GOOD_TOUCHES: Final = (0.9, 0.01)
GOOD_REPORTED: Final = (0.6, 0.003)
"""The same of good evidence."""
MISLED: Final = 0.05
"""Share of innocent commits that misleading evidence accuses, a thousand to one."""


class Strategy(StrEnum):
    """How the culprit is looked for."""

    GIT = "git bisect"
    TWO_AGREE = "git bisect, best of three, stopped when two agree"
    OF_THREE = "git bisect, best of three"
    OURS = "ours, no evidence"
    SCORE = "ours, a score"
    TOUCH = "ours, files touched"
    BOTH = "ours, files touched and a review"
    GOOD = "ours, good evidence"
    MISLED = "ours, evidence against others"
    MISTOLD = "ours, told half the error rates"


_VOTES: Final = {
    Strategy.GIT: ONCE,
    Strategy.TWO_AGREE: TWO_AGREE,
    Strategy.OF_THREE: OF_THREE,
}
_SIGNALS: Final = {
    Strategy.TOUCH: (TOUCHES,),
    Strategy.BOTH: (TOUCHES, REPORTED),
    Strategy.GOOD: (GOOD_TOUCHES, GOOD_REPORTED),
}


@dataclass(frozen=True, kw_only=True)
class SimulatedCase:
    """One bisection: the culprit, how often runs err, and the seed of its accidents."""

    culprit: int
    rates: Rates
    seed: int


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What it came to: guest runs, and whether the culprit was named, or another commit."""

    runs: int
    right: bool
    wrong: bool


def simulate(span: Ancestry, strategy: Strategy, case: SimulatedCase) -> Ending:
    """Bisect once; the same case gives the same ending."""
    told = _told(strategy, case.rates)
    if strategy not in _VOTES:
        return searched(span, case, evidence(span, strategy, case), told)
    guest = _Guest(span, case)
    vote, repeats = _VOTES[strategy], Settings(rates=told).repeats
    return guest.ending(by_halves(span, guest.run, vote=vote, repeats=repeats))


def searched(
    span: Ancestry, case: SimulatedCase, known: Sequence[CommitEvidence], told: Rates
) -> Ending:
    """Bisect once as ours does, with this evidence, told these rates."""
    guest = _Guest(span, case)
    now = search(span, Settings(rates=told), evidence=known)
    while now.status.next is not None and guest.runs < MOST_RUNS:
        commit = now.status.next.commit
        shown = Shown.BAD if guest.run(commit) else Shown.GOOD
        now = now.after(Observation(commit=commit, shown=shown))
    found = now.status.standing is BisectionStatus.FOUND
    return guest.ending(now.status.accused[0] if found else None)


class _Guest:
    """Shows the bug at the culprit and what descends from it, and errs."""

    def __init__(self, span: Ancestry, case: SimulatedCase) -> None:
        self.runs = 0
        self._span = span
        self._case = case
        self._guilty = span.descendants(case.culprit)
        self._chance = np.random.default_rng((case.seed, 1))

    def run(self, commit: str) -> bool:
        """Return whether a run shows the bug."""
        self.runs += 1
        number = self._span.number.get(commit)
        shows = number is not None and bool(self._guilty[number])
        missed = self._case.rates.false_good if shows else self._case.rates.false_bad
        return shows != bool(self._chance.random() < missed)

    def ending(self, named: str | None) -> Ending:
        """Return what it came to when this commit is named."""
        right = named == self._span.ids[self._case.culprit]
        return Ending(runs=self.runs, right=right, wrong=named is not None and not right)


def evidence(span: Ancestry, strategy: Strategy, case: SimulatedCase) -> list[CommitEvidence]:
    """Return the evidence that a strategy has in a case."""
    chance = np.random.default_rng((case.seed, 2))
    n = len(span)
    if strategy is Strategy.SCORE:
        ratios = _scores(n, case.culprit, chance)
    elif strategy in _SIGNALS:
        ratios = np.ones(n)
        for often in _SIGNALS[strategy]:
            ratios *= _signal(n, case.culprit, often, chance)
    elif strategy is Strategy.MISLED:
        ratios = np.where(chance.random(n) < MISLED, 1000.0, 1.0)
        ratios[case.culprit] = 0.001
    else:
        return []
    told = np.flatnonzero(ratios != 1.0)
    return [CommitEvidence(commit=span.ids[one], ratio=float(ratios[one])) for one in told]


def quality(span: Ancestry, strategy: Strategy, case: SimulatedCase) -> tuple[float, float]:
    """Return how good a strategy's evidence is in a case, as `worth`."""
    return worth(span, evidence(span, strategy, case), case.culprit)


def worth(span: Ancestry, known: Sequence[CommitEvidence], culprit: int) -> tuple[float, float]:
    """Return how good evidence is.

    The first is the share of other commits that it ranks below the culprit, half of those level
    with it included: its mean is the area under the curve. The second is by how many bits it
    raises the culprit's prior.
    """
    mass = prior(span.number, known, Settings().floor)
    own = mass[culprit]
    level = int((mass == own).sum()) - 1
    below = int((mass < own).sum()) + level / 2
    return below / max(len(span) - 1, 1), float(np.log2(own * len(span)))


def _told(strategy: Strategy, rates: Rates) -> Rates:
    part = 0.5 if strategy is Strategy.MISTOLD else 1.0
    return Rates(false_bad=rates.false_bad * part, false_good=rates.false_good * part)


def _scores(n: int, culprit: int, chance: np.random.Generator) -> Floats:
    """Return likelihood ratios of normal scores, of which the culprit's has another mean."""
    apart = sqrt(2) * float(ndtri(SCORE_AUC))
    scores = chance.normal(size=n)
    scores[culprit] += apart
    ratios: Floats = np.exp(apart * scores - apart**2 / 2)
    return ratios


def _signal(
    n: int, culprit: int, often: tuple[float, float], chance: np.random.Generator
) -> Floats:
    """Return likelihood ratios of a yes or no, over that of a no."""
    of_culprit, of_others = often
    told = chance.random(n)
    yes = told < of_others
    yes[culprit] = told[culprit] < of_culprit
    ratio = of_culprit / of_others * (1 - of_others) / (1 - of_culprit)
    ratios: Floats = np.where(yes, ratio, 1.0)
    return ratios


def ranges(commits: Sequence[CommitNode], sizes: Sequence[int], seed: int) -> list[CommitRange]:
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
            if len(between(commits, [line[middle]], line[newest]).commits) < size:
                low = middle + 1
            else:
                high = middle
        found.append(between(commits, [line[low]], line[newest]))
    return found


def generated(count: int, seed: int) -> tuple[CommitNode, ...]:
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
