"""What one run says: its likelihoods with the bug and without, and the bits it can carry."""

from __future__ import annotations

from collections.abc import Iterable
from math import log
from typing import Final

import numpy as np

from anyclue.bisect.core.ancestry import Floats
from anyclue.bisect.core.model import Observation, Rates, Settings, Shown

LEAST: Final = 1e-3
"""The least error rate that is believed: nothing that runs on a machine never errs."""
MOST_RATIO: Final = (1 - LEAST) / LEAST


def believed(rates: Rates) -> Rates:
    """Return rates that leave every outcome possible, and a bad run more likely with the bug."""
    false_bad = min(max(rates.false_bad, LEAST), 1 - LEAST)
    false_good = min(max(rates.false_good, LEAST), 1 - LEAST)
    if false_bad + false_good >= 1.0:
        raise ValueError(f"a run with {rates} says nothing of the bug")
    return Rates(false_bad=false_bad, false_good=false_good)


def checked(settings: Settings) -> Settings:
    """Return settings with which a bisection ends.

    Raises:
        ValueError: the rates, the confidence or the floor leave nothing to learn.
    """
    believed(settings.rates)
    if not 0.5 <= settings.confidence < 1:
        raise ValueError(f"a confidence of {settings.confidence} is not from 0.5 to below 1")
    if not 0 < settings.floor <= 1:
        raise ValueError(f"a floor of {settings.floor} leaves no share to every commit")
    return settings


def likelihoods(seen: Observation, settings: Settings) -> tuple[float, float] | None:
    """Return the log-likelihoods of a run with the bug and without; None when it says nothing."""
    if seen.shown is Shown.SKIP:
        return None
    if seen.ratio is not None:
        ratio = min(max(seen.ratio, 1 / MOST_RATIO), MOST_RATIO)
        return log(ratio / (1 + ratio)), log(1 / (1 + ratio))
    rates = believed(seen.rates or settings.rates)
    if seen.shown is Shown.BAD:
        return log(1 - rates.false_good), log(rates.false_bad)
    return log(rates.false_good), log(1 - rates.false_bad)


def entropy(chance: Floats | float) -> Floats:
    """Return the entropy of a yes or no, in bits."""
    p = np.clip(chance, 1e-12, 1 - 1e-12)
    result: Floats = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return result


def bits(shows: Floats, coin: float, rates: Rates) -> Floats:
    """Return the mutual information of one run and the culprit, in bits.

    Args:
        shows: probability that a commit has the bug, by commit.
        coin: probability that runs are a coin's, wherever they are.
        rates: how often a run errs.
    """
    sure = believed(rates)
    clean = 1.0 - coin - shows
    bad = shows * (1 - sure.false_good) + clean * sure.false_bad + coin / 2
    known = shows * entropy(sure.false_good) + clean * entropy(sure.false_bad) + coin
    gain: Floats = np.maximum(entropy(bad) - known, 0.0)
    return gain


def log_odds(runs: Iterable[Observation], settings: Settings) -> float:
    """Return the log-odds for the bug that runs at one commit give by themselves."""
    told = (likelihoods(one, settings) for one in runs)
    return sum(one[0] - one[1] for one in told if one is not None)
