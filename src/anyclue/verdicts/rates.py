"""The rate of growth in KiB per round, with an interval that is honest for few rounds.

Floors of a good kernel scatter (a reading catches something in flight) and drift (each round
leaves something at another place). So floors are taken as ``level + rate * round + walk + noise``,
a random walk plus white noise. Rises between floors then have mean ``rate`` and covariance

    scale**2 * (share * I + (1 - share) * T / 2),   T = tridiagonal(-1, 2, -1),

where ``share`` is the part of the walk. Five rounds cannot tell ``share``, and it decides how wide
the interval is (by a factor of 2.6 for 6 floors, of 8 for 20). It is therefore not estimated but
averaged over: the interval is that of a mixture of t distributions, one a value of ``share``,
weighted by how well each explains the data (generalised least squares with the restricted
likelihood, Jeffreys' prior for the scale). Half of the prior weight is on the pure random walk,
the worst case, so that the probability of growth is never overstated by more than about a
factor of two where that case is true.

The scale comes from the cell and from its reference, each with its own rate; a reference that is
plainly noisier or quieter than the cell is not pooled. Floors count pages, so rises can agree
exactly by accident: as much is added to the squared residuals as one rise that is off by a page.
Where they count objects, the quantum is one object, and a rate is in objects per round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from scipy import optimize, special

from anyclue.verdicts.classes import PAGE_KIB
from anyclue.verdicts.floors import MIN_FLOORS, Array, Rises

WALK_SHARES: Final = (0.0, 0.05, 0.15, 0.35, 0.65, 1.0)
"""Values of ``share`` that are averaged over, from pure noise to a pure random walk."""

WALK_PRIOR: Final = (0.1, 0.1, 0.1, 0.1, 0.1, 0.5)
"""Their weights before the data are seen: half on the worst case."""

NOISIER_LEVEL: Final = 0.75
"""A cell noisier than its reference at this level of the F test keeps its own scale: pooling
would make its interval too narrow, and not pooling only costs power."""

QUIETER_LEVEL: Final = 0.99
"""A reference noisier than the cell at this level is not pooled: its hiccup is not the cell's."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mixture of t distributions: ``centres`` and ``errors`` (KiB per round) with ``weights``."""

    centres: Array
    errors: Array
    weights: Array
    freedom: float

    @property
    def rate(self) -> float:
        """The mean of the mixture, in KiB per round."""
        return float(self.weights @ self.centres)

    def below(self, kib: float) -> float:
        """Return the probability that the rate is below ``kib`` per round."""
        return float(self.weights @ special.stdtr(self.freedom, (kib - self.centres) / self.errors))

    def above(self, kib: float) -> float:
        """Return the probability that the rate is above ``kib`` per round."""
        return float(self.weights @ special.stdtr(self.freedom, (self.centres - kib) / self.errors))

    def quantile(self, probability: float) -> float:
        """Return the rate below which the given probability lies."""
        each = self.centres + self.errors * special.stdtrit(self.freedom, probability)
        low, high = float(each.min()), float(each.max())
        if high - low <= 1e-9 * max(abs(low), abs(high), 1.0):
            return low
        # Where one part has all the weight an end is the quantile, as far as it can be computed.
        if self.below(low) >= probability:
            return low
        if self.below(high) <= probability:
            return high
        root = optimize.brentq(lambda x: self.below(x) - probability, low, high, xtol=1e-6)
        return float(root)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The central interval that holds the rate with a probability of 95 %."""
        return self.quantile(0.025), self.quantile(0.975)

    @property
    def at_most(self) -> float:
        """The upper end of the 95 % interval."""
        return self.interval[1]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The rate of a cell, and by how much it exceeds its reference (None without one)."""

    own: Estimate
    excess: Estimate | None


