"""The transfer function of a call: its effects on the resource, then what else it may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from anyclue.review.pairs.contracts.model import PairKind
from anyclue.review.pairs.engine.aliases import AliasSet, is_alias, reaches
from anyclue.review.pairs.engine.effects import Callees, Effect, EffectKind
from anyclue.review.pairs.engine.escape import CallEscape, invalidates_path
from anyclue.review.pairs.engine.explorer import PathPoint
from anyclue.review.pairs.engine.path_facts import Facts, PathFacts
from anyclue.review.pairs.engine.trace import (
    REFERENCES_COUNTED,
    CallSite,
    ExitKind,
    ResourceState,
    Seed,
    Trace,
    TraceEvent,
    add_reference,
)
from anyclue.review.pairs.engine.trail import Trail
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values


class CallOutcome(NamedTuple):
    """One way in which a call may come out.

    Attributes:
        state: the resource then.
        when: signs of the call's result then.
        trail: the path, with the call when it did something to the resource.
    """

    state: ResourceState
    when: int
    trail: Trail | None


def mode_of(effect: Effect, arguments: tuple[str | None, ...], facts: Facts) -> str:
    """Return the mode in which a call acquires or releases; ``?...`` when it is not known."""
    if not effect.mode.startswith("$"):
        return effect.mode
    number = int(effect.mode[1:])
    given = arguments[number] if number < len(arguments) else None
    if given is None or len(paths.flags_of(given)) > 1:
        # Several locks at once.
        return "?"
    if paths.is_constant(given):
        return given
    known = facts.get(given)
    return known if isinstance(known, str) and known[0] == "#" else f"?{given}"


class EffectTransfer:
    """Applies effects to one resource.

    Args:
        seed: the resource.
        trace: where it is noted how paths end, and what goes wrong.
        canonical: gives a path without the locals that only stand for others.
    """

    def __init__(self, seed: Seed, trace: Trace, canonical: Callable[[str], str]) -> None:
        self._seed = seed
        self._pair = seed.pair
        self._scoped = seed.scoped
        self._lifo = seed.pair.order == "lifo"
        self._trace = trace
        self._canonical = canonical

    def outcomes(self, site: CallSite, state: ResourceState) -> list[CallOutcome]:
        """Return what all effects of a call make of a state."""
        outcomes = [CallOutcome(state, values.ANY, site.trail)]
        if site.summary is not None:
            for effect in site.summary.effects.get(self._pair.name, ()):
                outcomes = [
                    after for before in outcomes for after in self._apply(site, effect, before)
                ]
        return outcomes

    def _apply(self, site: CallSite, effect: Effect, before: CallOutcome) -> list[CallOutcome]:
        """Return what one effect makes of an outcome: itself, or what follows it."""
        place = paths.substitute(effect.place, site.arguments, site.step.place)
        if place is None:
            return [before]
        if self._scoped:
            place = self._canonical(place)
        state = before.state
        matched = self._matches(place, state)
        if effect.kind == EffectKind.ACQUIRE:
            return self._acquired(site, effect, place, before, matched=matched)
        if effect.kind == EffectKind.DOWNGRADE:
            if matched and state.held:
                before = before._replace(state=state._replace(mode=effect.to_mode))
            return [before]
        if place in state.nested:
            nested = list(state.nested)
            nested.remove(place)
            return [before._replace(state=state._replace(nested=tuple(nested)))]
        if not matched or not before.when & effect.when:
            return [before]
        return self._released(site, effect, place, before)

    def _matches(self, place: str, state: ResourceState) -> bool:
        """Tell whether an effect at ``place`` is on the resource."""
        if place in state.aliases or place in state.derived:
            return True
        if paths.last_member(place) in self._pair.embedded:
            outer = paths.container(place)
            if outer is not None and outer != place and is_alias(outer, state):
                return True
        source = None if self._scoped else paths.origin(place)
        return source is not None and is_alias(source, state)

    def _released(
        self, site: CallSite, effect: Effect, place: str, before: CallOutcome
    ) -> list[CallOutcome]:
        """Return what follows a release of the resource."""
        state, when, trail = before
        mode = mode_of(effect, site.arguments, site.facts)
        if state.mode != mode:
            if state.mode.startswith("?") or mode.startswith("?"):
                # Which of several locks of one object this is, the names do not tell.
                if state.held:
                    self._trace.add_exit(ExitKind.ESCAPED, site.number, state, trail)
                return []
            if self._is_of_other_mode(site, mode, before):
                return [before]
        if not state.held:
            if (
                effect.kind == EffectKind.RELEASE
                and not effect.uncertain
                and place in state.aliases
            ):
                self._trace.add_incident(TraceEvent.DOUBLE, site.number, state, trail)
            return []
        if effect.uncertain:
            self._trace.add_exit(ExitKind.ESCAPED, site.number, state, trail)
            return []
        here = Trail(site.number, True, trail)
        after = []
        if rest := when & effect.unless:
            after.append(CallOutcome(state, rest, here))
        left = self._drop_reference(site, effect, state, trail)
        if left is not None and effect.clears and not left.held:
            left = left._replace(aliases=left.aliases - {place})
        if left is not None and effect.place.startswith("*") and place in state.derived:
            # What the pointer points to now is another one.
            left = left._replace(derived=state.derived - {place})
        if left is not None:
            after.append(CallOutcome(left, when & effect.when, here))
        return after

    def _is_of_other_mode(self, site: CallSite, mode: str, before: CallOutcome) -> bool:
        """Tell whether a release in another mode is of another lock; if not, it is wrong."""
        state = before.state
        if not state.mode or not mode:
            return False
        if paths.is_constant(mode) or not state.held:
            return True
        self._trace.add_incident(TraceEvent.MODE, site.number, state, before.trail)
        return False

    def _drop_reference(
        self, site: CallSite, effect: Effect, state: ResourceState, trail: Trail | None
    ) -> ResourceState | None:
        """Return the state with one reference less; None when the path is followed no more."""
        consumed = effect.kind == EffectKind.CONSUME
        if state.nested and self._lifo and not consumed:
            self._trace.add_incident(TraceEvent.ORDER, site.number, state, trail)
            return None
        if state.extra_references:
            return state._replace(extra_references=state.extra_references - 1)
        if consumed:
            self._trace.add_exit(ExitKind.ESCAPED, site.number, state, trail)
            return None
        return state._replace(held=False, may_escape=False)

    def _acquired(
        self, site: CallSite, effect: Effect, place: str, before: CallOutcome, *, matched: bool
    ) -> list[CallOutcome]:
        """Return what follows an acquire, of this resource or of another one of its pair."""
        if not matched:
            # Of one that may have failed, nobody asks here whether it did.
            return [before if effect.unless else self._nest(place, before)]
        if effect.place == "$ret":
            return [before]
        if self._seed.from_entry:
            # From the entry on: the function itself acquires here, so nobody handed it over.
            if before.state.held:
                self._trace.acquired_inside = True
            else:
                self._trace.acquired_again = True
            return []
        if not before.state.held:
            return []
        if effect.place.startswith("*") and not self._scoped and site.number != self._seed.step:
            # Another one is there now: what became of this one, only the call knows.
            self._trace.add_exit(ExitKind.ESCAPED, site.number, before.state, before.trail)
            return []
        return self._reacquire(site, effect, before)

    def _nest(self, place: str, before: CallOutcome) -> CallOutcome:
        """Return what follows when another resource of the pair is acquired."""
        state = before.state
        nested = self._lifo and state.held
        if nested and place not in state.nested and len(state.nested) < REFERENCES_COUNTED:
            return before._replace(state=state._replace(nested=(*state.nested, place)))
        return before

    def _reacquire(self, site: CallSite, effect: Effect, before: CallOutcome) -> list[CallOutcome]:
        """Return what follows when the resource is acquired while it is held."""
        state = before.state
        if self._pair.kind != PairKind.COUNT:
            if self._scoped:
                mode = mode_of(effect, site.arguments, site.facts)
                certain = state.mode == mode != "?" and effect.when == values.ANY
                if certain and not effect.uncertain:
                    self._trace.add_incident(TraceEvent.AGAIN, site.number, state, before.trail)
                    return []
                return [before]
            if site.number == self._seed.step:
                return [before]
        return [before._replace(state=add_reference(state))]


ResourcePoint = PathPoint[ResourceState]
"""The resource, what is known, and the path that led there."""


class CallTransfer:
    """Applies calls to one resource.

    Args:
        path_facts: what can be known in the function.
        callees: what functions do.
        seed: the resource.
        trace: where it is noted how paths end.
        aliases: the names that hold it.
        effects: applies effects to it.
        escape: tells whether it escapes to a call.
    """

    def __init__(
        self,
        path_facts: PathFacts,
        callees: Callees,
        seed: Seed,
        trace: Trace,
        aliases: AliasSet,
        effects: EffectTransfer,
        escape: CallEscape,
    ) -> None:
        self._path_facts = path_facts
        self._callees = callees
        self._scoped = seed.scoped
        self._trace = trace
        self._aliases = aliases
        self._effects = effects
        self._escape = escape

    def apply(self, number: int, step: ir.CallStep, point: ResourcePoint) -> list[ResourcePoint]:
        """Return every way in which a call may come out; none when no path goes on behind it."""
        state, facts, trail = point
        summary = self._callees.summary(step.callee)
        if summary is not None and summary.noreturn:
            return []
        site = CallSite(number, step, summary, facts, trail)
        outcomes = self._effects.outcomes(site, state)
        if self._scoped:
            if self._escape.may_unlock(site, state):
                self._trace.add_exit(ExitKind.ESCAPED, number, state, trail)
                return []
            if invalidates_path(site.arguments, state):
                return []
            is_given = False
        else:
            is_given = any(one is not None and reaches(one, state) for one in site.arguments)
        after = (self._with_result(site, state, one, is_given=is_given) for one in outcomes)
        return [one for one in after if one is not None]

    def _with_result(
        self, site: CallSite, before: ResourceState, outcome: CallOutcome, *, is_given: bool
    ) -> ResourcePoint | None:
        """Return one outcome with the call's result put where it goes.

        Args:
            site: the call.
            before: the resource before the call.
            outcome: what the call's effects made of it.
            is_given: the call is given an object that is followed.
        """
        state, when, trail = outcome
        passed: ResourceState | None = state
        if is_given and state.held and state == before:
            passed = self._escape.apply(site, state, trail)
            if trail is site.trail:
                trail = Trail(site.number, True, trail)
        if passed is None:
            return None
        result = site.step.place
        derived = is_given and self._escape.returns_derived(site, state)
        if derived and site.summary is None:
            # Of what is there, another form is no error.
            when &= ~values.NEGATIVE
        after = self._aliases.assign(site.number, result, None, passed, trail, derived=derived)
        if after is None:
            return None
        when &= self._results(site, before, after)
        learned = self._path_facts.transfer(site.facts, site.number)
        if when != values.ANY:
            learned = self._path_facts.assign(learned, result, when)
        if is_given:
            # These names still hold the resource, so what was known of them goes on.
            learned = learned | {one: site.facts[one] for one in after.aliases if one in site.facts}
        return PathPoint(after, learned, trail)

    def _results(self, site: CallSite, before: ResourceState, after: ResourceState) -> int:
        """Return the signs that the call's result may have."""
        signs = site.summary.result if site.summary is not None else values.ANY
        tested = self._callees.contracts.zero_tests.get(site.step.callee)
        if tested is not None:
            place = paths.substitute(tested, site.arguments, None)
            known = self._path_facts.value_of(site.facts, place)
            of = values.ANY if known is None else values.signs(known)
            signs &= values.ZERO if not of & values.ZERO else values.ANY
            signs &= values.ANY & ~values.ZERO if of == values.ZERO else values.ANY
        is_query = self._scoped and self._callees.is_lock_query(site.step.callee)
        if is_query and any(one in before.aliases for one in site.arguments):
            signs &= values.POSITIVE if after.held else values.ZERO
        return signs
