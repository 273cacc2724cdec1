"""The summary of a function: its effects, its result, and where its parameters flow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from anyclue.review.pairs.engine.effects import (
    SCOPED,
    Callees,
    Effect,
    EffectKind,
    Summary,
    by_pair,
)
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.result_domain import result_signs_without
from anyclue.review.pairs.engine.trace import Exit, ExitKind, Seed, Trace, result_signs
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values

_BY_VALUE = re.compile(r"\$\d+(\.|$)")
"""A parameter, or a member of one: the caller's stays as it was."""


def summarise(analysis: FunctionAnalysis) -> Summary:
    """Return what calling this function does."""
    effects = [*_acquires(analysis), *_releases(analysis)]
    keeps, passes = parameter_flow(analysis.function, analysis.callees)
    return Summary(
        effects=by_pair(list(dict.fromkeys(effects))),
        keeps=keeps,
        passes=passes,
        writes=_written(analysis),
        frees=_frees(analysis),
        noreturn=_noreturn(analysis),
        result=_result(analysis),
    )


def _result(analysis: FunctionAnalysis) -> int:
    if analysis.function.returns == "void" or not analysis.function.steps:
        return values.ANY
    return results_without_acquire(analysis, "", None) or values.ANY


def _noreturn(analysis: FunctionAnalysis) -> bool:
    return bool(analysis.function.steps) and not analysis.path_facts.leaves


def _acquires(analysis: FunctionAnalysis) -> Iterator[Effect]:
    """Return what calling the function acquires."""
    for trace in analysis.acquired_traces:
        if trace.complete and trace.seed.effect is not None:
            if trace.seed.scoped:
                yield from _scoped_acquires(analysis, trace, trace.seed.effect)
            else:
                yield from _object_acquires(analysis, trace)


def _scoped_acquires(analysis: FunctionAnalysis, trace: Trace, effect: Effect) -> Iterator[Effect]:
    seed = trace.seed
    template = paths.generalise(seed.place, analysis.function.parameters)
    left = trace.exits_of(ExitKind.HELD, ExitKind.RETURNED)
    if template is not None and left and not _is_reacquired(analysis, seed):
        yield _acquire(analysis, trace, template, left, seed.place, effect.mode)


def _object_acquires(analysis: FunctionAnalysis, trace: Trace) -> Iterator[Effect]:
    returned = [one for one in trace.exits_of(ExitKind.RETURNED) if not one.state.stored]
    if returned:
        yield _acquire(analysis, trace, "$ret", returned, None, "")
    outward: dict[str, list[Exit]] = {}
    for one in trace.exits_of(ExitKind.HELD):
        if one.state.stored:
            for name in sorted(one.state.aliases, key=lambda path: (len(path), path)):
                template = paths.generalise(name, analysis.function.parameters)
                if template is not None and not _BY_VALUE.match(template):
                    outward.setdefault(template, []).append(one)
    alike: dict[tuple[int, ...], list[str]] = {}
    for template, left in outward.items():
        alike.setdefault(tuple(id(one) for one in left), []).append(template)
    for first, *others in alike.values():
        effect = _acquire(analysis, trace, first, outward[first], None, "")
        yield replace(effect, also=tuple(sorted(others)))


def _is_reacquired(analysis: FunctionAnalysis, seed: Seed) -> bool:
    """Tell whether a lock was the caller's, and is only released for a while."""
    return any(
        one.acquired_again and one.seed.pair == seed.pair and one.seed.place == seed.place
        for one in analysis.entry_traces
    )


def _acquire(
    analysis: FunctionAnalysis,
    trace: Trace,
    template: str,
    left: Sequence[Exit],
    place: str | None,
    mode: str,
) -> Effect:
    """Return the acquire that leaves the resource at ``template`` on these ways out."""
    held = result_signs(left)
    without = results_without_acquire(analysis, trace.seed.pair.name, place)
    without |= result_signs(
        one for one in trace.exits if one not in left and one.kind != ExitKind.ESCAPED
    )
    if analysis.function.returns == "void":
        held, without = values.ANY, 0 if not without else values.ANY
    if template == "$ret":
        held = values.POSITIVE
    if mode.startswith("$"):
        mode = ""
    when = held if held & ~without or not without else values.ANY
    return Effect(
        kind=EffectKind.ACQUIRE,
        pair=trace.seed.pair.name,
        place=template,
        when=when,
        unless=without if when != values.ANY else 0,
        mode=mode,
        uncertain=bool(held & without),
    )


def _releases(analysis: FunctionAnalysis) -> Iterator[Effect]:
    """Return what calling the function releases, of what its caller can name."""
    for trace in analysis.entry_traces:
        seed = trace.seed
        template = paths.generalise(analysis.canonical(seed.place), analysis.function.parameters)
        if template is None or trace.acquired_inside:
            continue
        if seed.place in analysis.containers.values():
            template = f"^{template}"
        if not trace.complete:
            yield Effect(
                kind=EffectKind.RELEASE, pair=seed.pair.name, place=template, uncertain=True
            )
            continue
        gone = trace.exits_of(ExitKind.RELEASED, ExitKind.ESCAPED)
        kept = trace.exits_of(ExitKind.HELD, ExitKind.RETURNED)
        if not gone:
            continue
        when, rest = result_signs(gone), result_signs(kept)
        escaped = all(one.kind == ExitKind.ESCAPED for one in gone)
        yield Effect(
            kind=EffectKind.CONSUME if escaped else EffectKind.RELEASE,
            pair=seed.pair.name,
            place=template,
            when=when if kept and not when & rest else values.ANY,
            unless=rest if kept and not when & rest else 0,
            uncertain=bool(kept and when & rest),
            clears=all(seed.place not in one.state.aliases for one in gone),
        )


