"""The summary of a function: its effects, its result, and where its parameters flow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from anyclue.review.pairs.engine.control_flow import slice_graph
from anyclue.review.pairs.engine.effects import (
    SCOPED,
    Callees,
    Effect,
    EffectKind,
    Summary,
    by_pair,
)
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.path_facts import Facts, join_facts
from anyclue.review.pairs.engine.trace import Exit, ExitKind, Seed, Trace, result_signs
from anyclue.review.pairs.engine.walk import CHEAP, STEPS
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
    if analysis.function.returns == "void" or not analysis.function.nodes:
        return values.ANY
    return results_without_acquire(analysis, "", None) or values.ANY


def _noreturn(analysis: FunctionAnalysis) -> bool:
    nodes = analysis.function.nodes
    return bool(nodes) and not any(node[0] in (ir.RETURN, ir.END) for node in nodes)


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
            for name in one.state.aliases:
                template = paths.generalise(name, analysis.function.parameters)
                if template is not None and not _BY_VALUE.match(template):
                    outward.setdefault(template, []).append(one)
    for template, left in outward.items():
        yield _acquire(analysis, trace, template, left, None, "")


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
        for trace in analysis.traces_of(name, place):
            gone = trace.exits_of(ExitKind.RELEASED)
            if (gone or trace.acquired_again) and not trace.acquired_inside:
                found.add(name)
    return frozenset(found)


def _written(analysis: FunctionAnalysis) -> frozenset[int]:
    """Return the parameters that are stored to."""
    numbers = {name: number for number, name in enumerate(analysis.function.parameters)}
    found: set[int] = set()
    for node in analysis.function.nodes:
        if node[0] in (ir.SET, ir.CALL, ir.COPY) and node[3].startswith("*"):
            found.add(numbers.get(node[3][1:], -1))
        if node[0] == ir.CALL:
            summary = analysis.callees.summary(node[4])
            for position, argument in enumerate(node[5]):
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
    return _ResultsWithoutAcquire(analysis, pair, place).run()


class _ResultsWithoutAcquire:
    def __init__(self, analysis: FunctionAnalysis, pair: str, place: str | None) -> None:
        self._nodes = analysis.function.nodes
        self._path_facts = analysis.path_facts
        self._noreturn_calls = analysis.noreturn_calls
        self._unless: dict[int, int] = {}
        """Calls that acquire, with the signs of their results when they do not."""
        for number, effect in analysis.effects:
            acquires = effect.kind == EffectKind.ACQUIRE and effect.pair == pair
            if (
                acquires
                and not effect.uncertain
                and place in (None, analysis.place(number, effect))
            ):
                self._unless[number] = effect.unless
        self._slice = slice_graph(self._nodes, self._is_relevant)
        self._seen: dict[int, list[Facts]] = {}
        self._pending: list[tuple[int, Facts]] = []
        self._budget = STEPS
        self._found = 0

    def run(self) -> int:
        """Return the signs; any when there are too many paths."""
        if self._nodes:
            self._pending.append((self._slice.following[0], {}))
        while self._pending and self._budget > 0 and self._found != values.ANY:
            self._follow(*self._pending.pop())
        return self._found if self._budget > 0 else values.ANY

    def _is_relevant(self, number: int) -> bool:
        return (
            number in self._unless
            or number in self._noreturn_calls
            or self._path_facts.changes_facts[number]
        )

    def _follow(self, number: int, facts: Facts) -> None:
        """Follow one path until it ends; what branches off is followed later."""
        following, joins = self._slice.following, self._slice.joins
        while number >= 0 and self._budget > 0:
            self._budget -= 1 + len(facts) // CHEAP
            if number in joins:
                live = self._path_facts.restrict_to_live(facts, number)
                joined = join_facts(self._seen.setdefault(number, []), live)
                if joined is None:
                    return
                facts = joined
            node = self._nodes[number]
            after = self._step(number, node, facts)
            if after is None:
                return
            facts = after
            number = following[node[1]]

    def _step(self, number: int, node: ir.Node, facts: Facts) -> Facts | None:
        """Return the facts behind a step; None when the path ends there."""
        kind = node[0]
        if kind in (ir.RETURN, ir.END):
            value = self._path_facts.value_of(facts, node[3]) if kind == ir.RETURN else None
            self._found |= values.ANY if value is None else values.signs(value)
        if node[1] < 0 or number in self._noreturn_calls:
            return None
        if kind == ir.BRANCH:
            other = self._path_facts.assume(facts, number, False)
            if other is not None:
                self._pending.append((self._slice.following[node[6]], other))
            return self._path_facts.assume(facts, number, True)
        after = self._path_facts.transfer(facts, node)
        unless = self._unless.get(number)
        if unless is None:
            return after
        return self._path_facts.assign(after, node[3], unless) if unless else None


def parameter_flow(
    function: ir.FunctionIR, callees: Callees
) -> tuple[frozenset[int], frozenset[int]]:
    """Return the parameters that a function keeps, and those that it passes back."""
    flow = _ParameterFlow(function, callees)
    # The second time for what a loop hands on.
    for _ in range(2):
        for node in function.nodes:
            flow.step(node)
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

    def step(self, node: ir.Node) -> None:
        """Take one step, whatever path leads to it."""
        kind = node[0]
        if kind == ir.SET:
            self._set(node)
        elif kind == ir.ESCAPE:
            self.keeps |= self._source(node[3])
        elif kind == ir.RETURN:
            self.passes |= self._source(node[3])
        elif kind == ir.CALL:
            self._call(node)

    def _source(self, path: str | None) -> set[int]:
        """Return the parameters that a path may hold."""
        if path is None or path.startswith("#"):
            return set()
        if path in self._origin:
            return self._origin[path]
        within = path.startswith("&") or path[1:] in self._origin
        return self._origin.get(paths.base(path), set()) if within else set()

    def _flows_to(self, place: str, came: set[int]) -> None:
        self._origin[place] = self._origin.get(place, set()) | came

    def _set(self, node: ir.Node) -> None:
        place, came = node[3], self._source(node[4])
        if not came:
            return
        if place in self._function.locals or place.startswith("%"):
            self._flows_to(place, came)
        elif place not in self._function.parameters:
            self.keeps |= came

    def _call(self, node: ir.Node) -> None:
        result, name = node[3], node[4]
        summary = self._callees.summary(name)
        for position, argument in enumerate(node[5]):
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
