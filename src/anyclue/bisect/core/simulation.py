"""Bisections of a real history with a chosen culprit, runs that err, and evidence that may err.

Beside ours stand ``git bisect`` as it is, and with the best of three runs. They verify the ends and
repeat the proof as ours does, and every run counts. They are treated kindly: what they name counts,
whatever its proof shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Final, TypeAlias

import numpy as np
from scipy.special import ndtri

from anyclue.bisect.core.ancestry import Ancestry, Floats
from anyclue.bisect.core.model import (
    BisectionStatus,
    BisectTerm,
    CommitEvidence,
    Observation,
    Rates,
    Settings,
)
from anyclue.bisect.core.search import search

MAX_RUNS: Final = 1000
"""Runs after which a bisection is given up."""
SCORE_AUC: Final = 0.85
"""Area under the curve of a middling score: a culprit's is higher than another's so often."""
MISLED: Final = 0.05
"""Share of innocent commits that misleading evidence accuses, a thousand to one."""

CommitTest: TypeAlias = Callable[[str], bool]
"""Runs a commit and says whether it showed the bug."""


@dataclass(frozen=True, kw_only=True)
class Signal:
    """Evidence that is there or not: how often of the culprit, and how often of another commit."""

    of_culprit: float
    of_others: float


TOUCHES: Final = Signal(of_culprit=0.75, of_others=0.03)
"""A commit touches the accused module."""
REPORTED: Final = Signal(of_culprit=0.4, of_others=0.01)
"""A review of the commit reports it."""
GOOD_TOUCHES: Final = Signal(of_culprit=0.9, of_others=0.01)
GOOD_REPORTED: Final = Signal(of_culprit=0.6, of_others=0.003)
"""The same of good evidence."""


@dataclass(frozen=True, kw_only=True)
class VotingRule:
    """The runs a commit has at least, and how many of them have to agree."""

    runs: int
    agreeing: int


SINGLE_RUN: Final = VotingRule(runs=1, agreeing=1)
TWO_AGREEING: Final = VotingRule(runs=2, agreeing=2)
BEST_OF_THREE: Final = VotingRule(runs=3, agreeing=2)


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


_RULES: Final = {
    Strategy.GIT: SINGLE_RUN,
    Strategy.TWO_AGREE: TWO_AGREEING,
    Strategy.OF_THREE: BEST_OF_THREE,
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
class SimulatedOutcome:
    """What it came to: guest runs, and whether the culprit was named, or another commit."""

    runs: int
    right: bool
    wrong: bool


def simulate(ancestry: Ancestry, strategy: Strategy, case: SimulatedCase) -> SimulatedOutcome:
    """Bisect once; the same case gives the same outcome."""
    share = 0.5 if strategy is Strategy.MISTOLD else 1.0
    assumed = Rates(
        false_bad=case.rates.false_bad * share, false_good=case.rates.false_good * share
    )
    if strategy not in _RULES:
        evidence = simulated_evidence(ancestry, strategy, case)
        return simulate_search(ancestry, case, evidence, assumed)
    guest = _Guest(ancestry, case)
    rule, repeats = _RULES[strategy], Settings(rates=assumed).repeats
    return guest.outcome(git_bisect(ancestry, guest.run, rule=rule, repeats=repeats))


def simulate_search(
    ancestry: Ancestry, case: SimulatedCase, evidence: Sequence[CommitEvidence], assumed: Rates
) -> SimulatedOutcome:
    """Bisect once as ours does, with this evidence and these rates assumed."""
    guest = _Guest(ancestry, case)
    found = search(ancestry, Settings(rates=assumed), evidence=evidence)
    while found.state.next is not None and guest.runs < MAX_RUNS:
        commit = found.state.next.commit
        term = BisectTerm.BAD if guest.run(commit) else BisectTerm.GOOD
        found = found.after(Observation(commit=commit, term=term))
    proven = found.state.status is BisectionStatus.FOUND
    return guest.outcome(found.state.accused[0] if proven else None)


def git_bisect(
    ancestry: Ancestry, test: CommitTest, *, rule: VotingRule, repeats: int
) -> str | None:
    """Return the commit that ``git bisect`` names; None when an end is not as it should be.

    The next commit is the one whose ancestors among the candidates, or the others, are most,
    whichever are fewer: git's own rule, on all parents.

    Args:
        ancestry: the range.
        test: runs a commit.
        rule: how a commit is called good or bad.
        repeats: runs of the named commit and its parents that show what they should, in the end.
    """
    seen: dict[str, Counter[bool]] = {}

    def run(commit: str) -> None:
        seen.setdefault(commit, Counter())[test(commit)] += 1

    def bad(commit: str) -> bool:
        runs = seen.setdefault(commit, Counter())
        while runs.total() < rule.runs or max(runs.values()) < rule.agreeing:
            run(commit)
        return runs[True] >= rule.agreeing

    if not bad(ancestry.ids[ancestry.bad]) or any(bad(one) for one in ancestry.good):
        return None
    alive = np.ones(len(ancestry), dtype=np.bool_)
    while (left := int(alive.sum())) > 1:
        reached = np.rint(ancestry.over_ancestors(alive.astype(np.float64)))
        place = int(np.argmax(np.where(alive, np.minimum(reached, left - reached), -1)))
        inside = ancestry.ancestors(place)
        alive &= inside if bad(ancestry.ids[place]) else ~inside
    named = int(np.argmax(alive))
    proof = [(ancestry.ids[one], False) for one in ancestry.parents[named]]
    proof += [(one, False) for one in ancestry.beyond[named]]
    for commit, shows in [*proof, (ancestry.ids[named], True)]:
        for _ in range(repeats - seen.get(commit, Counter())[shows]):
            run(commit)
    return ancestry.ids[named]


class _Guest:
    """Shows the bug at the culprit and what descends from it, and errs."""

    def __init__(self, ancestry: Ancestry, case: SimulatedCase) -> None:
        self.runs = 0
        self._ancestry = ancestry
        self._case = case
        self._guilty = ancestry.descendants(case.culprit)
        self._chance = np.random.default_rng((case.seed, 1))

    def run(self, commit: str) -> bool:
        """Return whether a run shows the bug."""
        self.runs += 1
        number = self._ancestry.number.get(commit)
        shows = number is not None and bool(self._guilty[number])
        missed = self._case.rates.false_good if shows else self._case.rates.false_bad
        return shows != bool(self._chance.random() < missed)

    def outcome(self, named: str | None) -> SimulatedOutcome:
        """Return what it came to when this commit is named."""
        right = named == self._ancestry.ids[self._case.culprit]
        return SimulatedOutcome(runs=self.runs, right=right, wrong=named is not None and not right)


def simulated_evidence(
    ancestry: Ancestry, strategy: Strategy, case: SimulatedCase
) -> list[CommitEvidence]:
    """Return the evidence that a strategy has in a case."""
    chance = np.random.default_rng((case.seed, 2))
    n = len(ancestry)
    if strategy is Strategy.SCORE:
        ratios = _scores(n, case.culprit, chance)
    elif strategy in _SIGNALS:
        ratios = np.ones(n)
        for signal in _SIGNALS[strategy]:
            ratios *= _signal_ratios(n, case.culprit, signal, chance)
    elif strategy is Strategy.MISLED:
        ratios = np.where(chance.random(n) < MISLED, 1000.0, 1.0)
        ratios[case.culprit] = 0.001
    else:
        return []
    known = np.flatnonzero(ratios != 1.0)
    return [CommitEvidence(commit=ancestry.ids[one], ratio=float(ratios[one])) for one in known]


def _scores(n: int, culprit: int, chance: np.random.Generator) -> Floats:
    """Return likelihood ratios of normal scores, of which the culprit's has another mean."""
    apart = sqrt(2) * float(ndtri(SCORE_AUC))
    scores = chance.normal(size=n)
    scores[culprit] += apart
    ratios: Floats = np.exp(apart * scores - apart**2 / 2)
    return ratios


def _signal_ratios(n: int, culprit: int, signal: Signal, chance: np.random.Generator) -> Floats:
    """Return likelihood ratios of a signal, over that of its absence."""
    drawn = chance.random(n)
    yes = drawn < signal.of_others
    yes[culprit] = drawn[culprit] < signal.of_culprit
    odds_without = (1 - signal.of_others) / (1 - signal.of_culprit)
    ratio = signal.of_culprit / signal.of_others * odds_without
    ratios: Floats = np.where(yes, ratio, 1.0)
    return ratios
