"""Conflict markers: a conflicted file decided for one side, and markers that were left in one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

_EDGE: Final = re.compile(rb"^(?:[<>]{7}|[<>|]{7} [^\n]*?|<{8,} [^\n]*?)\r?$", re.MULTILINE)
_SIGNS: Final = (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")


class _In(Enum):
    BOTH = auto()
    OURS = auto()
    THEIRS = auto()


def resolve_markers(text: bytes, ours: str, theirs: str) -> tuple[bytes, bytes] | None:
    """Return a conflicted file decided for ours, and for theirs; None when nothing is marked.

    Args:
        text: what git wrote, in the style ``merge``.
        ours: how the label behind ``<<<<<<<`` begins; other lines of that form are text.
        theirs: how the label behind ``>>>>>>>`` begins.
    """
    begin, end = f"<<<<<<< {ours}".encode(), f">>>>>>> {theirs}".encode()
    kept: tuple[list[bytes], list[bytes]] = ([], [])
    where = _In.BOTH
    marked = False
    for line in text.splitlines(keepends=True):
        if where is _In.BOTH and line.startswith(begin):
            where, marked = _In.OURS, True
        elif where is _In.OURS and line.rstrip(b"\r\n") == b"=======":
            where = _In.THEIRS
        elif where is _In.THEIRS and line.startswith(end):
            where = _In.BOTH
        else:
            if where is not _In.THEIRS:
                kept[0].append(line)
            if where is not _In.OURS:
                kept[1].append(line)
    return (b"".join(kept[0]), b"".join(kept[1])) if marked else None


def has_markers(text: bytes | None) -> bool:
    """Return whether a file may hold markers at all."""
    return text is not None and any(sign in text for sign in _SIGNS)


def markers_left(
    text: bytes, base: bytes | None, sides: Sequence[bytes | None], marked: bytes | None
) -> bool:
    """Return whether a resolved file has markers that neither the base nor a side brought.

    A line of equal signs is one only where git's own stands: it may underline a heading.

    Args:
        text: the file as it was resolved.
        base: in the merge base; None where it is not there.
        sides: on each side.
        marked: as git merges it, with its markers.
    """
    brought = _edges(base)
    for side in sides:
        brought += _edges(side) - _edges(base)
    if _edges(text) - brought:
        return True
    equal = _separators(base, None)
    for side in sides:
        equal += _separators(side, None) - _separators(base, None)
    beside = set(_beside_separators(marked or b""))
    surplus = _separators(text, None).total() - equal.total()
    return surplus > 0 and _separators(text, beside).total() > 0


def _edges(text: bytes | None) -> Counter[bytes]:
    return Counter(line.rstrip(b"\r") for line in _EDGE.findall(text or b""))


def _separators(text: bytes | None, beside: set[bytes] | None) -> Counter[bytes]:
    """Return the lines of seven equal signs; with ``beside`` only those next to such a line."""
    lines = (text or b"").splitlines()
    return Counter(
        line
        for before, line, after in zip([b"", *lines], lines, [*lines[1:], b""], strict=False)
        if line == b"=======" and (beside is None or before in beside or after in beside)
    )


def _beside_separators(marked: bytes) -> list[bytes]:
    """Return the lines in front of and behind the separators of git's conflicts."""
    found: list[bytes] = []
    within = False
    lines = marked.splitlines()
    for number, line in enumerate(lines):
        if _EDGE.fullmatch(line):
            within = line.startswith(b"<")
        elif within and line == b"=======":
            found += (lines[number - 1], *lines[number + 1 : number + 2])
    return [one for one in found if one.strip() and not _EDGE.fullmatch(one)]
