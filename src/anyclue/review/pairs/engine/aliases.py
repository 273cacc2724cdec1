"""The alias set of a resource: the paths that hold it, and those derived from it."""

from __future__ import annotations

from anyclue.review.pairs.engine.def_use import DefUse
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

ALIASES = 12
"""So many names are followed; of something that is known by more, no copy is followed further."""


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


def _is_next(place: str, value: str) -> bool:
    """Tell whether a cursor goes on to the next of a list: ``bh = bh->b_this_page``."""
    return value.startswith(f"{place}->") and value.count("->") == 1


def _copied(place: str, value: str | None, held: frozenset[str]) -> frozenset[str]:
    """Return what holds a resource behind ``place = value`` as it hangs on the value already.

    ``a = b`` makes ``a.x``, or ``a->x``, hold what ``b.x`` holds.
    """
    own = value is not None and paths.base(place) == paths.base(value)
    if value is None or value[0] in "#~&" or own or len(held) >= ALIASES:
        return frozenset()
    heads = (
        (paths.member(value, ".", ""), paths.member(place, ".", "")),
        (paths.member(value, "->", ""), paths.member(place, "->", "")),
    )
    return frozenset(
        f"{new}{one[len(old) :]}" for one in held for old, new in heads if one.startswith(old)
    )


class AliasSet:
    """Follows the resource from alias to alias.

    Args:
        function: where this happens.
        def_use: its variables.
        seed: the resource.
        trace: where it is noted that the last alias is gone.
    """

    def __init__(self, function: ir.FunctionIR, def_use: DefUse, seed: Seed, trace: Trace) -> None:
        self._locals = function.locals
        self._parameters = frozenset(function.parameters)
        self._pointers = def_use.outward_pointers
        self._seed = seed
        self._scoped = seed.scoped
        self._trace = trace

    def is_local(self, path: str) -> bool:
        """Tell whether a path is a variable of this function, or a member of one."""
        name = paths.base(path)
        if path != name and name in self._pointers:
            return False
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
        aliases = frozenset(one for one in state.aliases if not paths.reached_through(one, place))
        others = frozenset(one for one in state.derived if not paths.reached_through(one, place))
        holders: set[str] = set()
        deep = frozenset[str]()
        if value in state.aliases:
            aliases |= {place}
            holders.add(place)
        elif value is not None and not self._scoped and self._leads_to(value, state):
            derived = derived or is_alias(value, state)
            derived = derived or (place in state.derived and _is_next(place, value))
            if any(value.startswith(f"{one.removeprefix('&')}.") for one in state.aliases):
                # A part of the struct that is held: who has it, has it all.
                holders.add(place)
            copied = _copied(place, value, state.aliases)
            beside = _copied(place, value, state.derived)
            deep = frozenset(filter(paths.is_recursive, copied | beside))
            aliases |= copied - deep
            others |= beside - deep
            holders |= (copied | beside) - deep
        if derived and value not in state.aliases and not self._scoped:
            others |= {place}
            holders.add(place)
        # What lies deeper in a list or a tree is not followed by name: there may be any number.
        stored = state.stored or bool(deep) or any(self._is_outside(one, state) for one in holders)
        if aliases == state.aliases and others == state.derived and stored == state.stored:
            return state
        if not aliases and not others and not stored:
            self._lost(number, state, trail)
            return None
        return state._replace(aliases=aliases, derived=others, stored=stored)

    def _leads_to(self, value: str, state: ResourceState) -> bool:
        """Tell whether a value begins with a variable that leads to the resource."""
        name = paths.base(value)
        return any(paths.base(one) == name for one in state.aliases) or any(
            paths.base(one) == name for one in state.derived
        )

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
