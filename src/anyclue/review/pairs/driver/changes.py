"""A change of C sources: every file whole, before and after; from commits, index or work tree.

Nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.git import repository as git
from anyclue.git.contents import contents
from anyclue.git.model import Repository
from anyclue.model.errors import Problem, RequestError
from anyclue.system.confined_files import read_inside


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


_RANGE = re.compile(r"(?P<old>.*?)(?P<dots>\.\.\.?)(?P<new>.*)", re.DOTALL)
_SINGLE = re.compile(r"(?P<rev>.+?)(?:\^!|\^-(?P<parent>\d{0,4}))?", re.DOTALL)


def of_range(tree: Path, text: str) -> SourceChange:
    """Return the change between commits.

    ``A..B``; ``A...B``: B since it left A; a single revision: what it changed (of a merge,
    against its first parent). An end left out is HEAD.

    Raises:
        RequestError: no repository, unknown revisions, or objects that are not there.
    """
    repo = git.repository(tree)
    ends = _RANGE.fullmatch(text)
    if ends is None:
        return _of_commit(repo, text)
    if not ends["old"] and not ends["new"]:
        raise RequestError.of(
            f"{text!r} names no revision", where=str(repo.at), next_step="write A..B"
        )
    old, new = _commits(repo, [ends["old"] or "HEAD", ends["new"] or "HEAD"])
    if ends["dots"] == "...":
        base = git.merge_base(repo, old, new)
        if base is None:
            step = "bring more history: git fetch --unshallow" if repo.shallow else "write A..B"
            raise RequestError.of(
                f"{text!r} has no common ancestor here", where=str(repo.at), next_step=step
            )
        old = base
    return _between(repo, text, old, new)


def of_index(tree: Path) -> SourceChange:
    """Return what is staged: HEAD against the index.

    Raises:
        RequestError: no repository, no work tree, or the index holds conflicts.
    """
    repo = git.repository(tree)
    if repo.top is None:
        raise _no_work_tree(tree)
    head = git.head(repo)
    found = git.staged(repo, head or git.empty_tree(repo))
    return SourceChange(title="index", files=_read(repo, found), root=repo.top, old_rev=head)


def of_worktree(tree: Path, rev: str) -> SourceChange:
    """Return what changed since ``rev`` in tracked files, as they lie there.

    Raises:
        RequestError: no repository, no work tree, an unknown revision, an unreadable file.
    """
    repo = git.repository(tree)
    if repo.top is None:
        raise _no_work_tree(tree)
    (old,) = _commits(repo, [rev])
    found = git.on_disk(repo, old)
    return SourceChange(
        title=f"{rev}..work tree", files=_read(repo, found), root=repo.top, old_rev=old
    )


def _no_work_tree(tree: Path) -> RequestError:
    return RequestError.of(
        "this repository has no work tree",
        where=str(tree),
        next_step="compare two commits: --diff A..B",
    )


def _of_commit(repo: Repository, text: str) -> SourceChange:
    single = _SINGLE.fullmatch(text)
    name = single["rev"] if single else text
    (new,) = _commits(repo, [name])
    known = git.parents(repo, new)
    number = int((single and single["parent"]) or 1)
    if not known and number == 1:
        return _between(repo, f"{name} (root commit)", git.empty_tree(repo), new)
    if not 1 <= number <= len(known):
        raise RequestError.of(
            f"{name!r} has {len(known)} parents", where=str(repo.at), next_step="choose one of them"
        )
    old = known[number - 1]
    if not git.has(repo, old):
        step = f"git fetch --deepen=1, or compare with another commit: A..{name}"
        raise RequestError.of(
            f"the parent of {name!r} is not in this clone", where=str(repo.at), next_step=step
        )
    parent = "^" if number == 1 else f"^{number}"
    return _between(repo, f"{name}{parent}..{name}", old, new)


def _between(repo: Repository, title: str, old: str, new: str) -> SourceChange:
    files = _read(repo, git.between(repo, old, new))
    known = None if old == git.empty_tree(repo) else old
    return SourceChange(
        title=title, files=files, root=repo.top or repo.at, old_rev=known, new_rev=new
    )


def _commits(repo: Repository, names: Sequence[str]) -> list[str]:
    """Return the commits that revisions name; all unknown ones are one error."""
    found: list[str] = []
    problems: list[Problem] = []
    for name in names:
        try:
            found.append(git.commit(repo, name))
        except RequestError as error:
            problems += error.problems
    if problems:
        raise RequestError(list(dict.fromkeys(problems)))
    return found


def _read(repo: Repository, found: Iterable[git.SourceDifference]) -> tuple[FileChange, ...]:
    differences = list(found)
    sides = [side for one in differences for side in (one.old, one.new) if side is not None]
    wanted = [side.blob for side in sides if side.blob is not None]
    blobs = dict(contents(repo.at, wanted))
    changes: list[FileChange] = []
    for one in differences:
        old = blobs[one.old.blob] if one.old and one.old.blob else None
        new = blobs[one.new.blob] if one.new and one.new.blob else None
        if one.new is not None and one.new.blob is None:
            new = _as_stored(read_inside(repo.at, one.new.path), old)
        change = FileChange(
            old_path=one.old.path if one.old else None,
            new_path=one.new.path if one.new and new is not None else None,
            old=old,
            new=new,
        )
        if (change.old_path, change.old) != (change.new_path, change.new):
            changes.append(change)
    return tuple(changes)


def _as_stored(content: bytes | None, before: bytes | None) -> bytes | None:
    """Return a file with the line ends that git stores it with (core.autocrlf makes others)."""
    if content is None or before is None or b"\r" in before:
        return content
    return content.replace(b"\r\n", b"\n")
