"""The explorer: follows one state along every path of a slice that differs for it, to a fixpoint.

What the state is, and what steps make of it, is a domain's affair. States are kept apart exactly;
what branches taught is joined when too much of it differs (property simulation: Das, Lerner and
Seigle, "ESP", PLDI 2002). Who needs to know what becomes of a resource, how often it is released,
which results a function has, or what is known at a step, writes a domain.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from enum import Enum, auto
from typing import ClassVar, Generic, NamedTuple, TypeVar

from anyclue.review.pairs.engine.path_facts import Facts, PathFacts, join_facts
from anyclue.review.pairs.engine.slice import Slice
from anyclue.review.pairs.engine.trail import JOINED, Trail
from anyclue.review.pairs.ir import function as ir

STEPS = 6_000
"""So many steps are taken for one question; then it has no answer."""
CHEAP = 128
"""So many facts are carried along for nothing; with more, a step counts for more."""

State = TypeVar("State", bound=Hashable)


class Sides(Enum):
    """Sides of a branch."""

    NONE = auto()
    NEXT = auto()
    OTHERWISE = auto()
    BOTH = auto()


class PathPoint(NamedTuple, Generic[State]):
    """Where a path stands.

    Attributes:
        state: what is followed.
        facts: what is known.
        trail: the path.
    """

    state: State
    facts: Facts
    trail: Trail | None


class Domain(Generic[State]):
    """What is followed along paths."""

    notes_joins: ClassVar[bool] = False
    """Whether `join` does anything."""

    def is_idle(self, number: int, state: State) -> bool:
        """Tell whether a step leaves the state alone, whatever is known; `transfer` then too."""
        return False

    def transfer(
        self, number: int, step: ir.Step, point: PathPoint[State]
    ) -> Sequence[PathPoint[State]]:
        """Return where paths go on behind a step that is no branch and no way out."""
        raise NotImplementedError

    def is_decided(self) -> bool:
        """Tell whether paths that are left can change nothing any more."""
        return False

    def sides(self, number: int, step: ir.BranchStep, state: State, trail: Trail | None) -> Sides:
        """Return the sides of a branch that a path may take, whatever is known."""
        return Sides.BOTH

    def leave(self, number: int, step: ir.Step, point: PathPoint[State]) -> None:
        """Take notice of a way out of the function."""

    def join(self, number: int, point: PathPoint[State], *, goes_on: bool) -> None:
        """Take notice of a path at a join; where it does not go on, an earlier one knew less."""


def explore(  # noqa: PLR0915 - one loop, which all time is spent in
    path_facts: PathFacts,
    slice_: Slice,
    domain: Domain[State],
    starts: Iterable[tuple[int, PathPoint[State]]],
    budget: int = STEPS,
) -> bool:
    """Follow paths, the shortest first; tell whether all came to their end.

    Args:
        path_facts: what can be known in the function.
        slice_: the steps that count.
        domain: what is followed.
        starts: the steps that paths begin with, each with what is so there.
        budget: steps to be taken at most.
    """
    following, asked = slice_.following, slice_.asked
    steps, assume, change = path_facts.steps, path_facts.assume, path_facts.transfer
    seen: dict[tuple[int, State], list[Facts]] = {}
    pending: deque[tuple[int, State, Facts, Trail | None]] = deque(
        (following[number] if number >= 0 else -1, *point) for number, point in starts
    )
    # A loop may lead back to where paths begin.
    joins = slice_.joins.union(one[0] for one in pending)
    while pending and not domain.is_decided():
        number, state, facts, trail = pending.popleft()
        while number >= 0:
            budget -= 1 + len(facts) // CHEAP
            if budget < 0:
                return False
            if number in joins:
                live = path_facts.restrict_to_live(facts, number, asked) if facts else facts
                known = seen.setdefault((number, state), [])
                joined = join_facts(known, live)
                if domain.notes_joins:
                    point = PathPoint(state, facts, trail)
                    domain.join(number, point, goes_on=joined is not None)
                if joined is None:
                    break
                if joined is not live:
                    trail = Trail(JOINED, True, trail)
                facts = joined
            step = steps[number]
            if step.__class__ is ir.BranchStep:
                sides = domain.sides(number, step, state, trail)
                if sides is Sides.NONE:
                    break
                fails = assume(facts, number, False) if sides is not Sides.NEXT else None
                holds = assume(facts, number, True) if sides is not Sides.OTHERWISE else None
                if holds is None:
                    if fails is None:
                        break
                    facts, trail = fails, Trail(number, False, trail)
                    number = following[step.otherwise]
                    continue
                if fails is None:
                    facts, trail = holds, Trail(number, True, trail)
                    number = following[step.next]
                    continue
                other, taken = Trail(number, False, trail), Trail(number, True, trail)
                pending.append((following[step.otherwise], state, fails, other))
                pending.append((following[step.next], state, holds, taken))
                break
            if step.ends:
                if step.__class__ is not ir.StopStep:
                    domain.leave(number, step, PathPoint(state, facts, trail))
                break
            if domain.is_idle(number, state):
                facts = change(facts, number)
            else:
                points = domain.transfer(number, step, PathPoint(state, facts, trail))
                if not points:
                    break
                for one in points[1:]:
                    pending.append((following[step.next], *one))
                state, facts, trail = points[0]
            number = following[step.next]
    return True
