"""Releases counted on the paths through a function: what two versions of it are compared by.

Nothing is assumed of who owns the resource: only calls count, so this sees a release go missing
where following the resource must give up because something else may have taken the resource over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cached_property
from typing import NamedTuple

from anyclue.review.pairs.engine.effects import SCOPED, Effect, EffectKind, Summary
from anyclue.review.pairs.engine.entry_facts import facts_before
from anyclue.review.pairs.engine.explorer import Domain, PathPoint, explore
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.path_facts import Facts
from anyclue.review.pairs.engine.slice import slice_of
from anyclue.review.pairs.engine.trail import Trail
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values
from anyclue.review.pairs.model import Confidence, ConfidenceReason
from anyclue.review.pairs.rules.imbalances import Grade

MOST = 3
MAX_PATHS = 120
"""Of more paths than these none is looked for that decides alike; nor where more are merged."""

Place = tuple[str, str]
"""A pair's name and the path of a resource."""


class PathEnd(Enum):
    """How a path ends, by what the function returns there."""

    FAILING = auto()
    OTHER = auto()
    EITHER = auto()
    """It is not known whether it fails."""
    VOID = auto()
    REASSIGNED = auto()
    """The variable is set anew."""


@dataclass(frozen=True, kw_only=True)
class PathCount:
    """One path through a function.

    Attributes:
        end: how it ends.
        value: the returned value's text, when it is a constant.
        net: releases less acquires on it.
        uncertain: a call on it may have released or acquired, which no result tells.
        trail: the path.
    """

    end: PathEnd
    value: str
    net: int
    uncertain: bool = False
    trail: Trail


class ReleaseCount(NamedTuple):
    """What was counted so far on a path.

    Attributes:
        net: releases less acquires.
        uncertain: a call may have released or acquired, which no result tells.
        empty: the place was set to NULL: nothing there is released any more.
    """

    net: int = 0
    uncertain: bool = False
    empty: bool = False


_Join = tuple[int, ReleaseCount]


@dataclass(kw_only=True)
class PathCounts:
    """All paths through a function.

    Attributes:
        found: the paths; where several meet, and nothing that is live tells them apart, only the
            first goes on.
        continued: for each such join the trails that went on.
        merged: the other trails, with the join.
    """

    found: list[PathCount] = field(default_factory=list)
    continued: dict[_Join, list[Trail | None]] = field(default_factory=dict)
    merged: list[tuple[_Join, Trail | None]] = field(default_factory=list)

    @cached_property
    def expanded(self) -> list[PathCount] | None:
        """The paths, with those that another one stands for; None when they are too many."""
        listed = list(self.found)
        if max(len(listed), len(self.merged)) > MAX_PATHS:
            return None
        for place, before in self.merged:
            for path in list(listed):
                for other in self.continued[place]:
                    rest = _suffix_after(path.trail, other)
                    if rest:
                        trail = before
                        for number, holds in rest:
                            trail = Trail(number, holds, trail)
                        assert trail is not None  # noqa: S101 - the rest is not empty
                        listed.append(replace(path, trail=trail))
                        if len(listed) > MAX_PATHS:
                            return None
        return listed


def count_paths(analysis: FunctionAnalysis, pair: str, place: str) -> PathCounts | None:
    """Return the paths from where ``place`` is set, or from the entry; None when too many."""
    return _CountDomain(analysis, pair, place).counts()


_Point = PathPoint[ReleaseCount]


