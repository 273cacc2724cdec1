"""Candidates in words: the path in the code's own words, what is missing, and where."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence

from anyclue.review.pairs.contracts.model import PairKind
from anyclue.review.pairs.engine.control_flow import successors
from anyclue.review.pairs.engine.effects import Callees, EffectKind
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values
from anyclue.review.pairs.ir.function import FunctionIR
from anyclue.review.pairs.model import Finding, FindingKind, PathStep, StepKind
from anyclue.review.pairs.rules.imbalances import Candidate
from anyclue.review.pairs.rules.probability import likeness, probability

WIDTH = 160
"""Code in a step is cut behind so many characters."""

_WHAT = {
    FindingKind.LEAK: "is not released on this path",
    FindingKind.OVERWRITTEN: "is lost: it is set anew while still held",
    FindingKind.DOUBLE_RELEASE: "is released twice on this path",
    FindingKind.UNHELD: "is released on a path that did not acquire it",
    FindingKind.USE_AFTER_RELEASE: "is used after its release",
    FindingKind.WRONG_ORDER: "is released before what was acquired after it",
    FindingKind.WRONG_MODE: "is released in another mode than it was acquired in",
    FindingKind.LOST_RELEASE: "was released on such a path before this change, and is not any more",
}
_IS = {
    values.NEGATIVE: ("is negative or an error pointer", "is no error"),
    values.ZERO: ("is 0", "is not 0"),
    values.POSITIVE: ("is above 0", "is not above 0"),
    values.NEGATIVE | values.ZERO: ("is 0 or an error", "is above 0"),
    values.ZERO | values.POSITIVE: ("is not negative", "is negative"),
    values.NEGATIVE | values.POSITIVE: ("is not 0", "is 0"),
}


class SourceText:
    """A source file, to be quoted from."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._starts = [0]
        at = raw.find(b"\n")
        while at >= 0:
            self._starts.append(at + 1)
            at = raw.find(b"\n", at + 1)

    def line(self, offset: int) -> int:
        """Return the line that holds a byte, from 1."""
        return bisect_right(self._starts, offset)

    def column(self, offset: int) -> int:
        """Return the column of a byte, from 1."""
        return offset - self._starts[self.line(offset) - 1] + 1

    def start(self, line: int) -> int:
        """Return the offset at which a line begins; the file's end for one behind the last."""
        return self._starts[line - 1] if line <= len(self._starts) else len(self.raw)

    def statement(self, line: int) -> str:
        """Return one line, white space folded, up to what closes its parentheses."""
        text = b""
        for number in range(line, line + 4):
            text += self.raw[self.start(number) : self.start(number + 1)]
            if text.count(b"(") <= text.count(b")"):
                break
        return " ".join(text.decode("utf-8", "replace").split())[:WIDTH]


def explain(
    path: str, function: FunctionIR, candidate: Candidate, text: SourceText, callees: Callees
) -> Finding:
    """Return a candidate as a finding."""
    graph = function.steps
    seed = candidate.seed
    last = graph[candidate.trail.step]
    taken = _acquiring_call(function, candidate)
    acquired_line = text.line(taken.begin) if taken is not None else None
    resource = _resource(function, candidate)
    named = f" `{resource}`" if resource else ""
    steps = tuple(_steps(function, candidate, text))
    source = f", acquired at line {acquired_line} by {taken.callee}()," if taken is not None else ""
    return Finding(
        kind=candidate.kind,
        pair=seed.pair.name,
        resource=resource,
        function=function.name,
        path=path,
        line=text.line(last.begin),
        column=text.column(last.begin),
        acquired_line=acquired_line,
        acquired_by=taken.callee if taken is not None else "",
        release=_releases(function, candidate, callees),
        message=f"{seed.pair.title}{named}{source} {_what(candidate)}",
        steps=steps,
        confidence=candidate.confidence,
        reason=candidate.reason,
        probability=probability(
            likeness(candidate.kind, seed.pair.kind, candidate.confidence, steps)
        ),
        also=tuple(sorted({text.line(graph[one].begin) for one in candidate.others})),
    )


def _acquiring_call(function: FunctionIR, candidate: Candidate) -> ir.CallStep | None:
    """Return the call that acquires the resource; None when the caller handed it over."""
    seed = candidate.seed
    if seed.step < 0 or seed.effect is None:
        return None
    step = function.steps[seed.step]
    return step if isinstance(step, ir.CallStep) else None


def _what(candidate: Candidate) -> str:
    """Return what is wrong, in words."""
    if candidate.kind == FindingKind.OVERWRITTEN and candidate.seed.scoped:
        return "is acquired again while it is still held"
    return _WHAT[candidate.kind]


def _resource(function: FunctionIR, candidate: Candidate) -> str:
    place = candidate.seed.place
    if place.startswith("@"):
        return ""
    if place.startswith("%"):
        step = function.steps[candidate.seed.step]
        return f"{step.callee}(...)" if isinstance(step, ir.CallStep) else ""
    shown = candidate.seed.source_text
    return shown.removeprefix("&") if candidate.seed.pair.kind == PairKind.LOCK else shown


