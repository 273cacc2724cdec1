"""What reading a C file gives: its functions, and what the pre-pass took out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate

from tree_sitter import Node

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


class Choice(Enum):
    """Which arm of ``#if`` is read: every condition's symbols are set, or none is."""

    ON = "on"
    OFF = "off"


@dataclass(frozen=True, kw_only=True)
class Cleanup:
    """A release that the compiler runs at the end of the scope.

    ``kind`` is ``free`` (``__free(name)``), ``cleanup`` (``__cleanup(name)``), ``guard``,
    ``scoped_guard`` or ``class`` (``CLASS``, ``ACQUIRE``); ``name`` the first argument;
    ``offset`` the first byte of ``text``, which is the macro with its arguments as it stands in
    the file.
    """

    kind: str
    name: str
    offset: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function definition; lines count from 1, the last one is that of the closing brace.

    ``broken``: the node contains what could not be parsed. ``node`` belongs to the tree of a part
    of the file, with positions in the whole file all the same.
    """

    name: str
    node: Node
    start_byte: int
    end_byte: int
    first_line: int
    last_line: int
    broken: bool
    static: bool


@dataclass(frozen=True, kw_only=True)
class CSource:
    """A C file, read with one choice of its ``#if`` arms.

    ``text`` is what was parsed: as long as ``original``, newlines in the same places.
    ``macros`` names the macro that stood at the byte where ``text`` now has ``while``, ``if`` or a
    definition. ``notes`` are the comments that speak to anyclue, by line. ``choices`` are the
    lines (first, last) in which another choice reads other text; ``unread`` those that could not
    be parsed and are in no function.
    """

    original: bytes
    text: bytes
    functions: tuple[Function, ...]
    lines: int
    macros: Mapping[int, str]
    cleanups: tuple[Cleanup, ...]
    notes: Mapping[int, str]
    choices: tuple[Span, ...]
    unread: tuple[Span, ...]
