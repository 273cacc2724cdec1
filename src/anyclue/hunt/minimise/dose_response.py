"""Dose and response: does what leaks follow what is done, and how much is it for each?

A straight line is fitted to the rates at several doses by least squares, each weighted by its own
interval; that two rates of one line differ by up to 2 % of themselves is taken as normal, since the
work of a round is never quite the same. The response follows the dose when the line fits
(chi-squared, at 1 %) and its slope's 95 % interval excludes zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from scipy import stats

from anyclue.hunt.clue.model import DosePoint
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.scenario import ParameterRule
from anyclue.model.verdict import CellVerdict

NORMAL_SPREAD: Final = 0.02
Z95: Final = 1.959964
FITS: Final = 0.01
LEAST_DOSES: Final = 3
"""Any line fits two."""
LEAST_ERROR_KIB: Final = 0.001
"""Counters count in KiB: no mean of them is known better than that."""


def other_doses(given: int, rule: ParameterRule) -> tuple[int, int]:
    """Return two doses beside the one that was given: a half and a quarter, or twice and more."""
    if given >= 4 * max(1, int(rule.minimum or 1)):
        return given // 4, given // 2
    most = int(rule.maximum or given * 4)
    return min(given * 2, most), min(given * 4, most)


@dataclass(frozen=True, kw_only=True)
class DoseLine:
    """The line through the rates: KiB for each operation, and KiB a round whatever the dose.

    Each with its standard error; ``misfit`` is the weighted sum of squared residuals.
    """

    slope_kib: float
    slope_error: float
    fixed_kib: float
    fixed_error: float
    misfit: float

    @property
    def ci95_kib(self) -> tuple[float, float]:
        """The slope's 95 % interval."""
        return self.slope_kib - Z95 * self.slope_error, self.slope_kib + Z95 * self.slope_error


@dataclass(frozen=True, kw_only=True)
class DoseFit:
    """What the measured points say.

    Attributes:
        unit: one of what the doses count.
        points: what was measured, smallest dose first.
        line: the line through them; None where too few rates are known.
    """

    unit: str
    points: tuple[DosePoint, ...]
    line: DoseLine | None

    @property
    def known(self) -> tuple[DosePoint, ...]:
        """The points with a rate and its interval."""
        return tuple(p for p in self.points if p.rate_kib is not None and p.ci95_kib is not None)

    @property
    def is_straight(self) -> bool:
        """Whether the line fits the points."""
        line = self.line
        return line is not None and bool(stats.chi2.sf(line.misfit, len(self.known) - 2) > FITS)

    @property
    def follows(self) -> bool:
        """Whether the response follows the dose."""
        if self.line is None or not self.is_straight:
            return False
        low, high = self.line.ci95_kib
        return low > 0 or high < 0

    @property
    def has_fixed_part(self) -> bool:
        """Whether part of the response is there whatever the dose."""
        line = self.line
        return line is not None and abs(line.fixed_kib) > Z95 * line.fixed_error


def fit_dose_response(points: Sequence[DosePoint], unit: str) -> DoseFit:
    """Fit a line to the measured points; ``unit`` is one of what the doses count."""
    fit = DoseFit(unit=unit, points=tuple(sorted(points, key=lambda p: p.dose)), line=None)
    if len({point.dose for point in fit.known}) < LEAST_DOSES:
        return fit
    return replace(fit, line=_line([(p.dose, p.rate_kib or 0.0, _error(p)) for p in fit.known]))


def _error(point: DosePoint) -> float:
    """Return the standard error of a rate in KiB."""
    assert point.rate_kib is not None and point.ci95_kib is not None  # noqa: S101, PT018
    low, high = point.ci95_kib
    return math.hypot((high - low) / (2 * Z95), NORMAL_SPREAD * point.rate_kib)


def _line(points: Sequence[tuple[float, float, float]]) -> DoseLine | None:
    """Return the line through doses and rates with their standard errors.

    There are three different doses at least. In units of the largest one their spread cannot
    underflow, however small they are; but a slope may be larger than any number: then None.
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
    slope_error = 1 / math.sqrt(spread)
    if not math.isfinite((abs(slope) + Z95 * slope_error) / unit):
        return None
    return DoseLine(
        slope_kib=slope / unit,
        slope_error=slope_error / unit,
        fixed_kib=fixed,
        fixed_error=math.sqrt(1 / total + mean_dose**2 / spread),
        misfit=sum(w * (rate - fixed - slope * dose) ** 2 for dose, rate, w in weighted),
    )


def done_per_round(
    verdict: CellVerdict, trials: Sequence[TrialEvaluation], fact: str
) -> float | None:
    """Return the median of a fact over the rounds that were judged; None where it is not told."""
    counts = [
        float(value)
        for trial in trials
        for one_round in trial.rounds[verdict.warm_up :]
        if isinstance(value := one_round.facts.get(fact), int | float)
    ]
    done = median(counts) if counts else 0.0
    return done if done > 0 else None
