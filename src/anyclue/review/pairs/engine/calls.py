"""What one call makes of the resource: its effects, then what else it may do."""

from __future__ import annotations

from anyclue.review.pairs.engine.aliases import AliasSet, reaches
from anyclue.review.pairs.engine.effects import Callees
from anyclue.review.pairs.engine.escape import CallEscape, invalidates_path
from anyclue.review.pairs.engine.path_facts import Facts, PathFacts
from anyclue.review.pairs.engine.trace import ExitKind, ResourceState, Seed, Trace, Trail
from anyclue.review.pairs.engine.transfer import CallOutcome, CallSite, EffectTransfer
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values

PathState = tuple[ResourceState, Facts, Trail | None]
"""The resource, what is known, and the path that led there."""


class CallTransfer:
    """Follows one resource over calls.

    Args:
        knowledge: what can be known in the function.
        callees: what functions do.
        seed: the resource.
        story: where it is noted how paths end.
        holding: who gives it names.
        applying: who applies effects to it.
        lending: who judges calls that are given it.
    """

    def __init__(
        self,
        path_facts: PathFacts,
        callees: Callees,
        seed: Seed,
        trace: Trace,
        holding: AliasSet,
        applying: EffectTransfer,
        lending: CallEscape,
    ) -> None:
        self._path_facts = path_facts
        self._callees = callees
        self._scoped = seed.scoped
        self._trace = trace
        self._holding = holding
        self._applying = applying
        self._lending = lending

    def after(
        self, number: int, node: ir.Node, state: ResourceState, facts: Facts, trail: Trail | None
    ) -> list[PathState]:
        """Return every way in which a call may come out; none when no path goes on behind it."""
        summary = self._callees.summary(node[4])
        if summary is not None and summary.noreturn:
            return []
        site = CallSite(number, node, summary, facts, trail)
        outcomes = self._applying.outcomes(site, state)
        if self._scoped:
            if self._lending.may_unlock(site, state):
                self._trace.end(ExitKind.ESCAPED, number, state, trail)
                return []
            if invalidates_path(site.arguments, state):
                return []
            touched = False
        else:
            touched = any(one is not None and reaches(one, state) for one in site.arguments)
        settled = (self._settled(site, state, one, touched=touched) for one in outcomes)
        return [one for one in settled if one is not None]

    def _settled(
        self, site: CallSite, before: ResourceState, outcome: CallOutcome, *, touched: bool
    ) -> PathState | None:
        """Return one outcome with the call's result put where it goes.

        Args:
            site: the call.
            before: the resource before the call.
            outcome: what the call's effects made of it.
            touched: the call is given an object that is followed.
        """
        state, when, trail = outcome
        given: ResourceState | None = state
        if touched and state.held and state == before:
            given = self._lending.given(site, state, trail)
            if trail is site.trail:
                trail = Trail(site.number, True, trail)
        if given is None:
            return None
        result = site.node[3]
        derived = touched and self._lending.derives(site, state)
        after = self._holding.assign(site.number, result, None, given, trail, derived=derived)
        if after is None:
            return None
        when &= self._results(site, before, after)
        learned = self._path_facts.transfer(site.facts, site.node)
        if when != values.ANY:
            learned = self._path_facts.written(learned, result, when)
        if touched:
            # These names still hold the resource, so what was known of them goes on.
            learned = learned | {one: site.facts[one] for one in after.aliases if one in site.facts}
        return after, learned, trail

    def _results(self, site: CallSite, before: ResourceState, after: ResourceState) -> int:
        """Return the signs that the call's result may have."""
        signs = site.summary.result if site.summary is not None else values.ANY
        told = self._scoped and self._callees.is_lock_query(site.node[4])
        if told and any(one in before.aliases for one in site.arguments):
            signs &= values.POSITIVE if after.held else values.ZERO
        return signs
