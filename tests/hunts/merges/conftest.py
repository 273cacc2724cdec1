"""Repositories with merges, made of small C files."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from anyclue.hunts.merges.asking import Asked
from anyclue.hunts.merges.reviewing import review
from anyclue.model.merge import MergeReview
from anyclue.reports.merge_html import merge_html
from anyclue.reports.merge_json import merge_json

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "docs/merge.schema.json").read_text()
)
AUTHOR = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Forge:
    """A repository in which branches are made and merged."""

    path: Path

    def git(self, *arguments: str, status: bool = True) -> str:
        command = ["git", "-C", str(self.path), *AUTHOR, *arguments]
        return subprocess.run(command, check=status, capture_output=True, text=True).stdout.strip()

    def commit(self, branch: str, at: str | None, files: dict[str, str | None]) -> str:
        """Commit files (None: deleted) on a branch, which begins at a commit when one is given."""
        if at is not None:
            self.git("checkout", "-q", "-B", branch, at)
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", "a commit")
        return self.git("rev-parse", "HEAD")

    def write(self, files: dict[str, str | None]) -> None:
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True) if text is None else path.write_text(text)

    def merge(self, parents: list[str], files: dict[str, str | None]) -> str:
        """Return a merge of commits: what git makes of it, with these files in place of its own."""
        self.git("checkout", "-q", "--detach", parents[0])
        self.git("merge", "-q", "--no-commit", "--no-ff", *parents[1:], status=False)
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", "merge")
        return self.git("rev-parse", "HEAD")

    def review(self, rev: str | None, against: str | None = None) -> MergeReview:
        """Return the review of a merge, whose every case makes JSON of the schema, and a page."""
        page = self.path.with_suffix(".html")
        found = review(Asked(tree=self.path, rev=rev, against=against, page=page, jobs=1))
        jsonschema.validate(json.loads(merge_json(found)), SCHEMA)
        listed = {(one.path, one.function) for one in found.result.functions}
        assert listed <= {(one.path, one.function) for one in found.panes}
        assert merge_html(found).count("<h1>") == 1
        return found


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Forge:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "tree"
    path.mkdir()
    made = Forge(path)
    made.git("init", "-q", "-b", "main")
    return made
