"""The posterior: how likely each commit is the first bad one, or that none is.

A run at a commit shows the bug exactly when the first bad commit is the commit or an ancestor of
it. Beside the n commits stand three hypotheses that are never ruled out: the bad end is clean
(no commit shows the bug), a good end is bad (all do), and runs are a coin's (no one commit fits).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import log
from typing import Final

import numpy as np

from anyclue.bisect.core.ancestry import Ancestry, Flags, Floats
from anyclue.bisect.core.likelihood import likelihoods
from anyclue.bisect.core.model import Observation, Settings
from anyclue.model.errors import Problem, RequestError

CLEAN_END: Final = 0.02
"""Prior probability that the bad end is clean, and that a good end is bad."""
COIN: Final = 0.001
"""Prior probability that runs are a coin's."""
NO_END: Final = 1e-6
"""Prior probability that the bug is older than a range that begins with the history itself."""
_NOWHERE, _EVERYWHERE, _COIN = -3, -2, -1


@dataclass(frozen=True, kw_only=True, eq=False)
class Belief:
    """A posterior; each run gives a new one.

    Attributes:
        span: the range.
        logs: log-weights, not normalized: the n commits, then the three others, [n + 3].
    """

    span: Ancestry
    logs: Floats

    @cached_property
    def mass(self) -> Floats:
        """Probabilities; they sum to one, [n + 3]."""
        weights = np.exp(self.logs - self.logs.max())
        result: Floats = weights / weights.sum()
        return result

    @property
    def commits(self) -> Floats:
        """The probability of each commit, [n]."""
        return self.mass[:_NOWHERE]

    @property
    def nowhere(self) -> float:
        """Probability that the bad end is clean."""
        return float(self.mass[_NOWHERE])

    @property
    def everywhere(self) -> float:
        """Probability that a good end is bad."""
        return float(self.mass[_EVERYWHERE])

    @property
    def coin(self) -> float:
        """Probability that runs are a coin's."""
        return float(self.mass[_COIN])

    @cached_property
    def shows(self) -> Floats:
        """The probability that a run without error at each commit shows the bug, [n]."""
        most = 1.0 - self.coin - self.nowhere
        found: Floats = self.span.over_ancestors(self.commits) + self.everywhere
        return np.clip(found, 0.0, most)

    def after(self, seen: Observation, settings: Settings) -> Belief:
        """Return the posterior after one more run.

        Raises:
            RequestError: the commit is neither in the range nor at its edge.
        """
        shows = showing(self.span, seen.commit)
        told = likelihoods(seen, settings)
        if told is None:
            return self
        with_bug, without = told
        logs = self.logs.copy()
        logs[:_NOWHERE] += np.where(shows, with_bug, without)
        logs[_NOWHERE] += without
        logs[_EVERYWHERE] += with_bug
        logs[_COIN] += log(0.5)
        return replace(self, logs=logs - logs.max())


def belief(span: Ancestry, mass: Floats) -> Belief:
    """Return what is believed before any run, from a prior over the commits, [n]."""
    others = [CLEAN_END, CLEAN_END if span.good else NO_END, COIN]
    weights = np.concatenate((mass * (1 - sum(others)), others))
    return Belief(span=span, logs=np.log(weights))


def showing(span: Ancestry, commit: str) -> Flags:
    """Return under which first bad commits a commit shows the bug, [n].

    Raises:
        RequestError: it is neither in the range nor at its edge.
    """
    if commit in span.number:
        return span.ancestors(span.number[commit])
    if span.outside(commit):
        return np.zeros(len(span), dtype=np.bool_)
    what = f"commit {commit} is neither between the good and bad ends nor at their edge"
    raise RequestError([Problem(what=what, next_step="leave out its runs, or name other ends")])
