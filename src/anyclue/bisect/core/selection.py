"""Which commit to run next: the most bits for its cost, away from what cannot be run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from anyclue.bisect.core.ancestry import Floats
from anyclue.bisect.core.likelihood import bits
from anyclue.bisect.core.model import NextRun, Rates, Why
from anyclue.bisect.core.posterior import Belief

REACH: Final = 0.1
"""How far a broken stretch reaches around a skipped commit, in probability."""
HOPE: Final = 0.02
"""The least chance that a commit beside skipped ones can be run."""
LEAST_BITS: Final = 1e-4
"""A run that teaches less is not worth it."""


def best(
    now: Belief, rates: Rates, skipped: Iterable[str], costs: Mapping[str, float], ran: set[str]
) -> NextRun | None:
    """Return the run that teaches most for its cost; None when none teaches anything.

    A commit that was run before is as good as any other. Of equals the first in the range is
    taken, after the good ends.

    Args:
        now: what is believed.
        rates: how often a run errs.
        skipped: commits that cannot be run.
        costs: what a run at a commit costs, 1 where nothing is said.
        ran: commits that are known to run.
    """
    span, out = now.span, set(skipped)
    gains = np.round(bits(now.shows, now.coin, rates), 6)
    worth = gains * _chance(now, out, ran)
    for commit, cost in costs.items():
        if commit in span.number:
            worth[span.number[commit]] /= cost
    worth = np.round(worth, 6)
    place = int(np.argmax(worth))
    ends = bits(np.array([now.everywhere]), now.coin, rates)[0]
    end = next((one for one in span.good if one not in out), None)
    if end is not None and ends / costs.get(end, 1.0) >= worth[place] and ends >= LEAST_BITS:
        return NextRun(commit=end, why=Why.SEARCH, bits=float(ends))
    if gains[place] < LEAST_BITS or worth[place] <= 0:
        return None
    return NextRun(commit=span.ids[place], why=Why.SEARCH, bits=float(gains[place]))


def _chance(now: Belief, skipped: set[str], ran: set[str]) -> Floats:
    """Return how likely each commit can be run, [n]: a broken stretch is left in strides."""
    span = now.span
    chance = np.ones(len(span))
    places = [span.number[one] for one in skipped if one in span.number]
    for place in places:
        related = span.ancestors(place) | span.descendants(place)
        away = np.abs(now.shows - now.shows[place])
        near = np.maximum(1 - np.exp(-away / REACH), HOPE)
        chance = np.where(related, np.minimum(chance, near), chance)
    chance[[span.number[one] for one in ran if one in span.number]] = 1.0
    chance[places] = 0.0
    return chance
