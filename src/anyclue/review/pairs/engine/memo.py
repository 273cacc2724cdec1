"""What close looks at functions said before, by all that they depended on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anyclue.review.pairs.engine.effects import Summary


class Memo:
    """Summaries by the function's graph and what the functions that it calls do.

    Args:
        known: what an earlier memo kept, as plain values.
    """

    def __init__(self, known: Mapping[bytes, tuple[Any, ...]] | None = None) -> None:
        self._known = known or {}
        self.used: dict[bytes, tuple[Any, ...]] = {}
        """What was asked for or added since, as plain values: what is worth keeping."""

    def get(self, key: bytes) -> tuple[Summary, bool] | None:
        """Return a function's summary and whether it could be judged; None when it is not known."""
        plain = self.used.get(key) or self._known.get(key)
        if plain is None:
            return None
        self.used[key] = plain
        summary, complete = plain
        return Summary.unpacked(summary), complete

    def put(self, key: bytes, summary: Summary, complete: bool) -> None:
        """Keep what a close look said."""
        self.used[key] = (summary.packed(), complete)
