"""Conflict markers: what a conflicted file is when every conflict is decided for one side."""

from __future__ import annotations

import re
from enum import Enum, auto

_BEGIN = re.compile(rb"^<{7} ", re.MULTILINE)
_END = re.compile(rb"^>{7} ", re.MULTILINE)


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


def has_markers(text: bytes) -> bool:
    """Return whether conflict markers seem to be left in a file."""
    return bool(_BEGIN.search(text) and _END.search(text))
