"""What the clue holds in words: what was not tested, and what follow-ups showed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from anyclue.fstests.core.model import TestId
from anyclue.hunt.clue.model import Conjunction, DoseResponse
from anyclue.hunt.minimise.dose_response import LEAST_DOSES, DoseFit
from anyclue.hunt.minimise.plan import FollowUpKind, FollowUpStep, in_order
from anyclue.hunt.model import Fault, Gap
from anyclue.hunt.render.fault_words import fault_label
from anyclue.hunt.render.verdict_words import open_factors, unproven_cells
from anyclue.hunt.suspects.model import TheoryContext
from anyclue.model.scenario import Cell, Scalar
from anyclue.report.words import count_number, first_few, listed

_GAPS: Final[Mapping[Gap, str]] = MappingProxyType(
    {
        Gap.NO_PLACES: "places were not looked for: anyclue clue RUN does that",
        Gap.NO_GOOD_SOURCE: "places: there is no good source to compare the bad one with",
        Gap.NO_REPRODUCER: "a smaller form was not looked for, or not to the end: no reproducer",
        Gap.NO_SCRIPT: "reproducer: no script was seen to leak in the same way",
        Gap.SURGE: "a surge leaves nothing behind: no place, probe or smaller form was looked for",
    }
)


_STEPS: Final[Mapping[FollowUpKind, str]] = MappingProxyType(
    {
        FollowUpKind.DOSE: "dose and response",
        FollowUpKind.TESTS: "the fewest tests",
        FollowUpKind.SMALLER_FORM: "a smaller form of the workload",
        FollowUpKind.SCRIPT: "a script that shows it",
    }
)


def not_tested(
    of_each: Sequence[tuple[TheoryContext, Sequence[Gap | str], Conjunction | None]],
) -> tuple[str, ...]:
    """Return what was not tested, a line each, of each fault: its gaps, what was not isolated.

    Gaps that are words were kept with the sources. What is not so of every fault is said of which.
    """
    said: dict[str, list[str]] = {}
    for context, gaps, conjunction in of_each:
        words = [_GAPS[gap] if isinstance(gap, Gap) else gap for gap in gaps]
        words += [*_left_out(conjunction), *_of_fault(context)]
        name = fault_label(context.fault) if context.fault is not None else ""
        for one in dict.fromkeys(words):
            said.setdefault(one, []).append(name)
    lines = [
        one if len(names) == len(of_each) else f"{listed(list(dict.fromkeys(names)))}: {one}"
        for one, names in said.items()
    ]
    return tuple(dict.fromkeys([*lines, *unproven_cells(of_each[0][0].findings)]))


def _left_out(conjunction: Conjunction | None) -> Iterable[str]:
    if conjunction is not None and conjunction.cells_run < conjunction.cells_full:
        left = conjunction.cells_full - conjunction.cells_run
        full = conjunction.cells_full
        yield f"{left} of {full} combinations: what shows only there was not seen"


def _of_fault(context: TheoryContext) -> Iterable[str]:
    fault, accused = context.fault, context.accused
    if fault is not None and context.guilty:
        yield from open_factors(one for one in fault.factors if one.matters is None)
    if fault is None or accused is None:
        return
    if accused.good is None:
        yield f"kernel {accused.bad}: no innocent kernel ran under the same conditions"
    if not context.readings:
        yield "no probe looked at the guilty cell"


def left_out(
    steps: Iterable[FollowUpStep],
    cells: Sequence[Cell],
    faults: Sequence[Fault],
    *,
    run: str,
    guests_run: Sequence[int],
) -> tuple[str, ...]:
    """Return what guests or time did not suffice for, a line each, with the command that runs it.

    Args:
        steps: what is left of the follow-ups.
        cells: those that a hunt would run next.
        faults: the faults that the steps are of.
        run: the run directory, as a command names it.
        guests_run: how many guests have followed up each fault.
    """
    command = f"anyclue hunt --resume {shlex.quote(run)}"
    said = []
    if cells:
        said.append(f"cells that would tell more: {first_few([c.id for c in cells], 4)}: {command}")
    by_fault: dict[int, list[FollowUpStep]] = {}
    for step in steps:
        by_fault.setdefault(step.fault, []).append(step)
    for number, own in sorted(by_fault.items()):
        guests = sum(step.guests for step in own)
        title = f"{fault_label(faults[number])}: " if len(faults) > 1 else ""
        what = "; ".join(_step(step) for step in in_order(own))
        allowed = guests_run[number] + guests
        said.append(f"{title}{what}: {command} --follow-ups {allowed}")
    return tuple(said)


def _step(step: FollowUpStep) -> str:
    """Return what is left out, whether it was begun, and what it costs."""
    match step.kind:
        case FollowUpKind.PROBE:
            what = f"probe {step.subject}" + (f" in {step.cell.id}" if step.cell else "")
        case FollowUpKind.OPTIONS:
            what = f"the fewest {step.subject} options"
        case _:
            what = _STEPS[step.kind]
    what += ", not to the end" if step.begun else ""
    guests = f"{step.guests} guest{'' if step.guests == 1 else 's'}"
    return f"{what} ({guests}{f', about {_minutes(step.seconds)}' if step.seconds else ''})"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def dose_response(fit: DoseFit, objects: DoseFit | None = None) -> DoseResponse:
    """Return how what leaks follows what is done: what ``fit`` says, and how many ``objects``.

    Of a leak that only counts of objects show both are the same.
    """
    kib = fit.line if fit.follows and fit.series is None else None
    counted = objects.line if objects is not None and objects.follows else None
    told = objects if objects is not None and objects.events else fit
    return DoseResponse(
        unit=fit.unit,
        amount_kib=kib.slope if kib is not None else None,
        ci95_kib=kib.ci95 if kib is not None else None,
        linear=told.follows if told.tells else None,
        because=_because(told),
        points=fit.points,
        series=objects.series if objects is not None else None,
        amount_objects=counted.slope if counted is not None else None,
        ci95_objects=counted.ci95 if counted is not None else None,
        events=told.events,
    )


def _because(fit: DoseFit) -> str:
    if fit.line is None:
        number = f"{len(fit.rates)} of {len(fit.points)} doses"
        return f"a rate is known at {number}; it takes {LEAST_DOSES}"
    amount, unit = (count_number, "objects") if fit.series is not None else (_whole, "KiB")
    rates = ", ".join(f"{amount(one.rate)} at {one.dose:g}" for one in fit.rates)
    said = f"{unit} a round: {rates}"
    if not fit.is_straight:
        return f"{said}; no straight line fits these"
    if not fit.tells:
        return f"{said}; that may follow the dose or not"
    if not fit.follows:
        return f"{said}; the same whatever the dose"
    if fit.has_fixed_part:
        return f"{said}; {amount(fit.line.fixed)} {unit} a round of it whatever the dose"
    return said


def _whole(kib: float) -> str:
    return f"{kib:.0f}"


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
