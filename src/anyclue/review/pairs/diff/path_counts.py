"""How many releases each way through a function does: what two versions are compared by.

Nothing is assumed of who owns the resource: only calls count, so this sees a release go missing
where `walk` must give up because something else may have taken the resource over.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from anyclue.review.pairs.engine.effects import SCOPED, Does, Effect, Summary
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.path_facts import Facts, admit
from anyclue.review.pairs.engine.slices import cut
from anyclue.review.pairs.engine.trace import Trail
from anyclue.review.pairs.engine.walk import CHEAP, STEPS
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values

MOST = 3
WAYS = 120
"""Of more ways than these none is looked for that decides alike; nor where more meet."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way through a function.

    Attributes:
        kind: ``failing`` or ``other``, by the returned value; ``either`` where that is not known;
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


class Count(NamedTuple):
    """What was counted so far on a way.

    Attributes:
        net: releases less acquires.
        doubtful: a call may have released or acquired, which no result tells.
        empty: the place was set to NULL: nothing there is released any more.
    """

    net: int = 0
    doubtful: bool = False
    empty: bool = False


_Join = tuple[int, Count]


@dataclass(kw_only=True)
class Ways:
    """All ways through a function.

    Attributes:
        found: the ways; where several meet, and nothing that is asked for later tells them apart,
            only the first goes on.
        passes: for each such meeting the trails that went on.
        met: the other trails, with the meeting.
    """

    found: list[Way] = field(default_factory=list)
    passes: dict[_Join, list[Trail | None]] = field(default_factory=dict)
    met: list[tuple[_Join, Trail | None]] = field(default_factory=list)

    @cached_property
    def all(self) -> list[Way] | None:
        """The ways, with those that another one stands for; None when they are too many."""
        listed = list(self.found)
        if max(len(listed), len(self.met)) > WAYS:
            return None
        for place, before in self.met:
            for way in list(listed):
                for other in self.passes[place]:
                    rest = _behind(way.trail, other)
                    if rest:
                        trail = before
                        for number, holds in rest:
                            trail = Trail(number, holds, trail)
                        assert trail is not None  # noqa: S101 - the rest is not empty
                        listed.append(replace(way, trail=trail))
                        if len(listed) > WAYS:
                            return None
        return listed


def ways(study: FunctionAnalysis, pair: str, place: str) -> Ways | None:
    """Return the ways on from where ``place`` is set, or from the entry; None when too many."""
    return _Tally(study, pair, place).run()


