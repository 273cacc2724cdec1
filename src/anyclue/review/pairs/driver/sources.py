"""The C sources of a tree: as they lie on disk, or as a commit has them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from anyclue.git import repository as git
from anyclue.git.contents import contents
from anyclue.model.errors import Problem, RequestError
from anyclue.review.pairs.contracts.model import KernelVersion
from anyclue.review.pairs.contracts.versions import version_of
from anyclue.system.confined_files import read_inside

ENDINGS = (".c", ".h")
MAKEFILE = "Makefile"
"""The file at a kernel tree's top that tells its version."""


def list_sources(root: Path, named: Sequence[Path]) -> list[str]:
    """Return the C sources below what a user named, relative to ``root``.

    Raises:
        RequestError: something named is not there, or holds no C source.
    """
    problems = []
    found: dict[str, None] = {}
    for path in named:
        if path.is_dir():
            below = [os.path.relpath(one, root) for one in sorted(_below(path))]
            if not below:
                problems.append(
                    Problem(
                        what="no C source (*.c, *.h) below it",
                        where=str(path),
                        next_step="name a directory of C sources, or files",
                    )
                )
            found |= dict.fromkeys(below)
        elif path.is_file() and not path.name.endswith(ENDINGS):
            problems.append(
                Problem(
                    what="no C source (*.c, *.h)",
                    where=str(path),
                    next_step="name C sources, or a directory of them",
                )
            )
        elif path.is_file():
            found[os.path.relpath(path, root)] = None
        else:
            problems.append(
                Problem(what=_absence(path), where=str(path), next_step="name files or directories")
            )
    if problems:
        raise RequestError(problems)
    return list(found)


def _absence(path: Path) -> str:
    if path.exists():
        return "neither a file nor a directory"
    return "a link that leads nowhere" if path.is_symlink() else "no such file or directory"


def _below(directory: Path) -> Iterable[str]:
    for where, names, files in os.walk(directory):
        names[:] = [one for one in names if not one.startswith(".")]
        for one in files:
            if one.endswith(ENDINGS):
                path = os.path.join(where, one)  # noqa: PTH118 - a hundred thousand files
                if os.path.isfile(path) and not os.path.islink(path):  # noqa: PTH113, PTH114
                    yield path


def kernel_version(path: Path) -> KernelVersion | None:
    """Return the version of the kernel tree that holds a path; None where there is none."""
    at = path.absolute()
    for directory in (at, *at.parents):
        makefile = directory / MAKEFILE
        if makefile.is_file() and (version := version_of(makefile.read_bytes())) is not None:
            return version
    return None


def neighbourhood(path: str) -> tuple[str, bool]:
    """Return the directory whose files a file is judged with, and whether all below it count.

    ``fs/xfs/libxfs/a.c`` is judged with all of ``fs/xfs``, ``mm/a.c`` with what lies in ``mm``.
    """
    parts = path.split("/")
    if len(parts) > 2:
        return "/".join(parts[:2]), True
    return "/".join(parts[:-1]), False


class SourceTree(Protocol):
    """The files around a change."""

    def neighbours(self, paths: Sequence[str]) -> Mapping[str, str]:
        """Return the sources around these files, each with what names its content."""

    def read(self, paths: Sequence[str]) -> Mapping[str, bytes]:
        """Return the contents of files."""


class DiskTree:
    """A tree as it lies on disk."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._texts: dict[str, bytes] = {}

    @property
    def version(self) -> KernelVersion | None:
        """The version that the tree's Makefile tells."""
        return kernel_version(self._root)

    def neighbours(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the sources around these files, each with what names its content."""
        found: dict[str, str] = {}
        for directory, deep in sorted({neighbourhood(one) for one in paths}):
            at = self._root / directory
            names = (
                _below(at)
                if deep
                else [str(one) for one in at.glob("*") if one.suffix in ENDINGS and one.is_file()]
            )
            for name in sorted(names) if at.is_dir() else ():
                path = os.path.relpath(name, self._root)
                text = self.read((path,)).get(path)
                if text is not None:
                    found[path] = hashlib.sha256(text).hexdigest()
        return found

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the contents of files."""
        found = {}
        for path in paths:
            text = self._texts.get(path)
            if text is None:
                text = read_inside(self._root, path)
            if text is not None:
                self._texts[path] = found[path] = text
        return found


class CommitTree:
    """A tree as a commit has it."""

    def __init__(self, root: Path, rev: str) -> None:
        self._root = root
        self._rev = rev
        self._ids = git.blobs(root, rev)

    @property
    def version(self) -> KernelVersion | None:
        """The version that the tree's Makefile tells."""
        repo = git.repository(self._root)
        listed = git.tree_listing(repo, git.commit(repo, self._rev), MAKEFILE)
        ids = [object_id.decode() for mode, object_id, _ in listed if mode.startswith(b"100")]
        return next((version_of(text) for _, text in contents(self._root, ids)), None)

    def neighbours(self, paths: Iterable[str]) -> Mapping[str, str]:
        """Return the sources around these files, each with what names its content."""
        around = {neighbourhood(one) for one in paths}
        deep = tuple(f"{directory}/" for directory, below in around if below)
        flat = {directory for directory, below in around if not below}
        return {
            path: object_id
            for path, object_id in self._ids.items()
            if path.startswith(deep) or path.rpartition("/")[0] in flat
        }

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the contents of files."""
        ids = {path: self._ids[path] for path in paths if path in self._ids}
        blobs = dict(contents(self._root, dict.fromkeys(ids.values())))
        return {path: blobs[object_id] for path, object_id in ids.items()}
