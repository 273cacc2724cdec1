"""The trail of a path: the steps that count for what is followed along it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

JOINED = -1
"""Stands in a trail where facts were joined: from there on it may not be possible."""


class Trail(NamedTuple):
    """A control-flow path, last step first.

    Attributes:
        step: the step's number, or JOINED.
        holds: of a branch, whether its test held.
        before: the path to it.
    """

    step: int
    holds: bool
    before: Trail | None

    def earlier(self) -> Iterator[int]:
        """Yield the steps before the last one, backwards."""
        at = self.before
        while at is not None:
            if at.step != JOINED:
                yield at.step
            at = at.before

    def forward(self) -> list[tuple[int, bool]]:
        """Return the steps in order."""
        listed = []
        at: Trail | None = self
        while at is not None:
            if at.step != JOINED:
                listed.append((at.step, at.holds))
            at = at.before
        return listed[::-1]

    @property
    def is_exact(self) -> bool:
        """Tell whether no facts were joined on the path."""
        at: Trail | None = self
        while at is not None:
            if at.step == JOINED:
                return False
            at = at.before
        return True
