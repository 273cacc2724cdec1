"""A bisection: what was seen, what is believed of it, and what to run next.

Everything follows from the range, the settings, the evidence and the runs: the same runs in the
same order lead to the same next run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import log

from anyclue.bisect.core import selection as choice
from anyclue.bisect.core.ancestry import Ancestry
from anyclue.bisect.core.equivalence import together
from anyclue.bisect.core.likelihood import checked, log_odds
from anyclue.bisect.core.model import (
    BisectionStatus,
    CommitEvidence,
    Demand,
    NextRun,
    Observation,
    Settings,
    Shown,
    Status,
    Why,
)
from anyclue.bisect.core.posterior import CLEAN_END, Belief, belief
from anyclue.bisect.core.prior import prior
from anyclue.bisect.core.proof import demands


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """A bisection after some runs.

    Attributes:
        now: what is believed.
        settings: what it keeps to.
        costs: what a run at a commit costs, 1 where nothing is said.
        runs: what was seen, by commit.
    """

    now: Belief
    settings: Settings
    costs: Mapping[str, float] = field(default_factory=dict)
    runs: Mapping[str, tuple[Observation, ...]] = field(default_factory=dict)

    @property
    def span(self) -> Ancestry:
        """The range."""
        return self.now.span

    @cached_property
    def skipped(self) -> frozenset[str]:
        """Commits that cannot be run: they were skipped, and never showed anything."""
        every = self.runs.items()
        return frozenset(c for c, seen in every if all(one.shown is Shown.SKIP for one in seen))

    def after(self, seen: Observation) -> Search:
        """Return the bisection after one more run.

        Raises:
            RequestError: its commit is neither in the range nor at its edge.
        """
        now = self.now.after(seen, self.settings)
        runs = {**self.runs, seen.commit: (*self.runs.get(seen.commit, ()), seen)}
        return replace(self, now=now, runs=runs)

    @cached_property
    def status(self) -> Status:
        """What it says now."""
        accused, confidence = together(self.now, set(self.skipped))
        sure = confidence >= self.settings.confidence
        proof = demands(self.span, accused, self.runs, set(self.skipped), self.settings)
        standing, following = self._ended(), None
        if standing is BisectionStatus.SEARCHING:
            standing, following = self._going_on(len(accused), proof, sure=sure)
        return Status(
            standing=standing,
            next=following,
            accused=tuple(self.span.ids[one] for one in accused),
            confidence=confidence,
            proof=proof,
            bad_is_clean=self.now.nowhere,
            good_is_bad=self.now.everywhere,
            no_one_commit=self.now.coin,
        )

    def _ended(self) -> BisectionStatus:
        enough = self.settings.confidence
        if self.now.nowhere >= enough:
            return BisectionStatus.BAD_IS_CLEAN
        if self.now.everywhere >= enough:
            return BisectionStatus.GOOD_IS_BAD
        if self.now.coin >= enough:
            return BisectionStatus.NO_ONE_COMMIT
        return BisectionStatus.SEARCHING

    def _going_on(
        self, accused: int, proof: Sequence[Demand], *, sure: bool
    ) -> tuple[BisectionStatus, NextRun | None]:
        end = self._unverified()
        if end is not None:
            stuck = end in self.skipped
            ask = NextRun(commit=end, why=Why.ENDS, bits=0.0)
            return (BisectionStatus.STUCK, None) if stuck else (BisectionStatus.SEARCHING, ask)
        if sure and proof:
            return BisectionStatus.SEARCHING, self._proving(proof)
        if sure:
            return (BisectionStatus.FOUND if accused == 1 else BisectionStatus.RANGE), None
        rates, ran = self.settings.rates, set(self.runs) - self.skipped
        ask_next = choice.best(self.now, rates, self.skipped, self.costs, ran)
        return (BisectionStatus.SEARCHING if ask_next else BisectionStatus.STUCK), ask_next

    def _unverified(self) -> str | None:
        """Return an end whose own runs leave a doubt in it, the bad one first."""
        doubt = (1 - self.settings.confidence) / 2
        enough = log(CLEAN_END / doubt)
        ends = [(self.span.ids[self.span.bad], Shown.BAD)]
        ends += [(one, Shown.GOOD) for one in self.span.good]
        for end, expected in ends:
            runs = [one for one in self.runs.get(end, ()) if one.made]
            odds = log_odds(runs, self.settings)
            as_expected = odds if expected is Shown.BAD else -odds
            if as_expected < enough or not any(one.shown is expected for one in runs):
                return end
        return None

    def _proving(self, proof: Sequence[Demand]) -> NextRun:
        """Return the run that most of the proof waits for; of equals, one that may refute it."""
        first = max(proof, key=lambda one: (one.expected is Shown.GOOD, one.runs))
        return NextRun(commit=first.commit, why=Why.PROOF, bits=0.0)


def search(
    span: Ancestry,
    settings: Settings,
    *,
    evidence: Sequence[CommitEvidence] = (),
    seen: Iterable[Observation] = (),
    costs: Mapping[str, float] | None = None,
) -> Search:
    """Return the bisection of a range after the runs that were seen.

    Raises:
        RequestError: a run's commit is neither in the range nor at its edge.
        ValueError: the settings leave nothing to learn.
    """
    start = belief(span, prior(span.number, evidence, settings.floor))
    now = Search(now=start, settings=checked(settings), costs=costs or {})
    for one in seen:
        now = now.after(one)
    return now
