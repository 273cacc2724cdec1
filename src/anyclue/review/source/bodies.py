"""Where functions' bodies stand, by indentation: the kernel's style needs no parsing."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from anyclue.review.source.lines import Span

# A body that ends in its first line is no longer than that.
_ONE_LINE: Final = 1000
# So many braces in the first column may close something inside a function.
_FIRST_COLUMN: Final = 8
_OPENS: Final = re.compile(rb"\n\{")
_CLOSES: Final = re.compile(rb"\n\}")
_BODY: Final = re.compile(rb"\n\{|\)[ \t\r\w]*+\{")


def bodies(text: bytearray) -> Iterator[Span]:
    """Yield where function-like bodies stand: from the opening brace to behind the closing one.

    In the kernel's style: the brace that closes stands in the first column, or in the same line.
    """
    opening, closing = ([at.start() for at in edge.finditer(text)] for edge in (_OPENS, _CLOSES))
    at = 0
    while found := _BODY.search(text, at):
        start = found.end() - 1
        at = _one_line(text, start) or _closed(text, start, opening, closing)
        yield start, at


def _one_line(text: bytearray, start: int) -> int:
    """Return the end of a body that ends in its first line, or 0."""
    line = text.find(b"\n", start, start + _ONE_LINE)
    line = start + _ONE_LINE if line < 0 else line
    end = text.rfind(b"}", start, line) + 1
    return end if text.count(b"{", start, line) == text.count(b"}", start, line) else 0


def _closed(text: bytearray, start: int, opening: list[int], closing: list[int]) -> int:
    """Return the end of a body: a brace in the first column, or a later one if some are open.

    A brace in the first column may close something inside; the next function ends the search.
    """
    first = bisect_left(closing, start)
    if first == len(closing):
        return len(text)
    end, depth = start, 0
    inner = bisect_left(opening, start)
    if inner < len(opening) and opening[inner] < closing[first]:
        # Either a block inside, or the brace that closes stands elsewhere.
        end = opening[inner]
        depth = text.count(b"{", start, end) - text.count(b"}", start, end)
        if depth <= 0:
            return text.rfind(b"}", start, end) + 1
    following = bisect_left(opening, closing[first])
    limit = opening[following] if following < len(opening) else len(text)
    for brace in closing[first : first + _FIRST_COLUMN]:
        if brace >= limit:
            break
        depth += text.count(b"{", end, brace + 2) - text.count(b"}", end, brace + 2)
        end = brace + 2
        if depth <= 0:
            return end
    return closing[first] + 2
