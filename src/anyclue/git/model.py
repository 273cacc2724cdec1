"""Repositories, commits and what git makes of them, as data: for cores that never call git."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository as it was found.

    Attributes:
        at: where git is run: its work tree's root, or the git directory.
        top: root of the work tree; None when there is none (bare, or inside the git directory).
        git_dir: where git keeps what belongs to this work tree.
        shallow: whether the history was cut when it was cloned.
    """

    at: Path
    top: Path | None
    git_dir: Path
    shallow: bool


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


@dataclass(frozen=True, kw_only=True)
class CommitSubject:
    """A commit: its full id and the first line of its message (hostile text)."""

    id: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class HistoryPosition:
    """Where a commit is: a bit for each branch that has it, and its place in the order of history.

    The order begins at the newest; a commit comes before its parents.
    """

    branches: int
    order: int
