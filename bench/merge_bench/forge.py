"""Repositories with merges, made of whatever text a case wants."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.review.merge.core.model import MergeReview
from anyclue.review.merge.driver.request import MergeRequest
from anyclue.review.merge.driver.review import review

AUTHOR = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
Files = Mapping[str, str | None]
"""By path, the text of a file; None: deleted."""


@dataclass(frozen=True)
class Forge:
    """A repository in which branches are made and merged."""

    path: Path

    @classmethod
    def new(cls, path: Path) -> Forge:
        """Make an empty repository in a directory that is not there yet."""
        path.mkdir()
        made = cls(path)
        made.git("init", "-q", "-b", "main")
        return made

    def git(self, *arguments: str, status: bool = True) -> str:
        """Return what git prints; with ``status``, it has to succeed."""
        command = ["git", "-C", str(self.path), *AUTHOR, *arguments]
        return subprocess.run(command, check=status, capture_output=True, text=True).stdout.strip()

    def commit(self, branch: str, at: str | None, files: Files) -> str:
        """Commit files on a branch, which begins at a commit when one is given."""
        if at is not None:
            self.git("checkout", "-q", "-B", branch, at)
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", f"a commit of {branch}")
        return self.git("rev-parse", "HEAD")

    def write(self, files: Files) -> None:
        """Write files to the work tree."""
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True) if text is None else path.write_text(text)

    def merge(self, parents: Sequence[str], files: Files) -> str:
        """Return a merge of commits: what git makes of it, with these files in place of its own.

        Of an octopus with conflicts git makes nothing; then ``files`` are all that differs from
        the first parent.
        """
        self.git("checkout", "-q", "--force", "--detach", parents[0])
        self.git("merge", "-q", "--no-commit", "--no-ff", *parents[1:], status=False)
        if len(parents) > 2 and self.git("ls-files", "--unmerged"):
            self.git("reset", "-q", "--hard", parents[0])
        self.write(files)
        self.git("add", "--all")
        named = [word for one in parents for word in ("-p", one)]
        made = self.git("commit-tree", self.git("write-tree"), *named, "-m", "merge")
        self.git("reset", "-q", "--hard", made)
        return made

    def review(self, rev: str | None, against: str | None = None) -> MergeReview:
        """Review a merge; without a commit, the unfinished one in the work tree."""
        return review(MergeRequest(tree=self.path, rev=rev, against=against, jobs=1))
