"""Until when new work may begin."""

from __future__ import annotations

import re
import time
from typing import Final

from anyclue.model.errors import AnyclueError

_PARTS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0}
_DURATION: Final = re.compile(r"(?:(\d+(?:\.\d+)?)\s*([hms])\s*)+|\d+(?:\.\d+)?")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([hms])")


class TimeLimitReachedError(AnyclueError):
    """No new work begins any more; what ran has ended by itself."""

    def __str__(self) -> str:
        return "the time is up"


class TimeLimit:
    """A span of time from now on (monotonic); without seconds it never ends."""

    def __init__(self, seconds: float | None = None) -> None:
        self._end = time.monotonic() + seconds if seconds is not None else None

    @property
    def is_reached(self) -> bool:
        """Whether the time is up."""
        return self._end is not None and time.monotonic() >= self._end


def parse_duration(text: str) -> float | None:
    """Return the seconds of ``30m``, ``2h``, ``1h30m`` or ``90``; None where it is no time."""
    text = text.strip().lower()
    if not _DURATION.fullmatch(text):
        return None
    parts = _PART.findall(text)
    if not parts:
        return float(text)
    units = [unit for _, unit in parts]
    if units != sorted(set(units), key="hms".index):
        return None
    return sum(float(number) * _PARTS[unit] for number, unit in parts)
