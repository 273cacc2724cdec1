"""Dose and response: does what leaks follow what is done, and how much is it for each?

A straight line is fitted to the rates at several doses by least squares, each weighted by its own
interval; that two rates of one line differ by up to 2 % of themselves is taken as normal, since the
work of a round is never quite the same. The response follows the dose when the line fits
(chi-squared, at 1 %) and its slope's 95 % interval excludes zero.

A round does more than its dose: it mounts once, and may run out of space. What leaks is laid to
such an event where a line through the origin fits the rates over how often it came, and none fits
them over the dose. Rates are in KiB a round, or in objects where a count of objects leaks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from scipy import stats

from anyclue.hunt.clue.model import DoseEvent, DosePoint, EventAmount
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.scenario import ParameterRule
from anyclue.model.verdict import CellVerdict, ObjectSeries

NORMAL_SPREAD: Final = 0.02
Z95: Final = 1.959964
FITS: Final = 0.01
LEAST_DOSES: Final = 3
"""Any line fits two."""
ENOSPC_ERRORS: Final = "enospc_errors"
"""The fact of a round that counts them."""
LEAST_ERROR: Final = 0.001
"""Counters count in whole KiB or objects: no mean of them is known better than that."""


def other_doses(given: int, rule: ParameterRule) -> tuple[int, int]:
    """Return two doses beside the one that was given: a half and a quarter, or twice and more."""
    if given >= 4 * max(1, int(rule.minimum or 1)):
        return given // 4, given // 2
    most = int(rule.maximum or given * 4)
    return min(given * 2, most), min(given * 4, most)


@dataclass(frozen=True, kw_only=True)
class DoseRate:
    """The rate at one dose, with its standard error, and how often a round did what else."""

    dose: float
    rate: float
    error: float
    events: Mapping[DoseEvent, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DoseLine:
    """The line through the rates: so much for each operation, and so much whatever the dose.

    Each with its standard error; ``misfit`` is the weighted sum of squared residuals.
    """

    slope: float
    slope_error: float
    fixed: float
    fixed_error: float
    misfit: float

    @property
    def ci95(self) -> tuple[float, float]:
        """The slope's 95 % interval."""
        return self.slope - Z95 * self.slope_error, self.slope + Z95 * self.slope_error


@dataclass(frozen=True, kw_only=True)
class DoseFit:
    """What the measured points say.

    Attributes:
        unit: one of what the doses count.
        points: what was measured, smallest dose first.
        rates: those that are known, in KiB or in objects of ``series``.
        line: the line through them; None where too few are known.
        series: the count of objects that the rates are of; None: they are in KiB.
    """

    unit: str
    points: tuple[DosePoint, ...]
    rates: tuple[DoseRate, ...]
    line: DoseLine | None
    series: ObjectSeries | None = None

    @property
    def is_straight(self) -> bool:
        """Whether the line fits the points."""
        line = self.line
        return line is not None and bool(stats.chi2.sf(line.misfit, len(self.rates) - 2) > FITS)

    @property
    def follows(self) -> bool:
        """Whether the response follows the dose."""
        if self.line is None or not self.is_straight:
            return False
        low, high = self.line.ci95
        return low > 0 or high < 0

    @property
    def tells(self) -> bool:
        """Whether the points can tell: they follow the dose, or are not in proportion to it."""
        return self.line is not None and (self.follows or not self._is_proportional)

    @property
    def has_fixed_part(self) -> bool:
        """Whether part of the response is there whatever the dose."""
        line = self.line
        return line is not None and abs(line.fixed) > Z95 * line.fixed_error

    @property
    def events(self) -> tuple[EventAmount, ...]:
        """The events that explain the response, where the dose does not."""
        if self.line is None or self._is_proportional:
            return ()
        found = []
        for event in DoseEvent:
            counts = [one.events.get(event) for one in self.rates]
            known = [count for count in counts if count is not None]
            if len(known) == len(counts) and any(known):
                amount, error, misfit = _proportion(known, self.rates)
                fits = stats.chi2.sf(misfit, len(known) - 1) > FITS
                ci95 = amount - Z95 * error, amount + Z95 * error
                if fits and ci95[0] > 0:
                    found.append(EventAmount(event=event, amount=amount, ci95=ci95))
        return tuple(found)

    @property
    def _is_proportional(self) -> bool:
        """Whether the rates may be in proportion to the dose."""
        _, _, misfit = _proportion([one.dose for one in self.rates], self.rates)
        return bool(stats.chi2.sf(misfit, len(self.rates) - 1) > FITS)


