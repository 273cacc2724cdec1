"""The trace of one resource through one function: its states, exits and incidents."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from anyclue.review.pairs.contracts.model import Pair
from anyclue.review.pairs.engine.effects import SCOPED, Effect, Summary
from anyclue.review.pairs.engine.path_facts import Facts
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


class Trail(NamedTuple):
    """A control-flow path, last step first."""

    node: int
    holds: bool
    before: Trail | None

    def earlier(self) -> Iterator[int]:
        """Yield the steps before the last one, backwards."""
        step = self.before
        while step is not None:
            yield step.node
            step = step.before

    def forward(self) -> list[tuple[int, bool]]:
        """Return the steps in order."""
        listed = []
        step: Trail | None = self
        while step is not None:
            listed.append((step.node, step.holds))
            step = step.before
        return listed[::-1]


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
        node: the call that acquires it; -1 when it is there from the entry.
        effect: what that call does; None from the entry.
        inferred: no contract says that the call acquires: its result is released elsewhere.
    """

    pair: Pair
    place: str
    node: int = -1
    effect: Effect | None = None
    inferred: bool = False
    source_path: str = ""

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
        node: the last step.
        result: signs of the returned value.
        value: the returned value's text, when it is a constant.
        state: the resource there.
        trail: how the path came here.
    """

    kind: ExitKind
    node: int
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
    node: int
    state: ResourceState
    trail: Trail


@dataclass(kw_only=True)
class Trace:
    """All that happened to the resource."""

    seed: Seed
    exits: list[Exit] = field(default_factory=list)
    incidents: list[TraceIncident] = field(default_factory=list)
    complete: bool = True
    acquired_inside: bool = False
    acquired_again: bool = False

    def exits_of(self, *kinds: ExitKind) -> list[Exit]:
        """Return the ways out on which the resource stands so."""
        return [one for one in self.exits if one.kind in kinds]

    def add_exit(
        self,
        kind: ExitKind,
        node: int,
        state: ResourceState,
        trail: Trail | None,
        *,
        result: int = values.ANY,
        value: str = "",
    ) -> None:
        """Note how a path ends.

        Args:
            kind: how the resource stands there.
            node: the last step.
            state: the resource there.
            trail: the path to that step.
            result: signs of the returned value.
            value: the returned value's text, when it is a constant.
        """
        self.exits.append(
            Exit(
                kind=kind,
                node=node,
                result=result,
                value=value,
                state=state,
                trail=Trail(node, True, trail),
            )
        )

    def add_incident(
        self, event: TraceEvent, node: int, state: ResourceState, trail: Trail | None
    ) -> None:
        """Note an incident, unless it is about an element of an array."""
        if any("[]" in name for name in state.aliases):
            # Elements of an array are not told apart.
            return
        self.incidents.append(
            TraceIncident(event=event, node=node, state=state, trail=Trail(node, True, trail))
        )


class CallSite(NamedTuple):
    """A call on a path.

    Attributes:
        number: its node's number.
        node: its node.
        summary: what the function called does; None when that is not known.
        facts: what is known before the call.
        trail: the path to the call.
    """

    number: int
    node: ir.Node
    summary: Summary | None
    facts: Facts
    trail: Trail | None

    @property
    def arguments(self) -> tuple[str | None, ...]:
        """What the call is given."""
        given: tuple[str | None, ...] = self.node[5]
        return given


def add_reference(state: ResourceState) -> ResourceState:
    """Return the state after another reference is taken."""
    return state._replace(extra_references=min(state.extra_references + 1, REFERENCES_COUNTED))
