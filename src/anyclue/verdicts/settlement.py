"""What would settle growth that is neither proven nor excluded: more guests, and of which cell.

More guests make an interval narrower and move its centre. So it is played out many times: the true
rate is drawn from what is known of it (the mixture of `Estimate`), the mean of the new guests from
that, and then it is asked whether growth would be proven or excluded. The variance of the excess
over the reference has two shares, the cell's and the reference's, and guests of a cell reduce its
own share alone. The number that is told is the smallest that settles `LIKELY` of what was drawn, or
nearly as many as any number would; it is told with that share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import special

from anyclue.model.reason import Settlement
from anyclue.verdicts.floors import Array
from anyclue.verdicts.rates import Estimate, Fit

LIKELY: Final = 0.8
"""So many of the cases are to be settled by the guests that are asked for, where that can be."""

MORE_GUESTS: Final = (1, 2, 3, 4, 6, 8, 12, 16)
"""How many more guests may be asked for, those of the reference included."""

WORTH_RUNNING: Final = 0.2
"""What settles fewer of the cases is not asked for."""

NEARLY: Final = 0.9
DRAWS: Final = 300
TINY: Final = float(np.finfo(float).tiny)
EXCLUDED: Final = 0.975
"""A rate is excluded when it is above so much of what is known: the upper end of 95 %."""


@dataclass(frozen=True, kw_only=True)
class OpenRate:
    """A rate, and what would settle it.

    Attributes:
        fit: what is known of it.
        limit_kib: it is excluded below this rate; None: it is excluded already.
        excess_counts: whether it is enough that the excess over the reference is below that.
        level: growth is proven when its probability to be none is less; None: it never is.
        excess_level: the same for the excess; None: proof takes no comparison.
    """

    fit: Fit
    limit_kib: float | None
    excess_counts: bool = False
    level: float | None = None
    excess_level: float | None = None


@dataclass(frozen=True, kw_only=True)
class GuestCount:
    """How many guests a cell and its reference have, and how many rises each of them gave."""

    own: int
    reference: int
    own_rises: float
    reference_rises: float


def settlement(rates: Sequence[OpenRate], guests: GuestCount) -> Settlement | None:
    """Return the guests that would settle a cell; None where it is not worth to run any.

    It is settled when one rate is proven, or all are excluded. Where not even most guests are
    likely to settle it, those are asked for that do nearly as well as most.
    """
    comparable = guests.reference > 0 and any(rate.fit.excess is not None for rate in rates)
    ways: list[Settlement] = []
    for total in MORE_GUESTS:
        each = [_with_chance(rates, guests, m) for m in _splits(total, comparable=comparable)]
        ways.append(max(each, key=lambda more: more.chance))
        if ways[-1].chance >= LIKELY:
            return ways[-1]
    most = max(more.chance for more in ways)
    if most < WORTH_RUNNING:
        return None
    return next(more for more in ways if more.chance >= NEARLY * most)


def _splits(total: int, *, comparable: bool) -> Iterator[Settlement]:
    """Yield ways to share guests out, those of the cell itself first."""
    shares = {total * quarters // 4 for quarters in range(5)} if comparable else {total}
    for own in sorted(shares, reverse=True):
        yield Settlement(own=own, reference=total - own)


def _with_chance(rates: Sequence[OpenRate], guests: GuestCount, more: Settlement) -> Settlement:
    """Return the same guests with how often they would settle the cell."""
    played = [_play(rate, guests, more) for rate in rates]
    proven = np.any([one for one, _ in played], axis=0)
    excluded = np.all([other for _, other in played], axis=0)
    return replace(more, chance=float(np.mean(proven | excluded)))


def _play(rate: OpenRate, guests: GuestCount, more: Settlement) -> tuple[Array, Array]:
    """Return for every draw whether growth is proven then, and whether it is excluded.

    The draws are the same for all rates of a cell: they move together, as a sum and its parts do.
    """
    own, excess = rate.fit.own, rate.fit.excess
    added = more.own * guests.own_rises
    if excess is not None:
        added += more.reference * guests.reference_rises
    draws = _draws(own)
    # The scatter, too, is known by the rises so far, and better by those that are added.
    scale = np.sqrt((own.freedom + added * draws.scale**2) / (own.freedom + added))[:, None]
    freedom = own.freedom + added
    mine, my_errors = _with_more(
        own.centres, own.errors, draws, draws.own, guests=guests.own, more=more.own
    )
    my_errors = my_errors * scale
    excluded = np.ones(DRAWS, bool)
    if rate.limit_kib is not None:
        excluded = _below(rate.limit_kib, mine, my_errors, own, freedom) >= EXCLUDED
    proven = np.zeros(DRAWS, bool)
    if rate.level is not None:
        proven = _below(0.0, mine, my_errors, own, freedom) < rate.level
    if excess is None:
        return proven, excluded
    theirs, their_errors = _with_more(
        own.centres - excess.centres,
        np.sqrt(np.maximum(excess.errors**2 - own.errors**2, TINY)),
        draws,
        draws.reference,
        guests=guests.reference,
        more=more.reference,
    )
    their_errors = their_errors * scale
    beyond = mine - theirs, np.sqrt(my_errors**2 + their_errors**2), own, freedom
    if rate.limit_kib is not None and rate.excess_counts:
        excluded |= _below(rate.limit_kib, *beyond) >= EXCLUDED
    if rate.level is not None and rate.excess_level is not None:
        # A reference that grows by itself is no baseline: then nothing is compared.
        alone = max((guests.reference + more.reference) * guests.reference_rises - 1.0, 1.0)
        no_baseline = _below(0.0, theirs, their_errors, own, alone) < rate.level
        proven &= no_baseline | (_below(0.0, *beyond) < rate.excess_level)
    return proven, excluded


@dataclass(frozen=True, kw_only=True)
class _Draws:
    """What was drawn: the share of the walk, how far the scatter is from what it seems, and luck.

    ``own`` and ``reference`` are each how far the true rate is off, and the mean of new guests.
    """

    share: np.ndarray[tuple[int, ...], np.dtype[np.intp]]
    scale: Array
    own: tuple[Array, Array]
    reference: tuple[Array, Array]


def _draws(known: Estimate) -> _Draws:
    random = np.random.default_rng(0)
    share = np.searchsorted(np.cumsum(known.weights)[:-1], random.random(DRAWS))
    scale = np.sqrt(known.freedom / random.chisquare(known.freedom, DRAWS))
    normal = random.standard_normal((4, DRAWS))
    return _Draws(
        share=share, scale=scale, own=(normal[0], normal[1]), reference=(normal[2], normal[3])
    )


def _with_more(
    centres: Array,
    errors: Array,
    draws: _Draws,
    luck: tuple[Array, Array],
    *,
    guests: int,
    more: int,
) -> tuple[Array, Array]:
    """Return the centres (by draw and share) and the errors when there are more guests."""
    if not more or not guests:
        return np.broadcast_to(centres, (DRAWS, len(centres))), errors
    error = errors[draws.share] * draws.scale
    mean = error * (luck[0] + np.sqrt(guests / more) * luck[1])
    shift = more / (guests + more) * mean
    return centres + shift[:, None], errors * np.sqrt(guests / (guests + more))


def _below(kib: float, centres: Array, errors: Array, known: Estimate, freedom: float) -> Array:
    """Return the probability that a rate is below ``kib`` per round, for every draw."""
    probability: Array = special.stdtr(freedom, (kib - centres) / errors) @ known.weights
    return probability
