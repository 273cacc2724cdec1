"""Dose and response: does what leaks follow what is done, and how much is it for each?

A straight line is fitted to the rates at several doses by least squares, each weighted by its own
interval; that two rates of one line differ by up to 2 % of themselves is taken as normal, since the
work of a round is never quite the same. The response follows the dose when the line fits
(chi-squared, at 1 %) and its slope's 95 % interval excludes zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from scipy import stats

from anyclue.hunt.clue.model import DosePoint, DoseResponse
from anyclue.model.scenario import ParameterRule

NORMAL_SPREAD: Final = 0.02
Z95: Final = 1.959964
FITS: Final = 0.01
LEAST_ERROR_KIB: Final = 0.001
"""Counters count in KiB: no mean of them is known better than that."""


def doses(given: int, rule: ParameterRule) -> tuple[int, int]:
    """Return two doses beside the one that was given: a half and a quarter, or twice and more."""
    if given >= 4 * max(1, int(rule.minimum or 1)):
        return given // 4, given // 2
    most = int(rule.maximum or given * 4)
    return min(given * 2, most), min(given * 4, most)


def respond(points: Sequence[DosePoint], unit: str) -> DoseResponse:
    """Return what the measured points say; ``unit`` is one of what the doses count."""
    points = sorted(points, key=lambda point: point.dose)
    known = [
        (point.dose, point.rate_kib, _error(point))
        for point in points
        if point.rate_kib is not None and point.ci95_kib is not None
    ]
    if len({dose for dose, _, _ in known}) < 3:  # any line fits two
        because = f"a rate is known at {len(known)} of {len(points)} doses; it takes 3"
        return DoseResponse(
            unit=unit,
            amount_kib=None,
            ci95_kib=None,
            linear=None,
            because=because,
            points=tuple(points),
        )
    slope, slope_error, fixed, fixed_error, misfit = _line(known)
    interval = (slope - Z95 * slope_error, slope + Z95 * slope_error)
    fits = bool(stats.chi2.sf(misfit, len(known) - 2) > FITS)
    follows = fits and (interval[0] > 0 or interval[1] < 0)
    rates = ", ".join(f"{rate:.0f} at {dose:g}" for dose, rate, _ in known)
    because = f"KiB a round: {rates}"
    if not fits:
        because += "; no straight line fits these"
    elif not follows:
        because += "; the same whatever the dose"
    elif abs(fixed) > Z95 * fixed_error:
        because += f"; {fixed:.0f} KiB a round of it whatever the dose"
    return DoseResponse(
        unit=unit,
        amount_kib=slope if follows else None,
        ci95_kib=interval if follows else None,
        linear=follows,
        because=because,
        points=tuple(points),
    )


def _error(point: DosePoint) -> float:
    """Return the standard error of a rate in KiB."""
    assert point.rate_kib is not None and point.ci95_kib is not None  # noqa: S101, PT018
    low, high = point.ci95_kib
    return math.hypot((high - low) / (2 * Z95), NORMAL_SPREAD * point.rate_kib)


def _line(points: Sequence[tuple[float, float, float]]) -> tuple[float, float, float, float, float]:
    """Return slope, its error, intercept, its error, and the weighted sum of squared residuals.

    There are three different doses at least. In units of the largest one their spread cannot
    underflow, however small they are.
    """
    unit = max(dose for dose, _, _ in points)
    smallest = min((error for _, _, error in points if error > 0), default=1.0)
    smallest = max(smallest, LEAST_ERROR_KIB)
    weighted = [(dose / unit, rate, 1 / max(error, smallest) ** 2) for dose, rate, error in points]
    total = sum(w for _, _, w in weighted)
    mean_dose = sum(w * dose for dose, _, w in weighted) / total
    mean_rate = sum(w * rate for _, rate, w in weighted) / total
    spread = sum(w * (dose - mean_dose) ** 2 for dose, _, w in weighted)
    slope = sum(w * (d - mean_dose) * (r - mean_rate) for d, r, w in weighted) / spread
    fixed = mean_rate - slope * mean_dose
    misfit = sum(w * (rate - fixed - slope * dose) ** 2 for dose, rate, w in weighted)
    fixed_error = math.sqrt(1 / total + mean_dose**2 / spread)
    return slope / unit, 1 / math.sqrt(spread) / unit, fixed, fixed_error, misfit
