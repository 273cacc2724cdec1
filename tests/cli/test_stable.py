"""``anyclue stable`` as a user calls it: exit codes, forms, mistakes, hostile text."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from anyclue.cli.main import main

HOSTILE = 'fs: \x1b]0;owned\x07mend "it" \'; touch owned; \x1b[31m$(touch owned) \u202e<b>'
TEXT = "a();\nb();\nc();\n"


class Repo:
    """A mainline with a culprit and its fix, under hostile titles."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git("init", "-q", "-b", "main")
        self.base = self.commit(TEXT, "base")
        self.culprit = self.commit(TEXT.replace("b", "leak"), HOSTILE)
        fixes = f'Fixes: {self.culprit[:12]} ("{HOSTILE}")'
        self.fix = self.commit(TEXT.replace("b", "put"), f"mend {HOSTILE}\n\n{fixes}\n")

    def git(self, *arguments: str) -> str:
        author = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(self.path), *author, *arguments]
        done = subprocess.run(command, check=True, capture_output=True)
        return os.fsdecode(done.stdout).strip()

    def commit(self, text: str, message: str) -> str:
        (self.path / "a.c").write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    (tmp_path / "tree").mkdir()
    made = Repo(tmp_path / "tree")
    monkeypatch.chdir(made.path)
    return made


def test_exit_codes(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.git("branch", "linux-5.16.y", repo.fix)
    assert main(["stable", "HEAD"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 branch: 1 has the fix"
    repo.git("checkout", "-q", "-b", "linux-5.14.y", repo.base)
    repo.commit(TEXT.replace("b", "other"), HOSTILE)
    assert main(["stable", "main"]) == 3
    repo.git("branch", "linux-5.15.y", repo.culprit)
    assert main(["stable", "main"]) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "3 branches: 1 needs the fix, 1 has the fix, 1 unknown"
    assert main(["stable", "main~2"]) == 2
    assert "it has no parent" in capsys.readouterr().err


def test_hostile_titles_are_harmless(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.git("branch", "linux-5.15.y", repo.culprit)
    assert main(["stable", "main"]) == 1
    out = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\u202e"} & set(out)
    assert main(["stable", "--json", "main"]) == 1
    text = capsys.readouterr().out
    assert "u001b" not in text
    assert "u202e" not in text
    found = json.loads(text)
    assert found["schema"] == "anyclue.stable/1"
    assert [one["standing"] for one in found["branches"]] == ["needs the fix"]
    assert found["branches"][0]["cherry_pick"] == {"conflicts": [], "empty": False, "unknown": ""}


@pytest.mark.parametrize(
    "name",
    [
        "$(touch${IFS}owned)",
        "a;touch${IFS}owned",
        "a'b\"c`touch${IFS}owned`",
        "a&b|c>d<e!f",
        "a\uff07;touch${IFS}owned;\uff07",
        "a\u202eb",
        "-x",
        "b\u00e9",
    ],
)
def test_hostile_refs_are_quoted(repo: Repo, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    repo.git("update-ref", f"refs/heads/{name}", repo.culprit)
    assert main(["stable", "main", "--json", "--trees", f"refs/heads/{name}"]) == 1
    (one,) = json.loads(capsys.readouterr().out)["branches"]
    subprocess.run(["sh", "-ec", one["command"].partition(" && ")[0]], check=True)
    assert repo.git("rev-parse", "HEAD") == repo.culprit
    assert not (repo.path / "owned").exists()
    assert shlex.split(one["command"])[-4:] == ["git", "cherry-pick", "-x", repo.fix]
    assert main(["stable", "main", "--trees", f"refs/heads/{name}"]) == 1
    assert "\u202e" not in capsys.readouterr().out


def test_hostile_settings_run_nothing(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.git("branch", "linux-5.15.y", repo.culprit)
    trap = repo.path / "trap"
    trap.write_text("#!/bin/sh\ntouch owned\n")
    trap.chmod(0o755)
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/attributes").write_text("*.c diff=evil merge=evil filter=evil\n")
    for key in (
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "merge.evil.driver",
        "filter.evil.smudge",
        "core.pager",
        "core.fsmonitor",
        "gpg.program",
    ):
        repo.git("config", key, str(trap))
    repo.git("config", "log.showSignature", "true")
    assert main(["stable", "main"]) == 1
    assert not (repo.path / "owned").exists()
    assert "applies" in capsys.readouterr().out


def test_trees_by_name_and_pattern(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.git("update-ref", "refs/remotes/origin/linux-5.15.y", repo.culprit)
    repo.git("update-ref", "refs/remotes/origin/linux-5.16.y", repo.fix)
    repo.git("tag", "-a", "-m", "x", "v5.14", repo.base)
    trees = ["--trees", "origin/linux-*.y", "--trees", "v5.14", "--trees", "main~1"]
    assert main(["stable", "main", "--json", *trees]) == 1
    found = json.loads(capsys.readouterr().out)["branches"]
    assert {one["name"]: one["standing"] for one in found} == {
        "origin/linux-5.15.y": "needs the fix",
        "origin/linux-5.16.y": "has the fix",
        "v5.14": "not affected",
        "main~1": "needs the fix",
    }
    commands = {one["name"]: one["command"].partition(" && ")[0] for one in found}
    switch = "git switch --detach refs/remotes/origin/linux-5.15.y"
    assert commands["origin/linux-5.15.y"] == switch
    assert commands["main~1"] == f"git switch --detach {repo.culprit}"
    assert main(["stable", "nowhere", "--trees", "neither", "--trees", "x/*"]) == 2
    err = capsys.readouterr().err
    assert "'nowhere'" in err
    assert "'neither'" in err
    assert "'x/*'" in err
