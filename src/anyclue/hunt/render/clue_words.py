"""What the clue holds in words: what was not tested, and what follow-ups showed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from anyclue.fstests.core.model import TestId
from anyclue.hunt.clue.model import Conjunction, DoseResponse
from anyclue.hunt.minimise.dose_response import LEAST_DOSES, DoseFit
from anyclue.hunt.model import Gap, RunVerdicts
from anyclue.hunt.render.verdict_words import open_factors, unproven_cells
from anyclue.hunt.select.factors import gravest
from anyclue.hunt.suspects.model import TheoryContext
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Scalar

_GAPS: Final[Mapping[Gap, str]] = MappingProxyType(
    {
        Gap.NO_PLACES: "places were not looked for: anyclue clue RUN does that",
        Gap.NO_GOOD_SOURCE: "places: there is no good source to compare the bad one with",
        Gap.NO_REPRODUCER: "a smaller form was not looked for, or not to the end: no reproducer",
        Gap.NO_SCRIPT: "reproducer: no script was seen to leak in the same way",
        Gap.SURGE: "a surge leaves nothing behind: no place, probe or smaller form was looked for",
    }
)


def not_tested(
    context: TheoryContext, gaps: Iterable[Gap | str], conjunction: Conjunction | None
) -> tuple[str, ...]:
    """Return what was not tested, a line each; gaps that are words were kept with the sources."""
    said = [_GAPS[gap] if isinstance(gap, Gap) else gap for gap in gaps]
    return tuple(dict.fromkeys([*said, *_left_out(conjunction), *_of_cells(context)]))


def _left_out(conjunction: Conjunction | None) -> Iterable[str]:
    if conjunction is not None and conjunction.cells_run < conjunction.cells_full:
        left = conjunction.cells_full - conjunction.cells_run
        full = conjunction.cells_full
        yield f"{left} of {full} combinations: what shows only there was not seen"


def _of_cells(context: TheoryContext) -> Iterable[str]:
    findings = context.findings
    if context.guilty:
        yield from open_factors(one for one in findings.factors if one.matters is None)
    yield from unproven_cells(findings)
    accused = context.accused
    if accused is None:
        return
    if accused.good is None:
        yield f"kernel {accused.bad}: no innocent kernel ran under the same conditions"
    others = _other_kernels(findings, accused.bad)
    if others:
        yield f"places were looked for in kernel {accused.bad} only; guilty too: {others}"
    if not context.readings:
        yield "no probe looked at the guilty cell"


def _other_kernels(findings: RunVerdicts, bad: str) -> str:
    guilty = {one.cell.kernel for one in gravest(findings.cells) if one.outcome is not Outcome.LOST}
    return ", ".join(sorted(guilty - {bad}))


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
