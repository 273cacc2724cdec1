"""Ranges of a small real repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from anyclue.bisect.core.ancestry import ancestry_of
from anyclue.git import history as git_history
from anyclue.git import repository as git
from anyclue.git.history import commit_range
from anyclue.git.model import CommitNode
from anyclue.model.errors import RequestError


def command(path: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    argv = ["git", "-C", str(path), *who, *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def ids(tmp_path: Path) -> dict[str, str]:
    """A merge ``m`` of ``b`` and ``s``, both after ``a``; ``n`` on top."""
    made: dict[str, str] = {}

    def add(name: str, *arguments: str) -> None:
        command(tmp_path, *arguments, "--allow-empty", "-m", name)
        made[name] = command(tmp_path, "rev-parse", "HEAD")

    command(tmp_path, "init", "-q", "-b", "main")
    add("a", "commit")
    command(tmp_path, "checkout", "-q", "-b", "side")
    add("s", "commit")
    command(tmp_path, "checkout", "-q", "main")
    add("b", "commit")
    command(tmp_path, "merge", "-q", "--no-ff", "-m", "m", "side")
    made["m"] = command(tmp_path, "rev-parse", "HEAD")
    add("n", "commit")
    return made


def test_a_range_with_a_merge(tmp_path: Path, ids: dict[str, str]) -> None:
    found = commit_range(git.repository(tmp_path), [ids["a"]], ids["n"])
    assert (found.good, found.bad) == ((ids["a"],), ids["n"])
    assert set(found.commits) == {
        CommitNode(id=ids["b"], parents=(ids["a"],)),
        CommitNode(id=ids["s"], parents=(ids["a"],)),
        CommitNode(id=ids["m"], parents=(ids["b"], ids["s"])),
        CommitNode(id=ids["n"], parents=(ids["m"],)),
    }
    assert found.commits[-1].id == ids["n"]
    assert len(ancestry_of(found)) == 4
    two = commit_range(git.repository(tmp_path), [ids["b"], ids["s"]], ids["n"])
    assert {one.id for one in two.commits} == {ids["m"], ids["n"]}


def test_what_is_no_range(
    tmp_path: Path, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = git.repository(tmp_path)
    with pytest.raises(RequestError, match="mixed up"):
        commit_range(repo, [ids["n"]], ids["a"])
    with pytest.raises(RequestError, match="not in the repository"):
        commit_range(repo, ["f" * 40], ids["a"])
    monkeypatch.setattr(git_history, "MOST", 3)
    with pytest.raises(RequestError, match="4 commits lie between"):
        commit_range(repo, [ids["a"]], ids["n"])
