"""The one line that balances all paths, if there is one: each is tried before it is suggested."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from anyclue.review.pairs.engine.control_flow import successors
from anyclue.review.pairs.engine.effects import Callees, EffectKind
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.path_facts import Facts
from anyclue.review.pairs.engine.trace import ExitKind
from anyclue.review.pairs.frontend.unit import unit
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values
from anyclue.review.pairs.ir.function import FunctionIR
from anyclue.review.pairs.model import (
    Confidence,
    ConfidenceReason,
    Finding,
    FindingKind,
    StepKind,
    Suggestion,
)
from anyclue.review.pairs.rules.explanation import SourceText, release_statement
from anyclue.review.pairs.rules.imbalances import Candidate, candidates

_OWNER_UNKNOWN = (
    ConfidenceReason.RELEASED_ELSEWHERE_MAY_ESCAPE,
    ConfidenceReason.LOST_ON_FAILURE,
    ConfidenceReason.RESULT_MAY_TELL,
    ConfidenceReason.OBJECT_HANDED_ON,
    ConfidenceReason.BOUND_REACHED,
)
"""Somebody else may own the resource there: a release could be one too many."""

TRIES = 6
"""So many places for the line are tried."""


def with_suggestion(
    found: Finding,
    function: FunctionIR,
    candidate: Candidate,
    siblings: Sequence[Candidate],
    text: SourceText,
    callees: Callees,
) -> Finding:
    """Return a finding with the single insertion that balances all paths, if there is one.

    Args:
        found: the finding.
        function: the function that it is in.
        candidate: what the finding was made of.
        siblings: all imbalances of the function.
        text: the source file.
        callees: what the functions that it calls do.
    """
    if found.kind != FindingKind.LEAK or found.confidence == Confidence.LOW:
        return found
    if found.reason in _OWNER_UNKNOWN:
        return found
    known = {_key(one) for one in siblings}
    for release in found.release:
        statement = release_statement(candidate, release)
        if statement is None:
            continue
        for line in list(_places(found, candidate, function, text))[:TRIES]:
            indent = _indent(text, line)
            changed = _inserted(text, line, f"{indent}{statement}\n")
            if _balances(function, candidate, known, changed, callees, text, line):
                return replace(
                    found,
                    suggestion=Suggestion(
                        before_line=line,
                        text=f"{indent}{statement}",
                        diff=_diff(found.path, text.raw, changed, line),
                    ),
                )
        break
    return found


def _places(
    found: Finding, candidate: Candidate, function: FunctionIR, text: SourceText
) -> Iterator[int]:
    """Return lines before which the release may go, the likeliest first."""
    # A line before one return does nothing for the others.
    if not candidate.others:
        yield from _exits(found, function, text)
    raw = text.raw
    for line in range(found.line, function.line, -1):
        words = raw[text.start(line) : text.start(line + 1)].strip()
        if words.endswith(b":") and words[:-1].replace(b"_", b"").isalnum():
            yield line + 1
            return


def _exits(found: Finding, function: FunctionIR, text: SourceText) -> Iterator[int]:
    """Return the lines of jumps and ways out of the function, those of the path first."""
    for shown in reversed(found.steps):
        if shown.kind in (StepKind.RETURN, StepKind.GOTO, StepKind.END) and _alone(
            text, shown.line
        ):
            yield shown.line
    seen = set()
    for step in function.steps:
        if isinstance(step, ir.ReturnStep):
            line = text.line(step.begin)
            if line not in seen and _alone(text, line):
                seen.add(line)
                yield line


def _alone(text: SourceText, line: int) -> bool:
    """Tell whether a statement on a line is in a block, not the only one behind an ``if``."""
    for before in range(line - 1, 0, -1):
        words = text.raw[text.start(before) : text.start(before + 1)].strip()
        if words and not words.startswith((b"/*", b"*", b"//")):
            return words.endswith((b"{", b"}", b";", b":", b"*/"))
    return False


def _indent(text: SourceText, line: int) -> str:
    raw = text.raw[text.start(line) : text.start(line + 1)]
    indent = raw[: len(raw) - len(raw.lstrip(b" \t"))].decode("ascii", "replace")
    return f"{indent}\t" if raw.strip() == b"}" else indent


def _inserted(text: SourceText, line: int, statement: str) -> bytes:
    at = text.start(line)
    return text.raw[:at] + statement.encode() + text.raw[at:]


def _balances(
    function: FunctionIR,
    candidate: Candidate,
    known: Set[tuple[str, str, str]],
    changed: bytes,
    callees: Callees,
    text: SourceText,
    line: int,
) -> bool:
    """Tell whether the insertion takes the imbalance away, and makes no other."""
    grown = len(changed) - len(text.raw)
    at = text.start(line)
    if not function.begin < at < function.end:
        return False
    fresh = unit(changed[function.begin : function.end + grown]).functions
    if len(fresh) != 1 or fresh[0].trouble:
        return False
    analysis = FunctionAnalysis(fresh[0], callees)
    begin = at - function.begin + len(_indent(text, line))
    inserted = [
        number for number, step in enumerate(analysis.function.steps) if step.begin == begin
    ]
    if not inserted or not _reachable_unacquired(analysis, candidate).isdisjoint(inserted):
        return False
    after = {_key(one) for one in candidates(analysis)}
    return (
        analysis.complete
        and _key(candidate) not in after
        and after <= known
        and _is_released_once(analysis, candidate, inserted)
    )


def _is_released_once(
    analysis: FunctionAnalysis, candidate: Candidate, inserted: Sequence[int]
) -> bool:
    """Tell whether no path releases the resource twice, too early, or after it was handed on.

    Args:
        analysis: the function with the insertion.
        candidate: the imbalance that is to go.
        inserted: the steps of the insertion.
    """
    seed = candidate.seed
    traces = [
        one
        for one in (*analysis.acquired_traces, *analysis.inferred_traces)
        if one.seed.pair == seed.pair and one.seed.place == seed.place
    ]
    flow = analysis.path_facts.control_flow
    for trace in traces:
        if trace.incidents:
            return False
        left = [one.step for one in trace.exits_of(ExitKind.ESCAPED)]
        if not flow.reachable_from(left).isdisjoint(inserted):
            return False
    return bool(traces) and (seed.scoped or not _is_used_behind(analysis, candidate, inserted))


def _is_used_behind(
    analysis: FunctionAnalysis, candidate: Candidate, inserted: Sequence[int]
) -> bool:
    """Tell whether the object is used behind the insertion, before its variable is set anew."""
    name = paths.base(candidate.seed.place)
    steps = analysis.function.steps
    pending = [after for number in inserted for after in successors(steps[number])]
    seen = set(inserted)
    while pending:
        number = pending.pop()
        if number in seen:
            continue
        seen.add(number)
        step = steps[number]
        if isinstance(step, ir.UseStep) and paths.base(step.path) == name:
            return True
        if isinstance(step, ir.CallStep) and any(
            one is not None and paths.base(one) == name for one in step.arguments
        ):
            return True
        if isinstance(step, (ir.AssignStep, ir.CallStep)) and step.place == name:
            continue
        pending += successors(step)
    return False


def _reachable_unacquired(analysis: FunctionAnalysis, candidate: Candidate) -> set[int]:
    """Return the steps that may be reached without the resource.

    From the entry past every acquire of it, and from where a branch finds that it failed.
    """
    steps = analysis.function.steps
    place = candidate.seed.place
    acquires = {
        number
        for number, effect in analysis.effects
        if effect.kind == EffectKind.ACQUIRE and analysis.place(number, effect) == place
    }
    pending = [0] if steps else []
    for number, step in enumerate(steps):
        if isinstance(step, ir.BranchStep) and step.path == place:
            held: Facts = {place: values.POSITIVE}
            for holds, target in ((True, step.next), (False, step.otherwise)):
                if analysis.path_facts.assume(held, number, holds) is None:
                    pending.append(target)
    found: set[int] = set()
    while pending:
        number = pending.pop()
        if number < 0 or number in found or number in acquires:
            continue
        found.add(number)
        pending += successors(steps[number])
    return found


def _key(candidate: Candidate) -> tuple[str, str, str]:
    return candidate.kind, candidate.seed.pair.name, candidate.seed.place


def _diff(path: str, old: bytes, new: bytes, line: int) -> str:
    # Only the lines around the insertion: a whole file's diff would be slow.
    before = old.decode("utf-8", "replace").splitlines()
    after = new.decode("utf-8", "replace").splitlines()
    first = max(line - 4, 0)
    had, have = before[first : line + 2], after[first : line + 3]
    hunk = list(difflib.unified_diff(had, have, f"a/{path}", f"b/{path}", lineterm="", n=len(have)))
    if len(hunk) > 2:
        hunk[2] = f"@@ -{first + 1},{len(had)} +{first + 1},{len(have)} @@"
    return "\n".join(hunk) + "\n"
