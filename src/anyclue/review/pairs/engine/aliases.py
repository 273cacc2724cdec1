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


def _outward_pointers(function: ir.FunctionIR) -> frozenset[str]:
    """Return locals that point to what lies elsewhere: a parameter, or what hangs on one."""
    found = set(function.parameters)
    steps = [
        step
        for step in function.steps
        if isinstance(step, ir.AssignStep)
        and step.value is not None
        and step.place in function.locals
        and step.value[0] not in "#~%"
    ]
    for _ in range(2):
        for step in steps:
            value = step.value or ""
            outward = paths.base(value) in found
            if outward and ("->" in value or value.isidentifier() or value[0] == "*"):
                found.add(step.place)
    return frozenset(found & function.locals - function.arrays)


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
        self._pointers = _outward_pointers(function)
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
        same = value is not None and value in state.aliases
        is_derived = derived or (
            value is not None
            and not same
            and (is_alias(value, state) or (place in state.derived and _is_next(place, value)))
        )
        copied = _copied(place, value, state.aliases)
        aliases = frozenset(one for one in state.aliases if not paths.reached_through(one, place))
        aliases |= copied
        others = frozenset(one for one in state.derived if not paths.reached_through(one, place))
        others |= _copied(place, value, state.derived)
        stored = state.stored or any(self._is_outside(one, state) for one in copied)
        if value is not None and any(value.startswith(f"{one}.") for one in state.aliases):
            # A part of the struct that is held: who has it, has it all.
            stored = stored or (not self._scoped and self._is_outside(place, state))
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
