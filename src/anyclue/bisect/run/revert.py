"""The bad end without the accused commit's change, or mended: the last part of a proof."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from anyclue.git import repository as git
from anyclue.git.merge import auto_merge, commit_with_parents, commit_with_patch, scratch_repository
from anyclue.git.model import Repository


def reverted(repo: Repository, commit: str, bad: str, directory: str) -> dict[str, bytes] | None:
    """Return a directory of ``bad`` with a commit's change taken back; None where that conflicts.

    Raises:
        RequestError: objects are missing.
    """
    with scratch_repository(repo) as own:
        made, conflicts = taken_back(own, commit, bad)
        if any(path.startswith(f"{directory}/") for path in conflicts):
            return None
        return git.below(own, made, directory)


def mended(repo: Repository, bad: str, fix: Path, directory: str) -> dict[str, bytes] | None:
    """Return a directory of ``bad`` with a patch applied; None where it does not apply.

    Raises:
        RequestError: objects are missing.
    """
    with scratch_repository(repo) as own:
        made = commit_with_patch(own, bad, fix)
        return git.below(own, made, directory) if made is not None else None


def mends(repo: Repository, bad: str, fix: Path) -> bool:
    """Return whether a patch applies to ``bad``."""
    with scratch_repository(repo) as own:
        return commit_with_patch(own, bad, fix) is not None


def taken_back(own: Repository, commit: str, bad: str) -> tuple[str, Collection[str]]:
    """Return ``bad`` with a commit's change taken back, as a commit, and files with conflicts.

    Of a merge, its resolution is taken back: what it is beyond what git merges by itself. Where git
    cannot merge by itself, it is all that the merge brought, as by ``git revert -m 1``.

    Args:
        own: a repository of ours that borrows the objects.
        commit: whose change it is.
        bad: a commit that has it.

    Raises:
        RequestError: objects are missing.
    """
    parents = git.parents(own, commit)
    before = parents[0]
    if len(parents) > 1:
        found = auto_merge(own, parents[0], parents[1])
        before = found.commit if len(parents) == 2 and not found.conflicts else parents[0]
    base = commit_with_parents(own, commit)
    result = auto_merge(
        own, commit_with_parents(own, bad, base), commit_with_parents(own, before, base)
    )
    return result.commit, result.conflicts
