"""What calling a function does: its summary, from a close look at it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from anyclue.review.pairs.engine.bypass import bypassing
from anyclue.review.pairs.engine.effects import SCOPED, Does, Effect, Summary, by_pair
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.parameter_flow import passed_on
from anyclue.review.pairs.engine.trace import End, Exit, Seed, Trace
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values

_COPY = re.compile(r"\$\d+(\.|$)")
"""A parameter, or a member of one: the caller's stays as it was."""


def summed(study: FunctionAnalysis) -> Summary:
    """Return what calling this function does."""
    effects = [*_acquires(study), *_releases(study)]
    keeps, passes = passed_on(study.function, study.callees)
    return Summary(
        effects=by_pair(list(dict.fromkeys(effects))),
        keeps=keeps,
        passes=passes,
        writes=_written(study),
        frees=_frees(study),
        stops=_stops(study),
        result=_result(study),
    )


def _result(study: FunctionAnalysis) -> int:
    if study.function.returns == "void" or not study.function.nodes:
        return values.ANY
    return bypassing(study, "", None) or values.ANY


def _stops(study: FunctionAnalysis) -> bool:
    nodes = study.function.nodes
    return bool(nodes) and not any(node[0] in (ir.RETURN, ir.END) for node in nodes)


def _acquires(study: FunctionAnalysis) -> Iterator[Effect]:
    """Return what calling the function acquires."""
    for story in study.acquired:
        if story.complete and story.seed.effect is not None:
            if story.seed.scoped:
                yield from _scoped_acquires(study, story, story.seed.effect)
            else:
                yield from _object_acquires(study, story)


def _scoped_acquires(study: FunctionAnalysis, story: Trace, effect: Effect) -> Iterator[Effect]:
    seed = story.seed
    template = paths.generalise(seed.place, study.function.parameters)
    left = [one for one in story.exits if one.end in (End.HELD, End.RETURNED)]
    if template is not None and left and not _given_back(study, seed):
        yield _acquire(study, story, template, left, seed.place, effect.mode)


def _object_acquires(study: FunctionAnalysis, story: Trace) -> Iterator[Effect]:
    returned = [one for one in story.exits if one.end == End.RETURNED and not one.state.stored]
    if returned:
        yield _acquire(study, story, "$ret", returned, None, "")
    outward: dict[str, list[Exit]] = {}
    for one in story.exits:
        if one.end == End.HELD and one.state.stored:
            for name in one.state.aliases:
                template = paths.generalise(name, study.function.parameters)
                if template is not None and not _COPY.match(template):
                    outward.setdefault(template, []).append(one)
    for template, left in outward.items():
        yield _acquire(study, story, template, left, None, "")


def _given_back(study: FunctionAnalysis, seed: Seed) -> bool:
    """Tell whether a lock was the caller's, and is only released for a while."""
    return any(
        one.acquired_again and one.seed.pair == seed.pair and one.seed.place == seed.place
        for one in study.handed
    )


def _acquire(
    study: FunctionAnalysis,
    story: Trace,
    template: str,
    left: Sequence[Exit],
    place: str | None,
    mode: str,
) -> Effect:
    """Return the acquire that leaves the resource at ``template`` on these ways out."""
    held = 0
    for one in left:
        held |= one.result
    without = bypassing(study, story.seed.pair.name, place)
    for one in story.exits:
        if one not in left:
            without |= one.result if one.end != End.ESCAPED else 0
    if study.function.returns == "void":
        held, without = values.ANY, 0 if not without else values.ANY
    if template == "$ret":
        held = values.POSITIVE
    if mode.startswith("$"):
        mode = ""
    when = held if held & ~without or not without else values.ANY
    return Effect(
        does=Does.ACQUIRE,
        pair=story.seed.pair.name,
        place=template,
        when=when,
        unless=without if when != values.ANY else 0,
        mode=mode,
        sometimes=bool(held & without),
    )


def _releases(study: FunctionAnalysis) -> Iterator[Effect]:
    """Return what calling the function releases, of what its caller can name."""
    for story in study.handed:
        seed = story.seed
        template = paths.generalise(study.canonical(seed.place), study.function.parameters)
        if template is None or story.acquired_inside:
            continue
        if seed.place in study.containers.values():
            template = f"^{template}"
        if not story.complete:
            yield Effect(does=Does.RELEASE, pair=seed.pair.name, place=template, sometimes=True)
            continue
        gone = [one for one in story.exits if one.end in (End.RELEASED, End.ESCAPED)]
        kept = [one for one in story.exits if one.end in (End.HELD, End.RETURNED)]
        if not gone:
            continue
        when, rest = 0, 0
        for one in gone:
            when |= one.result
        for one in kept:
            rest |= one.result
        escaped = all(one.end == End.ESCAPED for one in gone)
        yield Effect(
            does=Does.CONSUME if escaped else Does.RELEASE,
            pair=seed.pair.name,
            place=template,
            when=when if kept and not when & rest else values.ANY,
            unless=rest if kept and not when & rest else 0,
            sometimes=bool(kept and when & rest),
            clears=all(seed.place not in one.state.aliases for one in gone),
        )


def _frees(study: FunctionAnalysis) -> frozenset[str]:
    """Return the lock pairs of which it releases something that its caller can't name."""
    found = set()
    if not study.complete:
        return frozenset(name for name, _ in study.released)
    for name, place in study.released:
        pair = study.callees.pairs[name]
        local = paths.base(place)
        if pair.kind not in SCOPED or local not in study.function.locals:
            continue
        for story in study.custody(name, place):
            gone = any(one.end == End.RELEASED for one in story.exits)
            if (gone or story.acquired_again) and not story.acquired_inside:
                found.add(name)
    return frozenset(found)


def _written(study: FunctionAnalysis) -> frozenset[int]:
    """Return the parameters that are stored to."""
    numbers = {name: number for number, name in enumerate(study.function.parameters)}
    found: set[int] = set()
    for node in study.function.nodes:
        if node[0] in (ir.SET, ir.CALL, ir.COPY) and node[3].startswith("*"):
            found.add(numbers.get(node[3][1:], -1))
        if node[0] == ir.CALL:
            summary = study.callees.summary(node[4])
            for position, argument in enumerate(node[5]):
                stored = summary is not None and position in summary.writes
                if stored and argument in numbers:
                    found.add(numbers[argument])
    return frozenset(found - {-1})
