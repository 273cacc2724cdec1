"""What makes a path doubtful though nothing that is known excludes it."""

from __future__ import annotations

from collections.abc import Iterator

from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.trace import Seed
from anyclue.review.pairs.engine.trail import Trail
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values
from anyclue.review.pairs.model import ConfidenceReason as Reason


def doubt(analysis: FunctionAnalysis, seed: Seed, trail: Trail) -> Reason | None:
    """Return why a path is doubtful; None when it is not.

    Args:
        analysis: the function.
        seed: the resource that is lost on the path.
        trail: the path.
    """
    if not trail.is_exact:
        return Reason.BOUND_REACHED
    walked = [
        (number, step, holds)
        for number, holds in trail.forward()
        if isinstance(step := analysis.function.steps[number], ir.BranchStep)
    ]
    if any(_are_of_one_error(analysis, *pair) for pair in _error_questions(walked)):
        return Reason.ERROR_TAKEN_FOR_NONE
    if any(_is_skipped_loop(analysis, seed, number, step) for number, step in _not_entered(walked)):
        return Reason.LOOP_NOT_ENTERED
    return None


_Walked = list[tuple[int, ir.BranchStep, bool]]


def _error_questions(walked: _Walked) -> Iterator[tuple[int, bool, int]]:
    """Yield questions that a status answers either way, of which a path takes both ways.

    The first says that it is not 0, the next that it is not negative: their steps, and which side
    of the first one is taken.
    """
    not_zero: dict[str, tuple[int, bool]] = {}
    for number, step, holds in walked:
        if not isinstance(step.test, int) or not step.path.isidentifier():
            continue
        signs = step.test if holds else values.ANY & ~step.test
        if signs == values.NONZERO:
            not_zero[step.path] = number, holds
        elif not signs & values.NEGATIVE and step.path in not_zero:
            yield *not_zero[step.path], number


def _are_of_one_error(analysis: FunctionAnalysis, first: int, holds: bool, second: int) -> bool:
    """Tell whether a way from one question to the other sets nothing that they ask for."""
    steps = analysis.function.steps
    asked = steps[first]
    assert isinstance(asked, ir.BranchStep)  # noqa: S101
    pending = [asked.next if holds else asked.otherwise]
    seen: set[int] = set()
    while pending:
        number = pending.pop()
        if number == second:
            return True
        step = steps[number] if number >= 0 else None
        if step is None or number in seen or _sets(step, asked.path):
            continue
        seen.add(number)
        pending += analysis.path_facts.control_flow.after[number]
    return False


def _sets(step: ir.Step, path: str) -> bool:
    """Tell whether a step sets a variable, and not to an error."""
    if isinstance(step, ir.AssignStep) and step.value is not None and step.value.startswith("#-"):
        return False
    return isinstance(step, (ir.AssignStep, ir.CallStep, ir.SignCopyStep)) and step.place == path


def _not_entered(walked: _Walked) -> Iterator[tuple[int, ir.BranchStep]]:
    """Yield the conditions of loops that do not hold when they are asked first."""
    seen: set[int] = set()
    for number, step, holds in walked:
        if step.loop and not holds and number not in seen:
            yield number, step
        seen.add(number)


def _is_skipped_loop(
    analysis: FunctionAnalysis, seed: Seed, number: int, condition: ir.BranchStep
) -> bool:
    """Tell whether the body of a loop, which comes behind its condition, does something to it."""
    names = analysis.def_use.reached_from({paths.base(seed.place)}, by_calls=False)
    for loop in analysis.path_facts.control_flow.loops:
        if number not in loop or seed.step in loop:
            continue
        for one in loop:
            step = analysis.function.steps[one]
            if step.begin > condition.begin and _concerns(analysis, seed, names, step):
                return True
    return False


def _concerns(analysis: FunctionAnalysis, seed: Seed, names: frozenset[str], step: ir.Step) -> bool:
    """Tell whether a step passes the resource on, stores it, or releases one of its pair."""
    if isinstance(step, ir.AssignStep):
        kept = step.value is not None and paths.base(step.value) in names
        return kept and not paths.is_local_slot(step.place)
    if not isinstance(step, ir.CallStep):
        return False
    summary = analysis.callees.summary(step.callee)
    return any(one is not None and paths.base(one) in names for one in step.arguments) or (
        summary is not None and seed.pair.name in summary.effects
    )
