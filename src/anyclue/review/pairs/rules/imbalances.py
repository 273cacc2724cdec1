"""Which traces are imbalances, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from anyclue.review.pairs.contracts.model import PairKind
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.trace import (
    Exit,
    ExitKind,
    Seed,
    Trace,
    TraceEvent,
    TraceIncident,
    result_signs,
)
from anyclue.review.pairs.engine.trail import Trail
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values
from anyclue.review.pairs.model import Confidence, FindingKind
from anyclue.review.pairs.model import ConfidenceReason as Reason
from anyclue.review.pairs.rules.doubts import doubt

_FLAG = re.compile(r"#[A-Z]")
_FAILURE = re.compile(r"#E[A-Z]+$|ERR|FAIL|FAULT|BAD|INVAL|CORRUPT|ABORT|REFUSED|DENIED")
"""Constants in capitals are flags and states, unless their names say that something failed."""

HIGH, MEDIUM, LOW = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW


class Grade(NamedTuple):
    """How sure an imbalance is, and why."""

    confidence: Confidence
    reason: Reason


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An imbalance, before it is put into words.

    Attributes:
        kind: what is wrong.
        seed: the resource.
        trail: the path to the first place where it goes wrong.
        others: last steps of further paths on which it goes wrong in the same way.
        confidence: how sure.
        reason: why.
    """

    kind: FindingKind
    seed: Seed
    trail: Trail
    others: tuple[int, ...] = ()
    confidence: Confidence
    reason: Reason


def candidates(analysis: FunctionAnalysis) -> Iterator[Candidate]:
    """Return every imbalance in a function, certain or not."""
    for trace in (*analysis.acquired_traces, *analysis.inferred_traces):
        if trace.complete:
            yield from _leaks(analysis, trace)
            yield from _incidents(analysis, trace)
    for trace in analysis.entry_traces:
        if trace.complete:
            yield from _entry_incidents(analysis, trace)
            yield from _caller_imbalances(analysis, trace)


def local_incidents(analysis: FunctionAnalysis) -> Iterator[Candidate]:
    """Return double releases of what local variables were set to, wherever it came from.

    Too weak for a whole tree; where a change brings it in, it counts.
    """
    for pair, place in analysis.released_places:
        if place in analysis.function.locals:
            for trace in analysis.traces_of(pair, place):
                for event, listed in _by_event(trace).items():
                    if event in (TraceEvent.DOUBLE, TraceEvent.USE):
                        yield _candidate(
                            analysis,
                            _EVENTS[event],
                            trace,
                            listed,
                            Grade(LOW, Reason.BOTH_ON_ONE_PATH),
                        )


def _is_error_exit(analysis: FunctionAnalysis, one: Exit) -> bool:
    """Tell whether a way out reports a failure."""
    if _FLAG.match(one.value) and not _FAILURE.search(one.value):
        return False
    if analysis.function.returns == "pointer":
        return not one.result & values.POSITIVE and not _is_no_error(analysis, one)
    if analysis.function.returns == "value":
        return not one.result & values.ZERO and bool(one.result & values.NEGATIVE)
    return False


def _is_no_error(analysis: FunctionAnalysis, one: Exit) -> bool:
    """Tell whether a way out returns ``ERR_PTR(0)``."""
    steps = analysis.function.steps
    step = steps[one.step]
    return (
        one.result == values.ZERO
        and isinstance(step, ir.ReturnStep)
        and any(
            isinstance(other, ir.SignCopyStep)
            and other.macro == "ERR_PTR"
            and other.place == step.value
            for other in steps
        )
    )


def _candidate(
    analysis: FunctionAnalysis,
    kind: FindingKind,
    trace: Trace,
    places: Sequence[Exit | TraceIncident],
    grade: Grade,
) -> Candidate:
    """Return one candidate for several places where the same goes wrong."""
    by_length = sorted(places, key=_by_clearness)
    first = by_length[0]
    if grade.confidence == HIGH:
        doubts = [doubt(analysis, trace.seed, one.trail) for one in by_length]
        clear = doubts.index(None) if None in doubts else 0
        first, why = by_length[clear], doubts[clear]
        if why is not None:
            grade = Grade(MEDIUM, why)
    return Candidate(
        kind=kind,
        seed=trace.seed,
        trail=first.trail,
        others=tuple(sorted({one.step for one in places} - {first.step})),
        confidence=grade.confidence,
        reason=grade.reason,
    )