def fit(
    own: Sequence[Rises],
    reference: Sequence[Rises] = (),
    quantum: float = PAGE_KIB,
    *,
    pool_noisier: bool = False,
) -> Fit | None:
    """Fit the rate of ``own`` (all its trials); None when that is less than two rises.

    Args:
        own: what is fitted, by trial.
        reference: what it is compared with.
        quantum: the smallest step of what is counted.
        pool_noisier: whether a reference is pooled that is plainly noisier; the excess is then
            known no better than the rate of the reference.
    """
    mine, theirs = _sums(own), _sums(reference)
    if mine is None or mine.count < MIN_FLOORS - 1:
        return None
    has_reference = theirs is not None and theirs.count >= MIN_FLOORS - 1
    pooled = [mine]
    if (
        theirs is not None
        and has_reference
        and (
            _no_noisier(mine, theirs, quantum)
            and (pool_noisier or _no_quieter(mine, theirs, quantum))
        )
    ):
        pooled.append(theirs)
    freedom = float(sum(part.count - 1 for part in pooled))
    squares = np.sum([part.residual for part in pooled], axis=0) + quantum**2
    log_weights = np.log(WALK_PRIOR) - 0.5 * (
        np.sum([part.log_determinant + np.log(part.gg) for part in pooled], axis=0)
        + freedom * np.log(squares)
    )
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    variance = squares / freedom
    excess = None
    if theirs is not None and has_reference:
        excess = Estimate(
            centres=mine.rate - theirs.rate,
            errors=np.sqrt(variance * (1.0 / mine.gg + 1.0 / theirs.gg)),
            weights=weights,
            freedom=freedom,
        )
    return Fit(
        own=Estimate(
            centres=mine.rate,
            errors=np.sqrt(variance / mine.gg),
            weights=weights,
            freedom=freedom,
        ),
        excess=excess,
    )


@dataclass(frozen=True, kw_only=True)
class _Sums:
    """Sufficient sums of some trials with one rate; every array has one entry a walk share."""

    count: int
    gg: Array
    gd: Array
    dd: Array
    log_determinant: Array

    @property
    def rate(self) -> Array:
        return self.gd / self.gg

    @property
    def residual(self) -> Array:
        return np.maximum(self.dd - self.gd**2 / self.gg, 0.0)


def _sums(trials: Sequence[Rises]) -> _Sums | None:
    used = [trial for trial in trials if trial.count]
    if not used:
        return None
    zero = np.zeros(len(WALK_SHARES))
    gg, gd, dd, logs = zero.copy(), zero.copy(), zero.copy(), zero.copy()
    for trial in used:
        inverse, log_determinant = _inverse(trial.gaps, trial.kept)
        kept = np.asarray(trial.kept, dtype=bool)
        gaps = np.asarray(trial.gaps, dtype=float)[kept]
        rises = np.asarray(trial.values, dtype=float)[kept]
        weighted = inverse @ gaps
        gg += weighted @ gaps
        gd += weighted @ rises
        dd += (inverse @ rises) @ rises
        logs += log_determinant
    return _Sums(count=sum(t.count for t in used), gg=gg, gd=gd, dd=dd, log_determinant=logs)


@lru_cache(maxsize=1024)
def _inverse(gaps: tuple[int, ...], kept: tuple[bool, ...]) -> tuple[Array, Array]:
    """Return the inverse covariances (shares x rises x rises) and their log determinants."""
    count = len(gaps)
    share = np.asarray(WALK_SHARES)[:, None, None]
    noise = np.eye(count) - 0.5 * (np.eye(count, k=1) + np.eye(count, k=-1))
    covariance = share * np.diag(np.asarray(gaps, dtype=float)) + (1.0 - share) * noise
    which = np.flatnonzero(np.asarray(kept, dtype=bool))
    covariance = covariance[:, which[:, None], which[None, :]]
    inverse: Array = np.linalg.inv(covariance).astype(np.float64)
    log_determinant: Array = np.asarray(np.linalg.slogdet(covariance)[1], dtype=np.float64)
    return inverse, log_determinant


def _no_noisier(mine: _Sums, theirs: _Sums, quantum: float) -> bool:
    """Say whether a cell is not plainly noisier than its reference."""
    freedom = mine.count - 1, theirs.count - 1
    return bool(special.fdtr(*freedom, _variance_ratio(mine, theirs, quantum)) <= NOISIER_LEVEL)


def _no_quieter(mine: _Sums, theirs: _Sums, quantum: float) -> bool:
    """Say whether a reference is not plainly noisier than the cell."""
    freedom = theirs.count - 1, mine.count - 1
    return bool(special.fdtr(*freedom, _variance_ratio(theirs, mine, quantum)) <= QUIETER_LEVEL)


def _variance_ratio(one: _Sums, other: _Sums, quantum: float) -> float:
    """Return the ratio of the variances of rises, in the walk's case."""
    return float(
        ((one.residual[-1] + quantum**2) / (one.count - 1))
        / ((other.residual[-1] + quantum**2) / (other.count - 1))
    )