def _frees(analysis: FunctionAnalysis) -> frozenset[str]:
    """Return the lock pairs of which it releases something that its caller can't name."""
    found = set()
    if not analysis.complete:
        return frozenset(name for name, _ in analysis.released_places)
    for name, place in analysis.released_places:
        pair = analysis.callees.pairs[name]
        local = paths.base(place)
        if pair.kind not in SCOPED or local not in analysis.function.locals:
            continue
        if name in found or not analysis.may_release_first(name, place):
            continue
        if analysis.releases_of_others(name, place):
            found.add(name)
    return frozenset(found)


def _written(analysis: FunctionAnalysis) -> frozenset[int]:
    """Return the parameters that are stored to."""
    numbers = {name: number for number, name in enumerate(analysis.function.parameters)}
    found: set[int] = set()
    for step in analysis.function.steps:
        if isinstance(
            step, (ir.AssignStep, ir.CallStep, ir.SignCopyStep)
        ) and step.place.startswith("*"):
            found.add(numbers.get(step.place[1:], -1))
        if isinstance(step, ir.CallStep):
            summary = analysis.callees.summary(step.callee)
            for position, argument in enumerate(step.arguments):
                stored = summary is not None and position in summary.writes
                if stored and argument in numbers:
                    found.add(numbers[argument])
    return frozenset(found - {-1})


def results_without_acquire(analysis: FunctionAnalysis, pair: str, place: str | None) -> int:
    """Return the signs of the results on the paths that do not acquire.

    Args:
        analysis: the function.
        pair: what is acquired; empty for nothing, so that all paths count.
        place: where; None for anywhere.
    """
    unless: dict[int, int] = {}
    for number, effect in analysis.effects:
        acquires = effect.kind == EffectKind.ACQUIRE and effect.pair == pair
        if acquires and not effect.uncertain and place in (None, analysis.place(number, effect)):
            unless[number] = effect.unless
    return result_signs_without(analysis.path_facts, unless, analysis.noreturn_calls)


def parameter_flow(
    function: ir.FunctionIR, callees: Callees
) -> tuple[frozenset[int], frozenset[int]]:
    """Return the parameters that a function keeps, and those that it passes back."""
    flow = _ParameterFlow(function, callees)
    # The second time for what a loop hands on.
    for _ in range(2):
        for step in function.steps:
            flow.step(step)
    return frozenset(flow.keeps), frozenset(flow.passes)


class _ParameterFlow:
    def __init__(self, function: ir.FunctionIR, callees: Callees) -> None:
        self._function = function
        self._callees = callees
        self._origin: dict[str, set[int]] = {
            name: {number} for number, name in enumerate(function.parameters)
        }
        self.keeps: set[int] = set()
        self.passes: set[int] = set()

    def step(self, step: ir.Step) -> None:
        """Take one step, whatever path leads to it."""
        if isinstance(step, ir.AssignStep):
            self._assign(step)
        elif isinstance(step, ir.EscapeStep):
            self.keeps |= self._source(step.path)
        elif isinstance(step, ir.ReturnStep):
            self.passes |= self._source(step.value)
        elif isinstance(step, ir.CallStep):
            self._call(step)

    def _source(self, path: str | None) -> set[int]:
        """Return the parameters that a path may hold."""
        if path is None or path.startswith("#"):
            return set()
        if path in self._origin:
            return self._origin[path]
        converted = paths.origin(path)
        if converted is not None:
            return self._source(converted)
        within = path.startswith("&") or path[1:] in self._origin
        return self._origin.get(paths.base(path), set()) if within else set()

    def _flows_to(self, place: str, came: set[int]) -> None:
        self._origin[place] = self._origin.get(place, set()) | came

    def _assign(self, step: ir.AssignStep) -> None:
        place, came = step.place, self._source(step.value)
        if not came:
            return
        if place in self._function.locals or place.startswith("%"):
            self._flows_to(place, came)
        elif place not in self._function.parameters:
            self.keeps |= came

    def _call(self, step: ir.CallStep) -> None:
        result, name = step.place, step.callee
        summary = self._callees.summary(name)
        for position, argument in enumerate(step.arguments):
            came = self._source(argument)
            if not came:
                continue
            if summary is not None:
                if position in summary.keeps:
                    self.keeps |= came
                if position in summary.passes:
                    self._flows_to(result, came)
            elif self._callees.is_conversion(name):
                self._flows_to(result, came)
            elif self._callees.may_keep(name):
                self.keeps |= came


class SummaryMemo:
    """Summaries of earlier analyses, by the function's graph and its callees' summaries.

    Args:
        known: what an earlier memo kept, as plain values.
    """

    def __init__(self, known: Mapping[bytes, tuple[Any, ...]] | None = None) -> None:
        self._known = known or {}
        self.used: dict[bytes, tuple[Any, ...]] = {}
        """What was asked for or added since, as plain values: what is worth keeping."""

    def get(self, key: bytes) -> tuple[Summary, bool] | None:
        """Return a function's summary and whether it could be judged; None when it is not known."""
        plain = self.used.get(key) or self._known.get(key)
        if plain is None:
            return None
        self.used[key] = plain
        summary, complete = plain
        return Summary.unpack(summary), complete

    def put(self, key: bytes, summary: Summary, complete: bool) -> None:
        """Keep what an analysis said."""
        self.used[key] = (summary.pack(), complete)
