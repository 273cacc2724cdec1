"""What one call makes of the resource: its effects, then what else it may do."""

from __future__ import annotations

from anyclue.review.pairs.engine.aliases import AliasSet, mentions
from anyclue.review.pairs.engine.effects import Callees
from anyclue.review.pairs.engine.escape import CallEscape, may_move
from anyclue.review.pairs.engine.path_facts import Facts, PathFacts
from anyclue.review.pairs.engine.trace import End, Seed, State, Trace, Trail
from anyclue.review.pairs.engine.transfer import CallOutcome, CallTransfer, Site
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values

Moment = tuple[State, Facts, Trail | None]
"""The resource, what is known, and the path that led there."""


class Calls:
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
        knowledge: PathFacts,
        callees: Callees,
        seed: Seed,
        story: Trace,
        holding: AliasSet,
        applying: CallTransfer,
        lending: CallEscape,
    ) -> None:
        self._knowledge = knowledge
        self._callees = callees
        self._scoped = seed.scoped
        self._story = story
        self._holding = holding
        self._applying = applying
        self._lending = lending

    def after(
        self, number: int, node: ir.Node, state: State, facts: Facts, trail: Trail | None
    ) -> list[Moment]:
        """Return every way in which a call may come out; none when no path goes on behind it."""
        summary = self._callees.summary(node[4])
        if summary is not None and summary.stops:
            return []
        site = Site(number, node, summary, facts, trail)
        outcomes = self._applying.outcomes(site, state)
        if self._scoped:
            if self._lending.may_unlock(site, state):
                self._story.end(End.ESCAPED, number, state, trail)
                return []
            if may_move(site.arguments, state):
                return []
            touched = False
        else:
            touched = any(one is not None and mentions(one, state) for one in site.arguments)
        settled = (self._settled(site, state, one, touched=touched) for one in outcomes)
        return [one for one in settled if one is not None]

    def _settled(
        self, site: Site, before: State, outcome: CallOutcome, *, touched: bool
    ) -> Moment | None:
        """Return one outcome with the call's result put where it goes.

        Args:
            site: the call.
            before: the resource before the call.
            outcome: what the call's effects made of it.
            touched: the call is given an object that is followed.
        """
        state, when, trail = outcome
        given: State | None = state
        if touched and state.held and state == before:
            given = self._lending.given(site, state, trail)
            if trail is site.trail:
                trail = Trail(site.number, True, trail)
        if given is None:
            return None
        result = site.node[3]
        derived = touched and self._lending.derives(site, state)
        after = self._holding.assigned(site.number, result, None, given, trail, derived=derived)
        if after is None:
            return None
        when &= self._results(site, before, after)
        learned = self._knowledge.stepped(site.facts, site.node)
        if when != values.ANY:
            learned = self._knowledge.written(learned, result, when)
        if touched:
            # These names still hold the resource, so what was known of them goes on.
            learned = learned | {one: site.facts[one] for one in after.aliases if one in site.facts}
        return after, learned, trail

    def _results(self, site: Site, before: State, after: State) -> int:
        """Return the signs that the call's result may have."""
        signs = site.summary.result if site.summary is not None else values.ANY
        told = self._scoped and self._callees.tells(site.node[4])
        if told and any(one in before.aliases for one in site.arguments):
            signs &= values.POSITIVE if after.held else values.ZERO
        return signs
