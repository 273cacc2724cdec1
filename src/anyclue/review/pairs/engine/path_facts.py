"""Path facts: what branches teach of values along a path, kept as long as it is live."""

from __future__ import annotations

import re
from functools import cached_property

from anyclue.review.pairs.engine.control_flow import (
    slice_graph,
    strongly_connected_components,
    successors,
)
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values
from anyclue.review.pairs.ir.values import Value

Facts = dict[str, Value]
"""A path, or the text of a condition, to what is known of its value."""

MAX_FACT_SETS = 6
"""So many sets of facts are kept apart at one step; then they are joined."""

ENTRY_STEPS = 20_000
"""Where a function takes more steps to its seeds, no facts are known there."""

_LOCKS = re.compile(r"(^|_)(lock|down|trylock)(_|$)")


class PathFacts:
    """What can be known in one function, and where it still matters."""

    def __init__(self, function: ir.FunctionIR) -> None:
        self.function = function
        self.nodes = function.nodes
        self._killed: dict[str, tuple[str, ...]] = {}
        self._locked: dict[int, frozenset[str]] = {}

    @cached_property
    def loops(self) -> tuple[frozenset[int], ...]:
        """The nodes of each loop, those of the loops in it included."""
        found = strongly_connected_components([successors(node) for node in self.nodes])
        return tuple(frozenset(one) for one in found if len(one) > 1)

    @cached_property
    def in_loop(self) -> frozenset[int]:
        """Nodes that can be reached from themselves."""
        return frozenset(number for one in self.loops for number in one)

    @cached_property
    def keys(self) -> dict[str, int]:
        """What some branch or return asks for, each with a bit of its own."""
        keys: dict[str, int] = {}
        for node in self.nodes:
            kind = node[0]
            if kind == ir.BRANCH:
                for key in (node[3], node[5]):
                    keys.setdefault(key, 1 << len(keys))
            elif kind == ir.RETURN and node[3] is not None:
                keys.setdefault(node[3], 1 << len(keys))
        # What is copied into something that is asked for is asked for too.
        for _ in range(3):
            before = len(keys)
            for node in self.nodes:
                copied = node[0] in (ir.SET, ir.COPY) and node[3] in keys and node[4]
                if copied and not paths.is_constant(node[4]):
                    keys.setdefault(node[4], 1 << len(keys))
            if len(keys) == before:
                break
        return keys

    @cached_property
    def live(self) -> tuple[int, ...]:
        """For every node the bits of the keys that are asked for from there on."""
        nodes, keys = self.nodes, self.keys
        live = [0] * len(nodes)
        before: list[list[int]] = [[] for _ in nodes]
        for number, node in enumerate(nodes):
            for after in successors(node):
                before[after].append(number)
        pending = list(range(len(nodes)))
        waiting = set(pending)
        while pending:
            number = pending.pop()
            waiting.discard(number)
            node = nodes[number]
            bits = 0
            for after in successors(node):
                bits |= live[after]
            kind = node[0]
            if kind in (ir.SET, ir.COPY):
                bit = keys.get(node[3], 0)
                if bits & bit:
                    bits &= ~bit
                    if node[4] is not None:
                        bits |= keys.get(node[4], 0)
            elif kind == ir.CALL:
                bits &= ~keys.get(node[3], 0)
            elif kind == ir.BRANCH:
                bits |= keys[node[3]] | keys[node[5]]
            elif kind == ir.RETURN and node[3] is not None:
                bits |= keys[node[3]]
            if bits != live[number]:
                live[number] = bits
                for one in before[number]:
                    if one not in waiting:
                        waiting.add(one)
                        pending.append(one)
        return tuple(live)

    def restrict_to_live(self, facts: Facts, number: int) -> Facts:
        """Return the facts that are still asked for from a node on."""
        bits = self.live[number]
        keys = self.keys
        for key in facts:
            if not bits & keys.get(key, 0):
                return {key: value for key, value in facts.items() if bits & keys.get(key, 0)}
        return facts

    def killed_keys(self, place: str) -> tuple[str, ...]:
        """Return the keys whose facts a write to ``place`` ends."""
        found = self._killed.get(place)
        if found is None:
            found = tuple(
                key
                for key in self.keys
                if key == place
                or paths.reached_through(key, place)
                or (place.isidentifier() and paths.depends_on(key, place))
            )
            self._killed[place] = found
        return found

    def assign(self, facts: Facts, place: str, value: Value | None) -> Facts:
        """Return the facts after a write of ``value`` to ``place``."""
        ended = [key for key in self.killed_keys(place) if key in facts]
        ended += [
            key
            for key, known in facts.items()
            if known.__class__ is str
            and known[0] == "="
            and paths.reached_through(known[1:], place)
        ]
        known = value is not None and value != values.ANY and place in self.keys
        if not ended and not known:
            return facts
        after = dict(facts)
        for key in ended:
            after.pop(key, None)
        if known and value is not None:
            after[place] = value
        return after

    @staticmethod
    def value_of(facts: Facts, path: str | None) -> Value | None:
        """Return what is known of a path or a constant."""
        if path is None:
            return None
        if path.startswith("#"):
            return path
        known = facts.get(path)
        if isinstance(known, str) and known[0] == "=":
            return facts.get(known[1:])
        return known

    def _copied_value(self, facts: Facts, path: str | None) -> Value | None:
        """Return what a variable holds after ``path`` was put into it."""
        known = self.value_of(facts, path)
        if known is None and path is not None and path in self.keys:
            return f"={path}"
        return known

    def transfer(self, facts: Facts, node: ir.Node) -> Facts:
        """Return the facts after a SET, COPY, CALL or LOOP step."""
        kind = node[0]
        if kind == ir.SET:
            return self.assign(facts, node[3], self._copied_value(facts, node[4]))
        if kind == ir.COPY:
            return self.assign(facts, node[3], self._copied_sign(facts, node))
        if kind == ir.CALL:
            for argument in node[5]:
                if argument is not None and argument[0] == "&" and "->" not in argument:
                    facts = self.assign(facts, argument[1:], None)
            gone = self._killed_by_lock(node)
            if gone:
                facts = {key: value for key, value in facts.items() if key not in gone}
            return self.assign(facts, node[3], None)
        return facts

    def _killed_by_lock(self, node: ir.Node) -> frozenset[str]:
        """Return the keys whose facts a call that takes a lock ends.

        What was read of an object before its lock was taken is asked again behind it.
        """
        if not _LOCKS.search(node[4]):
            return frozenset()
        found = self._locked.get(node[2])
        if found is None:
            bases = {paths.base(one) for one in node[5] if one is not None} - {"#"}
            found = frozenset(
                key
                for key in self.keys
                if ("->" in key or "(" in key) and not bases.isdisjoint(paths.identifiers(key))
            )
            self._locked[node[2]] = found
        return found

    @cached_property
    def changes_facts(self) -> tuple[bool, ...]:
        """For every node whether it changes what is known."""
        return tuple(self._changes_facts(node) for node in self.nodes)

    def _changes_facts(self, node: ir.Node) -> bool:
        kind = node[0]
        if kind in (ir.SET, ir.COPY):
            return bool(self.killed_keys(node[3]))
        if kind == ir.CALL:
            if self.killed_keys(node[3]) or self._killed_by_lock(node):
                return True
            return any(
                one is not None and one[0] == "&" and "->" not in one and self.killed_keys(one[1:])
                for one in node[5]
            )
        return False

    def _copied_sign(self, facts: Facts, node: ir.Node) -> Value | None:
        value = self.value_of(facts, node[4])
        known = values.ANY if value is None else values.signs(value)
        if node[5] == "ERR_PTR":
            # ERR_PTR(0) is NULL.
            failed = values.NEGATIVE | values.ZERO
            return failed if value is None else known & ~values.POSITIVE or values.NEGATIVE
        if known in (values.NEGATIVE, values.POSITIVE):
            return known
        return None

    def assume(self, facts: Facts, number: int, holds: bool) -> Facts | None:
        """Return the facts on one side of a branch; None when it can't come out so."""
        node = self.nodes[number]
        path, test, key = node[3], node[4], node[5]
        link = facts.get(path)
        known = self.value_of(facts, path)
        after = values.narrow(known, test, holds)
        if after is None:
            return None
        keyed = None
        if key != path:
            keyed = values.narrow(facts.get(key), test, holds)
            if keyed is None:
                return None
        learned = dict(facts)
        if after != values.ANY and path in self.keys:
            learned[path] = after
            if isinstance(link, str) and link[0] == "=":
                learned[link[1:]] = after
        # In a loop the same question may be answered otherwise the next time.
        once = not node[7] and number not in self.in_loop
        if keyed is not None and keyed != values.ANY and known is None and once:
            learned[key] = keyed
        return learned

    def facts_before(self, wanted: frozenset[int]) -> dict[int, list[Facts]]:
        """Return the sets of facts with which each of these nodes is reached from the entry."""
        found: dict[int, list[Facts]] = {number: [] for number in wanted}
        seen: dict[int, list[Facts]] = {}
        slice_ = slice_graph(
            self.nodes, lambda number: number in wanted or self.changes_facts[number]
        )
        pending: list[tuple[int, Facts]] = [(slice_.following[0], {})] if self.nodes else []
        budget = ENTRY_STEPS
        while pending and budget > 0:
            number, facts = pending.pop()
            while number >= 0:
                budget -= 1 + len(facts) // 16
                if number in slice_.joins:
                    joined = join_facts(
                        seen.setdefault(number, []), self.restrict_to_live(facts, number)
                    )
                    if joined is None:
                        break
                    facts = joined
                node = self.nodes[number]
                if number in wanted and facts not in found[number]:
                    found[number].append(facts)
                if budget <= 0 or node[1] < 0:
                    break
                if node[0] == ir.BRANCH:
                    other = self.assume(facts, number, False)
                    if other is not None:
                        pending.append((slice_.following[node[6]], other))
                    on = self.assume(facts, number, True)
                    if on is None:
                        break
                    facts = on
                else:
                    facts = self.transfer(facts, node)
                number = slice_.following[node[1]]
        if budget <= 0:
            # Too much to follow: nothing is known there.
            return {number: [{}] for number in wanted}
        return found


def join_facts(seen: list[Facts], facts: Facts) -> Facts | None:
    """Note that a step is reached with ``facts``.

    Returns:
        the facts to go on with (joined with others when too many were kept apart); None when a
        path with no more knowledge has been there.
    """
    for known in seen:
        for key, value in known.items():
            have = facts.get(key)
            if have is None or (have != value and not values.covers(value, have)):
                break
        else:
            return None
    if len(seen) < MAX_FACT_SETS:
        seen.append(facts)
        return facts
    # Join it with the one that it shares most with, so that least is forgotten.
    closest = max(range(len(seen)), key=lambda one: _similarity(seen[one], facts))
    known = seen[closest]
    seen[closest] = joined = {
        key: both
        for key, value in facts.items()
        if key in known and (both := values.join(value, known[key])) != values.ANY
    }
    return joined


def _similarity(one: Facts, other: Facts) -> int:
    lost = len(one) + len(other)
    for key, value in one.items():
        if other.get(key) == value:
            lost -= 2
    return -lost
