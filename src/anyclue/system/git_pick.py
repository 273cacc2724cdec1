"""What a cherry-pick would do, worked out in a repository that `borrowed` gave."""

from __future__ import annotations

from anyclue.model.stable import Pick
from anyclue.system.git_merge import WHO, merged
from anyclue.system.git_process import Repository, answer
from anyclue.system.git_tree import tree_id


def picked(repo: Repository, fix: str, parent: str, onto: str) -> Pick:
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
    return Pick(conflicts=tuple(sorted(found.conflicts)), empty=same and not found.conflicts)


def alone(repo: Repository, commit_id: str, *parents: str) -> str:
    """Return a commit with the files of another one, and only these parents."""
    above = [word for one in parents for word in ("-p", one)]
    tree = f"{commit_id}^{{tree}}"
    made = answer(repo.at, "commit-tree", tree, *above, "-m", "anyclue", environment=WHO)
    return made.decode().strip()
