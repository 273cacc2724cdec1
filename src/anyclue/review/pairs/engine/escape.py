"""Whether a resource escapes to a call that is given it, though no effect says so."""

from __future__ import annotations

from collections.abc import Callable

from anyclue.review.pairs.contracts.model import PairKind
from anyclue.review.pairs.engine.aliases import is_alias, reaches
from anyclue.review.pairs.engine.effects import SCOPED, Callees, EffectKind, Summary
from anyclue.review.pairs.engine.trace import (
    CallSite,
    ExitKind,
    ResourceState,
    Seed,
    Trace,
    add_reference,
)
from anyclue.review.pairs.engine.trail import Trail
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir

SPARSE_ANNOTATIONS = ("__release", "__acquire")
"""Calls that tell sparse, the checker, that a lock changes hands."""


class CallEscape:
    """Tells whether one resource escapes to calls.

    Args:
        callees: what functions do.
        seed: the resource.
        trace: where it is noted that a call keeps it.
        canonical: gives a path without the locals that only stand for others.
        owners: variables derived from the object of a lock.
    """

    def __init__(
        self,
        callees: Callees,
        seed: Seed,
        trace: Trace,
        canonical: Callable[[str], str],
        owners: frozenset[str],
    ) -> None:
        self._callees = callees
        self._pair = seed.pair
        self._trace = trace
        self._canonical = canonical
        self._owners = owners

    def apply(
        self, site: CallSite, state: ResourceState, trail: Trail | None
    ) -> ResourceState | None:
        """Return the state after a call was given the resource; None when the call keeps it."""
        name = site.step.callee
        if name in self._pair.borrow:
            return state
        counted = self._pair.kind == PairKind.REFERENCE and not self._callees.has_contract(name)
        for position, argument in enumerate(site.arguments):
            if argument is None or not reaches(argument, state):
                continue
            if counted:
                state = state._replace(borrowed=True)
            after = self._apply_argument(site, position, argument, state)
            if after is None:
                self._trace.add_exit(ExitKind.ESCAPED, site.number, state, trail)
                return None
            state = after
        return state

    def _apply_argument(
        self, site: CallSite, position: int, argument: str, state: ResourceState
    ) -> ResourceState | None:
        """Return the state after one argument led to the resource; None when it is kept."""
        name = site.step.callee
        whole = is_alias(argument, state) and argument[0] != "&"
        own = not whole and paths.is_own_member(argument)
        if own and self._callees.takes_reference(name, argument):
            return add_reference(state)
        if own and self._callees.drops_reference(name, argument):
            return None
        if site.summary is None:
            return self._apply_unknown(name, argument, state, whole=whole)
        if self._callees.inferred(name) is None and _is_holder(argument, state):
            return self._apply_holder(state)
        kept = (
            self._released_by_other_pair(site.summary, site.arguments, state)
            or self._kept_by_contract(name, site.summary)
            or position in site.summary.keeps
            or (not whole and position in site.summary.writes and _is_inside(argument, state))
        )
        return None if kept else state

    def _apply_unknown(
        self, name: str, argument: str, state: ResourceState, *, whole: bool
    ) -> ResourceState | None:
        """Return the state after an unknown function was given the resource."""
        if ir.is_scope_release(name):
            return None
        if _is_holder(argument, state):
            return self._apply_holder(state)
        if self._callees.is_conversion(name):
            return state
        if self._callees.may_keep(name) or (whole and self._callees.may_consume(name)):
            return None
        return state._replace(may_escape=True) if whole else state

    def _apply_holder(self, state: ResourceState) -> ResourceState | None:
        """Return the state after a function was given what the resource is stored in."""
        return state._replace(may_escape=True) if len(state.aliases) > 1 else None

    def _kept_by_contract(self, name: str, summary: Summary) -> bool:
        """Tell whether a call with a contract for other pairs seems to keep what it is given."""
        if not self._callees.has_contract(name):
            return False
        if self._pair.name in summary.effects or name in self._callees.contracts.borrow:
            return False
        return self._callees.may_keep(name)

    def _released_by_other_pair(
        self, summary: Summary, arguments: tuple[str | None, ...], state: ResourceState
    ) -> bool:
        """Tell whether a call releases the resource by the rules of another pair alone."""
        if any(
            one.kind in (EffectKind.RELEASE, EffectKind.CONSUME)
            and not one.uncertain
            and (place := paths.substitute(one.place, arguments, None)) is not None
            and is_alias(place, state)
            for one in summary.effects.get(self._pair.name, ())
        ):
            return False
        for pair, effects in summary.effects.items():
            if pair == self._pair.name or self._callees.pairs[pair].kind in SCOPED:
                continue
            for effect in effects:
                if effect.kind in (EffectKind.RELEASE, EffectKind.CONSUME):
                    place = paths.substitute(effect.place, arguments, None)
                    if place is not None and is_alias(place, state):
                        return True
        return False

    def returns_derived(self, site: CallSite, state: ResourceState) -> bool:
        """Tell whether a call returns something derived from the resource that it is given."""
        is_conversion = site.summary is None and self._callees.is_conversion(site.step.callee)
        passes = site.summary.passes if site.summary is not None else ()
        return any(
            argument is not None
            and (is_conversion or position in passes)
            and reaches(argument, state)
            for position, argument in enumerate(site.arguments)
        )

    def may_unlock(self, site: CallSite, state: ResourceState) -> bool:
        """Tell whether a function may release a lock of an object that it was given."""
        if not state.held:
            return False
        if site.summary is None:
            return self._unknown_may_unlock(site, state)
        if self._pair.name in site.summary.frees:
            return True
        return self._may_unlock_alias(site, site.summary, state)

    def _unknown_may_unlock(self, site: CallSite, state: ResourceState) -> bool:
        name = site.step.callee
        if name in SPARSE_ANNOTATIONS:
            return True  # an annotation: it is meant so
        if not self._callees.may_unlock(name):
            return False
        bases = {paths.base(one) for one in state.aliases}
        return any(one is not None and paths.base(one) in bases for one in site.arguments)

    def _may_unlock_alias(self, site: CallSite, summary: Summary, state: ResourceState) -> bool:
        """Tell whether what a function releases may be this lock, reached by another way."""
        effects = summary.effects.get(self._pair.name, ())
        if not effects or self._callees.has_contract(site.step.callee):
            return False
        last = {paths.last_member(one) for one in state.aliases} - {""}
        for effect in effects:
            if effect.kind in (EffectKind.RELEASE, EffectKind.CONSUME):
                place = paths.substitute(effect.place, site.arguments, None)
                if place is None or self._canonical(place) in state.aliases:
                    continue
                is_near = paths.base(place) in self._owners and place not in state.nested
                if is_near or paths.last_member(place) in last:
                    return True
        return False


def _is_inside(argument: str, state: ResourceState) -> bool:
    """Tell whether the resource is held at, or below, what an address is that of."""
    place = paths.dereference(argument)
    return any(paths.reached_through(one, place) for one in state.aliases | state.derived)


def _is_holder(argument: str, state: ResourceState) -> bool:
    """Tell whether an argument is the address of what the resource is stored in."""
    return argument.startswith("&") and (
        argument[1:] in state.aliases
        or any(one.startswith(f"{argument[1:]}.") for one in state.aliases)
    )


def invalidates_path(arguments: tuple[str | None, ...], state: ResourceState) -> bool:
    """Tell whether a call may change the pointer through which a lock is named."""
    moved = {one[1:] for one in arguments if one is not None and one.startswith("&")}
    return any(
        paths.base(name) in moved and ("->" in name or "*" in name) for name in state.aliases
    )
