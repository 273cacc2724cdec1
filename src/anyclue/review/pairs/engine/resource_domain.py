"""The domain of one resource: who holds it, and how it fares on every path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from anyclue.review.pairs.contracts.model import PairKind
from anyclue.review.pairs.engine.aliases import AliasSet, is_alias
from anyclue.review.pairs.engine.def_use import DefUse
from anyclue.review.pairs.engine.effects import Callees, Effect, EffectKind
from anyclue.review.pairs.engine.escape import CallEscape
from anyclue.review.pairs.engine.explorer import Domain, PathPoint, Sides, explore
from anyclue.review.pairs.engine.path_facts import Facts, PathFacts
from anyclue.review.pairs.engine.slice import slice_of
from anyclue.review.pairs.engine.step_table import StepTable
from anyclue.review.pairs.engine.trace import (
    ExitKind,
    ResourceState,
    Seed,
    Trace,
    TraceEvent,
)
from anyclue.review.pairs.engine.trail import Trail
from anyclue.review.pairs.engine.transfer import (
    CallTransfer,
    EffectTransfer,
    ResourcePoint,
    mode_of,
)
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values

_APART = (PairKind.MEMORY, PairKind.MAPPING)
"""Kinds whose address nothing else has."""


class ResourceDomain(Domain[ResourceState]):
    """Follows one seed.

    Args:
        path_facts: what can be known in the function.
        def_use: its variables.
        table: its steps.
        seed: the resource.
        canonical: gives a path without the locals that only stand for others.
        facts_before: the sets of facts with which the seed's step is reached.
        until_unbalanced: nobody asks for more than whether it is balanced.
    """

    def __init__(
        self,
        path_facts: PathFacts,
        def_use: DefUse,
        table: StepTable,
        seed: Seed,
        canonical: Callable[[str], str],
        facts_before: Sequence[Facts] = (),
        *,
        until_unbalanced: bool = False,
    ) -> None:
        self._path_facts = path_facts
        self._function = path_facts.function
        self._steps = path_facts.steps
        self._def_use = def_use
        callees = table.callees
        self._table = table
        self._callees = callees
        self._effective = table.effective(seed.pair.name)
        self._involved = table.involved(seed.pair.name)
        self._seed = seed
        self._pair = seed.pair
        self._scoped = seed.scoped
        self._facts_before = facts_before
        self._until_unbalanced = until_unbalanced
        self._trace = Trace(seed=seed)
        names = paths.identifiers(canonical(seed.place)) | paths.identifiers(seed.place)
        names = names.union(*map(paths.identifiers, seed.also))
        self._variables = def_use.reached_from(names, by_calls=not self._scoped)
        owners = frozenset[str]()
        if self._scoped and not seed.place.startswith(("&", "@")):
            owners = def_use.reached_from(names, by_calls=True) - {paths.base(seed.place)}
        self._aliases = AliasSet(self._function, def_use, seed, self._trace)
        self._calls = CallTransfer(
            path_facts,
            callees,
            seed,
            self._trace,
            self._aliases,
            EffectTransfer(seed, self._trace, canonical),
            CallEscape(callees, seed, self._trace, canonical, owners),
        )
        self._results = def_use.results
        self._named = table.named(scoped=seed.scoped)
        self._bases_of: ResourceState | None = None
        self._bases = frozenset[str]()
        self._array_release_loops = array_release_loops(path_facts, callees, seed)

    def trace(self) -> Trace:
        """Return what happens to the resource on every path."""
        starts = list(self._starts())
        within = self._path_facts.control_flow.reachable_from(
            [number for number, _ in starts if number >= 0]
        )
        slice_ = slice_of(
            self._path_facts, self._relevant(), within=within, asked=(self._seed.place,)
        )
        self._trace.complete = explore(self._path_facts, slice_, self, starts)
        return self._trace

    def is_surely_unbalanced(self) -> bool:
        """Tell whether a way out is reached past all that could release the resource.

        Whatever else may become of it on that path would leave it unbalanced too.
        """
        steps, assume = self._steps, self._path_facts.assume
        avoided = self._effective | self._table.movers
        for start, point in self._starts():
            seen: set[int] = set()
            pending = [start]
            while pending:
                number = pending.pop()
                if number in seen or number in avoided:
                    continue
                seen.add(number)
                step = steps[number]
                if step.ends:
                    if not isinstance(step, ir.StopStep):
                        return True
                elif not isinstance(step, ir.BranchStep):
                    pending += [step.next] if self._path_facts.change_at(number) is None else []
                elif paths.equality_operands(step.key) is None:
                    fails = assume(point.facts, number, False)
                    holds = assume(point.facts, number, True)
                    if fails is point.facts is holds:
                        pending += (step.next, step.otherwise)
                    elif (fails is None) is not (holds is None):
                        # What is known later is no more than that.
                        pending.append(step.next if fails is None else step.otherwise)
        return False

    def _relevant(self) -> Iterator[int]:
        """Return the steps that can change the resource."""
        naming = self._def_use.naming
        for name in self._variables:
            yield from naming.get(name, ())
        yield from self._effective
        yield from self._array_release_loops

    def is_idle(self, number: int, state: ResourceState) -> bool:
        """Tell whether a step names nothing that leads to the resource, nor has an effect on it."""
        if number in self._involved:
            return False
        if state is not self._bases_of:
            self._bases_of = state
            self._bases = frozenset(map(paths.base, state.aliases | state.derived))
        names = self._named[number]
        return names is not None and names.isdisjoint(self._bases) and "" not in self._bases

    def transfer(self, number: int, step: ir.Step, point: ResourcePoint) -> Sequence[ResourcePoint]:
        """Return where paths go on behind a step."""
        if isinstance(step, ir.CallStep):
            return self._calls.apply(number, step, point)
        state, facts, trail = point
        if isinstance(step, (ir.AssignStep, ir.SignCopyStep)):
            # ERR_PTR(err) is another pointer than the one that was there.
            value = step.value if isinstance(step, ir.AssignStep) else None
            assigned = self._aliases.assign(number, step.place, value, state, trail)
            if assigned is None:
                return ()
            learned = self._path_facts.transfer(facts, number)
            if value is not None and step.place in assigned.aliases | assigned.derived:
                learned = self._path_facts.assign(learned, step.place, values.POSITIVE)
            if assigned is state and learned is facts:
                return (point,)
            return (PathPoint(assigned, learned, trail),)
        if isinstance(step, ir.EscapeStep) and not self._scoped and is_alias(step.path, state):
            self._trace.add_exit(ExitKind.ESCAPED, number, state, trail)
            return ()
        gone = isinstance(step, ir.UseStep) and not state.held and step.path in state.aliases
        if gone and self._pair.use_after_release:
            self._trace.add_incident(TraceEvent.USE, number, state, trail)
            return ()
        return (point,)

    def is_decided(self) -> bool:
        """Tell whether more paths tell no more of what is asked for."""
        return self._until_unbalanced and not self._trace.may_be_balanced

    def sides(
        self, number: int, step: ir.BranchStep, state: ResourceState, trail: Trail | None
    ) -> Sides:
        """Return the sides of a branch that a path may take for what the resource is."""
        if number in self._array_release_loops and state.held:
            # It is one of the elements that the loop releases, in whichever iteration.
            self._trace.add_exit(ExitKind.ESCAPED, number, state, trail)
            return Sides.NONE
        if self._differs(step, state):
            return Sides.OTHERWISE
        return self._pointer_sides(step, state)

    def _pointer_sides(self, step: ir.BranchStep, state: ResourceState) -> Sides:
        """Return the sides that are left where a branch asks what the resource itself is.

        It is there, so that a name that holds it, or leads to one that does, is neither NULL nor an
        error, nor a constant.
        """
        if self._scoped or "[]" in step.path:
            return Sides.BOTH
        if step.path in state.derived:
            constant = isinstance(step.test, str) and not step.test.startswith("#-")
            known = constant or step.path not in self._results
        else:
            known = step.path in state.aliases or (
                step.path.isidentifier()
                and any(one.startswith(f"{step.path}->") for one in state.aliases | state.derived)
            )
        if not known:
            return Sides.BOTH
        if isinstance(step.test, str):
            return Sides.OTHERWISE
        return Sides.NEXT if step.test & values.POSITIVE else Sides.OTHERWISE

    def _differs(self, step: ir.BranchStep, state: ResourceState) -> bool:
        """Tell whether a branch compares the resource with something that it can't be."""
        if self._scoped or self._seed.step < 0:
            return False
        left, equal, right = step.key.partition("==")
        if not equal or "=" in right:
            return False
        held = {paths.base(name) for name in state.aliases | state.derived}
        for one, other in ((left, right), (right, left)):
            known = other in state.aliases or other in state.derived
            known = known or ("(" in other and not held.isdisjoint(paths.identifiers(other)))
            alone = self._pair.kind in _APART or other.startswith("&")
            is_it = one in state.aliases or (one in state.derived and one not in self._results)
            if is_it and alone and not known:
                return True
        return False

    def leave(self, number: int, step: ir.Step, point: ResourcePoint) -> None:
        """Note how the resource stands where the function ends."""
        state, facts, trail = point
        path = step.value if isinstance(step, ir.ReturnStep) else None
        known = self._path_facts.value_of(facts, path)
        result = values.ANY if known is None else values.signs(known)
        value = known if isinstance(known, str) else ""
        if not state.held:
            kind = ExitKind.RELEASED
        elif path is not None and (
            path in state.aliases if self._scoped else is_alias(path, state)
        ):
            kind = ExitKind.RETURNED
        else:
            kind = ExitKind.HELD
        self._trace.add_exit(kind, number, state, trail, result=result, value=value)

    def _starts(self) -> Iterator[tuple[int, ResourcePoint]]:
        """Return where the resource is followed from: the step, and how it stands there."""
        seed = self._seed
        places = {seed.place, *seed.also}
        stored = not self._scoped and not all(self._aliases.is_local(one) for one in places)
        state = ResourceState(
            held=True,
            extra_references=0,
            aliases=frozenset(places),
            derived=frozenset(),
            nested=(),
            mode="",
            stored=stored,
            may_escape=False,
            borrowed=False,
        )
        if seed.step < 0:
            facts: Facts = {}
            if not self._scoped and seed.place in self._path_facts.keys:
                facts = {seed.place: values.POSITIVE}
            yield 0, PathPoint(state, facts, None)
            return
        step = self._steps[seed.step]
        for before in self._facts_before:
            if self._is_of_no_size(step, before):
                continue
            if seed.from_entry or not isinstance(step, ir.CallStep):
                after = self._path_facts.transfer(before, seed.step)
                yield step.next, PathPoint(state, after, None)
                continue
            acquired = self._acquired(step, state, before)
            yield step.next, PathPoint(*acquired, Trail(seed.step, True, None))

    def _is_of_no_size(self, step: ir.Step, facts: Facts) -> bool:
        """Tell whether memory for no bytes is asked for: there is none to be freed then."""
        return (
            self._pair.kind is PairKind.MEMORY
            and isinstance(step, ir.CallStep)
            and "realloc" not in step.callee
            and self._callees.has_contract(step.callee)
            and any(
                one is not None
                and not paths.is_constant(one)
                and facts.get(one) is not None
                and values.signs(facts[one]) == values.ZERO
                for one in step.arguments
            )
        )

    def _acquired(
        self, step: ir.CallStep, state: ResourceState, facts: Facts
    ) -> tuple[ResourceState, Facts]:
        """Return how the resource stands behind the call that acquires it."""
        effect = self._seed.effect
        result, arguments = step.place, step.arguments
        facts = self._path_facts.transfer(facts, self._seed.step)
        when = effect.when if effect is not None else values.POSITIVE
        if when != values.ANY:
            facts = self._path_facts.assign(facts, result, when)
        place = self._seed.place
        if not self._scoped and place != result:
            facts = self._path_facts.assign(facts, place, values.POSITIVE)
            if step.callee in self._callees.contracts.identity:
                facts = self._path_facts.assign(facts, result, values.POSITIVE)
        elif self._scoped and place in self._path_facts.keys:
            # What is locked is there.
            facts = {**facts, place: values.POSITIVE}
        mode = mode_of(effect, arguments, facts) if effect is not None else ""
        derived = frozenset[str]()
        if effect is not None and effect.place == "$ret" and not self._scoped:
            summary = self._callees.summary(step.callee)
            passed = summary.passes if summary is not None else ()
            derived = frozenset(a for i, a in enumerate(arguments) if i in passed and a is not None)
        stored = state.stored
        beside = effect is not None and effect.place != "$ret" and not result.startswith("%")
        if beside and not self._scoped and when == values.ANY:
            derived = derived | {result}
            stored = stored or not self._aliases.is_local(result)
        return state._replace(mode=mode, derived=derived, stored=stored), facts


def array_release_loops(path_facts: PathFacts, callees: Callees, seed: Seed) -> frozenset[int]:
    """Return the conditions of loops that release an array's elements and acquire none.

    None for a resource that is no element of an array.
    """
    if "[]" not in seed.place:
        return frozenset()
    found: set[int] = set()
    for loop in path_facts.control_flow.loops:
        steps = {number: path_facts.steps[number] for number in loop}
        kinds = {one.kind for step in steps.values() for one in _effects(step, callees, seed)}
        if EffectKind.RELEASE in kinds and EffectKind.ACQUIRE not in kinds:
            found |= {
                number
                for number, step in steps.items()
                if isinstance(step, ir.BranchStep) and step.loop
            }
    return frozenset(found)


def _effects(step: ir.Step, callees: Callees, seed: Seed) -> list[Effect]:
    """Return what a step does to an element."""
    summary = callees.summary(step.callee) if isinstance(step, ir.CallStep) else None
    if summary is None or not isinstance(step, ir.CallStep):
        return []
    return [
        effect
        for effect in summary.effects.get(seed.pair.name, ())
        if paths.substitute(effect.place, step.arguments, step.place) == seed.place
    ]
