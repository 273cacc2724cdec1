"""A change of C sources: every file whole, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """A C source before and after; what there is not is None.

    Attributes:
        old_path: its path before, relative to `SourceChange.root`.
        new_path: its path after.
        old: its whole content before.
        new: its whole content after.
    """

    old_path: str | None
    new_path: str | None
    old: bytes | None
    new: bytes | None


@dataclass(frozen=True, kw_only=True)
class SourceChange:
    """A change of C sources (``*.c`` and ``*.h``; no links, no submodules).

    Attributes:
        title: what is compared, in the user's words.
        files: what differs, by path.
        root: what the paths are relative to.
        old_rev: id of the commit before, where there is one.
        new_rev: id of the commit after, where there is one.
    """

    title: str
    files: tuple[FileChange, ...]
    root: Path
    old_rev: str | None = None
    new_rev: str | None = None
