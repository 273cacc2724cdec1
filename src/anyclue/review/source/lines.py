"""Places in a text: spans, lines."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

Span = tuple[int, int]
"""First and last line, or first byte and the byte behind the last."""


class Lines:
    """Where the lines of a text begin."""

    def __init__(self, text: bytes) -> None:
        widths = (len(line) + 1 for line in text.split(b"\n"))
        self._starts = list(accumulate(widths, initial=0))[:-1]
        self.count = len(self._starts) - (self._starts[-1] == len(text))

    def point(self, at: int) -> tuple[int, int]:
        """Return row and column of a byte, both from 0."""
        row = bisect_right(self._starts, at) - 1
        return row, at - self._starts[row]

    def span(self, start: int, end: int) -> Span:
        """Return the first and the last line, from 1, of the bytes from start up to end."""
        return self.point(start)[0] + 1, self.point(max(start, end - 1))[0] + 1