class _CountDomain(Domain[ReleaseCount]):
    notes_joins = True

    def __init__(self, analysis: FunctionAnalysis, pair: str, place: str) -> None:
        self._analysis = analysis
        self._steps = analysis.function.steps
        self._path_facts = analysis.path_facts
        self._pair = pair
        self._scoped = analysis.callees.pairs[pair].kind in SCOPED
        self._place = analysis.canonical(place) if self._scoped else place
        self._variables = {paths.base(place), paths.base(self._place)}
        self._paths = PathCounts()

    def counts(self) -> PathCounts | None:
        if not self._steps:
            return self._paths
        slice_ = slice_of(
            self._path_facts,
            (number for number in range(len(self._steps)) if self._is_relevant(number)),
            asked=(self._place, paths.base(self._place)),
        )
        complete = explore(self._path_facts, slice_, self, self._points())
        return self._paths if complete else None

    def _points(self) -> Iterator[tuple[int, _Point]]:
        starts = self._starts()
        wanted = frozenset(one for one in starts if one >= 0)
        before = facts_before(self._path_facts, self._analysis.step_table, wanted)
        for start in starts:
            if start < 0:
                yield 0, PathPoint(ReleaseCount(), self._assumed({}), None)
                continue
            step = self._steps[start]
            for facts in before[start]:
                after = self._assumed(self._path_facts.transfer(facts, start))
                yield step.next, PathPoint(ReleaseCount(), after, Trail(start, True, None))

    def join(self, number: int, point: _Point, *, goes_on: bool) -> None:
        place = number, point.state
        if goes_on:
            self._paths.continued.setdefault(place, []).append(point.trail)
        else:
            self._paths.merged.append((place, point.trail))

    def _starts(self) -> list[int]:
        function = self._analysis.function
        local = paths.base(self._place)
        if local not in function.locals:
            return [-1]
        found = []
        iterator = []
        for number, step in enumerate(self._steps):
            if isinstance(step, ir.AssignStep) and step.place in (local, self._place):
                if step.value is None:
                    # In a loop, and nowhere else, it may be its iterator.
                    iterator += [number] * (number in self._path_facts.control_flow.in_loop)
                elif not paths.is_constant(step.value):
                    found.append(number)
            elif isinstance(step, ir.CallStep):
                given = f"&{local}" in step.arguments and not self._releases(step)
                found += [number] * (step.place in (local, self._place) or given)
        return found or iterator or [-1]

    def _releases(self, step: ir.CallStep) -> bool:
        """Tell whether a contract says that a call only releases."""
        callees = self._analysis.callees
        summary = callees.summary(step.callee) if callees.has_contract(step.callee) else None
        listed = summary.effects.get(self._pair, ()) if summary is not None else ()
        return bool(listed) and all(
            one.kind in (EffectKind.RELEASE, EffectKind.CONSUME) for one in listed
        )

    def _assumed(self, facts: Facts) -> Facts:
        if not self._scoped and self._place in self._path_facts.keys:
            return facts | {self._place: values.POSITIVE}
        return facts

    def _is_relevant(self, number: int) -> bool:
        step = self._steps[number]
        if isinstance(step, ir.CallStep):
            summary = self._analysis.callees.summary(step.callee)
            if summary is not None and (summary.noreturn or self._pair in summary.effects):
                return True
        if isinstance(step, (ir.CallStep, ir.AssignStep)):
            return paths.base(step.place) in self._variables
        return False

    def transfer(self, number: int, step: ir.Step, point: _Point) -> Sequence[_Point]:
        count, facts, trail = point
        after = self._path_facts.transfer(facts, number)
        changed = [(count, values.ANY, trail)]
        if isinstance(step, ir.CallStep):
            summary = self._analysis.callees.summary(step.callee)
            if summary is not None:
                if summary.noreturn:
                    return ()
                changed = self._after_call(number, step, summary, point)
        if not isinstance(step, (ir.AssignStep, ir.CallStep)):
            return (PathPoint(count, after, trail),)
        if paths.reached_through(self._place, step.place):
            if isinstance(step, ir.AssignStep) and step.value == "#0":
                return (PathPoint(count._replace(empty=True), after, trail),)
            # Set anew: what it held is counted so far.
            if trail is None or trail.step != number or trail.before is not None:
                for counted, _, before in changed:
                    self._end(PathEnd.REASSIGNED, "", counted, Trail(number, True, before))
            return ()
        return [
            PathPoint(
                counted,
                self._path_facts.assign(after, step.place, when) if when != values.ANY else after,
                before,
            )
            for counted, when, before in changed
        ]

    def _after_call(
        self, number: int, step: ir.CallStep, summary: Summary, point: _Point
    ) -> list[_Counted]:
        """Return the counts behind a call, each with the signs of its result."""
        changed: list[_Counted] = [(point.state, values.ANY, point.trail)]
        for effect in summary.effects.get(self._pair, ()):
            path = self._place_of(effect.place, step)
            if path != self._place or effect.place == "$ret":
                continue
            if effect.kind == EffectKind.ACQUIRE and self._acquires_other_name(summary, step):
                continue
            by = {EffectKind.ACQUIRE: -1, EffectKind.DOWNGRADE: 0}.get(effect.kind, 1)
            if by < 0 or not point.state.empty:
                changed = _after_effect(changed, by, effect, number)
        return changed

    def _acquires_other_name(self, summary: Summary, step: ir.CallStep) -> bool:
        """Tell whether the reference that a call takes is kept under another name."""
        result = step.place
        return 0 in summary.passes and result[0] != "%" and result != self._place

    def _place_of(self, template: str, step: ir.CallStep) -> str | None:
        path = paths.substitute(template, step.arguments, step.place)
        if path is None:
            return None
        if self._scoped:
            return self._analysis.canonical(path)
        return self._analysis.containers.get(path, path)

    def leave(self, number: int, step: ir.Step, point: _Point) -> None:
        net, facts, trail = point
        owner = paths.base(self._place)
        if owner != self._place and facts.get(owner) == values.ZERO:
            return  # what it would hang on is NULL here
        path = step.value if isinstance(step, ir.ReturnStep) else None
        value = self._path_facts.value_of(facts, path)
        signs = values.ANY if value is None else values.signs(value)
        returns = self._analysis.function.returns
        if returns == "void":
            end = PathEnd.VOID
        elif signs == values.ANY:
            end = PathEnd.EITHER
        elif returns == "pointer":
            end = PathEnd.FAILING if not signs & values.POSITIVE else PathEnd.OTHER
        else:
            end = (
                PathEnd.FAILING
                if signs & values.NEGATIVE and not signs & values.ZERO
                else PathEnd.OTHER
            )
        text = value if isinstance(value, str) else ""
        self._end(end, text, net, Trail(number, True, trail))

    def _end(self, end: PathEnd, value: str, count: ReleaseCount, trail: Trail) -> None:
        path = PathCount(
            end=end, value=value, net=count.net, uncertain=count.uncertain, trail=trail
        )
        self._paths.found.append(path)


