"""What follows up a fault, in which order: what each step is worth, and what it costs. Pure.

A step is worth what it adds to the clue, in parts of what the place is worth; it costs guests. The
steps of all faults are put into one order, the most worth for each guest first. A further probe of
the same fault is worth half as much as the one before it: that may have told the place. What is
left when guests or time run out is offered, with what it would cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from anyclue.model.scenario import Cell


class FollowUpKind(Enum):
    """What a step finds out."""

    PROBE = auto()
    """Which function it is: stacks, counts of calls."""
    DOSE = auto()
    """How much it is for each file, loop or MiB."""
    OPTIONS = auto()
    """The fewest options of mkfs or mount that are enough."""
    TESTS = auto()
    """The fewest tests of fstests that are enough."""
    SMALLER_FORM = auto()
    """The simplest parameters of the workload that are enough."""
    SCRIPT = auto()
    """A shell script that was seen to do it."""


WORTH: Final[Mapping[FollowUpKind, float]] = MappingProxyType(
    {
        FollowUpKind.PROBE: 1.0,
        FollowUpKind.DOSE: 0.8,
        FollowUpKind.OPTIONS: 0.6,
        FollowUpKind.TESTS: 0.6,
        FollowUpKind.SMALLER_FORM: 0.3,
        FollowUpKind.SCRIPT: 0.5,
    }
)
"""What a step adds to the clue: a place is worth 1. Options name the code that is at fault; tests
and a smaller form make it easier to see; without a script nobody else sees it."""

ANOTHER: Final = 0.5
"""What a probe is worth after another one of the same fault, in parts of that."""

AFTER: Final[Mapping[FollowUpKind, frozenset[FollowUpKind]]] = MappingProxyType(
    {
        FollowUpKind.SMALLER_FORM: frozenset({FollowUpKind.OPTIONS}),
        FollowUpKind.SCRIPT: frozenset({FollowUpKind.OPTIONS, FollowUpKind.SMALLER_FORM}),
    }
)
"""What a step of the same fault builds on: a script is made of the smallest form."""


@dataclass(frozen=True, kw_only=True)
class FollowUpStep:
    """One thing that can be found out about a fault.

    Attributes:
        kind: what it finds out.
        fault: the fault's number, from 0.
        subject: the probe's name, or the axis whose options are tried; "" where there is one only.
        cell: the guilty cell that a probe looks at.
        guests: guests that it takes, or is expected to take, besides those that ran.
        seconds: about how long they take one after another; None where nothing is known of that.
        begun: whether some of it was run.
        before: of a probe: how many others of the fault come first, or were run.
    """

    kind: FollowUpKind
    fault: int
    subject: str = ""
    cell: Cell | None = None
    guests: int
    seconds: float | None = None
    begun: bool = False
    before: int = 0

    @property
    def worth_per_guest(self) -> float:
        """What it adds to the clue for each guest."""
        return WORTH[self.kind] * ANOTHER**self.before / max(self.guests, 1)


def in_order(steps: Iterable[FollowUpStep]) -> tuple[FollowUpStep, ...]:
    """Return the steps, the most worth for each guest first, none before what it builds on.

    Of equals the first fault's comes first, then the cheaper one.
    """
    left, ordered = list(steps), list[FollowUpStep]()
    while left:
        ready = [
            one
            for one in left
            if not any(
                other.fault == one.fault and other.kind in AFTER.get(one.kind, frozenset())
                for other in left
            )
        ]
        best = min(ready, key=lambda one: (-one.worth_per_guest, one.fault, one.seconds or 0.0))
        ordered.append(best)
        left.remove(best)
    return tuple(ordered)
