"""Commits on top of the kernel's whole source, in a repository that borrows its objects."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_WHO = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Graft:
    """A bare repository. Its kernels share a workbench with all others of the same source."""

    path: Path

    @classmethod
    def of(cls, source: Path, at: Path) -> Graft:
        """Make one at a path that is not there yet, from a bare repository."""
        clone = ["git", "clone", "-q", "--bare", "--shared", str(source), str(at)]
        subprocess.run(clone, check=True)
        return cls(at)

    @property
    def head(self) -> str:
        """The commit of the source."""
        return self._git("rev-parse", "HEAD")

    def text(self, commit: str, path: str) -> str:
        """Return a file of a commit."""
        return self._git("show", f"{commit}:{path}") + "\n"

    def commit(self, parent: str, path: str, text: str, *, tag: str | None = None) -> str:
        """Return a commit with another text of a file."""
        blob = self._git("hash-object", "-w", "--stdin", given=text)
        index = {"GIT_INDEX_FILE": str(self.path / f"index-{blob}")}
        self._git("read-tree", parent, **index)
        self._git("update-index", "--cacheinfo", f"100644,{blob},{path}", **index)
        tree = self._git("write-tree", **index)
        made = self._git(*_WHO, "commit-tree", tree, "-p", parent, "-m", f"another {path}")
        if tag is not None:
            self._git("tag", tag, made)
        return made

    def _git(self, *words: str, given: str = "", **more: str) -> str:
        command = ["git", "-C", str(self.path), *words]
        environment = {**os.environ, **more}
        done = subprocess.run(
            command, check=True, input=given, capture_output=True, text=True, env=environment
        )
        return done.stdout.strip()
