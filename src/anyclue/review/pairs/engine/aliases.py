"""The alias set of a resource: the paths that hold it, and those derived from it."""

from __future__ import annotations

from anyclue.review.pairs.engine.trace import (
    ExitKind,
    ResourceState,
    Seed,
    Trace,
    TraceEvent,
)
from anyclue.review.pairs.engine.trail import Trail
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir


def is_alias(path: str, state: ResourceState) -> bool:
    """Tell whether a path is the resource, or leads out of it by address."""
    if path in state.aliases or path in state.derived:
        return True
    source = paths.origin(path)
    if source is not None and is_alias(source, state):
        return True
    if path[0] == "~":
        return is_alias(path[1:], state)
    if path[0] != "&":
        return False
    held = state.aliases | state.derived
    return path[1:] in held or paths.base(path) in held


def reaches(argument: str, state: ResourceState) -> bool:
    """Tell whether who is given ``argument`` can reach the resource."""
    if argument in state.aliases or argument in state.derived:
        return True
    source = paths.origin(argument)
    if source is not None and reaches(source, state):
        return True
    if not argument.startswith("&"):
        return False
    name = paths.base(argument)
    return any(
        paths.base(one) == name and not one.startswith("%") for one in state.aliases | state.derived
    )


class AliasSet:
    """Follows the resource from alias to alias.

    Args:
        function: where this happens.
        seed: the resource.
        trace: where it is noted that the last alias is gone.
    """

    def __init__(self, function: ir.FunctionIR, seed: Seed, trace: Trace) -> None:
        self._locals = function.locals
        self._parameters = frozenset(function.parameters)
        self._seed = seed
        self._scoped = seed.scoped
        self._trace = trace

    def is_local(self, path: str) -> bool:
        """Tell whether a path is a variable of this function, or a member of one."""
        name = paths.base(path)
        return paths.is_local_slot(path) and (
            name[0] == "%" or name in self._locals or (name in self._parameters and path == name)
        )

    def assign(
        self,
        number: int,
        place: str,
        value: str | None,
        state: ResourceState,
        trail: Trail | None,
        *,
        derived: bool = False,
    ) -> ResourceState | None:
        """Return the state after ``place = value``; None when nothing is left to follow.

        Args:
            number: the step.
            place: what is written.
            value: what is put there; None when it is not known.
            state: the resource before.
            trail: the path to the step.
            derived: the value is known to be derived from the resource.
        """
        same = value is not None and value in state.aliases
        is_derived = derived or (value is not None and not same and is_alias(value, state))
        aliases = frozenset(one for one in state.aliases if not paths.reached_through(one, place))
        others = frozenset(one for one in state.derived if not paths.reached_through(one, place))
        stored = state.stored
        if same:
            aliases |= {place}
            stored = stored or self._is_outside(place, state)
        elif is_derived and not self._scoped:
            others |= {place}
            stored = stored or self._is_outside(place, state)
        if aliases == state.aliases and others == state.derived and stored == state.stored:
            return state
        if not aliases and not others and not stored:
            self._lost(number, state, trail)
            return None
        return state._replace(aliases=aliases, derived=others, stored=stored)

    def _is_outside(self, place: str, state: ResourceState) -> bool:
        """Tell whether a place is reached by others: what hangs on the resource itself is not."""
        held = state.aliases | state.derived
        return not self.is_local(place) and paths.base(place) not in held

    def _lost(self, number: int, state: ResourceState, trail: Trail | None) -> None:
        """Note that nothing leads to the resource any more."""
        if state.held and not self._scoped and not self._seed.from_entry:
            self._trace.add_incident(TraceEvent.OVERWRITTEN, number, state, trail)
        kind = ExitKind.LOST if state.held else ExitKind.RELEASED
        self._trace.add_exit(kind, number, state, trail)
