"""Commits that are not there yet: a cherry-pick, a patch on top. In a repository that borrows."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from anyclue.git.merge import WHO, merged
from anyclue.git.model import CherryPick
from anyclue.git.process import Repository, answer, git
from anyclue.git.tree import tree_id


def picked(repo: Repository, fix: str, parent: str, onto: str) -> CherryPick:
    """Return what ``git cherry-pick`` of a commit would do on a branch.

    The merge gets both sides as children of the commit's parent: git before 2.40 takes no base
    for ``merge-tree``.

    Raises:
        RequestError: objects are missing.
        InfrastructureError: git fails.
    """
    base = alone(repo, parent)
    found = merged(repo, alone(repo, onto, base), alone(repo, fix, base))
    same = tree_id(repo, found.commit) == tree_id(repo, onto)
    conflicts = tuple(sorted(found.conflicts))
    return CherryPick(conflicts=conflicts, empty=same and not conflicts)


def alone(repo: Repository, commit_id: str, *parents: str) -> str:
    """Return a commit with the files of another one, and only these parents."""
    above = [word for one in parents for word in ("-p", one)]
    tree = f"{commit_id}^{{tree}}"
    made = answer(repo.at, "commit-tree", tree, *above, "-m", "anyclue", environment=WHO)
    return made.decode().strip()


def patched(repo: Repository, commit_id: str, patch: Path) -> str | None:
    """Return a commit with a patch on top of another one; None where it does not apply.

    Lines around a change have to be as the patch has them; they may have moved.

    Raises:
        RequestError: objects are missing.
    """
    with tempfile.TemporaryDirectory(prefix="anyclue-index-") as name:
        own = {
            "GIT_INDEX_FILE": f"{name}/index",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        answer(repo.at, "read-tree", commit_id, environment=own)
        options = ("--cached", "--whitespace=nowarn")
        if git(repo.at, "apply", *options, str(patch.absolute()), environment=own).status != 0:
            return None
        tree = answer(repo.at, "write-tree", environment=own).decode().strip()
    above = ("-p", commit_id, "-m", "anyclue")
    return answer(repo.at, "commit-tree", tree, *above, environment=WHO).decode().strip()
