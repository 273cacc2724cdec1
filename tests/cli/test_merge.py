"""``anyclue merge`` as a user calls it: exit codes, forms, mistakes, hostile text."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from bench.merge_bench.forge import Forge

from anyclue.cli.main import main
from anyclue.hunt.driver import plan
from anyclue.model.reason import NotRun
from anyclue.model.recording import Outcome
from anyclue.model.verdict import CellVerdict, Signature, Verdict
from anyclue.recordings.run_directory import RunDirectory

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


def test_a_page(repo: Repo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo.commit(BASE.replace("start", "made_up"), "merge")
    page = tmp_path / "merge.html"
    link = tmp_path / "link.html"
    link.symlink_to(page)
    assert main(["merge", "HEAD", "--html", str(link)]) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == "resolution innocent; look at: f()"
    assert printed.err == ""
    assert link.is_symlink()
    source = page.read_text()
    assert "<h1>resolution innocent; look at: f()</h1>" in source
    assert "made_up(v);" in source
    page.write_text("")
    assert main(["merge", "HEAD", "--json", "--html", str(page)]) == 1
    assert json.loads(capsys.readouterr().out)["schema"] == "anyclue.merge/1"
    assert page.read_text() == source
    assert sorted(one.name for one in tmp_path.iterdir() if one.suffix == ".html") == [
        "link.html",
        "merge.html",
    ]


def test_a_page_that_cannot_be_written(
    repo: Repo,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repo.commit(BASE, "merge")
    monkeypatch.setattr("anyclue.review.merge.driver.review.read_inputs", pytest.fail)
    (tmp_path / "file").touch()
    for place, what in (
        ("missing/merge.html", "No such file or directory"),
        ("file/merge.html", "Not a directory"),
        ("", "is no regular file"),
        ("x" * 300, "File name too long"),
        ("/dev/null", "is no regular file"),
    ):
        assert main(["merge", "HEAD", "--html", str(tmp_path / place)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert what in printed.err
        assert printed.err.count("error:") == 1
    assert main(["merge", "nowhere", "--html", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "'nowhere'" in err
    assert "is no regular file" in err


def test_hostile_text_everywhere(
    repo: Repo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b[31m<script>alert(1)</script>&\u202e]]></pre>"
    branch = "-<script>alert(2)</script>&'"
    name = f"{evil.replace('/', '|')}\n::error::.c"
    code = f'int <b>f</b>(void)\n{{\n\tstart("{evil}");\n}}\n'
    repo.git("merge", "--abort")
    (repo.path / name).write_text(code.replace("<b>f</b>", "f"))
    (repo.path / "b.c").write_text(code)
    repo.commit(BASE, evil)
    repo.git("update-ref", f"refs/heads/{branch}", "HEAD")
    (repo.path / name).write_text(code.replace("<b>f</b>", "f").replace("start", "ours"))
    repo.commit(BASE, evil)
    repo.git("checkout", "-q", "--detach", f"refs/heads/{branch}")
    (repo.path / name).write_text(code.replace("<b>f</b>", "f").replace("start", "theirs"))
    repo.commit(BASE, evil)
    repo.git("merge", "-q", "--no-commit", "main", status=False)
    (repo.path / name).write_text(code.replace("<b>f</b>", "f").replace("start", "made_up"))
    (repo.path / "b.c").write_text(code.replace("start", "made_up"))
    repo.commit(BASE, evil)
    repo.git("update-ref", f"refs/heads/{branch}", "HEAD")
    page = tmp_path / f"page {branch.replace('/', '|')}.html"
    assert main(["merge", branch[1:], "--html", str(page)]) == 2
    assert not page.exists()
    rev = f"refs/heads/{branch}"
    assert main(["merge", rev, "--against", f"{rev}^", "--html", str(page)]) == 1
    printed = capsys.readouterr()
    source = page.read_text()
    assert "made_up(" in source
    assert "&lt;script&gt;alert(2)&lt;/script&gt;&amp;&#39;" in source
    for text in (printed.out, printed.err, source):
        assert not {"\x1b", "\u202e"} & set(text)
        assert not any(line.startswith("::error") for line in text.split("\n"))
    assert "<script" not in source
    assert "]]></pre>" not in source
    assert "<b>f" not in source


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


SCENARIO = """
schema = 1
title = "a merge"
[kernels.good]
debian = "6.1.176-1"
module = "fs/btrfs"
[machines.small]
arch = "i386"
ram = "512 MiB"
[workloads.files]
use = "enospc-small-files"
"""


@pytest.mark.parametrize(
    ("broken", "status", "blame"),
    [
        ({"result"}, 1, "guilty"),
        ({"theirs", "result"}, 0, "came"),
        (set(), 0, "clean"),
    ],
)
def test_what_guests_find_in_the_versions(
    broken: set[str],
    status: int,
    blame: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def hunted(run: RunDirectory, _context: object, *, jobs: int | None) -> SimpleNamespace:
        del jobs
        cells = [
            CellVerdict(
                cell=cell,
                outcome=Outcome.PASSED,
                verdict=Verdict.LEAK if cell.kernel in broken else Verdict.CLEAN,
                because=NotRun(),
                rate_kib_per_round=None,
                rate_ci95_kib=None,
                signature=Signature.OBJECT if cell.kernel in broken else None,
                signature_detail=None,
                classes={},
                rounds=6,
                warm_up=0,
                trials=1,
                reference=None,
            )
            for cell in plan(run.scenario).cells
        ]
        return SimpleNamespace(findings=SimpleNamespace(cells=cells))

    monkeypatch.setattr("anyclue.hunt.driver.hunt", hunted)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    forge = Forge.new(tmp_path / "tree")
    root = forge.commit("main", None, {"fs/btrfs/a.c": BASE})
    ours = forge.commit("ours", root, {"fs/btrfs/b.c": BASE.replace("f(", "g(")})
    theirs = forge.commit("theirs", root, {"include/x.h": "int x;\n"})
    forge.merge([ours, theirs], {})
    (tmp_path / "mine.toml").write_text(SCENARIO)
    monkeypatch.chdir(forge.path)
    run = str(tmp_path / "run")
    test = ["--test", str(tmp_path / "mine.toml"), "--out", run]
    assert main(["merge", "HEAD", "--json", *test]) == status
    found = json.loads(capsys.readouterr().out)["test"]
    assert (found["run"], found["result"], found["against"]) == (run, blame, None)
    assert found["kernel"] == "Debian's 6.1 with fs/btrfs of each version"
    assert found["untested"] == ["include/x.h"]
    (row,) = found["rows"]
    assert list(row["verdicts"]) == ["base", "ours", "theirs", "result"]
    assert row["verdicts"]["result"] == ("leak (object)" if "result" in broken else "clean")
    assert row["sides"] == (["theirs"] if "theirs" in broken else [])
