"""Follows one resource through one function to a fixpoint, along every path that differs for it.

The state of the resource is kept apart exactly; what branches taught is joined when too much of it
differs (property simulation: Das, Lerner and Seigle, "ESP", PLDI 2002).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from anyclue.review.pairs.contracts.model import PairKind
from anyclue.review.pairs.engine.aliases import AliasSet, is_alias, possible_aliases
from anyclue.review.pairs.engine.control_flow import slice_graph
from anyclue.review.pairs.engine.effects import Callees, Effect, EffectKind
from anyclue.review.pairs.engine.escape import SPARSE_ANNOTATIONS, CallEscape
from anyclue.review.pairs.engine.path_facts import Facts, PathFacts, join_facts
from anyclue.review.pairs.engine.trace import (
    ExitKind,
    ResourceState,
    Seed,
    Trace,
    TraceEvent,
    Trail,
)
from anyclue.review.pairs.engine.transfer import CallTransfer, EffectTransfer, PathState, mode_of
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values

STEPS = 6_000
"""A resource is followed for so many steps in one function; then the function is not judged."""
CHEAP = 128
"""So many facts are carried along for nothing; with more, a step counts for more."""


class Walk:
    """Follows one seed.

    Args:
        path_facts: what can be known in the function.
        callees: what the functions that it calls do.
        seed: the resource.
        canonical: gives a path without the locals that only stand for others.
        facts_before: the sets of facts with which the seed's node is reached.
    """

    def __init__(
        self,
        path_facts: PathFacts,
        callees: Callees,
        seed: Seed,
        canonical: Callable[[str], str],
        facts_before: Sequence[Facts] = (),
    ) -> None:
        self._path_facts = path_facts
        self._function = path_facts.function
        self._nodes = path_facts.nodes
        self._callees = callees
        self._seed = seed
        self._pair = seed.pair
        self._scoped = seed.scoped
        self._facts_before = facts_before
        self._trace = Trace(seed=seed)
        self._variables = possible_aliases(self._nodes, seed, canonical, by_calls=not self._scoped)
        owners = frozenset[str]()
        if self._scoped and not seed.place.startswith(("&", "@")):
            owners = possible_aliases(self._nodes, seed, canonical, by_calls=True) - {
                paths.base(seed.place)
            }
        self._aliases = AliasSet(self._function, seed, self._trace)
        self._calls = CallTransfer(
            path_facts,
            callees,
            seed,
            self._trace,
            self._aliases,
            EffectTransfer(seed, self._trace, canonical),
            CallEscape(callees, seed, self._trace, canonical, owners),
        )
        self._array_release_loops = array_release_loops(path_facts, callees, seed)
        self._slice = slice_graph(self._nodes, self._is_relevant)
        self._pending: deque[tuple[int, ResourceState, Facts, Trail | None]] = deque()
        self._seen: dict[tuple[int, ResourceState], list[Facts]] = {}
        self._budget = STEPS

    def run(self) -> Trace:
        """Return what happens to the resource on every path."""
        for number, start in self._starts():
            self._push(number, start)
        # The shortest paths first: they are the ones to be shown.
        while self._pending and self._budget >= 0:
            self._follow(*self._pending.popleft())
        self._trace.complete = self._budget >= 0
        return self._trace

    def _push(self, number: int, start: PathState) -> None:
        """Have a path followed later, from the first relevant step on."""
        self._pending.append((self._slice.following[number] if number >= 0 else -1, *start))

    def _follow(self, number: int, state: ResourceState, facts: Facts, trail: Trail | None) -> None:
        """Follow a path until it ends or divides."""
        following, joins, nodes = self._slice.following, self._slice.joins, self._nodes
        while number >= 0:
            self._budget -= 1 + len(facts) // CHEAP
            if self._budget < 0:
                return
            if number in joins:
                joined = join_facts(
                    self._seen.setdefault((number, state), []),
                    self._path_facts.restrict_to_live(facts, number),
                )
                if joined is None:
                    return
                facts = joined
            node = nodes[number]
            after = self._step(number, node, state, facts, trail)
            if after is None:
                return
            state, facts, trail = after
            number = following[node[1]]

    def _step(
        self, number: int, node: ir.Node, state: ResourceState, facts: Facts, trail: Trail | None
    ) -> PathState | None:
        """Take one step; None when the path ends here, or divides."""
        kind = node[0]
        if kind == ir.BRANCH:
            return self._branch(number, node, state, facts, trail)
        if kind == ir.CALL:
            after = self._calls.apply(number, node, state, facts, trail)
            for one in after[1:]:
                self._push(node[1], one)
            return after[0] if after else None
        if kind in (ir.SET, ir.COPY):
            # ERR_PTR(err) is another pointer than the one that was there.
            value = node[4] if kind == ir.SET else None
            assigned = self._aliases.assign(number, node[3], value, state, trail)
            if assigned is None:
                return None
            return assigned, self._path_facts.transfer(facts, node), trail
        return (state, facts, trail) if self._continues(number, node, state, facts, trail) else None

    def _branch(
        self, number: int, node: ir.Node, state: ResourceState, facts: Facts, trail: Trail | None
    ) -> PathState | None:
        """Return the only side that a path can take; None when it divides, or takes the other."""
        if number in self._array_release_loops and state.held:
            # It is one of the elements that the loop releases, in whichever iteration.
            self._trace.add_exit(ExitKind.ESCAPED, number, state, trail)
            return None
        other = self._path_facts.assume(facts, number, False)
        on = None
        if not self._differs(node, state):
            on = self._path_facts.assume(facts, number, True)
        if other is not None:
            self._push(node[6], (state, other, Trail(number, False, trail)))
        if on is None:
            return None
        taken = (state, on, Trail(number, True, trail))
        if other is not None:
            self._push(node[1], taken)
            return None
        return taken

    def _differs(self, node: ir.Node, state: ResourceState) -> bool:
        """Tell whether a branch compares the resource with something that it can't be."""
        sides = paths.equality_operands(node[5])
        if sides is None or self._scoped or self._seed.node < 0:
            return False
        for one, other in (sides, sides[::-1]):
            known = other in state.aliases or other in state.derived
            alone = self._pair.kind == PairKind.MEMORY or other.startswith("&")
            if one in state.aliases and alone and not known:
                return True
        return False

    def _continues(
        self, number: int, node: ir.Node, state: ResourceState, facts: Facts, trail: Trail | None
    ) -> bool:
        """Take a step that changes nothing; tell whether the path goes on behind it."""
        kind = node[0]
        if kind in (ir.RETURN, ir.END):
            self._exit(number, node, state, facts, trail)
            return False
        if kind == ir.ESCAPE and not self._scoped and is_alias(node[3], state):
            self._trace.add_exit(ExitKind.ESCAPED, number, state, trail)
            return False
        gone = kind == ir.USE and not state.held and node[3] in state.aliases
        if gone and self._pair.use_after_release:
            self._trace.add_incident(TraceEvent.USE, number, state, trail)
            return False
        return bool(kind != ir.STOP)

    def _exit(
        self, number: int, node: ir.Node, state: ResourceState, facts: Facts, trail: Trail | None
    ) -> None:
        """Note how the resource stands where the function ends."""
        path = node[3] if node[0] == ir.RETURN else None
        known = self._path_facts.value_of(facts, path)
        result = values.ANY if known is None else values.signs(known)
        value = known if isinstance(known, str) else ""
        if not state.held:
            kind = ExitKind.RELEASED
            if state.aliases & self._function.automatic:
                # The end of its scope releases it once more.
                self._trace.add_incident(TraceEvent.DOUBLE, number, state, trail)
        elif path is not None and (
            path in state.aliases if self._scoped else is_alias(path, state)
        ):
            kind = ExitKind.RETURNED
        elif state.aliases & self._function.automatic:
            kind = ExitKind.RELEASED
        else:
            kind = ExitKind.HELD
        self._trace.add_exit(kind, number, state, trail, result=result, value=value)

    def _is_relevant(self, number: int) -> bool:
        """Tell whether a step can change the resource, or what is known."""
        node = self._nodes[number]
        kind = node[0]
        names = self._variables
        if kind in (ir.ESCAPE, ir.USE):
            return paths.base(node[3]) in names
        if kind == ir.CALL:
            is_relevant = self._may_change(node)
        else:
            is_relevant = kind in (ir.SET, ir.COPY) and (
                paths.base(node[3]) in names
                or (kind == ir.SET and node[4] is not None and paths.base(node[4]) in names)
            )
        return is_relevant or number == self._seed.node or self._path_facts.changes_facts[number]

    def _may_change(self, node: ir.Node) -> bool:
        """Tell whether a call can change the resource."""
        name = node[4]
        summary = self._callees.summary(name)
        if summary is not None and (summary.noreturn or self._pair.name in summary.effects):
            return True
        names = self._variables
        return (
            name in SPARSE_ANNOTATIONS
            or paths.base(node[3]) in names
            or any(one is not None and paths.base(one) in names for one in node[5])
        )

    def _starts(self) -> Iterator[tuple[int, PathState]]:
        """Return where the resource is followed from: the step, and how it stands there."""
        seed = self._seed
        stored = not self._scoped and not self._aliases.is_local(seed.place)
        state = ResourceState(
            held=True,
            extra_references=0,
            aliases=frozenset((seed.place,)),
            derived=frozenset(),
            nested=(),
            mode="",
            stored=stored,
            may_escape=False,
            borrowed=False,
        )
        if seed.node < 0:
            facts: Facts = {}
            if not self._scoped and seed.place in self._path_facts.keys:
                facts = {seed.place: values.POSITIVE}
            yield 0, (state, facts, None)
            return
        node = self._nodes[seed.node]
        for before in self._facts_before:
            if seed.from_entry:
                yield node[1], (state, self._path_facts.transfer(before, node), None)
                continue
            acquired = self._acquired(node, state, before)
            yield node[1], (*acquired, Trail(seed.node, True, None))

    def _acquired(
        self, node: ir.Node, state: ResourceState, facts: Facts
    ) -> tuple[ResourceState, Facts]:
        """Return how the resource stands behind the call that acquires it."""
        effect = self._seed.effect
        result, arguments = node[3], node[5]
        facts = self._path_facts.transfer(facts, node)
        when = effect.when if effect is not None else values.POSITIVE
        if when != values.ANY:
            facts = self._path_facts.assign(facts, result, when)
        place = self._seed.place
        if not self._scoped and place != result:
            facts = self._path_facts.assign(facts, place, values.POSITIVE)
        mode = mode_of(effect, arguments, facts) if effect is not None else ""
        derived = frozenset[str]()
        if effect is not None and effect.place == "$ret" and not self._scoped:
            summary = self._callees.summary(node[4])
            passed = summary.passes if summary is not None else ()
            derived = frozenset(a for i, a in enumerate(arguments) if i in passed and a is not None)
        if effect is not None and effect.place != "$ret" and not result.startswith("%"):
            derived = derived | {result} if not self._scoped and when == values.ANY else derived
        return state._replace(mode=mode, derived=derived), facts


def array_release_loops(path_facts: PathFacts, callees: Callees, seed: Seed) -> frozenset[int]:
    """Return the conditions of loops that release an array's elements and acquire none.

    None for a resource that is no element of an array.
    """
    if "[]" not in seed.place:
        return frozenset()
    found: set[int] = set()
    for loop in path_facts.loops:
        nodes = {number: path_facts.nodes[number] for number in loop}
        kinds = {one.kind for node in nodes.values() for one in _effects(node, callees, seed)}
        if EffectKind.RELEASE in kinds and EffectKind.ACQUIRE not in kinds:
            found |= {number for number, node in nodes.items() if node[0] == ir.BRANCH and node[7]}
    return frozenset(found)


def _effects(node: ir.Node, callees: Callees, seed: Seed) -> list[Effect]:
    """Return what a step does to an element."""
    summary = callees.summary(node[4]) if node[0] == ir.CALL else None
    if summary is None:
        return []
    return [
        effect
        for effect in summary.effects.get(seed.pair.name, ())
        if paths.substitute(effect.place, node[5], node[3]) == seed.place
    ]
