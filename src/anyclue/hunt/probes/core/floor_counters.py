"""Numbers that are read at every floor: how much each of them rose from one floor to the next."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

K = TypeVar("K", bound=Hashable)

TOO_FEW = "fewer than three floors were looked at"


def rises(floors: Sequence[Mapping[K, float]]) -> dict[K, tuple[float, ...]]:
    """Return, by key, how much was added between floors, those that never rose left out.

    The first floor only begins: what came before it are one-time things.
    """
    keys = {key for floor in floors for key in floor}
    found = {
        key: tuple(
            later.get(key, 0.0) - earlier.get(key, 0.0) for earlier, later in pairwise(floors)
        )
        for key in keys
    }
    return {key: rise for key, rise in found.items() if any(one > 0 for one in rise)}
