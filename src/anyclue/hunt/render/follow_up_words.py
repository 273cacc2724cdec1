"""What follow-ups showed, as the clue holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from anyclue.fstests.core.model import TestId
from anyclue.hunt.clue.model import DoseResponse
from anyclue.hunt.minimise.dose_response import LEAST_DOSES, DoseFit
from anyclue.model.scenario import Scalar


def dose_response(fit: DoseFit) -> DoseResponse:
    """Return how what leaks follows what is done."""
    line = fit.line if fit.follows else None
    return DoseResponse(
        unit=fit.unit,
        amount_kib=line.slope_kib if line is not None else None,
        ci95_kib=line.ci95_kib if line is not None else None,
        linear=fit.follows if fit.line is not None else None,
        because=_because(fit),
        points=fit.points,
    )


def _because(fit: DoseFit) -> str:
    known = fit.known
    if fit.line is None:
        number = f"{len(known)} of {len(fit.points)} doses"
        return f"a rate is known at {number}; it takes {LEAST_DOSES}"
    said = "KiB a round: " + ", ".join(f"{p.rate_kib:.0f} at {p.dose:g}" for p in known)
    if not fit.is_straight:
        return f"{said}; no straight line fits these"
    if not fit.follows:
        return f"{said}; the same whatever the dose"
    if fit.has_fixed_part:
        return f"{said}; {fit.line.fixed_kib:.0f} KiB a round of it whatever the dose"
    return said


def tried_parameters(
    given: Mapping[str, Scalar], tried: Mapping[str, Scalar], *, guilty: bool
) -> str:
    """Return which parameters of a workload were changed, and what came of it."""
    changes = ", ".join(
        f"{name} {value} (was {given[name]})"
        for name, value in tried.items()
        if value != given[name]
    )
    return f"{changes}: {_outcome(guilty=guilty)}"


def tried_tests(tests: Iterable[TestId], *, guilty: bool) -> str:
    """Return which tests were run alone, and what came of it."""
    return f"{', '.join(map(str, tests))}: {_outcome(guilty=guilty)}"


def _outcome(*, guilty: bool) -> str:
    return "still guilty" if guilty else "not guilty, or not proven"
