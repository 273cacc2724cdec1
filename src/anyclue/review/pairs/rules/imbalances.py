"""Which of the stories are imbalances, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from anyclue.review.pairs.contracts.model import PairKind
from anyclue.review.pairs.engine.effects import SCOPED
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.trace import (
    Exit,
    ExitKind,
    Seed,
    Trace,
    TraceEvent,
    TraceIncident,
    Trail,
)
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values
from anyclue.review.pairs.model import Confidence, FindingKind

HIGH, MEDIUM, LOW = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW


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
    reason: str


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
                for event, listed in _by_event(trace.incidents).items():
                    if event in (TraceEvent.DOUBLE, TraceEvent.USE):
                        yield _from_incidents(
                            trace, listed, (LOW, "both follow each other on one path")
                        )


def is_error_exit(analysis: FunctionAnalysis, one: Exit) -> bool:
    """Tell whether a way out reports a failure."""
    if analysis.function.returns == "pointer":
        return not one.result & values.POSITIVE
    if analysis.function.returns == "value":
        return not one.result & values.ZERO and bool(one.result & values.NEGATIVE)
    return False


def from_exits(
    kind: FindingKind, seed: Seed, exits: Sequence[Exit], confidence: Confidence, reason: str
) -> Candidate:
    """Return one candidate for several ways out on which the same goes wrong."""
    ordered = sorted(exits, key=lambda one: (_length(one.trail), one.node))
    return Candidate(
        kind=kind,
        seed=seed,
        trail=ordered[0].trail,
        others=tuple(sorted({one.node for one in exits} - {ordered[0].node})),
        confidence=confidence,
        reason=reason,
    )


def _length(trail: Trail | None) -> int:
    count = 0
    while trail is not None:
        count += 1
        trail = trail.before
    return count


def _leaks(analysis: FunctionAnalysis, trace: Trace) -> Iterator[Candidate]:
    held = [one for one in trace.exits if one.end == ExitKind.HELD and not one.state.stored]
    stored = [one for one in trace.exits if one.end == ExitKind.HELD and one.state.stored]
    released = [one for one in trace.exits if one.end == ExitKind.RELEASED]
    moved = [one for one in trace.exits if one.end in (ExitKind.ESCAPED, ExitKind.RETURNED)]
    if held:
        if trace.seed.pair.handover:
            confidence, reason = LOW, "somebody else may release it later"
        elif trace.seed.pair.kind in SCOPED:
            confidence, reason = _scoped_leak(analysis, trace.seed.pair.name, held, released, moved)
        else:
            confidence, reason = _object_leak(analysis, trace, held, released, [*moved, *stored])
        yield from_exits(FindingKind.LEAK, trace.seed, held, confidence, reason)
    if stored and released and not held:
        lost = [one for one in stored if is_error_exit(analysis, one)]
        if lost and any(is_error_exit(analysis, one) for one in released):
            yield from_exits(
                FindingKind.LEAK,
                trace.seed,
                lost,
                LOW,
                "other failing paths release it; here it stays stored, and may be released later",
            )


def _scoped_leak(
    analysis: FunctionAnalysis,
    seed_pair: str,
    held: Sequence[Exit],
    released: Sequence[Exit],
    moved: Sequence[Exit],
) -> tuple[Confidence, str]:
    own = analysis.callees.summary(analysis.function.name)
    itself = analysis.callees.has_contract(analysis.function.name)
    if itself and own is not None and seed_pair in own.effects:
        return LOW, "a contract says that the function itself acquires or releases it"
    if analysis.function.annotated:
        return LOW, "the function is annotated as one that acquires or releases"
    if any("LOCKED" in one.value for one in held):
        return LOW, "the returned value says that it is held"
    if not released:
        if moved:
            return LOW, "a function that may release it is called on other paths"
        return LOW, "it is held at every way out, so this may be a function that acquires by design"
    if analysis.function.returns != "void":
        kept = gone = 0
        for one in held:
            kept |= one.result
        for one in released:
            gone |= one.result
        if not kept & gone and not kept & values.NEGATIVE:
            return LOW, "the returned value tells whether it is held, so this may be by design"
    if all(one.result == values.ANY for one in (*held, *released)) and moved:
        return MEDIUM, "released on other paths of the same function"
    return HIGH, "released on other paths of the same function"


def _object_leak(
    analysis: FunctionAnalysis,
    trace: Trace,
    held: Sequence[Exit],
    released: Sequence[Exit],
    moved: Sequence[Exit],
) -> tuple[Confidence, str]:
    seed = trace.seed
    may_escape = all(one.state.may_escape for one in held)
    counted = seed.effect is not None and not seed.effect.place.startswith(("$ret", "*$"))
    counted = counted and seed.pair.kind == PairKind.REFERENCE
    if seed.inferred:
        if not released:
            return LOW, "nothing says that the call acquires"
        return LOW, "no contract says that the call acquires, but its result is released elsewhere"
    if counted and not released:
        return LOW, "no path releases it, so the reference may be meant to stay"
    if released:
        kept = not any(is_error_exit(analysis, one) for one in held)
        around = may_escape or seed.pair.kind == PairKind.HANDLE
        if around and kept and all(is_error_exit(analysis, one) for one in released):
            return LOW, "released on failure only; something else may end it after success"
        if may_escape:
            return MEDIUM, (
                "released on other paths of the same function; an unknown function was given it"
            )
        return HIGH, "released on other paths of the same function"
    if moved and all(is_error_exit(analysis, one) for one in held):
        if may_escape:
            return MEDIUM, "handed on when the function succeeds, and lost when it fails"
        return HIGH, "handed on when the function succeeds, and lost when it fails"
    if may_escape:
        return LOW, "an unknown function was given it, and may have taken it over"
    if moved:
        return LOW, "handed on by other paths of the same function"
    return MEDIUM, "no path releases it or hands it on"


_EVENTS = {
    TraceEvent.OVERWRITTEN: FindingKind.OVERWRITTEN,
    TraceEvent.AGAIN: FindingKind.OVERWRITTEN,
    TraceEvent.DOUBLE: FindingKind.DOUBLE_RELEASE,
    TraceEvent.ORDER: FindingKind.WRONG_ORDER,
    TraceEvent.MODE: FindingKind.WRONG_MODE,
    TraceEvent.USE: FindingKind.USE_AFTER_RELEASE,
}


def _acquire_is_checked(
    analysis: FunctionAnalysis, trace: Trace, incidents: Sequence[TraceIncident]
) -> bool:
    """Tell whether the acquire can't fail, or the paths ask whether it did."""
    nodes = analysis.function.nodes
    if trace.seed.effect is not None and not trace.seed.effect.unless:
        return True
    asked = {trace.seed.place, nodes[trace.seed.node][3]}
    for incident in incidents:
        step: Trail | None = incident.trail
        found = False
        while step is not None and not found:
            node = nodes[step.node]
            found = node[0] == ir.BRANCH and node[3] in asked
            step = step.before
        if not found:
            return False
    return True


