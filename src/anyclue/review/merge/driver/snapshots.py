"""The C sources of a merge in every version that matters, found under one key each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from anyclue.git import repository as git
from anyclue.git.contents import contents
from anyclue.git.model import Repository
from anyclue.git.repository import Side, SourceDifference
from anyclue.system.confined_files import read_inside

_PATHS = 500
"""So many paths are named to git at once."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """How one version's files differ from the merge base's.

    Attributes:
        changed: by key, where the file is in this version; None where it is deleted. A key is a
            path in the base, or where the file was added.
        disk: the work tree that holds what no blob does.
        rev: the commit; None for the work tree.
    """

    changed: Mapping[str, Side | None]
    disk: Path | None = None
    rev: str | None = None

    def path(self, key: str) -> str:
        """Return where a file lies in this version, or lay in the base."""
        side = self.changed.get(key)
        return side.path if side is not None else key

    def keys(self) -> dict[str, str]:
        """Return the key of each file that changed, by its path here."""
        return {side.path: key for key, side in self.changed.items() if side is not None}


def snapshot(repo: Repository, base: str, rev: str) -> Snapshot:
    """Return how the C sources of a commit differ from the base's; renames are followed."""
    return Snapshot(changed=_by_key(git.between(repo, base, rev)), rev=rev)


def work_tree_snapshot(repo: Repository, head: Snapshot, rev: str) -> Snapshot:
    """Return how the C sources of the work tree differ from the base's.

    Args:
        repo: the repository with the work tree.
        head: how those of the commit that is checked out differ.
        rev: that commit.
    """
    changed = dict(head.changed)
    keys = head.keys()
    for one in git.on_disk(repo, rev):
        named = one.old or one.new
        if named is not None:
            changed[keys.get(named.path, named.path)] = one.new
    return Snapshot(changed=changed, disk=repo.top)


def align_renames(sides: Sequence[Snapshot], others: Sequence[Snapshot]) -> list[Snapshot]:
    """Return versions with renames that only some show found in all, sides first.

    A file that a side has at its new place, and at its old one too or as a file of its own, was not
    renamed: elsewhere git took a file that is like it for that.
    """
    renamed = {
        side.path: key
        for one in (*sides, *others)
        for key, side in one.changed.items()
        if side is not None and side.path != key
    }
    for path, key in list(renamed.items()):
        if any(one.changed.get(path) and one.changed.get(key, one) is not None for one in sides):
            del renamed[path]
    found = []
    for one in (*sides, *others):
        changed = dict(one.changed)
        for key, side in one.changed.items():
            if side is not None and side.path != key and side.path not in renamed:
                changed[key] = None
                changed[side.path] = side
        for path, key in renamed.items():
            if key in changed and changed[key] is None and path in changed:
                changed[key] = changed.pop(path)
        found.append(replace(one, changed=changed))
    return found


class Contents:
    """Reads files of versions, each blob once.

    Args:
        repo: the repository that has the blobs.
        base: blob ids of the base's files, by path.
    """

    def __init__(self, repo: Repository, base: Mapping[str, str]) -> None:
        self._repo = repo
        self._base = base
        self._known: dict[str, bytes] = {}

    def load(self, snapshots: Iterable[Snapshot], keys: Iterable[str]) -> None:
        """Read what these versions, and the base, have of these files."""
        wanted = {self._base[key] for key in keys if key in self._base}
        for one in snapshots:
            sides = (one.changed.get(key) for key in keys)
            wanted |= {side.blob for side in sides if side is not None and side.blob is not None}
        missing = sorted(wanted - self._known.keys())
        self._known.update(contents(self._repo.at, missing))

    def base(self, key: str) -> bytes | None:
        """Return a file of the base."""
        blob = self._base.get(key)
        return self._known[blob] if blob is not None else None

    def of(self, version: Snapshot, key: str) -> bytes | None:
        """Return a file of a version."""
        if key not in version.changed:
            return self.base(key)
        side = version.changed[key]
        if side is None:
            return None
        if side.blob is None:
            return read_inside(version.disk, side.path) if version.disk else None
        return self.blob(side.blob)

    def files(self, version: Snapshot, paths: Iterable[str]) -> dict[str, bytes]:
        """Return files of a version by path, whatever they are; links are left out."""
        wanted = sorted(set(paths))
        if version.rev is None:
            read = {one: read_inside(version.disk, one) if version.disk else None for one in wanted}
            return {path: text for path, text in read.items() if text is not None}
        return self.files_of(version.rev, wanted)

    def files_of(self, rev: str, paths: Sequence[str]) -> dict[str, bytes]:
        """Return the same of a commit."""
        ids: dict[str, str] = {}
        for at in range(0, len(paths), _PATHS):
            named = paths[at : at + _PATHS]
            listed = git.tree_listing(self._repo, rev, *named)
            ids |= {
                os.fsdecode(path): object_id.decode()
                for mode, object_id, path in listed
                if mode.startswith(b"100")
            }
        missing = sorted({*ids.values()} - self._known.keys())
        self._known.update(contents(self._repo.at, missing))
        return {path: self._known[ids[path]] for path in paths if path in ids}

    def blob(self, object_id: str) -> bytes:
        """Return a blob's content."""
        if object_id not in self._known:
            self._known.update(contents(self._repo.at, [object_id]))
        return self._known[object_id]


def _by_key(differences: Iterable[SourceDifference]) -> dict[str, Side | None]:
    return {
        (one.old or one.new).path: one.new  # type: ignore[union-attr]
        for one in differences
        if one.old or one.new
    }