def _by_clearness(place: Exit | TraceIncident) -> tuple[bool, int, int]:
    """Return what puts the clearest path first: one without joined facts, then the shortest."""
    return not place.trail.is_exact, len(place.trail.forward()), place.step


def _leaks(analysis: FunctionAnalysis, trace: Trace) -> Iterator[Candidate]:
    held = [one for one in trace.exits_of(ExitKind.HELD) if not one.state.stored]
    stored = [one for one in trace.exits_of(ExitKind.HELD) if one.state.stored]
    released = trace.exits_of(ExitKind.RELEASED)
    escaped = trace.exits_of(ExitKind.ESCAPED, ExitKind.RETURNED)
    if held:
        if trace.seed.pair.handover:
            grade = Grade(LOW, Reason.HANDOVER)
        elif trace.seed.scoped:
            grade = _scoped_leak(analysis, trace.seed, held, released, escaped)
        else:
            grade = _object_leak(analysis, trace.seed, held, released, [*escaped, *stored])
        yield _candidate(analysis, FindingKind.LEAK, trace, held, grade)
    elif released:
        lost = [one for one in stored if _is_error_exit(analysis, one)]
        if lost and any(_is_error_exit(analysis, one) for one in released):
            yield _candidate(analysis, FindingKind.LEAK, trace, lost, Grade(LOW, Reason.STORED))


def _scoped_leak(
    analysis: FunctionAnalysis,
    seed: Seed,
    held: Sequence[Exit],
    released: Sequence[Exit],
    escaped: Sequence[Exit],
) -> Grade:
    own = analysis.callees.summary(analysis.function.name)
    itself = analysis.callees.has_contract(analysis.function.name)
    if itself and own is not None and seed.pair.name in own.effects:
        return Grade(LOW, Reason.OWN_CONTRACT)
    if analysis.function.annotated:
        return Grade(LOW, Reason.ANNOTATED)
    if any("LOCKED" in one.value for one in held):
        return Grade(LOW, Reason.RESULT_NAMES_LOCK)
    if not released:
        if escaped:
            return Grade(LOW, Reason.MAY_BE_RELEASED_BY_CALL)
        return Grade(LOW, Reason.HELD_AT_EVERY_EXIT)
    if analysis.function.returns != "void":
        kept, gone = result_signs(held), result_signs(released)
        failing = any(_is_error_exit(analysis, one) for one in held)
        if not kept & gone and not failing:
            return Grade(LOW, Reason.RESULT_TELLS)
        if _only_success_holds(analysis, held, released):
            return Grade(MEDIUM, Reason.RESULT_MAY_TELL)
    if _handed_with_object(analysis, seed, held):
        return Grade(MEDIUM, Reason.OBJECT_HANDED_ON)
    if all(one.result == values.ANY for one in (*held, *released)) and escaped:
        return Grade(MEDIUM, Reason.RELEASED_ELSEWHERE)
    return Grade(HIGH, Reason.RELEASED_ELSEWHERE)


def _only_success_holds(
    analysis: FunctionAnalysis, held: Sequence[Exit], released: Sequence[Exit]
) -> bool:
    """Tell whether a lock is held where the function says that all went well, and only there.

    Where it is released, the result is that of something that went wrong, or is not known.
    """
    kept = result_signs(held)
    if analysis.function.returns == "pointer":
        well = not kept & values.ZERO and bool(kept & values.POSITIVE)
    else:
        well = kept in (values.ZERO, values.POSITIVE)
    return well and not any(one.result & ~kept == 0 for one in released)