def _branch_between(analysis: FunctionAnalysis, incident: TraceIncident) -> bool:
    """Tell whether a branch stands between the last two calls of a path."""
    step = incident.trail.before
    while step is not None:
        kind = analysis.function.nodes[step.node][0]
        if kind == ir.CALL:
            return False
        if kind == ir.BRANCH:
            return True
        step = step.before
    return False


def _in_later_iteration(incident: TraceIncident) -> bool:
    """Tell whether the path went over the step where it goes wrong before: a loop's next turn."""
    step = incident.trail.before
    while step is not None:
        if step.node == incident.node:
            return True
        step = step.before
    return False


def _by_event(incidents: Iterable[TraceIncident]) -> dict[TraceEvent, list[TraceIncident]]:
    found: dict[TraceEvent, list[TraceIncident]] = {}
    for one in incidents:
        found.setdefault(one.event, []).append(one)
    return found


def _from_incidents(
    trace: Trace, incidents: Sequence[TraceIncident], sure: tuple[Confidence, str]
) -> Candidate:
    ordered = sorted(incidents, key=lambda one: (_length(one.trail), one.node))
    return Candidate(
        kind=_EVENTS[ordered[0].event],
        seed=trace.seed,
        trail=ordered[0].trail,
        others=tuple(sorted({one.node for one in incidents} - {ordered[0].node})),
        confidence=sure[0],
        reason=sure[1],
    )