def _suffix_after(trail: Trail, first: Trail | None) -> list[tuple[int, bool]] | None:
    """Return the steps of a trail behind an earlier part of it; None when that is no part."""
    steps = []
    at: Trail | None = trail
    while at is not None and at is not first:
        steps.append((at.step, at.holds))
        at = at.before
    return steps[::-1] if at is first else None


_Counted = tuple[ReleaseCount, int, Trail | None]


def _after_effect(states: list[_Counted], by: int, effect: Effect, number: int) -> list[_Counted]:
    """Return the counts after an effect that happens for some results of a call only."""
    found: list[_Counted] = []
    for count, known, trail in states:
        step = Trail(number, True, trail)
        uncertain = count.uncertain or effect.uncertain
        if known & effect.when:
            net = max(-MOST, min(MOST, count.net + by))
            found.append((ReleaseCount(net, uncertain, count.empty), known & effect.when, step))
        rest = known if effect.uncertain else known & effect.unless
        if rest:
            found.append((count._replace(uncertain=uncertain), rest, step))
    return found


def direct_releases(analysis: FunctionAnalysis) -> list[Place]:
    """Return what a function releases, each under the pair that says most about it."""
    acquired = {effect.pair for _, effect in analysis.effects if effect.kind == EffectKind.ACQUIRE}
    found: dict[Place, bool] = {}
    for number, effect in analysis.effects:
        name = analysis.call(number).callee
        if effect.kind != EffectKind.RELEASE or not analysis.callees.is_direct_effect(
            name, effect.pair
        ):
            continue
        place = analysis.place(number, effect)
        if place is not None and (effect.pair, place) in analysis.released_places:
            found[effect.pair, place] = analysis.callees.has_contract(name)
    return sorted(found, key=lambda one: (one[0] not in acquired, not found[one], one))


def _decisions(path: PathCount, analysis: FunctionAnalysis) -> dict[str, object]:
    """Return what each branch of a path found, however the source words the question."""
    steps = analysis.function.steps
    found: dict[str, object] = {}
    for number, holds in path.trail.forward():
        step = steps[number]
        if isinstance(step, ir.BranchStep):
            test = step.test
            if isinstance(test, int):
                found[step.key] = test if holds else values.ANY & ~test
            else:
                found[step.key] = (test, holds)
    return found


