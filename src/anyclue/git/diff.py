"""How the C sources of commits, the index and the work tree differ, as git tells it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from anyclue.git.process import Repository, answer, git, settings
from anyclue.model.errors import Problem, RequestError

SOURCES = (":(top,glob)**/*.c", ":(top,glob)**/*.h")
_RAW = (
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--ignore-submodules=all",
)
_RENAMES = ("-M", "-l1000")


@dataclass(frozen=True, kw_only=True)
class Side:
    """A C source on one side of a difference; ``blob`` is None when only the disk has it."""

    path: str
    blob: str | None


@dataclass(frozen=True, kw_only=True)
class SourceDifference:
    """A C source that differs; a side is None where there is no such file."""

    old: Side | None
    new: Side | None


def between(repo: Repository, old: str, new: str) -> list[SourceDifference]:
    """Return how the C sources of two commits or trees differ; renames are followed.

    Raises:
        RequestError: objects are missing.
    """
    return _differences(repo, ("diff-tree", "-r", *_RAW, *_RENAMES, old, new), {})


def staged(repo: Repository, old: str) -> list[SourceDifference]:
    """Return how the C sources in the index differ from those of ``old``.

    Inside a hook the index is the one that git gave the hook.

    Raises:
        RequestError: the index holds conflicts.
    """
    argv = ("diff-index", "--cached", "--ita-invisible-in-index", *_RAW, *_RENAMES, old)
    return _differences(repo, argv, _index_of_hook(repo))


def on_disk(repo: Repository, old: str) -> list[SourceDifference]:
    """Return which tracked C sources may differ from those of ``old``, as the index knows.

    A file whose time stamp alone changed is among them. Files are not read: what was renamed is
    known from the index.
    """
    found = _differences(
        repo, ("diff-index", "--no-renames", *_RAW, old), _no_filters(repo), conflicts=True
    )
    in_index = _differences(
        repo, ("diff-index", "--cached", *_RAW, *_RENAMES, old), {}, conflicts=True
    )
    gone = {one.old.path for one in found if one.old and not one.new}
    came = {one.new.path for one in found if one.new and not one.old}
    renamed = {
        one.new.path: one.old
        for one in in_index
        if one.old and one.new and one.old.path in gone and one.new.path in came
    }
    left = {old.path for old in renamed.values()}
    return [
        replace(one, old=renamed.get(one.new.path, one.old)) if one.new else one
        for one in found
        if one.new or (one.old and one.old.path not in left)
    ]


def is_source(path: str) -> bool:
    """Return whether a path's name is that of a C source or header."""
    return path.endswith((".c", ".h"))


def is_source_entry(mode: bytes, path: bytes) -> bool:
    """Return whether an entry of a tree is a C source: a regular file, no link, no submodule."""
    return mode.startswith(b"100") and path.endswith((b".c", b".h"))


def _differences(
    repo: Repository,
    argv: tuple[str, ...],
    environment: Mapping[str, str],
    *,
    conflicts: bool = False,
) -> list[SourceDifference]:
    listed = answer(repo.at, *argv, "--", *SOURCES, environment=environment)
    found: dict[str, SourceDifference] = {}
    unmerged: list[str] = []
    fields = iter(listed.split(b"\0")[:-1])
    for about in fields:
        old_mode, new_mode, old_id, new_id, status = about.removeprefix(b":").split(b" ")
        old_path = next(fields)
        new_path = next(fields) if status[:1] in b"RC" else old_path
        if status == b"U":
            unmerged.append(os.fsdecode(new_path))
            continue
        old = _side(old_mode, old_id, old_path)
        new = _side(new_mode, new_id, new_path)
        if old != new:
            found[os.fsdecode(new_path)] = SourceDifference(old=old, new=new)
    if unmerged and not conflicts:
        raise RequestError([_conflict(path) for path in unmerged])
    return [found[path] for path in sorted(found)]


def _side(mode: bytes, object_id: bytes, path: bytes) -> Side | None:
    if not is_source_entry(mode, path):
        return None
    blob = object_id.decode() if object_id.strip(b"0") else None
    return Side(path=os.fsdecode(path), blob=blob)


def _conflict(path: str) -> Problem:
    return Problem(
        what="the index holds a conflict", where=path, next_step="resolve it, then git add it"
    )


def _index_of_hook(repo: Repository) -> dict[str, str]:
    """Return the index that ``git commit`` lets its hooks see, if it is of this repository."""
    given = os.environ.get("GIT_INDEX_FILE")
    if not given or not Path(given).resolve().is_relative_to(repo.git_dir.resolve()):
        return {}
    return {"GIT_INDEX_FILE": str(Path(given).resolve())}


def _no_filters(repo: Repository) -> dict[str, str]:
    """Return settings that take the commands from every filter that the configuration defines."""
    done = git(repo.at, "config", "--null", "--name-only", "--get-regexp", r"^filter\.")
    names = {key.rpartition(".")[0] for key in os.fsdecode(done.stdout).split("\0")[:-1]}
    return settings(
        {
            f"{name}.{key}": value
            for name in sorted(names)
            for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "no"))
        }
    )
