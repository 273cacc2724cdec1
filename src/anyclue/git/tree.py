"""The files of a commit, as git's own objects list them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from anyclue.git.process import Repository, answer


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeEntry:
    """A file of a tree: its mode as git writes it (``100644``), and the id of its content."""

    mode: str
    id: str


def tree_id(repo: Repository, commit_id: str) -> str:
    """Return the id of a commit's tree: equal ids are equal files.

    Raises:
        RequestError: the commit is not there.
    """
    named = f"{commit_id}^{{tree}}"
    return answer(repo.at, "rev-parse", "--verify", "--end-of-options", named).decode().strip()


def entries(repo: Repository, commit_id: str) -> dict[str, TreeEntry]:
    """Return every file, link and submodule of a commit, by path.

    Raises:
        RequestError: the commit, or a directory of it, is not there.
    """
    return {
        os.fsdecode(path): TreeEntry(mode=mode.decode(), id=object_id.decode())
        for mode, object_id, path in listed(repo, commit_id)
    }


def listed(repo: Repository, commit_id: str, *below: str) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Give mode, id and path of all that a commit has, or of what is below directories.

    Raises:
        RequestError: the commit, or a directory of it, is not there.
    """
    shown = answer(repo.at, "ls-tree", "-r", "-z", "--full-tree", commit_id, "--", *below)
    for line in shown.split(b"\0")[:-1]:
        about, _, path = line.partition(b"\t")
        mode, _, object_id = about.split(b" ")
        yield mode, object_id, path