def _handed_with_object(analysis: FunctionAnalysis, seed: Seed, held: Sequence[Exit]) -> bool:
    """Tell whether the locked object, or what the acquire returned, is where a caller finds it."""
    function = analysis.function
    named = seed.source_path or seed.place
    names = {paths.base(named), analysis.call(seed.step).place if seed.step >= 0 else ""}
    names &= function.locals
    stores = [
        number
        for number, step in enumerate(function.steps)
        if isinstance(step, ir.AssignStep)
        and step.value is not None
        and step.value in names
        and not paths.is_local_slot(step.place)
        and paths.base(step.place) not in names
    ]
    behind = analysis.path_facts.control_flow.reachable_from(stores)
    failing = any(_is_error_exit(analysis, one) for one in held)
    return bool(stores) and not failing and all(one.step in behind for one in held)


def _object_leak(
    analysis: FunctionAnalysis,
    seed: Seed,
    held: Sequence[Exit],
    released: Sequence[Exit],
    escaped: Sequence[Exit],
) -> Grade:
    may_escape = all(one.state.may_escape for one in held)
    counted = seed.effect is not None and not seed.effect.place.startswith(("$ret", "*$"))
    counted = counted and seed.pair.kind == PairKind.REFERENCE
    if seed.inferred:
        if not released:
            return Grade(LOW, Reason.UNKNOWN_ACQUIRE)
        return Grade(LOW, Reason.INFERRED_ACQUIRE)
    if counted and not released:
        return Grade(LOW, Reason.REFERENCE_MAY_STAY)
    if (
        counted
        and analysis.function.returns == "value"
        and result_signs(held) == values.POSITIVE
        and not result_signs(released) & values.POSITIVE
    ):
        # 1 for got it.
        return Grade(LOW, Reason.RESULT_TELLS)
    if released:
        kept = not any(_is_error_exit(analysis, one) for one in held)
        around = may_escape or counted or seed.pair.kind == PairKind.HANDLE
        if around and kept and all(_is_error_exit(analysis, one) for one in released):
            return Grade(LOW, Reason.RELEASED_ON_FAILURE_ONLY)
        if may_escape:
            return Grade(MEDIUM, Reason.RELEASED_ELSEWHERE_MAY_ESCAPE)
        return Grade(HIGH, Reason.RELEASED_ELSEWHERE)
    if escaped and all(_is_error_exit(analysis, one) for one in held):
        if may_escape:
            return Grade(MEDIUM, Reason.LOST_ON_FAILURE)
        return Grade(HIGH, Reason.LOST_ON_FAILURE)
    if may_escape:
        return Grade(LOW, Reason.MAY_HAVE_ESCAPED)
    if escaped:
        return Grade(LOW, Reason.ESCAPES_ELSEWHERE)
    return Grade(MEDIUM, Reason.NEVER_RELEASED)


_EVENTS = {
    TraceEvent.OVERWRITTEN: FindingKind.OVERWRITTEN,
    TraceEvent.AGAIN: FindingKind.OVERWRITTEN,
    TraceEvent.DOUBLE: FindingKind.DOUBLE_RELEASE,
    TraceEvent.ORDER: FindingKind.WRONG_ORDER,
    TraceEvent.MODE: FindingKind.WRONG_MODE,
    TraceEvent.USE: FindingKind.USE_AFTER_RELEASE,
}


def _acquire_is_checked(
    analysis: FunctionAnalysis, seed: Seed, incidents: Sequence[TraceIncident]
) -> bool:
    """Tell whether the acquire can't fail, or the paths ask whether it did."""
    if seed.effect is not None and not seed.effect.unless:
        return True
    tested = {seed.place, analysis.call(seed.step).place}
    steps = analysis.function.steps
    return all(
        any(
            isinstance(step := steps[one], ir.BranchStep) and step.path in tested
            for one in (incident.step, *incident.trail.earlier())
        )
        for incident in incidents
    )


def _branch_between(analysis: FunctionAnalysis, incident: TraceIncident) -> bool:
    """Tell whether a branch stands between the last two calls of a path."""
    steps = (analysis.function.steps[number] for number in incident.trail.earlier())
    last = next((one for one in steps if isinstance(one, (ir.CallStep, ir.BranchStep))), None)
    return isinstance(last, ir.BranchStep)


