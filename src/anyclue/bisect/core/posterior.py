"""Bayes' rule over a range: how likely each commit is the first bad one, or that none is.

A run at a commit shows the bug exactly when the first bad commit is the commit or an ancestor of
it. Beside the n commits stand three hypotheses that are never ruled out: the bad end is clean
(no commit shows the bug), a good end is bad (all do), and runs are a coin's (no one commit fits).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anyclue.bisect.core.ancestry import Ancestry, Flags, Floats
from anyclue.bisect.core.model import BisectTerm, CommitEvidence, Observation, Rates, Settings
from anyclue.model.errors import RequestError

MIN_ERROR_RATE: Final = 1e-3
"""The least error rate that is believed: nothing that runs on a machine never errs."""
MAX_RATIO: Final = (1 - MIN_ERROR_RATE) / MIN_ERROR_RATE
MAX_LOG_EVIDENCE: Final = log(1e4)
"""What all evidence on one commit can say together."""
WRONG_END: Final = 0.02
"""Prior probability that the bad end is clean, and that a good end is bad."""
COIN: Final = 0.001
"""Prior probability that runs are a coin's."""
NO_GOOD_END: Final = 1e-6
"""Prior probability that the bug is older than a range that begins with the history itself."""
_CLEAN_END, _BAD_END, _COIN = -3, -2, -1


def clamped(rates: Rates) -> Rates:
    """Return rates that leave every outcome possible, and a bad run more likely with the bug.

    Raises:
        ValueError: a run with these rates says nothing.
    """
    false_bad = min(max(rates.false_bad, MIN_ERROR_RATE), 1 - MIN_ERROR_RATE)
    false_good = min(max(rates.false_good, MIN_ERROR_RATE), 1 - MIN_ERROR_RATE)
    if false_bad + false_good >= 1.0:
        raise ValueError(f"a run with {rates} says nothing of the bug")
    return Rates(false_bad=false_bad, false_good=false_good)


def validated(settings: Settings) -> Settings:
    """Return settings with which a bisection ends.

    Raises:
        ValueError: the rates, the confidence or the floor leave nothing to learn.
    """
    clamped(settings.rates)
    if not 0.5 <= settings.confidence < 1:
        raise ValueError(f"a confidence of {settings.confidence} is not from 0.5 to below 1")
    if not 0 < settings.floor <= 1:
        raise ValueError(f"a floor of {settings.floor} leaves no share to every commit")
    return settings


@dataclass(frozen=True, kw_only=True)
class LogLikelihoods:
    """The log-probability of what a run showed, at a commit with the bug and at one without."""

    with_bug: float
    without_bug: float


def log_likelihoods(observation: Observation, settings: Settings) -> LogLikelihoods:
    """Return the log-likelihoods of a run; they are equal where it says nothing."""
    if observation.term is BisectTerm.SKIP:
        return LogLikelihoods(with_bug=0.0, without_bug=0.0)
    if observation.ratio is not None:
        ratio = min(max(observation.ratio, 1 / MAX_RATIO), MAX_RATIO)
        return LogLikelihoods(with_bug=log(ratio / (1 + ratio)), without_bug=log(1 / (1 + ratio)))
    rates = clamped(observation.rates or settings.rates)
    if observation.term is BisectTerm.BAD:
        return LogLikelihoods(with_bug=log(1 - rates.false_good), without_bug=log(rates.false_bad))
    return LogLikelihoods(with_bug=log(rates.false_good), without_bug=log(1 - rates.false_bad))


def log_odds(observations: Iterable[Observation], settings: Settings) -> float:
    """Return the log-odds for the bug that runs at one commit give by themselves."""
    each = (log_likelihoods(one, settings) for one in observations)
    return sum(one.with_bug - one.without_bug for one in each)


def prior(number: Mapping[str, int], evidence: Sequence[CommitEvidence], floor: float) -> Floats:
    """Return the probability of each numbered commit before any run, [n]; it sums to one.

    Ratios on one commit are multiplied. Of the whole, the share ``floor`` is dealt out evenly: no
    commit falls below floor / n, so no evidence costs the culprit more than log2(1 / floor) bits.
    What is known of other commits is passed over.
    """
    odds = np.zeros(len(number))
    for one in evidence:
        if one.commit in number:
            odds[number[one.commit]] += log(max(one.ratio, 1e-300))
    weights = np.exp(np.clip(odds, -MAX_LOG_EVIDENCE, MAX_LOG_EVIDENCE))
    mass: Floats = floor / len(number) + (1 - floor) * weights / weights.sum()
    return mass


