"""Versions that are no commit of the user's: changes carried along, one taken back, a fix applied.

For kernels that are built whole they are commits in a repository in the run directory, which
borrows the user's objects. The same change on the same commit gives the same id, so that a
bisection which goes on finds what it built.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from anyclue.bisect.run.fixups import Fixup
from anyclue.git import repository as git
from anyclue.git.merge import (
    AutoMerge,
    auto_merge,
    borrowing_repository,
    commit_with_parents,
    commit_with_patch,
    scratch_repository,
)
from anyclue.git.model import Repository
from anyclue.model.scenario import GitKernel
from anyclue.recordings.run_directory import RunDirectory

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SyntheticCommits:
    """Kernels of commits, with what is carried.

    Attributes:
        repo: the user's repository.
        run: the run directory.
        source: what the scenario says of its kernels.
        base: the commit whose kernel is built whole.
        carried: changes to apply where they apply.
    """

    repo: Repository
    run: RunDirectory
    source: GitKernel
    base: str
    carried: Sequence[Fixup] = ()

    def kernel(self, commit: str) -> GitKernel:
        """Return the kernel of a commit; where that differs in its module alone, that is built."""
        return self._kernel(commit, self._carrying(commit))

    def without(self, commit: str, bad: str) -> GitKernel | None:
        """Return the kernel of ``bad`` with a commit taken back; None where that conflicts."""
        result = revert(self._own, commit, bad)
        if result.conflicts:
            return None
        return self._kernel(f"without {commit}", self._carrying(result.commit))

    def with_fix(self, bad: str, fix: Path) -> GitKernel | None:
        """Return the kernel of ``bad`` with a patch applied; None where it does not apply."""
        made = commit_with_patch(self._own, bad, fix)
        return self._kernel(f"mended {bad}", self._carrying(made)) if made is not None else None

    def _kernel(self, revision: str, commit: str) -> GitKernel:
        base = self._carrying(self.base)
        theirs = commit == revision and base == self.base
        return replace(
            self.source,
            repository=str(self.repo.at if theirs else self._own.at),
            revision=revision,
            commit=commit,
            base=base if base != commit else None,
        )

    def _carrying(self, commit: str) -> str:
        done = []
        for number, one in enumerate(self.carried):
            made = commit_with_patch(self._own, commit, self.run.file(f"carried/{number}.patch"))
            if made is not None:
                commit = made
                done.append(one.name)
        if done:
            log.debug("%s carries %s", commit[:12], ", ".join(done))
        return commit

    @cached_property
    def _own(self) -> Repository:
        return borrowing_repository(self.repo, self.run.file("commits.git").absolute())


def tree_without(
    repo: Repository, commit: str, bad: str, directory: str
) -> dict[str, bytes] | None:
    """Return a directory of ``bad`` with a commit's change taken back; None where that conflicts.

    Raises:
        RequestError: objects are missing.
    """
    with scratch_repository(repo) as own:
        result = revert(own, commit, bad)
        if any(path.startswith(f"{directory}/") for path in result.conflicts):
            return None
        return git.below(own, result.commit, directory)


def tree_with_fix(repo: Repository, bad: str, fix: Path, directory: str) -> dict[str, bytes] | None:
    """Return a directory of ``bad`` with a patch applied; None where it does not apply.

    Raises:
        RequestError: objects are missing.
    """
    with scratch_repository(repo) as own:
        made = commit_with_patch(own, bad, fix)
        return git.below(own, made, directory) if made is not None else None


def patch_applies(repo: Repository, bad: str, fix: Path) -> bool:
    """Return whether a patch applies to ``bad``."""
    with scratch_repository(repo) as own:
        return commit_with_patch(own, bad, fix) is not None


def revert(own: Repository, commit: str, bad: str) -> AutoMerge:
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
    return auto_merge(
        own, commit_with_parents(own, bad, base), commit_with_parents(own, before, base)
    )
