"""``anyclue merge`` as a user calls it: exit codes, forms, mistakes, hostile text."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from anyclue.cli.main import main

BASE = "int f(int v)\n{\n\tstart(v);\n\treturn v;\n}\n"
HOSTILE = "\x1b]0;owned\x07<script>alert(1)</script>\x1b[31m"


class Repo:
    """A repository with one merge that holds text on neither side."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git("init", "-q", "-b", "main")
        self.commit(BASE, "base")
        self.git("checkout", "-q", "-b", "topic")
        self.commit(BASE.replace("start", "start_topic"), HOSTILE)
        self.git("checkout", "-q", "main")
        self.commit(BASE.replace("start", "start_main"), "main")
        self.git("merge", "-q", "--no-commit", "topic", status=False)

    def git(self, *arguments: str, status: bool = True) -> None:
        author = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(self.path), *author, *arguments]
        subprocess.run(command, check=status, capture_output=True)

    def commit(self, text: str, message: str) -> None:
        (self.path / "a.c").write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "tree").mkdir()
    made = Repo(tmp_path / "tree")
    monkeypatch.chdir(made.path)
    return made


def test_a_resolution_that_takes_one_side(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.commit(BASE.replace("start", "start_main"), "merge")
    assert main(["merge", "HEAD"]) == 0
    out = capsys.readouterr().out
    assert "a.c:1: f()  conflict  ours" in out.replace("   ", "  ")
    assert out.splitlines()[-1] == "resolution innocent"


def test_new_text_is_shown_and_harmless(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.commit(BASE.replace("start(v)", f'evil("{HOSTILE}", v)'), HOSTILE)
    assert main(["merge", "HEAD"]) == 1
    out = capsys.readouterr().out
    assert "new text" in out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert out.splitlines()[-1] == "resolution innocent; look at: f()"
    assert main(["merge", "--json", "HEAD"]) == 1
    text = capsys.readouterr().out
    assert "u001b" not in text
    found = json.loads(text)
    assert found["schema"] == "anyclue.merge/1"
    assert found["result"]["functions"][0]["taken"] == "new text"


def test_hostile_names_of_files_and_branches(
    repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "b\x1b[31m<script>.c"
    (repo.path / name).write_text("int b(void)\n{\n\treturn made_up();\n}\n")
    repo.commit(BASE.replace("start", "start_main"), "merge")
    assert main(["merge", "HEAD"]) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_an_unfinished_merge(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    (repo.path / "a.c").write_text(BASE.replace("start", "start_other"))
    assert main(["merge"]) == 1
    assert "start_other" in capsys.readouterr().out


def test_three_revisions_and_another_resolution(
    repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.commit(BASE.replace("start", "start_topic"), "merge")
    three = ["--ours", "main~1", "--theirs", "topic", "--result", "main"]
    assert main(["merge", *three, "--against", "main~1"]) == 0
    out = capsys.readouterr().out
    assert "different" in out
    assert "+       start_topic(v);" in out


def test_every_mistake_is_told_at_once(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.commit(BASE, "merge")
    assert main(["merge", "nowhere", "--against", "neither", "--ours", "main"]) == 2
    err = capsys.readouterr().err
    assert "REV and --ours exclude each other" in err
    assert "'nowhere'" in err
    assert "'neither'" in err
    assert main(["merge"]) == 2
    assert "nothing is being merged" in capsys.readouterr().err
    assert main(["merge", "topic"]) == 2
    assert "'topic' is no merge: it has 1 parent" in capsys.readouterr().err