@dataclass(frozen=True, kw_only=True)
class EquivalenceClass:
    """Commits that no run can tell apart, by number, oldest first; their probability together."""

    members: tuple[int, ...]
    probability: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Posterior:
    """The probabilities of all hypotheses; each run gives a new one.

    Attributes:
        ancestry: the range.
        log_weights: not normalized: the n commits, then the three others, [n + 3].
    """

    ancestry: Ancestry
    log_weights: Floats

    @classmethod
    def of_prior(cls, ancestry: Ancestry, mass: Floats) -> Posterior:
        """Return the probabilities before any run, from a prior over the commits, [n]."""
        others = [WRONG_END, WRONG_END if ancestry.good else NO_GOOD_END, COIN]
        weights = np.concatenate((mass * (1 - sum(others)), others))
        return cls(ancestry=ancestry, log_weights=np.log(weights))

    @cached_property
    def mass(self) -> Floats:
        """Probabilities of all hypotheses; they sum to one, [n + 3]."""
        weights = np.exp(self.log_weights - self.log_weights.max())
        result: Floats = weights / weights.sum()
        return result

    @property
    def commits(self) -> Floats:
        """The probability of each commit, [n]."""
        return self.mass[:_CLEAN_END]

    @property
    def bad_is_clean(self) -> float:
        """Probability that the bad end is clean."""
        return float(self.mass[_CLEAN_END])

    @property
    def good_is_bad(self) -> float:
        """Probability that a good end is bad."""
        return float(self.mass[_BAD_END])

    @property
    def no_one_commit(self) -> float:
        """Probability that runs are a coin's."""
        return float(self.mass[_COIN])

    @cached_property
    def with_bug(self) -> Floats:
        """The probability that a run without error at each commit shows the bug, [n]."""
        most = 1.0 - self.no_one_commit - self.bad_is_clean
        found: Floats = self.ancestry.over_ancestors(self.commits) + self.good_is_bad
        return np.clip(found, 0.0, most)

    def after(self, observation: Observation, settings: Settings) -> Posterior:
        """Return the posterior after one more run.

        Raises:
            RequestError: the commit is neither in the range nor at its edge.
        """
        implied = _culprits_implying_bug(self.ancestry, observation.commit)
        if observation.term is BisectTerm.SKIP:
            return self
        likelihoods = log_likelihoods(observation, settings)
        logs = self.log_weights.copy()
        logs[:_CLEAN_END] += np.where(implied, likelihoods.with_bug, likelihoods.without_bug)
        logs[_CLEAN_END] += likelihoods.without_bug
        logs[_BAD_END] += likelihoods.with_bug
        logs[_COIN] += log(0.5)
        return replace(self, log_weights=logs - logs.max())

    def likeliest_class(self, skipped: Collection[str]) -> EquivalenceClass:
        """Return the likeliest commit with those that no run can tell from it.

        Two commits are told apart by a commit that has one of them among its ancestors, or is it,
        and not the other. Without skipped commits each commit is told from all others by itself.
        """
        places = [self.ancestry.number[one] for one in skipped if one in self.ancestry.number]
        if not places:
            place = int(np.argmax(self.commits))
            return EquivalenceClass(members=(place,), probability=float(self.commits[place]))
        _, group = np.unique(_hashes_of_descendants(self.ancestry, places), return_inverse=True)
        sums = np.bincount(group, weights=self.commits)
        members = np.flatnonzero(group == int(np.argmax(sums)))
        return EquivalenceClass(
            members=tuple(int(one) for one in members), probability=float(sums.max())
        )


def information_gain(with_bug: Floats, coin: float, rates: Rates) -> Floats:
    """Return the mutual information of one run and the culprit, in bits.

    Args:
        with_bug: probability that a commit has the bug, by commit.
        coin: probability that runs are a coin's, wherever they are.
        rates: how often a run errs.
    """
    sure = clamped(rates)
    clean = 1.0 - coin - with_bug
    bad = with_bug * (1 - sure.false_good) + clean * sure.false_bad + coin / 2
    known = with_bug * _entropy(sure.false_good) + clean * _entropy(sure.false_bad) + coin
    gain: Floats = np.maximum(_entropy(bad) - known, 0.0)
    return gain


def _entropy(chance: Floats | float) -> Floats:
    """Return the entropy of a yes or no, in bits."""
    p = np.clip(chance, 1e-12, 1 - 1e-12)
    result: Floats = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return result


def _culprits_implying_bug(ancestry: Ancestry, commit: str) -> Flags:
    """Return under which first bad commits a commit shows the bug, [n].

    Raises:
        RequestError: it is neither in the range nor at its edge.
    """
    if commit in ancestry.number:
        return ancestry.ancestors(ancestry.number[commit])
    if ancestry.borders(commit):
        return np.zeros(len(ancestry), dtype=np.bool_)
    raise RequestError.of(
        f"commit {commit} is neither between the good and bad ends nor at their edge",
        next_step="leave out its runs, or name other ends",
    )


def _hashes_of_descendants(ancestry: Ancestry, skipped: list[int]) -> NDArray[np.uint64]:
    """Return a number by commit that stands for the set of usable commits that descend from it.

    It is a sum of random 64-bit numbers, one for each of these: two sets of 20,000 commits share a
    sum with a probability below 1e-10.
    """
    own = np.random.default_rng(1).integers(0, 2**64, len(ancestry), dtype=np.uint64)
    own[skipped] = 0
    backward = np.add.accumulate(own[::-1])[::-1]
    after = np.concatenate((backward, np.zeros(1, dtype=np.uint64)))
    first, segment = ancestry.first, ancestry.segment
    sums = after[first[:-1]] - after[first[1:]]
    above = np.array(
        [sums[ancestry.reach[:, one]].sum(dtype=np.uint64) for one in range(len(sums))],
        dtype=np.uint64,
    )
    hashes: NDArray[np.uint64] = after[:-1] - after[first[1:]][segment] + above[segment]
    return hashes
