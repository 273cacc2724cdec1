"""Releases counted on the paths through a function: what two versions of it are compared by.

Nothing is assumed of who owns the resource: only calls count, so this sees a release go missing
where `walk` must give up because something else may have taken the resource over.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cached_property
from typing import NamedTuple

from anyclue.review.pairs.engine.control_flow import slice_graph
from anyclue.review.pairs.engine.effects import SCOPED, Effect, EffectKind, Summary
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.path_facts import Facts, join_facts
from anyclue.review.pairs.engine.trace import Trail
from anyclue.review.pairs.engine.walk import CHEAP, STEPS
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
    return _PathCounter(analysis, pair, place).run()


class _PathCounter:
    def __init__(self, analysis: FunctionAnalysis, pair: str, place: str) -> None:
        self._analysis = analysis
        self._nodes = analysis.function.nodes
        self._path_facts = analysis.path_facts
        self._pair = pair
        self._scoped = analysis.callees.pairs[pair].kind in SCOPED
        self._place = analysis.canonical(place) if self._scoped else place
        self._variables = {paths.base(place), paths.base(self._place)}
        self._paths = PathCounts()

    def run(self) -> PathCounts | None:
        if not self._nodes:
            return self._paths
        slice_ = slice_graph(self._nodes, self._is_relevant)
        starts = self._starts()
        befores = self._path_facts.facts_before(frozenset(one for one in starts if one >= 0))
        pending: deque[tuple[int, ReleaseCount, Facts, Trail | None]] = deque()
        empty = ReleaseCount()
        for start in starts:
            if start < 0:
                pending.append((slice_.following[0], empty, self._assumed({}), None))
                continue
            node = self._nodes[start]
            for facts in befores[start]:
                after = self._assumed(self._path_facts.transfer(facts, node))
                pending.append((slice_.following[node[1]], empty, after, Trail(start, True, None)))
        seen: dict[_Join, list[Facts]] = {}
        budget = STEPS
        while pending:
            number, net, facts, trail = pending.popleft()
            while number >= 0:
                budget -= 1 + len(facts) // CHEAP
                if budget < 0:
                    return None
                if number in slice_.joins:
                    live = self._path_facts.restrict_to_live(facts, number)
                    joined = join_facts(seen.setdefault((number, net), []), live)
                    if joined is None:
                        self._paths.merged.append(((number, net), trail))
                        break
                    self._paths.continued.setdefault((number, net), []).append(trail)
                    facts = joined
                node = self._nodes[number]
                kind = node[0]
                if kind == ir.BRANCH:
                    for holds, target in ((True, node[1]), (False, node[6])):
                        assumed = self._path_facts.assume(facts, number, holds)
                        if assumed is not None:
                            step = Trail(number, holds, trail)
                            pending.append((slice_.following[target], net, assumed, step))
                    break
                if kind in (ir.RETURN, ir.END):
                    self._exit(number, node, net, facts, trail)
                    break
                if node[1] < 0:
                    break
                outcomes = self._outcomes(number, node, net, facts, trail)
                for one in outcomes[1:]:
                    pending.append((slice_.following[node[1]], *one))
                if not outcomes:
                    break
                net, facts, trail = outcomes[0]
                number = slice_.following[node[1]]
        return self._paths

    def _starts(self) -> list[int]:
        function = self._analysis.function
        local = paths.base(self._place)
        if local not in function.locals:
            return [-1]
        found = []
        iterator = []
        for number, node in enumerate(self._nodes):
            if node[0] == ir.SET and node[3] in (local, self._place):
                if node[4] is None:
                    # In a loop, and nowhere else, it may be its iterator.
                    iterator += [number] * (number in self._path_facts.in_loop)
                elif not paths.is_constant(node[4]):
                    found.append(number)
            elif node[0] == ir.CALL:
                given = f"&{local}" in node[5] and not self._releases(node)
                found += [number] * (node[3] in (local, self._place) or given)
        return found or iterator or [-1]

    def _releases(self, node: ir.Node) -> bool:
        """Tell whether a contract says that a call only releases."""
        callees = self._analysis.callees
        summary = callees.summary(node[4]) if callees.has_contract(node[4]) else None
        listed = summary.effects.get(self._pair, ()) if summary is not None else ()
        return bool(listed) and all(
            one.kind in (EffectKind.RELEASE, EffectKind.CONSUME) for one in listed
        )

    def _assumed(self, facts: Facts) -> Facts:
        if not self._scoped and self._place in self._path_facts.keys:
            return facts | {self._place: values.POSITIVE}
        return facts

    def _is_relevant(self, number: int) -> bool:
        node = self._nodes[number]
        kind = node[0]
        if kind == ir.CALL:
            summary = self._analysis.callees.summary(node[4])
            if summary is not None and (summary.noreturn or self._pair in summary.effects):
                return True
        if kind in (ir.CALL, ir.SET) and paths.base(node[3]) in self._variables:
            return True
        return self._path_facts.changes_facts[number]

    def _outcomes(
        self, number: int, node: ir.Node, net: ReleaseCount, facts: Facts, trail: Trail | None
    ) -> list[tuple[ReleaseCount, Facts, Trail | None]]:
        after = self._path_facts.transfer(facts, node)
        changed = [(net, values.ANY, trail)]
        if node[0] == ir.CALL:
            summary = self._analysis.callees.summary(node[4])
            if summary is not None:
                if summary.noreturn:
                    return []
                for effect in summary.effects.get(self._pair, ()):
                    path = self._place_of(effect.place, node)
                    if path != self._place or effect.place == "$ret":
                        continue
                    if effect.kind == EffectKind.ACQUIRE and self._acquires_other_name(
                        summary, node
                    ):
                        continue
                    by = {EffectKind.ACQUIRE: -1, EffectKind.DOWNGRADE: 0}.get(effect.kind, 1)
                    if by < 0 or not net.empty:
                        changed = _after_effect(changed, by, effect, number)
        if node[0] == ir.SET and node[4] == "#0" and paths.reached_through(self._place, node[3]):
            return [(net._replace(empty=True), after, trail)]
        if node[0] in (ir.SET, ir.CALL) and paths.reached_through(self._place, node[3]):
            # Set anew: what it held is counted so far.
            if trail is None or trail.node != number or trail.before is not None:
                for count, _, before in changed:
                    self._end(PathEnd.REASSIGNED, "", count, Trail(number, True, before))
            return []
        return [
            (
                count,
                self._path_facts.assign(after, node[3], when) if when != values.ANY else after,
                before,
            )
            for count, when, before in changed
        ]

    def _acquires_other_name(self, summary: Summary, node: ir.Node) -> bool:
        """Tell whether the reference that a call takes is kept under another name."""
        result = node[3]
        return 0 in summary.passes and result[0] != "%" and result != self._place

    def _place_of(self, template: str, node: ir.Node) -> str | None:
        path = paths.substitute(template, node[5], node[3])
        if path is None:
            return None
        if self._scoped:
            return self._analysis.canonical(path)
        return self._analysis.containers.get(path, path)

    def _exit(
        self, number: int, node: ir.Node, net: ReleaseCount, facts: Facts, trail: Trail | None
    ) -> None:
        owner = paths.base(self._place)
        if owner != self._place and facts.get(owner) == values.ZERO:
            return  # what it would hang on is NULL here
        if self._place in self._analysis.function.automatic and not net.empty:
            net = net._replace(net=net.net + 1)
        value = self._path_facts.value_of(facts, node[3]) if node[0] == ir.RETURN else None
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
    step: Trail | None = trail
    while step is not None and step is not first:
        steps.append((step.node, step.holds))
        step = step.before
    return steps[::-1] if step is first else None


def _after_effect(
    states: list[tuple[ReleaseCount, int, Trail | None]], by: int, effect: Effect, number: int
) -> list[tuple[ReleaseCount, int, Trail | None]]:
    """Return the counts after an effect that happens for some results of a call only."""
    found: list[tuple[ReleaseCount, int, Trail | None]] = []
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
        name = analysis.function.nodes[number][4]
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
    nodes = analysis.function.nodes
    found: dict[str, object] = {}
    for number, holds in path.trail.forward():
        node = nodes[number]
        if node[0] == ir.BRANCH:
            test = node[4]
            signs = isinstance(test, int)
            found[node[5]] = (test if holds else values.ANY & ~test) if signs else (test, holds)
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
        node[4]
        for node in after.function.nodes
        if node[0] == ir.CALL
        and any(one is not None and paths.base(one) == variable for one in node[5])
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