def _same_decisions(
    old: Sequence[PathCount], new: PathCount, before: FunctionAnalysis, after: FunctionAnalysis
) -> list[PathCount]:
    """Return the old paths that decide as the new one does wherever it decides."""
    wanted = _decisions(new, after)
    found = []
    for one in old:
        had = _decisions(one, before)
        if _may_return_alike(one, new) and all(
            had.get(key) == holds for key, holds in wanted.items()
        ):
            found.append(one)
    return found


def calls_dropped(
    before: FunctionAnalysis, after: FunctionAnalysis, pair: str, places: tuple[str, str]
) -> bool:
    """Tell whether one of the calls that released a place is there less often."""
    old = Counter(
        call for name, call, place in before.releases if (name, place) == (pair, places[0])
    )
    variable = paths.base(places[1])
    new = Counter(
        step.callee
        for step in after.function.steps
        if isinstance(step, ir.CallStep)
        and any(one is not None and paths.base(one) == variable for one in step.arguments)
    )
    return bool(old - new)


def fewer_releases(
    old: PathCounts,
    new: PathCounts,
    before: FunctionAnalysis,
    after: FunctionAnalysis,
    *,
    lost: bool,
) -> tuple[PathCount, Grade] | None:
    """Return a path that releases less often than such paths did, and how sure that is.

    Args:
        old: the paths of the old version.
        new: the paths of the new one.
        before: the old version.
        after: the new one.
        lost: one of the calls that released it is there less often.
    """
    sure = [one for one in new.found if not one.uncertain]
    if old.expanded is not None and len(sure) <= MAX_PATHS:
        for one in sure:
            same = _same_decisions(old.expanded, one, before, after)
            if same and one.net < min(two.net for two in same):
                return one, Grade(Confidence.MEDIUM, ConfidenceReason.SAME_EXIT_RELEASED)
    for fine in (False, True):
        for (end, value), listed in _by_end(new.found, fine=fine).items():
            like = [
                one
                for one in old.found
                if _may_return_alike(one, listed[0]) and (not fine or one.value in (value, ""))
            ]
            certain = [one for one in like if not one.uncertain] or like
            least = min(listed, key=lambda one: (one.uncertain, one.net))
            if like and not least.uncertain and least.net < min(one.net for one in certain):
                return least, Grade(Confidence.MEDIUM, ConfidenceReason.EVERY_EXIT_RELEASED)
            had = [one.net for one in like if one.end == end and (not fine or one.value == value)]
            top, most = max(one.net for one in listed), max(had, default=-MOST)
            if lost and top < most and (most == 1 or top <= 0 < most):
                return least, Grade(Confidence.LOW, ConfidenceReason.SOME_EXIT_RELEASED)
    return None


def _may_return_alike(old: PathCount, new: PathCount) -> bool:
    """Tell whether two ways out may report the same."""
    ends = {old.end, new.end}
    known = {PathEnd.EITHER, PathEnd.FAILING, PathEnd.OTHER}
    return len(ends) == 1 or (PathEnd.EITHER in ends and ends <= known)


def more_releases(old: PathCounts, new: PathCounts) -> PathCount | None:
    """Return a path that releases twice, where none of its kind did."""
    sure = [one for one in new.found if not one.uncertain]
    ever = max(one.net for one in old.found)
    acquires = any(one.net < 0 for one in old.found)
    for listed in _by_end(sure, fine=False).values():
        counts = {one.net for one in old.found if _may_return_alike(one, listed[0])}
        most = max(listed, key=lambda one: one.net)
        if counts and most.net > ever and (most.net > 1 or (acquires and counts == {0})):
            return most
    return None


def _by_end(
    listed: Sequence[PathCount], *, fine: bool
) -> dict[tuple[PathEnd, str], list[PathCount]]:
    found: dict[tuple[PathEnd, str], list[PathCount]] = {}
    for one in listed:
        found.setdefault((one.end, one.value if fine else ""), []).append(one)
    return found
