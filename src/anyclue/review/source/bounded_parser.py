"""Parsing that ends: text that makes tree-sitter's recovery from errors run away is given up.

Its time and memory grow with the square of some kinds of nonsense, so that a megabyte of it takes
hours. Nothing here looks at a clock: how far the parser comes with its operations tells enough.
"""

from __future__ import annotations

from typing import Final

import tree_sitter_c
from tree_sitter import Language, Parser, Range, Tree

from anyclue.review.source.lines import Lines, Span

_LANGUAGE: Final = Language(tree_sitter_c.language())
_CHUNK: Final = 1 << 16
# The parser asks every hundred operations whether to go on. In that many questions it reads 13 kB
# and more of kernel source, but less than 2 kB of what it recovers badly from. A function so short
# that it asks less often is read in any case.
_QUESTIONS: Final = 200
_READ_AT_LEAST: Final = 5000
# It reads on quickly where these do not balance, and takes memory.
_PAIRS: Final = ((b"(", b")"), (b"{", b"}"), (b"[", b"]"))
_BLOCK: Final = 1 << 12
_OPEN_AT_MOST: Final = 200


class BoundedParser:
    """A parser of parts of a text; positions are those in the whole."""

    def __init__(self, text: bytes, lines: Lines) -> None:
        self._text = text
        self._lines = lines
        self._parser = Parser(_LANGUAGE)

    def part(self, span: Span) -> Tree | None:
        """Return the tree of a part, or None when it is given up."""
        start, end = span
        points = self._lines.point(start), self._lines.point(end)
        self._parser.included_ranges = [Range(*points, start, end)]
        try:
            return self._parse(*span)
        finally:
            del self._parser.included_ranges

    def _parse(self, start: int, end: int) -> Tree | None:
        if _lopsided(self._text, start, end):
            return None
        view = memoryview(self._text)
        patience = _Patience(end=start + len(self._text[start:end].rstrip()))
        try:
            read = self._parser.parse(
                lambda at, _point: view[at : at + _CHUNK], progress_callback=patience.ends
            )
        except ValueError:
            self._parser.reset()
            return None
        # The same again, found in the tree at once: nodes of this one know their text.
        return self._parser.parse(self._text, old_tree=read)


class _Patience:
    """Ends when the parser asks often and does not come forward."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._asked = 0
        self._since = 0

    def ends(self, at: int, _broken: bool) -> bool:
        """Tell whether to give up, asked at the byte that has been read."""
        if at >= self._end:
            return False
        self._asked += 1
        if self._asked < _QUESTIONS:
            return False
        gained, self._since, self._asked = at - self._since, at, 0
        return gained < _READ_AT_LEAST


def _lopsided(text: bytes, start: int, end: int) -> bool:
    """Tell whether many brackets are open, or closed without having been opened."""
    for opening, closing in _PAIRS:
        depth = 0
        for block in range(start, end, _BLOCK):
            until = min(block + _BLOCK, end)
            depth += text.count(opening, block, until) - text.count(closing, block, until)
            if abs(depth) > _OPEN_AT_MOST:
                return True
    return False


def empty_tree(size: int) -> Tree:
    """Return the tree of nothing but blanks."""
    return Parser(_LANGUAGE).parse(b" " * size)
