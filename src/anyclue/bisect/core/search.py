"""A bisection: what was seen, the posterior, and what to run next.

Everything follows from the range, the settings, the evidence and the runs: the same runs in the
same order lead to the same next run. What is run next is an end, until it is verified; then the
commit whose run tells most; then what the proof is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from math import log
from typing import Final

import numpy as np

from anyclue.bisect.core.ancestry import Ancestry, Floats
from anyclue.bisect.core.model import (
    BisectionStatus,
    BisectTerm,
    CommitEvidence,
    Observation,
    Settings,
)
from anyclue.bisect.core.posterior import (
    WRONG_END,
    Posterior,
    information_gain,
    log_odds,
    prior,
    validated,
)
from anyclue.bisect.core.proof import ProofRequirement, requirements

SKIP_REACH: Final = 0.1
"""How far a broken stretch reaches around a skipped commit, in probability."""
MIN_RUNNABLE: Final = 0.02
"""The least chance that a commit beside skipped ones can be run."""
MIN_BITS: Final = 1e-4
"""A run that teaches less is not worth it."""


class RunPurpose(StrEnum):
    """What the next run is for."""

    ENDS = "ends"
    SEARCH = "search"
    PROOF = "proof"


@dataclass(frozen=True, kw_only=True)
class NextRun:
    """The next run: at which commit, and what for."""

    commit: str
    purpose: RunPurpose


@dataclass(frozen=True, kw_only=True)
class SearchState:
    """What a bisection says after some runs.

    Attributes:
        status: how far it is.
        next: the next run; None when it has ended.
        accused: the likeliest commit, or the commits that cannot be told from it, oldest first.
        confidence: the probability of these together.
        proof: what is missing of their proof.
    """

    status: BisectionStatus
    next: NextRun | None
    accused: tuple[str, ...]
    confidence: float
    proof: tuple[ProofRequirement, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """A bisection after some runs.

    Attributes:
        posterior: the probabilities now.
        settings: what it keeps to.
        runs: what was seen, by commit.
    """

    posterior: Posterior
    settings: Settings
    runs: Mapping[str, tuple[Observation, ...]] = field(default_factory=dict)

    @property
    def ancestry(self) -> Ancestry:
        """The range."""
        return self.posterior.ancestry

    @cached_property
    def skipped(self) -> frozenset[str]:
        """Commits that cannot be run: they were skipped, and never showed anything."""
        every = self.runs.items()
        return frozenset(c for c, seen in every if all(one.term is BisectTerm.SKIP for one in seen))

    def after(self, observation: Observation) -> Search:
        """Return the bisection after one more run.

        Raises:
            RequestError: its commit is neither in the range nor at its edge.
        """
        posterior = self.posterior.after(observation, self.settings)
        commit = observation.commit
        runs = {**self.runs, commit: (*self.runs.get(commit, ()), observation)}
        return replace(self, posterior=posterior, runs=runs)

    @cached_property
    def state(self) -> SearchState:
        """What it says now."""
        accused = self.posterior.likeliest_class(self.skipped)
        proof = requirements(self.ancestry, accused.members, self.runs, self.skipped, self.settings)
        status, following = self._wrong_range(), None
        if status is BisectionStatus.SEARCHING:
            if (end := self._unverified_end()) is not None:
                following = self._end_run(end)
            elif accused.probability < self.settings.confidence:
                following = self._most_informative_run()
            elif proof:
                following = _proof_run(proof)
            else:
                several = len(accused.members) > 1
                status = BisectionStatus.RANGE if several else BisectionStatus.FOUND
            if following is None and status is BisectionStatus.SEARCHING:
                status = BisectionStatus.STUCK
        return SearchState(
            status=status,
            next=following,
            accused=tuple(self.ancestry.ids[one] for one in accused.members),
            confidence=accused.probability,
            proof=proof,
        )

    def _wrong_range(self) -> BisectionStatus:
        """Return what is wrong with the whole range, where that is sure; else ``SEARCHING``."""
        enough = self.settings.confidence
        if self.posterior.bad_is_clean >= enough:
            return BisectionStatus.BAD_IS_CLEAN
        if self.posterior.good_is_bad >= enough:
            return BisectionStatus.GOOD_IS_BAD
        if self.posterior.no_one_commit >= enough:
            return BisectionStatus.NO_ONE_COMMIT
        return BisectionStatus.SEARCHING

    def _unverified_end(self) -> str | None:
        """Return an end whose own runs leave a doubt in it, the bad one first."""
        doubt = (1 - self.settings.confidence) / 2
        enough = log(WRONG_END / doubt)
        ends = [(self.ancestry.ids[self.ancestry.bad], BisectTerm.BAD)]
        ends += [(one, BisectTerm.GOOD) for one in self.ancestry.good]
        for end, expected in ends:
            runs = [one for one in self.runs.get(end, ()) if not one.imported]
            odds = log_odds(runs, self.settings)
            as_expected = odds if expected is BisectTerm.BAD else -odds
            if as_expected < enough or not any(one.term is expected for one in runs):
                return end
        return None

    def _end_run(self, end: str) -> NextRun | None:
        return None if end in self.skipped else NextRun(commit=end, purpose=RunPurpose.ENDS)

    def _most_informative_run(self) -> NextRun | None:
        """Return the run that teaches most; None when none teaches anything.

        A commit that was run before is as good as any other. Of equals the first in the range is
        taken, after the good ends.
        """
        now, rates = self.posterior, self.settings.rates
        gains = np.round(information_gain(now.with_bug, now.no_one_commit, rates), 6)
        utility = np.round(gains * self._chance_to_run(), 6)
        place = int(np.argmax(utility))
        bits = float(information_gain(np.array([now.good_is_bad]), now.no_one_commit, rates)[0])
        end = next((one for one in self.ancestry.good if one not in self.skipped), None)
        if end is not None and bits >= max(MIN_BITS, utility[place]):
            return NextRun(commit=end, purpose=RunPurpose.SEARCH)
        if gains[place] < MIN_BITS or utility[place] <= 0:
            return None
        return NextRun(commit=self.ancestry.ids[place], purpose=RunPurpose.SEARCH)

    def _chance_to_run(self) -> Floats:
        """Return how likely each commit can be run, [n]: a broken stretch is left in strides."""
        ancestry, with_bug = self.ancestry, self.posterior.with_bug
        chance = np.ones(len(ancestry))
        places = [ancestry.number[one] for one in self.skipped if one in ancestry.number]
        for place in places:
            related = ancestry.ancestors(place) | ancestry.descendants(place)
            distance = np.abs(with_bug - with_bug[place])
            near = np.maximum(1 - np.exp(-distance / SKIP_REACH), MIN_RUNNABLE)
            chance = np.where(related, np.minimum(chance, near), chance)
        ran = set(self.runs) - self.skipped
        chance[[ancestry.number[one] for one in ran if one in ancestry.number]] = 1.0
        chance[places] = 0.0
        return chance


def _proof_run(proof: Sequence[ProofRequirement]) -> NextRun:
    """Return the run that most of the proof waits for; of equals, one that may refute it."""
    first = max(proof, key=lambda one: (one.expected is BisectTerm.GOOD, one.runs))
    return NextRun(commit=first.commit, purpose=RunPurpose.PROOF)


def search(
    ancestry: Ancestry,
    settings: Settings,
    *,
    evidence: Sequence[CommitEvidence] = (),
    observations: Iterable[Observation] = (),
) -> Search:
    """Return the bisection of a range after some runs.

    Raises:
        RequestError: a run's commit is neither in the range nor at its edge.
        ValueError: the settings leave nothing to learn.
    """
    start = Posterior.of_prior(ancestry, prior(ancestry.number, evidence, settings.floor))
    found = Search(posterior=start, settings=validated(settings))
    for one in observations:
        found = found.after(one)
    return found