class _Tally:
    def __init__(self, study: FunctionAnalysis, pair: str, place: str) -> None:
        self._study = study
        self._nodes = study.function.nodes
        self._knowledge = study.knowledge
        self._pair = pair
        self._scoped = study.callees.pairs[pair].kind in SCOPED
        self._place = study.canonical(place) if self._scoped else place
        self._about = {paths.base(place), paths.base(self._place)}
        self._ways = Ways()

    def run(self) -> Ways | None:
        if not self._nodes:
            return self._ways
        slice_ = cut(self._nodes, self._matters)
        starts = self._starts()
        befores = self._knowledge.prefixes(frozenset(one for one in starts if one >= 0))
        pending: deque[tuple[int, Count, Facts, Trail | None]] = deque()
        nothing = Count()
        for start in starts:
            if start < 0:
                pending.append((slice_.go[0], nothing, self._assumed({}), None))
                continue
            node = self._nodes[start]
            for facts in befores[start]:
                after = self._assumed(self._knowledge.stepped(facts, node))
                pending.append((slice_.go[node[1]], nothing, after, Trail(start, True, None)))
        seen: dict[_Join, list[Facts]] = {}
        budget = STEPS
        while pending:
            number, net, facts, trail = pending.popleft()
            while number >= 0:
                budget -= 1 + len(facts) // CHEAP
                if budget < 0:
                    return None
                if number in slice_.joins:
                    pruned = self._knowledge.pruned(facts, number)
                    admitted = admit(seen.setdefault((number, net), []), pruned)
                    if admitted is None:
                        self._ways.met.append(((number, net), trail))
                        break
                    self._ways.passes.setdefault((number, net), []).append(trail)
                    facts = admitted
                node = self._nodes[number]
                kind = node[0]
                if kind == ir.BRANCH:
                    for holds, target in ((True, node[1]), (False, node[6])):
                        taken = self._knowledge.taken(facts, number, holds)
                        if taken is not None:
                            step = Trail(number, holds, trail)
                            pending.append((slice_.go[target], net, taken, step))
                    break
                if kind in (ir.RETURN, ir.END):
                    self._leave(number, node, net, facts, trail)
                    break
                if node[1] < 0:
                    break
                stepped = self._stepped(number, node, net, facts, trail)
                for one in stepped[1:]:
                    pending.append((slice_.go[node[1]], *one))
                if not stepped:
                    break
                net, facts, trail = stepped[0]
                number = slice_.go[node[1]]
        return self._ways

    def _starts(self) -> list[int]:
        function = self._study.function
        local = paths.base(self._place)
        if local not in function.locals:
            return [-1]
        found = []
        iterator = []
        for number, node in enumerate(self._nodes):
            if node[0] == ir.SET and node[3] in (local, self._place):
                if node[4] is None:
                    # In a loop, and nowhere else, it may be its iterator.
                    iterator += [number] * (number in self._knowledge.repeated)
                elif not paths.is_constant(node[4]):
                    found.append(number)
            elif node[0] == ir.CALL:
                given = f"&{local}" in node[5] and not self._releases(node)
                found += [number] * (node[3] in (local, self._place) or given)
        return found or iterator or [-1]

    def _releases(self, node: ir.Node) -> bool:
        """Tell whether a contract says that a call only releases."""
        callees = self._study.callees
        summary = callees.summary(node[4]) if callees.promised(node[4]) else None
        listed = summary.effects.get(self._pair, ()) if summary is not None else ()
        return bool(listed) and all(one.does in (Does.RELEASE, Does.CONSUME) for one in listed)

    def _assumed(self, facts: Facts) -> Facts:
        if not self._scoped and self._place in self._knowledge.keys:
            return facts | {self._place: values.POSITIVE}
        return facts

    def _matters(self, number: int) -> bool:
        node = self._nodes[number]
        kind = node[0]
        if kind == ir.CALL:
            summary = self._study.callees.summary(node[4])
            if summary is not None and (summary.stops or self._pair in summary.effects):
                return True
        if kind in (ir.CALL, ir.SET) and paths.base(node[3]) in self._about:
            return True
        return self._knowledge.touched[number]

    def _stepped(
        self, number: int, node: ir.Node, net: Count, facts: Facts, trail: Trail | None
    ) -> list[tuple[Count, Facts, Trail | None]]:
        after = self._knowledge.stepped(facts, node)
        changed = [(net, values.ANY, trail)]
        if node[0] == ir.CALL:
            summary = self._study.callees.summary(node[4])
            if summary is not None:
                if summary.stops:
                    return []
                for effect in summary.effects.get(self._pair, ()):
                    path = self._named(effect.place, node)
                    if path != self._place or effect.place == "$ret":
                        continue
                    if effect.does == Does.ACQUIRE and self._for_another(summary, node):
                        continue
                    by = {Does.ACQUIRE: -1, Does.DOWNGRADE: 0}.get(effect.does, 1)
                    if by < 0 or not net.empty:
                        changed = _counted(changed, by, effect, number)
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
                self._knowledge.written(after, node[3], when) if when != values.ANY else after,
                way,
            )
            for count, when, way in changed
        ]

    def _for_another(self, summary: Summary, node: ir.Node) -> bool:
        """Tell whether the reference that a call takes is kept under another name."""
        result = node[3]
        return 0 in summary.passes and result[0] != "%" and result != self._place

    def _named(self, template: str, node: ir.Node) -> str | None:
        path = paths.substitute(template, node[5], node[3])
        if path is None:
            return None
        if self._scoped:
            return self._study.canonical(path)
        return self._study.containers.get(path, path)

    def _leave(
        self, number: int, node: ir.Node, net: Count, facts: Facts, trail: Trail | None
    ) -> None:
        owner = paths.base(self._place)
        if owner != self._place and facts.get(owner) == values.ZERO:
            return  # what it would hang on is NULL here
        if self._place in self._study.function.automatic and not net.empty:
            net = net._replace(net=net.net + 1)
        value = self._knowledge.value_of(facts, node[3]) if node[0] == ir.RETURN else None
        signs = values.ANY if value is None else values.signs(value)
        returns = self._study.function.returns
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

    def _end(self, kind: str, value: str, count: Count, trail: Trail) -> None:
        way = Way(kind=kind, value=value, net=count.net, doubtful=count.doubtful, trail=trail)
        self._ways.found.append(way)


def _behind(trail: Trail, first: Trail | None) -> list[tuple[int, bool]] | None:
    """Return the steps of a trail behind an earlier part of it; None when that is no part."""
    steps = []
    step: Trail | None = trail
    while step is not None and step is not first:
        steps.append((step.node, step.holds))
        step = step.before
    return steps[::-1] if step is first else None


def _counted(
    states: list[tuple[Count, int, Trail | None]], by: int, effect: Effect, number: int
) -> list[tuple[Count, int, Trail | None]]:
    """Return the counts after an effect that happens for some results of a call only."""
    found: list[tuple[Count, int, Trail | None]] = []
    for count, known, trail in states:
        step = Trail(number, True, trail)
        doubtful = count.doubtful or effect.sometimes
        if known & effect.when:
            net = max(-MOST, min(MOST, count.net + by))
            found.append((Count(net, doubtful, count.empty), known & effect.when, step))
        rest = known if effect.sometimes else known & effect.unless
        if rest:
            found.append((count._replace(doubtful=doubtful), rest, step))
    return found
