"""The trace of one resource through one function: its states, exits and incidents."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from anyclue.review.pairs.contracts.model import Pair
from anyclue.review.pairs.engine.effects import SCOPED, Effect, Summary
from anyclue.review.pairs.engine.path_facts import Facts
from anyclue.review.pairs.engine.trail import Trail
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values

REFERENCES_COUNTED = 3
"""References beyond this number are not counted."""


class ExitKind(Enum):
    """How the resource stands where a path ends."""

    HELD = auto()
    RELEASED = auto()
    ESCAPED = auto()
    RETURNED = auto()
    LOST = auto()
    """Its last name was given to something else."""


class TraceEvent(Enum):
    """What goes wrong on a path."""

    OVERWRITTEN = auto()
    AGAIN = auto()
    DOUBLE = auto()
    ORDER = auto()
    MODE = auto()
    USE = auto()


class ResourceState(NamedTuple):
    """The resource at one step.

    Attributes:
        held: not released yet.
        extra_references: references held beyond the first.
        aliases: places that hold it.
        derived: places that hold something derived from it.
        nested: resources of the same pair acquired later and still held (LIFO pairs).
        mode: the lock's mode.
        stored: it is reachable from outside the function.
        may_escape: an unknown function was given it, and may keep it.
        borrowed: a function was given it, and may have taken a reference or dropped one.
    """

    held: bool
    extra_references: int
    aliases: frozenset[str]
    derived: frozenset[str]
    nested: tuple[str, ...]
    mode: str
    stored: bool
    may_escape: bool
    borrowed: bool


@dataclass(frozen=True, kw_only=True)
class Seed:
    """Where the resource comes from.

    Attributes:
        pair: what it is.
        place: the path that holds it, without the locals that only stand for others.
        source_path: the same path as the call has it.
        also: further paths that hold it behind the call.
        step: the call that acquires it; -1 when it is there from the entry.
        effect: what that call does; None from the entry.
        inferred: no contract says that the call acquires: its result is released elsewhere.
    """

    pair: Pair
    place: str
    step: int = -1
    effect: Effect | None = None
    inferred: bool = False
    source_path: str = ""
    also: frozenset[str] = frozenset()

    @property
    def source_text(self) -> str:
        """Return the path as the code has it."""
        return paths.source_text(self.source_path or self.place)

    @property
    def from_entry(self) -> bool:
        """Tell whether the function did not acquire it."""
        return self.effect is None

    @property
    def scoped(self) -> bool:
        """Tell whether it is a state of an object, such as a lock held, and no object itself."""
        return self.pair.kind in SCOPED


@dataclass(frozen=True, kw_only=True)
class Exit:
    """One way out of the function.

    Attributes:
        kind: how the resource stands.
        step: the last step.
        result: signs of the returned value.
        value: the returned value's text, when it is a constant.
        state: the resource there.
        trail: how the path came here.
    """

    kind: ExitKind
    step: int
    result: int
    value: str
    state: ResourceState
    trail: Trail


def result_signs(exits: Iterable[Exit]) -> int:
    """Return the signs that the function's result may have on these ways out."""
    return functools.reduce(operator.or_, (one.result for one in exits), 0)


@dataclass(frozen=True, kw_only=True)
class TraceIncident:
    """Something that goes wrong on a path."""

    event: TraceEvent
    step: int
    state: ResourceState
    trail: Trail


@dataclass(kw_only=True)
class Trace:
    """All that happened to the resource.

    Attributes:
        seed: the resource.
        exits: the ways out.
        incidents: what goes wrong.
        complete: every path was followed to its end.
        acquired_inside: it is acquired while it is held from the entry on.
        acquired_again: it is acquired again after its release.
    """

    seed: Seed
    exits: list[Exit] = field(default_factory=list)
    incidents: list[TraceIncident] = field(default_factory=list)
    complete: bool = True
    acquired_inside: bool = False
    acquired_again: bool = False

    @property
    def may_be_balanced(self) -> bool:
        """Tell whether nothing speaks against `is_balanced` that the newest exit tells."""
        if self.incidents or self.acquired_inside or self.acquired_again:
            return False
        return not self.exits or self.exits[-1].kind is ExitKind.RELEASED

    @property
    def is_balanced(self) -> bool:
        """Tell whether it is released on every way out, once, by nobody else."""
        return (
            self.complete
            and not self.incidents
            and not self.acquired_inside
            and not self.acquired_again
            and all(one.kind is ExitKind.RELEASED for one in self.exits)
            and len({self.seed.place in one.state.aliases for one in self.exits}) <= 1
        )

    def exits_of(self, *kinds: ExitKind) -> list[Exit]:
        """Return the ways out on which the resource stands so."""
        return [one for one in self.exits if one.kind in kinds]

    def add_exit(
        self,
        kind: ExitKind,
        step: int,
        state: ResourceState,
        trail: Trail | None,
        *,
        result: int = values.ANY,
        value: str = "",
    ) -> None:
        """Note how a path ends.

        Args:
            kind: how the resource stands there.
            step: the last step.
            state: the resource there.
            trail: the path to that step.
            result: signs of the returned value.
            value: the returned value's text, when it is a constant.
        """
        self.exits.append(
            Exit(
                kind=kind,
                step=step,
                result=result,
                value=value,
                state=state,
                trail=Trail(step, True, trail),
            )
        )

    def add_incident(
        self, event: TraceEvent, step: int, state: ResourceState, trail: Trail | None
    ) -> None:
        """Note an incident, unless it is about an element of an array."""
        if any("[]" in name for name in state.aliases):
            # Elements of an array are not told apart.
            return
        self.incidents.append(
            TraceIncident(event=event, step=step, state=state, trail=Trail(step, True, trail))
        )


class CallSite(NamedTuple):
    """A call on a path.

    Attributes:
        number: its step's number.
        step: its step.
        summary: what the function called does; None when that is not known.
        facts: what is known before the call.
        trail: the path to the call.
    """

    number: int
    step: ir.CallStep
    summary: Summary | None
    facts: Facts
    trail: Trail | None

    @property
    def arguments(self) -> tuple[str | None, ...]:
        """What the call is given."""
        return self.step.arguments


def add_reference(state: ResourceState) -> ResourceState:
    """Return the state after another reference is taken."""
    return state._replace(extra_references=min(state.extra_references + 1, REFERENCES_COUNTED))
