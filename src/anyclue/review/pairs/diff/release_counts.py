"""Releases counted on the ways through two versions of a function."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
from anyclue.review.pairs.model import Confidence

MOST = 3
MAX_PATHS = 120
"""Of more ways than these none is looked for that decides alike; nor where more meet."""


@dataclass(frozen=True, kw_only=True)
class PathCount:
    """One way through a function.

    Attributes:
        kind: ``is_error_exit`` or ``other``, by the returned value; ``either`` where that is not known;
            ``any`` where nothing is returned; ``next`` where the variable is set anew.
        value: the returned value's text, when it is a constant.
        net: releases less acquires on it.
        doubtful: a call on it may have released or acquired, which no result tells.
        trail: the way.
    """

    kind: str
    value: str
    net: int
    doubtful: bool = False
    trail: Trail


class ReleaseCount(NamedTuple):
    """What was counted so far on a way.

    Attributes:
        net: releases less acquires.
        doubtful: a call may have released or acquired, which no result tells.
        empty: the place was set to NULL: nothing there is released any more.
    """

    net: int = 0
    doubtful: bool = False
    empty: bool = False


_Join = tuple[int, ReleaseCount]


@dataclass(kw_only=True)
class PathCounts:
    """All ways through a function.

    Attributes:
        found: the ways; where several meet, and nothing that is asked for later tells them apart,
            only the first goes on.
        passes: for each such meeting the trails that went on.
        met: the other trails, with the meeting.
    """

    found: list[PathCount] = field(default_factory=list)
    passes: dict[_Join, list[Trail | None]] = field(default_factory=dict)
    met: list[tuple[_Join, Trail | None]] = field(default_factory=list)

    @cached_property
    def all(self) -> list[PathCount] | None:
        """The ways, with those that another one stands for; None when they are too many."""
        listed = list(self.found)
        if max(len(listed), len(self.met)) > MAX_PATHS:
            return None
        for place, before in self.met:
            for way in list(listed):
                for other in self.passes[place]:
                    rest = _suffix_after(way.trail, other)
                    if rest:
                        trail = before
                        for number, holds in rest:
                            trail = Trail(number, holds, trail)
                        assert trail is not None  # noqa: S101 - the rest is not empty
                        listed.append(replace(way, trail=trail))
                        if len(listed) > MAX_PATHS:
                            return None
        return listed


def count_paths(analysis: FunctionAnalysis, pair: str, place: str) -> PathCounts | None:
    """Return the ways on from where ``place`` is set, or from the entry; None when too many."""
    return _PathCounter(analysis, pair, place).run()


class _PathCounter:
    def __init__(self, analysis: FunctionAnalysis, pair: str, place: str) -> None:
        self._analysis = analysis
        self._nodes = analysis.function.nodes
        self._path_facts = analysis.path_facts
        self._pair = pair
        self._scoped = analysis.callees.pairs[pair].kind in SCOPED
        self._place = analysis.canonical(place) if self._scoped else place
        self._about = {paths.base(place), paths.base(self._place)}
        self._ways = PathCounts()

    def run(self) -> PathCounts | None:
        if not self._nodes:
            return self._ways
        slice_ = slice_graph(self._nodes, self._is_relevant)
        starts = self._starts()
        befores = self._path_facts.facts_before(frozenset(one for one in starts if one >= 0))
        pending: deque[tuple[int, ReleaseCount, Facts, Trail | None]] = deque()
        nothing = ReleaseCount()
        for start in starts:
            if start < 0:
                pending.append((slice_.following[0], nothing, self._assumed({}), None))
                continue
            node = self._nodes[start]
            for facts in befores[start]:
                after = self._assumed(self._path_facts.transfer(facts, node))
                pending.append(
                    (slice_.following[node[1]], nothing, after, Trail(start, True, None))
                )
        seen: dict[_Join, list[Facts]] = {}
        budget = STEPS
        while pending:
            number, net, facts, trail = pending.popleft()
            while number >= 0:
                budget -= 1 + len(facts) // CHEAP
                if budget < 0:
                    return None
                if number in slice_.joins:
                    pruned = self._path_facts.restrict_to_live(facts, number)
                    joined = join_facts(seen.setdefault((number, net), []), pruned)
                    if joined is None:
                        self._ways.met.append(((number, net), trail))
                        break
                    self._ways.passes.setdefault((number, net), []).append(trail)
                    facts = joined
                node = self._nodes[number]
                kind = node[0]
                if kind == ir.BRANCH:
                    for holds, target in ((True, node[1]), (False, node[6])):
                        taken = self._path_facts.assume(facts, number, holds)
                        if taken is not None:
                            step = Trail(number, holds, trail)
                            pending.append((slice_.following[target], net, taken, step))
                    break
                if kind in (ir.RETURN, ir.END):
                    self._leave(number, node, net, facts, trail)
                    break
                if node[1] < 0:
                    break
                stepped = self._stepped(number, node, net, facts, trail)
                for one in stepped[1:]:
                    pending.append((slice_.following[node[1]], *one))
                if not stepped:
                    break
                net, facts, trail = stepped[0]
                number = slice_.following[node[1]]
        return self._ways

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
        if kind in (ir.CALL, ir.SET) and paths.base(node[3]) in self._about:
            return True
        return self._path_facts.changes_facts[number]

    def _stepped(
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
                    path = self._named(effect.place, node)
                    if path != self._place or effect.place == "$ret":
                        continue
                    if effect.kind == EffectKind.ACQUIRE and self._acquires_other_name(summary, node):
                        continue
                    by = {EffectKind.ACQUIRE: -1, EffectKind.DOWNGRADE: 0}.get(effect.kind, 1)
                    if by < 0 or not net.empty:
                        changed = _after_effect(changed, by, effect, number)
        if node[0] == ir.SET and node[4] == "#0" and paths.reached_through(self._place, node[3]):
            return [(net._replace(empty=True), after, trail)]
        if node[0] in (ir.SET, ir.CALL) and paths.reached_through(self._place, node[3]):
            # Set anew: what it held is counted so far.
            if trail is None or trail.node != number or trail.before is not None:
                for count, _, way in changed:
                    self._end("next", "", count, Trail(number, True, way))
            return []
        return [
            (
                count,
                self._path_facts.written(after, node[3], when) if when != values.ANY else after,
                way,
            )
            for count, when, way in changed
        ]

    def _acquires_other_name(self, summary: Summary, node: ir.Node) -> bool:
        """Tell whether the reference that a call takes is kept under another name."""
        result = node[3]
        return 0 in summary.passes and result[0] != "%" and result != self._place

    def _named(self, template: str, node: ir.Node) -> str | None:
        path = paths.substitute(template, node[5], node[3])
        if path is None:
            return None
        if self._scoped:
            return self._analysis.canonical(path)
        return self._analysis.containers.get(path, path)

    def _leave(
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
            kind = "any"
        elif signs == values.ANY:
            kind = "either"
        elif returns == "pointer":
            kind = "failing" if not signs & values.POSITIVE else "other"
        else:
            kind = "failing" if signs & values.NEGATIVE and not signs & values.ZERO else "other"
        text = value if isinstance(value, str) else ""
        self._end(kind, text, net, Trail(number, True, trail))

    def _end(self, kind: str, value: str, count: ReleaseCount, trail: Trail) -> None:
        way = PathCount(kind=kind, value=value, net=count.net, doubtful=count.doubtful, trail=trail)
        self._ways.found.append(way)


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
        doubtful = count.doubtful or effect.uncertain
        if known & effect.when:
            net = max(-MOST, min(MOST, count.net + by))
            found.append((ReleaseCount(net, doubtful, count.empty), known & effect.when, step))
        rest = known if effect.uncertain else known & effect.unless
        if rest:
            found.append((count._replace(doubtful=doubtful), rest, step))
    return found


Place = tuple[str, str]
"""A pair's name and the path of a resource."""


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


