"""Git repositories whose commits have the same ids whenever they are made."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.pairs_bench.reading import ENCODING

EPOCH: Final = 1_640_000_000
"""The first commit's date; each later one is an hour younger."""
WHO: Final = {"NAME": "A Developer", "EMAIL": "developer@example.org"}


class Repository:
    """A repository that is being made, with one work tree in which everything happens."""

    def __init__(self, path: Path) -> None:
        """Take the repository at a path."""
        self.path = path
        self._commits = 0

    @classmethod
    def new(cls, path: Path) -> Repository:
        """Make an empty repository at a path that is not there yet."""
        path.mkdir(parents=True)
        made = cls(path)
        made.git("init", "-q", "-b", "main", "--template=")
        return made

    def git(self, *words: str, status: int = 0) -> str:
        """Return what git prints; an exit status above ``status`` is an error."""
        date = f"{EPOCH + 3600 * self._commits} +0000"
        who = {
            f"GIT_{role}_{key}": value
            for role in ("AUTHOR", "COMMITTER")
            for key, value in {**WHO, "DATE": date}.items()
        }
        nothing = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        environment = {**os.environ, **who, **nothing}
        argv = ["git", "-C", str(self.path), *words]
        ran = subprocess.run(argv, check=False, capture_output=True, text=True, env=environment)
        if ran.returncode > status:
            raise RuntimeError(f"git {' '.join(words)}: {ran.stdout}{ran.stderr}")
        return ran.stdout.strip()

    def read(self, path: str) -> str:
        """Return a file of the work tree."""
        return (self.path / path).read_text(encoding=ENCODING)

    def commit(self, subject: str, files: Mapping[str, str]) -> str:
        """Commit files on the branch that is checked out; return the commit."""
        self._write(files)
        return self._commit("-m", subject)

    def branch(self, name: str, at: str | None = None) -> None:
        """Check a branch out; with ``at``, it begins there."""
        self.git("checkout", "-q", *(("-B", name, at) if at else (name,)))

    def merge(self, branch: str, files: Mapping[str, str] | None = None) -> str:
        """Merge a branch with what git makes of it, or with files that resolve its conflicts.

        Raises:
            RuntimeError: there is a conflict and no file for it, or files and no conflict.
        """
        said = self.git("merge", "-q", "--no-ff", "--no-commit", branch, status=1)
        clashes = {*self.git("diff", "--name-only", "--diff-filter=U").split()}
        if clashes != {*(files or {})}:
            raise RuntimeError(f"{branch} has conflicts in {clashes}: {said}")
        self._write(files or {})
        return self._commit("-m", f"Merge branch '{branch}'")

    def revert(self, commit: str, *options: str) -> str:
        """Revert a commit, with options of `git revert`; return the revert.

        Raises:
            RuntimeError: it conflicts with what came later.
        """
        self.git("revert", "--no-commit", *options, commit)
        subject = self.git("show", "-s", "--format=%s", commit)
        return self._commit("-m", f'Revert "{subject}"', "-m", f"This reverts commit {commit}.")

    def _write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding=ENCODING)

    def _commit(self, *message: str) -> str:
        self.git("add", "--all", "--force")
        self.git("commit", "-q", *message)
        self._commits += 1
        return self.git("rev-parse", "HEAD")
