"""The files of a commit, as git's own objects list them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from anyclue.system.git_process import Repository, failure, git


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A file of a tree: its mode as git writes it (``100644``), and the id of its content."""

    mode: str
    id: str


def tree_id(repo: Repository, commit_id: str) -> str:
    """Return the id of a commit's tree: equal ids are equal files.

    Raises:
        RequestError: the commit is not there.
    """
    done = git(repo.at, "rev-parse", "--verify", "--end-of-options", f"{commit_id}^{{tree}}")
    if done.status != 0:
        raise failure(repo.at, done)
    return done.stdout.decode().strip()


def entries(repo: Repository, commit_id: str) -> dict[str, Entry]:
    """Return every file, link and submodule of a commit, by path.

    Raises:
        RequestError: the commit, or a directory of it, is not there.
    """
    done = git(repo.at, "ls-tree", "-r", "-z", "--full-tree", commit_id)
    if done.status != 0:
        raise failure(repo.at, done)
    found: dict[str, Entry] = {}
    for line in done.stdout.split(b"\0")[:-1]:
        about, _, path = line.partition(b"\t")
        mode, _, object_id = about.decode().split(" ")
        found[os.fsdecode(path)] = Entry(mode=mode, id=object_id)
    return found