def _releases(function: FunctionIR, candidate: Candidate, callees: Callees) -> tuple[str, ...]:
    """Return the calls that would release it: those of this function first.

    What releases its kind by way of another function is one only where it is given the same object.
    """
    pair, name = candidate.seed.pair, paths.base(candidate.seed.place)
    known = {one.call for one in pair.release}
    used: dict[str, None] = {}
    for step in function.steps:
        if isinstance(step, ir.CallStep):
            summary = callees.summary(step.callee)
            effects = summary.effects.get(pair.name, ()) if summary is not None else ()
            if (
                any(one.kind == EffectKind.RELEASE for one in effects)
                and step.callee.isidentifier()
                and (step.callee in known or _is_given(step, name))
            ):
                used[step.callee] = None
    mode = candidate.seed.effect.mode if candidate.seed.effect is not None else ""
    for one in pair.release:
        if not mode or mode.startswith("$") or one.mode in (None, mode):
            used.setdefault(one.call, None)
    return tuple(used)[:4]


def _is_given(step: ir.CallStep, name: str) -> bool:
    """Tell whether a call is given a variable, or something below it; nobody is given ""."""
    return bool(name) and any(paths.base(one) == name for one in step.arguments if one is not None)


def _steps(function: FunctionIR, candidate: Candidate, text: SourceText) -> Sequence[PathStep]:
    walked = candidate.trail.forward()
    steps: list[PathStep] = []
    visits: dict[int, int] = {}
    for position, (number, holds) in enumerate(walked):
        step = function.steps[number]
        line = text.line(step.begin)
        if position:
            before, side = walked[position - 1]
            steps += _jumps_between(function, before, side, number, text, visits)
        final = position == len(walked) - 1
        kind, note = _kind_and_note(candidate, step, number, holds, final=final)
        steps.append(PathStep(line=line, kind=kind, text=text.statement(line), note=note))
    return steps


def _kind_and_note(
    candidate: Candidate, step: ir.Step, number: int, holds: bool, *, final: bool
) -> tuple[StepKind, str]:
    if isinstance(step, ir.BranchStep):
        return StepKind.BRANCH, _branch_note(step, holds)
    if isinstance(step, ir.ReturnStep):
        return StepKind.RETURN, _exit_note(candidate, final)
    if isinstance(step, ir.EndStep):
        return StepKind.END, _exit_note(candidate, final) or "the function ends"
    if number == candidate.seed.step and not final:
        return StepKind.ACQUIRE, "acquired here"
    if isinstance(step, ir.UseStep):
        return StepKind.USE, "used here"
    if not final:
        return StepKind.CALL, ""
    if candidate.kind == FindingKind.OVERWRITTEN:
        return StepKind.ACQUIRE, "set anew here"
    again = candidate.kind == FindingKind.DOUBLE_RELEASE
    return StepKind.RELEASE, "released again here" if again else "released here"


def _exit_note(candidate: Candidate, final: bool) -> str:
    lost = (FindingKind.LEAK, FindingKind.LOST_RELEASE)
    return "still held here" if final and candidate.kind in lost else ""


def _branch_note(step: ir.BranchStep, holds: bool) -> str:
    path, test, key = step.path, step.test, step.key
    shown = key if path.startswith("%") or "==" in key else path
    if shown.startswith("%"):
        return "taken" if holds else "not taken"
    if isinstance(test, str):
        return f"{shown} is {'' if holds else 'not '}{test[1:]}"
    if any(sign in shown for sign in ("==", "<", ">", "&&", "||")):
        return f"{shown} is {'true' if holds else 'false'}"
    return f"{shown} {_IS[test][0 if holds else 1]}"


def _jumps_between(
    function: FunctionIR,
    before: int,
    side: bool,
    after: int,
    text: SourceText,
    visits: dict[int, int],
) -> list[PathStep]:
    """Return the jumps between one step of a path and the next."""
    graph = function.steps
    step = graph[before]
    start = step.otherwise if isinstance(step, ir.BranchStep) and not side else step.next
    came: dict[int, int] = {start: -1}
    pending = deque([start])
    while pending and after not in came:
        number = pending.popleft()
        for after_ in successors(graph[number]) if number >= 0 else ():
            if after_ not in came:
                came[after_] = number
                pending.append(after_)
    passed = []
    number = after
    while number in came and number >= 0:
        passed.append(number)
        number = came[number]
    steps = []
    for number in reversed(passed):
        one = graph[number]
        line = text.line(one.begin)
        if isinstance(one, ir.GotoStep):
            steps.append(PathStep(line=line, kind=StepKind.GOTO, text=text.statement(line)))
        elif isinstance(one, ir.LoopStep) and one.begin >= 0:
            visits[number] = visits.get(number, 0) + 1
            if visits[number] > 1:
                note = "the loop goes round"
                steps.append(
                    PathStep(line=line, kind=StepKind.LOOP, text=text.statement(line), note=note)
                )
    return steps


def release_statement(candidate: Candidate, release: str) -> str | None:
    """Return the statement that would release the resource; None when it can't be written."""
    place = candidate.seed.source_text
    for one in candidate.seed.pair.release:
        if one.call == release and not place.startswith("%"):
            if one.takes.text.startswith("@"):
                return f"{release}();"
            if one.takes.text == "$0" and one.mode is None:
                return f"{release}({place});"
            mode = candidate.seed.effect.mode if candidate.seed.effect is not None else ""
            if one.takes.text == "$0" and one.mode == mode:
                return f"{release}({place});"
    return None