def _decisions(way: PathCount, analysis: FunctionAnalysis) -> dict[str, object]:
    """Return what each branch of a way found, however the source words the question."""
    nodes = analysis.function.nodes
    found: dict[str, object] = {}
    for number, holds in way.trail.forward():
        node = nodes[number]
        if node[0] == ir.BRANCH:
            test = node[4]
            signs = isinstance(test, int)
            found[node[5]] = (test if holds else values.ANY & ~test) if signs else (test, holds)
    return found


def _same_decisions(
    old: Sequence[PathCount], new: PathCount, before: FunctionAnalysis, after: FunctionAnalysis
) -> list[PathCount]:
    """Return the old ways that decide as the new one does wherever it decides."""
    wanted = _decisions(new, after)
    found = []
    for one in old:
        had = _decisions(one, before)
        if _may_return_alike(one, new) and all(had.get(key) == holds for key, holds in wanted.items()):
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
) -> tuple[PathCount, Confidence, str] | None:
    """Return a way that releases less often than such ways did, how sure, and why.

    Args:
        old: the ways of the old version.
        new: the ways of the new one.
        before: the old version.
        after: the new one.
        lost: one of the calls that released it is there less often.
    """
    sure = [one for one in new.found if not one.doubtful]
    if old.all is not None and len(sure) <= MAX_PATHS:
        for one in sure:
            same = _same_decisions(old.all, one, before, after)
            if same and one.net < min(two.net for two in same):
                return one, Confidence.MEDIUM, "before the change the same way out released it"
    for fine in (False, True):
        for (kind, value), listed in _by_kind(new.found, fine=fine).items():
            like = [
                one
                for one in old.found
                if _may_return_alike(one, listed[0]) and (not fine or one.value in (value, ""))
            ]
            certain = [one for one in like if not one.doubtful] or like
            least = min(listed, key=lambda one: (one.doubtful, one.net))
            if like and not least.doubtful and least.net < min(one.net for one in certain):
                reason = "before the change every such way out released it"
                return least, Confidence.MEDIUM, reason
            had = [one.net for one in like if one.kind == kind and (not fine or one.value == value)]
            top, most = max(one.net for one in listed), max(had, default=-MOST)
            if lost and top < most and (most == 1 or top <= 0 < most):
                reason = "before the change some such way out released it"
                return least, Confidence.LOW, reason
    return None


def _may_return_alike(old: PathCount, new: PathCount) -> bool:
    """Tell whether two ways out may report the same."""
    kinds = {old.kind, new.kind}
    return len(kinds) == 1 or ("either" in kinds and kinds <= {"either", "failing", "other"})


def more_releases(old: PathCounts, new: PathCounts) -> PathCount | None:
    """Return a way that releases twice, where none of its kind did."""
    sure = [one for one in new.found if not one.doubtful]
    ever = max(one.net for one in old.found)
    acquires = any(one.net < 0 for one in old.found)
    for listed in _by_kind(sure, fine=False).values():
        counts = {one.net for one in old.found if _may_return_alike(one, listed[0])}
        most = max(listed, key=lambda one: one.net)
        if counts and most.net > ever and (most.net > 1 or (acquires and counts == {0})):
            return most
    return None


def _by_kind(listed: Sequence[PathCount], *, fine: bool) -> dict[tuple[str, str], list[PathCount]]:
    found: dict[tuple[str, str], list[PathCount]] = {}
    for one in listed:
        found.setdefault((one.kind, one.value if fine else ""), []).append(one)
    return found