def _incidents(analysis: FunctionAnalysis, trace: Trace) -> Iterator[Candidate]:
    released = any(one.end == ExitKind.RELEASED for one in trace.exits)
    for event, listed in _by_event(trace.incidents).items():
        may_escape = all(one.state.may_escape for one in listed)
        sure = (MEDIUM, "it happens on one path")
        turning = all(_in_later_iteration(one) for one in listed)
        if event == TraceEvent.OVERWRITTEN:
            if trace.seed.inferred:
                sure = (LOW, "no contract says that the call acquires")
            elif may_escape:
                sure = (LOW, "an unknown function was given it before")
            elif not released and not _acquire_is_checked(analysis, trace, listed):
                sure = (LOW, "the path does not ask whether it was acquired at all")
            elif released:
                sure = (HIGH, "released on other paths of the same function")
            else:
                sure = (MEDIUM, "its only name is overwritten while it is held")
        elif event == TraceEvent.AGAIN:
            sure = (LOW, "acquired a second time without a release between")
        elif event in (TraceEvent.DOUBLE, TraceEvent.USE):
            if all(one.state.borrowed for one in listed):
                sure = (LOW, "a function was given it before, and may have taken a reference")
            elif trace.seed.inferred or turning:
                sure = (MEDIUM, "both follow each other on one path")
            else:
                sure = (HIGH, "both follow each other on one path")
        elif event == TraceEvent.ORDER:
            sure = (HIGH, "what was acquired last must be released first")
        yield _from_incidents(trace, listed, sure)


def _entry_incidents(analysis: FunctionAnalysis, trace: Trace) -> Iterator[Candidate]:
    for event, listed in _by_event(trace.incidents).items():
        if event in (TraceEvent.DOUBLE, TraceEvent.USE):
            if all(_in_later_iteration(one) for one in listed):
                yield _from_incidents(
                    trace, listed, (LOW, "it is the same release in the next turn")
                )
            elif all(_branch_between(analysis, one) for one in listed):
                yield _from_incidents(
                    trace, listed, (LOW, "conditions are asked between the two releases")
                )
            elif trace.seed.pair.kind in (PairKind.REFERENCE, PairKind.COUNT, PairKind.HANDLE):
                yield _from_incidents(
                    trace, listed, (LOW, "two references may have been handed over")
                )
            else:
                yield _from_incidents(trace, listed, (MEDIUM, "both follow each other on one path"))
        elif event == TraceEvent.MODE:
            yield _from_incidents(
                trace, listed, (LOW, "the mode in which it was acquired is not seen")
            )


def _caller_imbalances(analysis: FunctionAnalysis, trace: Trace) -> Iterator[Candidate]:
    """What the caller handed over, released on some ways out only."""
    if trace.seed.pair.kind not in SCOPED:
        return
    held = [one for one in trace.exits if one.end == ExitKind.HELD]
    released = [one for one in trace.exits if one.end == ExitKind.RELEASED]
    if trace.acquired_inside:
        if released:
            yield from_exits(
                FindingKind.UNHELD,
                trace.seed,
                released,
                LOW,
                "acquired on other paths of the same function",
            )
        return
    if held and released:
        kept = {is_error_exit(analysis, one) for one in held}
        gone = {is_error_exit(analysis, one) for one in released}
        if kept & gone:
            yield from_exits(
                FindingKind.LEAK,
                trace.seed,
                held,
                LOW,
                "the caller's lock is released on other paths of the same function",
            )
