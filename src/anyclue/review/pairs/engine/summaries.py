"""What calling a function does: its summary, from a close look at it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from anyclue.review.pairs.engine.bypass import results_without_acquire
from anyclue.review.pairs.engine.effects import SCOPED, Effect, EffectKind, Summary, by_pair
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.parameter_flow import parameter_flow
from anyclue.review.pairs.engine.trace import Exit, ExitKind, Seed, Trace
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values

_COPY = re.compile(r"\$\d+(\.|$)")
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
    left = [one for one in trace.exits if one.end in (ExitKind.HELD, ExitKind.RETURNED)]
    if template is not None and left and not _is_reacquired(analysis, seed):
        yield _acquire(analysis, trace, template, left, seed.place, effect.mode)


def _object_acquires(analysis: FunctionAnalysis, trace: Trace) -> Iterator[Effect]:
    returned = [one for one in trace.exits if one.end == ExitKind.RETURNED and not one.state.stored]
    if returned:
        yield _acquire(analysis, trace, "$ret", returned, None, "")
    outward: dict[str, list[Exit]] = {}
    for one in trace.exits:
        if one.end == ExitKind.HELD and one.state.stored:
            for name in one.state.aliases:
                template = paths.generalise(name, analysis.function.parameters)
                if template is not None and not _COPY.match(template):
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
    held = 0
    for one in left:
        held |= one.result
    without = results_without_acquire(analysis, trace.seed.pair.name, place)
    for one in trace.exits:
        if one not in left:
            without |= one.result if one.end != ExitKind.ESCAPED else 0
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
        gone = [one for one in trace.exits if one.end in (ExitKind.RELEASED, ExitKind.ESCAPED)]
        kept = [one for one in trace.exits if one.end in (ExitKind.HELD, ExitKind.RETURNED)]
        if not gone:
            continue
        when, rest = 0, 0
        for one in gone:
            when |= one.result
        for one in kept:
            rest |= one.result
        escaped = all(one.end == ExitKind.ESCAPED for one in gone)
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
            gone = any(one.end == ExitKind.RELEASED for one in trace.exits)
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
