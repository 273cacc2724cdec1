"""Commits and what git makes of them, as data: for cores that never call git."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit as it is written; the message is text as `os.fsdecode` makes it."""

    id: str
    parents: tuple[str, ...]
    message: str

    @property
    def title(self) -> str:
        """The first paragraph on one line, as git's ``%s``."""
        paragraph: list[str] = []
        for line in self.message.split("\n"):
            if line.strip():
                paragraph.append(line)
            elif paragraph:
                break
        return " ".join(" ".join(paragraph).split())


@dataclass(frozen=True, kw_only=True)
class CommitNode:
    """A commit and the parents it names."""

    id: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CommitRange:
    """The commits that ``bad`` reaches and no commit of ``good`` does, parents before children."""

    good: tuple[str, ...]
    bad: str
    commits: tuple[CommitNode, ...]


@dataclass(frozen=True, kw_only=True)
class CherryPick:
    """What a cherry-pick would do: files that would be in conflict, or nothing at all."""

    conflicts: tuple[str, ...] = ()
    empty: bool = False