def _in_later_iteration(incident: TraceIncident) -> bool:
    """Tell whether the path went over the step where it goes wrong before, in a loop."""
    return incident.step in incident.trail.earlier()


def _by_event(trace: Trace) -> dict[TraceEvent, list[TraceIncident]]:
    found: dict[TraceEvent, list[TraceIncident]] = {}
    for one in trace.incidents:
        found.setdefault(one.event, []).append(one)
    return found


def _incidents(analysis: FunctionAnalysis, trace: Trace) -> Iterator[Candidate]:
    released = trace.exits_of(ExitKind.RELEASED)
    for event, listed in _by_event(trace).items():
        may_escape = all(one.state.may_escape for one in listed)
        grade = Grade(MEDIUM, Reason.ON_ONE_PATH)
        if event == TraceEvent.OVERWRITTEN:
            if trace.seed.inferred:
                grade = Grade(LOW, Reason.NO_CONTRACT)
            elif may_escape:
                grade = Grade(LOW, Reason.MAY_HAVE_ESCAPED_BEFORE)
            elif not released and not _acquire_is_checked(analysis, trace.seed, listed):
                grade = Grade(LOW, Reason.UNCHECKED_ACQUIRE)
            elif released:
                grade = Grade(HIGH, Reason.RELEASED_ELSEWHERE)
            else:
                grade = Grade(MEDIUM, Reason.LAST_ALIAS_LOST)
        elif event == TraceEvent.AGAIN:
            grade = Grade(LOW, Reason.ACQUIRED_TWICE)
        elif event in (TraceEvent.DOUBLE, TraceEvent.USE):
            if all(one.state.borrowed for one in listed):
                grade = Grade(LOW, Reason.MAY_HOLD_ANOTHER)
            elif trace.seed.inferred or all(map(_in_later_iteration, listed)):
                grade = Grade(MEDIUM, Reason.BOTH_ON_ONE_PATH)
            else:
                grade = Grade(HIGH, Reason.BOTH_ON_ONE_PATH)
        elif event == TraceEvent.ORDER:
            grade = Grade(HIGH, Reason.LIFO)
        yield _candidate(analysis, _EVENTS[event], trace, listed, grade)


def _entry_incidents(analysis: FunctionAnalysis, trace: Trace) -> Iterator[Candidate]:
    for event, listed in _by_event(trace).items():
        if event == TraceEvent.MODE:
            grade = Grade(LOW, Reason.UNKNOWN_MODE)
        elif event not in (TraceEvent.DOUBLE, TraceEvent.USE):
            continue
        elif all(_in_later_iteration(one) for one in listed):
            grade = Grade(LOW, Reason.NEXT_ITERATION)
        elif all(_branch_between(analysis, one) for one in listed):
            grade = Grade(LOW, Reason.BRANCH_BETWEEN)
        elif trace.seed.pair.kind in (PairKind.REFERENCE, PairKind.COUNT, PairKind.HANDLE):
            grade = Grade(LOW, Reason.TWO_REFERENCES)
        else:
            grade = Grade(MEDIUM, Reason.BOTH_ON_ONE_PATH)
        yield _candidate(analysis, _EVENTS[event], trace, listed, grade)


def _caller_imbalances(analysis: FunctionAnalysis, trace: Trace) -> Iterator[Candidate]:
    """What the caller handed over, released on some ways out only."""
    held, released = trace.exits_of(ExitKind.HELD), trace.exits_of(ExitKind.RELEASED)
    if not trace.seed.scoped or not released:
        return
    if trace.acquired_inside:
        grade = Grade(LOW, Reason.ACQUIRED_ELSEWHERE)
        yield _candidate(analysis, FindingKind.UNHELD, trace, released, grade)
    elif {_is_error_exit(analysis, one) for one in held} & {
        _is_error_exit(analysis, one) for one in released
    }:
        yield _candidate(analysis, FindingKind.LEAK, trace, held, Grade(LOW, Reason.CALLERS_LOCK))
