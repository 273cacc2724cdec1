"""Commits of our own, for kernels that are built whole: changes carried along, one taken back.

They lie in a repository in the run directory that borrows the user's objects. The same change on
the same commit gives the same id, so that a bisection which goes on finds what it built.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from anyclue.bisect.run.fixups import Fixup
from anyclue.bisect.run.revert import taken_back
from anyclue.git.merge import borrowing_repository, commit_with_patch
from anyclue.git.model import Repository
from anyclue.model.scenario import GitKernel
from anyclue.recordings.run_directory import RunDirectory

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Commits:
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
        made, conflicts = taken_back(self._own, commit, bad)
        return self._kernel(f"without {commit}", self._carrying(made)) if not conflicts else None

    def mended(self, bad: str, fix: Path) -> GitKernel | None:
        """Return the kernel of ``bad`` with a patch applied; None where it does not apply."""
        made = commit_with_patch(self._own, bad, fix)
        return self._kernel(f"mended {bad}", self._carrying(made)) if made is not None else None

    def _kernel(self, called: str, commit: str) -> GitKernel:
        base = self._carrying(self.base)
        theirs = commit == called and base == self.base
        return replace(
            self.source,
            repository=str(self.repo.at if theirs else self._own.at),
            revision=called,
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