def fit_dose_response(
    points: Sequence[DosePoint], unit: str, series: ObjectSeries | None = None
) -> DoseFit:
    """Fit a line to the measured points; ``unit`` is one of what the doses count.

    The rates are those in objects where a ``series`` of them leaks.
    """
    ordered = tuple(sorted(points, key=lambda p: p.dose))
    rates = tuple(one for point in ordered if (one := _rate(point, series)) is not None)
    enough = len({one.dose for one in rates}) >= LEAST_DOSES
    line = _line([(one.dose, one.rate, one.error) for one in rates]) if enough else None
    return DoseFit(unit=unit, points=ordered, rates=rates, line=line, series=series)


def _rate(point: DosePoint, series: ObjectSeries | None) -> DoseRate | None:
    """Return the rate at a dose; None where it, or its interval, is not known."""
    rate, ci95 = point.rate_kib, point.ci95_kib
    if series is not None:
        rate, ci95 = point.rate_objects, point.ci95_objects
    if rate is None or ci95 is None:
        return None
    error = math.hypot((ci95[1] - ci95[0]) / (2 * Z95), NORMAL_SPREAD * rate)
    return DoseRate(dose=point.dose, rate=rate, error=error, events=point.events)


def _weights(errors: Sequence[float]) -> list[float]:
    """Return what each rate counts; one without an error counts as the best known one."""
    smallest = max(min((error for error in errors if error > 0), default=1.0), LEAST_ERROR)
    return [1 / max(error, smallest) ** 2 for error in errors]


def _proportion(counts: Sequence[float], rates: Sequence[DoseRate]) -> tuple[float, float, float]:
    """Return the line through the origin: its slope, the error of that, and its misfit.

    In units of the largest count, which is not 0, the sum of their squares cannot underflow.
    """
    unit = max(counts)
    scaled = [count / unit for count in counts]
    weights = _weights([one.error for one in rates])
    squares = sum(w * x * x for w, x in zip(weights, scaled, strict=True))
    slope = sum(w * x * one.rate for w, x, one in zip(weights, scaled, rates, strict=True))
    slope /= squares
    misfit = sum(
        w * (one.rate - slope * x) ** 2 for w, x, one in zip(weights, scaled, rates, strict=True)
    )
    return slope / unit, 1 / math.sqrt(squares) / unit, misfit


def _line(points: Sequence[tuple[float, float, float]]) -> DoseLine | None:
    """Return the line through doses and rates with their standard errors.

    There are three different doses at least. In units of the largest one their spread cannot
    underflow, however small they are; but a slope may be larger than any number: then None.
    """
    unit = max(dose for dose, _, _ in points)
    weights = _weights([error for _, _, error in points])
    weighted = [(d / unit, rate, w) for (d, rate, _), w in zip(points, weights, strict=True)]
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
        slope=slope / unit,
        slope_error=slope_error / unit,
        fixed=fixed,
        fixed_error=math.sqrt(1 / total + mean_dose**2 / spread),
        misfit=sum(w * (rate - fixed - slope * dose) ** 2 for dose, rate, w in weighted),
    )


def event_counts(
    verdict: CellVerdict, trials: Sequence[TrialEvaluation]
) -> Mapping[DoseEvent, float]:
    """Return how often a round of a built-in workload did what else it does, in the mean.

    It makes and mounts one file system. Of the errors for lack of space only those are known that
    its program counts.
    """
    errors = [
        float(count)
        for trial in trials
        for one_round in trial.rounds[verdict.warm_up :]
        if isinstance(count := one_round.facts.get(ENOSPC_ERRORS), int)
    ]
    counted = {DoseEvent.ENOSPC: sum(errors) / len(errors)} if errors else {}
    return {DoseEvent.MOUNT: 1.0, **counted}


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
