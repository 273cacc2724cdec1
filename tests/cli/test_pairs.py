"""``anyclue pairs`` as a user calls it: exit codes, sources of changes, forms, mistakes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from anyclue.cli.main import main
from anyclue.model.errors import ExitCode, Problem, RequestError
from anyclue.review.pairs.driver.request import PairsRequest, review
from anyclue.review.pairs.model import Review

Call = Callable[..., tuple[int, str, str]]

GOOD = """\
int gizmo_fill(struct inode *inode, pgoff_t index)
{
	struct page *page;
	int ret;

	page = find_get_page(inode->i_mapping, index);
	if (!page)
		return -ENOENT;
	ret = gizmo_check(inode, index);
	if (ret)
		goto out;
	ret = gizmo_more(inode, index);
out:
	put_page(page);
	return ret;
}
"""
BAD = GOOD.replace("\t\tgoto out;\n", "\t\treturn ret;\n")
OTHER = """\
int gizmo_lock_both(struct gizmo *gizmo)
{
	mutex_lock(&gizmo->lock);
	if (gizmo_check(gizmo, 0)) {
		mutex_unlock(&gizmo->lock);
		return -EIO;
	}
	mutex_unlock(&gizmo->lock);
	return 0;
}
"""
OTHER_BAD = OTHER.replace("\t\tmutex_unlock(&gizmo->lock);\n\t\treturn", "\t\treturn")
CONTRACT = """\
[[pair]]
name = "widget"
title = "widget"
kind = "handle"
acquire = [{ call = "widget_open", holds = "$ret", fails = "error" }]
release = [{ call = "widget_close", takes = "$0" }]
"""
WIDGET = """\
int widget_use(struct inode *inode)
{
	struct widget *widget = widget_open(inode);

	if (IS_ERR(widget))
		return PTR_ERR(widget);
	if (inode->i_size == 0)
		return -EINVAL;
	widget_close(widget);
	return 0;
}
"""
LOST = "[page-reference leak, high]"


class Tree:
    """A directory with C files, in git or not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def git(self, *arguments: str) -> bytes:
        who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(self.path), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def write(self, **files: str) -> None:
        for name, text in files.items():
            file = self.path / "fs" / "gizmo" / f"{name}.c"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def commit(self, **files: str) -> str:
        self.write(**files)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", "a commit")
        return self.git("rev-parse", "HEAD").decode().strip()


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    made = Tree(tmp_path / "tree")
    monkeypatch.chdir(made.path)
    return made


@pytest.fixture
def repo(tree: Tree) -> Tree:
    """Two commits; the second loses a page and mends a lock."""
    tree.git("init", "-q", "-b", "main")
    tree.commit(fill=GOOD, lock=OTHER_BAD)
    tree.commit(fill=BAD, lock=OTHER)
    return tree


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Call:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: object, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = main(["pairs", *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def last(text: str) -> str:
    return text.rstrip("\n").rsplit("\n", 1)[-1]


# A tree


def test_nothing_found(tree: Tree, call: Call) -> None:
    tree.write(fill=GOOD, lock=OTHER)
    assert call() == (0, "no findings, 2 files, 2 functions\n", "")


def test_found(tree: Tree, call: Call) -> None:
    tree.write(fill=BAD, lock=OTHER)
    status, out, err = call("fs")
    assert (status, err) == (1, "")
    assert out.startswith(
        "fs/gizmo/fill.c:11:3: warning: page reference `page`, acquired at line 6"
    )
    assert LOST in out.split("\n")[0]
    assert last(out) == "1 finding (1 high), 2 files, 2 functions"


def test_without_a_path_this_directory_is_read(tree: Tree, call: Call) -> None:
    tree.write(fill=BAD)
    assert call()[1] == call(".")[1]


@pytest.mark.parametrize("names", [["fs/gizmo/fill.c"], ["fs/gizmo/fill.c", "fs/gizmo/fill.c"]])
def test_a_file_is_read_once(tree: Tree, call: Call, names: list[str]) -> None:
    tree.write(fill=BAD, lock=OTHER_BAD)
    status, out, _ = call(*names)
    assert (status, last(out)) == (1, "1 finding (1 high), 1 file, 1 function")


def test_a_file_named_in_two_ways_is_read_once(tree: Tree, call: Call) -> None:
    tree.write(fill=BAD)
    _, out, _ = call("fs", tree.path / "fs/gizmo/fill.c", "fs/gizmo")
    assert last(out) == "1 finding (1 high), 1 file, 1 function"


def test_a_tree_elsewhere(tree: Tree, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.write(fill=BAD)
    (tree.path / "deep").mkdir()
    monkeypatch.chdir(tree.path / "deep")
    assert [call(name)[0] for name in ("..", tree.path, "../fs/gizmo/fill.c")] == [1, 1, 1]


def test_the_least_confidence(tree: Tree, call: Call) -> None:
    # Held at every way out: it may be meant so.
    tree.write(by_design="void gizmo_enter(struct gizmo *g)\n{\n\tmutex_lock(&g->lock);\n}\n")
    assert call()[0] == call("--confidence", "medium")[0] == call("--confidence", "high")[0] == 0
    status, out, _ = call("--confidence", "low")
    assert (status, last(out)) == (1, "1 finding (1 low), 1 file, 1 function")


@pytest.mark.parametrize("jobs", ["1", "2", "5"])
def test_the_number_of_workers_changes_nothing(tree: Tree, call: Call, jobs: str) -> None:
    names = [f"f{number}" for number in range(40)]
    tree.write(**{name: BAD.replace("gizmo_fill", name) for name in names})
    tree.write(helper="void give_back(struct page *page)\n{\n\tput_page(page);\n}\n")
    tree.write(caller=GOOD.replace("put_page", "give_back").replace("gizmo_fill", "caller"))
    status, out, err = call("--jobs", jobs)
    assert (status, err, last(out)) == (1, "", "40 findings (40 high), 42 files, 42 functions")
    assert out.count("warning:") == 40


def test_what_could_not_be_judged(tree: Tree, call: Call) -> None:
    broken = "int broken(void)\n{\n\tif (((( {\n\tput_page(page;\n}\n"
    tree.write(**{f"b{number}": broken.replace("broken", f"b{number}") for number in range(9)})
    status, brief, _ = call()
    assert status == 0
    assert "not judged" in brief
    _, whole, _ = call("--all-unjudged")
    assert sum(f"fs/gizmo/b{number}.c:" in whole for number in range(9)) == 9
    assert len(whole) > len(brief)
    assert len(json.loads(call("--json")[1])["unjudged"]) == 9


# Forms


def test_json(tree: Tree, call: Call) -> None:
    tree.write(fill=BAD)
    status, out, err = call("--json")
    assert (status, err) == (1, "")
    document = json.loads(out)
    schema = Path(__file__).parents[2] / "docs/pairs.schema.json"
    jsonschema.validate(document, json.loads(schema.read_text()))
    (found,) = document["findings"]
    assert (found["path"], found["line"], found["kind"]) == ("fs/gizmo/fill.c", 11, "leak")
    assert document["change"] is None


def test_json_of_nothing(tree: Tree, call: Call) -> None:
    tree.write(fill=GOOD)
    status, out, _ = call("--json")
    assert (status, json.loads(out)["findings"]) == (0, [])


def test_sarif(tree: Tree, call: Call) -> None:
    tree.write(fill=BAD)
    status, out, _ = call("--sarif")
    document = json.loads(out)
    assert (status, document["version"]) == (1, "2.1.0")
    (found,) = document["runs"][0]["results"]
    place = found["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "fs/gizmo/fill.c"


def test_the_contracts(tree: Tree, call: Call) -> None:
    (tree.path / ".anyclue").mkdir()
    (tree.path / ".anyclue/pairs.toml").write_text(CONTRACT)
    status, out, _ = call("--contracts")
    assert status == 0
    assert "find_get_page" in out
    assert "widget: widget (handle)" in out
    status, out, _ = call("--contracts", "--json")
    names = {pair["name"] for pair in json.loads(out)["pairs"]}
    assert {"widget", "page-reference"} <= names


# Contracts of one's own, and silence


def test_contracts_of_a_tree(tree: Tree, call: Call) -> None:
    tree.write(use=WIDGET)
    assert call()[0] == 0
    (tree.path / ".anyclue").mkdir()
    (tree.path / ".anyclue/pairs.toml").write_text(CONTRACT)
    for where in (".", "fs", "fs/gizmo/use.c", tree.path):
        status, out, _ = call(where)
        assert (status, "[widget leak, high]" in out) == (1, True), where


@pytest.mark.parametrize(
    ("line", "above"),
    [("page = find", False), ("page = find", True), ("return ret;\n\tret", False)],
)
def test_a_comment_silences(tree: Tree, call: Call, line: str, above: bool) -> None:
    note = "// anyclue: transfers to whoever waits for it"
    at = BAD.index(line)
    place = BAD.rindex("\n", 0, at) + 1 if above else BAD.index("\n", at)
    text = f"{note}\n" if above else f" {note}"
    tree.write(fill=BAD[:place] + text + BAD[place:])
    status, out, _ = call()
    assert (status, last(out)) == (0, "no findings, 1 file, 1 function")


@pytest.mark.parametrize("comment", ["/* anyclue: transfers it */", "// anyclue: transfers: it"])
def test_forms_of_the_comment(tree: Tree, call: Call, comment: str) -> None:
    tree.write(fill=BAD.replace("\t\treturn ret;", f"\t\t{comment}\n\t\treturn ret;"))
    assert call()[0] == 0


@pytest.mark.parametrize("comment", ["// transfers", "// anyclue: is this right?", "/* nothing */"])
def test_other_comments_do_not_silence(tree: Tree, call: Call, comment: str) -> None:
    tree.write(fill=BAD.replace("\t\treturn ret;", f"\t\treturn ret; {comment}"))
    assert call()[0] == 1


def test_a_comment_silences_a_change(repo: Tree, call: Call) -> None:
    silent = BAD.replace("\t\treturn ret;", "\t\treturn ret; // anyclue: transfers it")
    repo.commit(fill=silent)
    status, out, _ = call("--diff", "HEAD~2..HEAD")
    assert (status, LOST in out) == (0, False)


# Changes


@pytest.mark.usefixtures("repo")
def test_a_range(call: Call) -> None:
    status, out, err = call("--diff", "HEAD~1..HEAD")
    assert (status, err) == (1, "")
    assert out.startswith("introduced by HEAD~1..HEAD: 1 finding\n")
    assert f"{LOST}\n" in out
    assert "fixed by HEAD~1..HEAD: 1 finding" in out
    assert "fs/gizmo/lock.c:5:3: fixed: mutex `gizmo->lock`, acquired at line 3" in out
    assert last(out) == "1 finding (1 high), 1 fixed, 2 files, 2 functions"


def test_what_was_there_before_is_not_told(repo: Tree, call: Call) -> None:
    repo.commit(fill=f"/* a line above */\n{BAD}", more=GOOD.replace("fill", "more"))
    status, out, _ = call("--diff", "HEAD~1..HEAD")
    assert (status, "warning:" in out, "fixed:" in out) == (0, False, False)


def test_what_is_fixed_alone_is_nothing_found(repo: Tree, call: Call) -> None:
    repo.commit(fill=GOOD)
    status, out, _ = call("--diff", "HEAD")
    assert (status, last(out)) == (0, "no findings, 1 fixed, 1 file, 1 function")


@pytest.mark.parametrize("text", ["HEAD", "HEAD^!", "HEAD~1..", "HEAD~1...HEAD", "main"])
@pytest.mark.usefixtures("repo")
def test_other_ways_to_name_a_change(call: Call, text: str) -> None:
    found = json.loads(call("--diff", text, "--json")[1])
    plain = json.loads(call("--diff", "HEAD~1..HEAD", "--json")[1])
    assert found | {"change": ""} == plain | {"change": ""}


@pytest.mark.usefixtures("repo")
def test_a_root_commit(call: Call) -> None:
    status, out, _ = call("--diff", "HEAD~1")
    assert (status, "[mutex leak, high]" in out) == (1, True)


@pytest.mark.usefixtures("repo")
def test_a_change_in_json(call: Call) -> None:
    status, out, _ = call("--diff", "HEAD", "--json")
    document = json.loads(out)
    assert (status, document["change"]) == (1, "HEAD^..HEAD")
    assert [len(document[name]) for name in ("findings", "fixed")] == [1, 1]


def test_a_change_from_below(repo: Tree, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    told = call("--diff", "HEAD")
    monkeypatch.chdir(repo.path / "fs/gizmo")
    assert call("--diff", "HEAD") == told
    monkeypatch.chdir(repo.path.parent)
    assert call("--diff", "HEAD", repo.path) == told


@pytest.mark.parametrize(
    "command",
    [["show"], ["format-patch", "--stdout", "-1"], ["diff", "HEAD~1"], ["diff", "-U0", "HEAD~1"]],
)
def test_a_patch_on_stdin(repo: Tree, call: Call, command: list[str]) -> None:
    patch = repo.git(*command)
    applied, out, _ = call("--diff", "-", stdin=patch)
    assert (applied, "(already applied)" in out) == (1, True)
    repo.git("checkout", "-q", "HEAD~1")
    fresh, again, _ = call("--diff", "-", stdin=patch)
    assert (fresh, "(already applied)" in again) == (1, False)
    assert out.split("\n", 1)[1].replace(" (already applied)", "") == again.split("\n", 1)[1]


def test_a_patch_without_git(tree: Tree, call: Call) -> None:
    tree.write(fill=GOOD)
    (tree.path / "new.c").write_text(BAD)
    made = subprocess.run(
        [
            "diff",
            "-u",
            "fs/gizmo/fill.c",
            "new.c",
            "--label=fs/gizmo/fill.c",
            "--label=fs/gizmo/fill.c",
        ],
        capture_output=True,
        check=False,
    )
    status, out, _ = call("--diff", "-", stdin=made.stdout)
    assert (status, LOST in out) == (1, True)
    assert (tree.path / "fs/gizmo/fill.c").read_text() == GOOD


def test_from_a_real_pipe(repo: Tree, tmp_path: Path) -> None:
    command = "git show | anyclue pairs --diff - --json"
    search = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=repo.path,
        env={**os.environ, "PATH": search, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert len(json.loads(done.stdout)["findings"]) == 1


def test_since(repo: Tree, call: Call) -> None:
    assert call("--since", "HEAD")[0] == 0
    repo.write(lock=OTHER_BAD)
    status, out, _ = call("--since", "HEAD")
    assert (status, "[mutex leak, high]" in out, LOST in out) == (1, True, False)
    status, out, _ = call("--since", "HEAD~1")
    assert (status, "mutex" in out, LOST in out) == (1, False, True)


def test_staged(repo: Tree, call: Call) -> None:
    repo.write(lock=OTHER_BAD)
    status, out, _ = call("--staged")
    assert (status, out.startswith("introduced by index: 0 findings\n")) == (0, True)
    repo.git("add", "--all")
    repo.write(lock=OTHER)
    status, out, _ = call("--staged")
    assert (status, "[mutex leak, high]" in out) == (1, True)


def test_staged_before_the_first_commit(tree: Tree, call: Call) -> None:
    tree.git("init", "-q")
    tree.write(fill=BAD)
    tree.git("add", "--all")
    assert call("--staged")[0] == 1


def test_nothing_is_written_into_the_tree(repo: Tree, call: Call) -> None:
    def state() -> dict[Path, bytes]:
        files = [one for one in repo.path.rglob("*") if one.is_file() and one.name != "index"]
        return {one: one.read_bytes() for one in files}

    before = state()
    call()
    call("--diff", "HEAD")
    call("--since", "HEAD~1")
    call("--diff", "-", stdin=repo.git("show"))
    assert state() == before


# Mistakes


def refused(told: tuple[int, str, str], *texts: str) -> None:
    status, out, err = told
    assert (status, out) == (2, "")
    assert err.startswith("anyclue: error: ")
    for text in texts:
        assert text in err, (text, err)
    assert "Traceback" not in err
    assert "defect" not in err


def test_every_wrong_path_is_told(tree: Tree, call: Call) -> None:
    tree.write(fill=GOOD)
    (tree.path / "empty").mkdir()
    refused(
        call("nowhere", "empty", "fs", "neither.c"),
        "nowhere: no such file",
        "empty: no C source",
        "neither.c: no such file",
    )


@pytest.mark.usefixtures("tree")
def test_no_c_source_here(call: Call) -> None:
    refused(call(), "no C source")


@pytest.mark.usefixtures("repo")
def test_options_that_exclude_each_other_are_told_at_once(call: Call) -> None:
    refused(
        call("--json", "--sarif", "--staged", "--since", "HEAD", "--diff", "HEAD", "fs", "fs"),
        "--json and --sarif",
        "--diff and --since and --staged",
        "takes one tree",
    )


@pytest.mark.parametrize("other", ["--sarif", "--staged", "--since=HEAD", "--diff=HEAD"])
@pytest.mark.usefixtures("repo")
def test_a_list_of_contracts_is_no_review(call: Call, other: str) -> None:
    refused(call("--contracts", other), f"--contracts and {other.partition('=')[0]}")


def test_only_news_is_told_with_a_baseline(tree: Tree, call: Call) -> None:
    tree.write(fill=BAD)
    _, out, _ = call("fs", "--json")
    known = tree.path / "known.json"
    known.write_text(out)
    status, out, _ = call("fs", "--baseline", known)
    assert status == ExitCode.NOTHING_FOUND
    assert last(out) == "no findings, 1 known, 1 file, 1 function"
    tree.write(fill="\n\n" + BAD, lock=OTHER_BAD)
    status, out, _ = call("fs", "--baseline", known)
    assert status == ExitCode.REGRESSION
    assert last(out) == "1 finding (1 medium), 1 known, 2 files, 2 functions"
    assert "gizmo->lock" in out
    known.write_text("{}")
    refused(call("fs", "--baseline", known), "is no review of pairs")


def test_the_most_probable_come_first(tree: Tree, call: Call) -> None:
    tree.write(a=OTHER_BAD, b=BAD)
    _, out, _ = call("fs", "--json")
    shares = [one["probability"] for one in json.loads(out)["findings"]]
    assert len(shares) == 2
    assert shares == sorted(shares, reverse=True)
    status, out, _ = call("fs", "--top", "1", "--json")
    document = json.loads(out)
    assert status == ExitCode.REGRESSION
    assert ([one["path"] for one in document["findings"]], document["cut"]) == (
        ["fs/gizmo/b.c"],
        1,
    )
    _, out, _ = call("fs", "--top", "1")
    assert last(out) == "1 finding (1 high), 1 less probable, 2 files, 2 functions"


def test_contracts_against_a_tree(tree: Tree, call: Call) -> None:
    tree.write(a="DEFINE_FREE(widget, void *, widget_free(_T))\nint f(void)\n{\n\tkfree(0);\n}\n")
    (tree.path / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 12\n")
    status, out, _ = call("contracts", "--check", "fs")
    assert status == ExitCode.NOTHING_FOUND
    assert out.startswith("contracts against Linux 6.12, 1 file\n")
    assert "gizmo/a.c:1: DEFINE_FREE(widget), 0 uses" in out
    status, out, _ = call("--check", "fs", "--json")
    document = json.loads(out)
    assert (status, document["version"]) == (ExitCode.NOTHING_FOUND, "6.12")
    absent = {one["call"] for one in document["absent"]}
    assert "kmalloc" in absent
    assert "kfree" not in absent


@pytest.mark.parametrize("other", ["--sarif", "--staged", "--since=HEAD", "--diff=HEAD", "fs"])
def test_contracts_against_a_tree_are_no_review(tree: Tree, call: Call, other: str) -> None:
    tree.write(a=GOOD)
    named = "PATHS" if other == "fs" else other.partition("=")[0]
    refused(call("--check", "fs", other), f"--check and {named} exclude each other")


def test_contracts_against_sources_of_no_kernel(tree: Tree, call: Call) -> None:
    tree.write(a=GOOD)
    refused(call("contracts", "--check", "fs"), "is in no kernel's source tree")


def test_contracts_against_no_tree(call: Call) -> None:
    refused(call("contracts", "--check", "nowhere"), "no such file or directory")


def test_only_contracts_of_the_trees_version_count(tree: Tree, call: Call) -> None:
    late = CONTRACT.replace('"error" }', '"error", since = "6.17", exact = true }')
    (tree.path / ".anyclue").mkdir()
    (tree.path / ".anyclue" / "pairs.toml").write_text(late)
    tree.write(widget=WIDGET)
    assert call("fs")[0] == ExitCode.REGRESSION
    makefile = tree.path / "Makefile"
    makefile.write_text("VERSION = 6\nPATCHLEVEL = 12\n")
    assert call("fs")[0] == ExitCode.NOTHING_FOUND
    makefile.write_text("VERSION = 6\nPATCHLEVEL = 17\n")
    assert call("fs")[0] == ExitCode.REGRESSION


def test_of_a_change_the_version_before_it_counts(tree: Tree, call: Call) -> None:
    late = CONTRACT.replace('"error" }', '"error", since = "6.17", exact = true }')
    (tree.path / ".anyclue").mkdir()
    (tree.path / ".anyclue" / "pairs.toml").write_text(late)
    tree.git("init", "-q", "-b", "main")
    makefile = tree.path / "Makefile"
    makefile.write_text("VERSION = 6\nPATCHLEVEL = 12\n")
    tree.commit(other=GOOD)
    tree.commit(widget=WIDGET)
    assert call("--diff", "HEAD")[0] == ExitCode.NOTHING_FOUND
    makefile.write_text("VERSION = 6\nPATCHLEVEL = 17\n")
    tree.commit(other=GOOD + "\n")
    tree.commit(widget=WIDGET.replace("i_size", "i_blocks"))
    tree.commit(widget="")
    tree.commit(widget=WIDGET)
    assert call("--diff", "HEAD")[0] == ExitCode.REGRESSION


def test_every_mistake_in_contracts_is_told(tree: Tree, call: Call) -> None:
    tree.write(use=WIDGET)
    (tree.path / ".anyclue").mkdir()
    broken = CONTRACT.replace('"handle"', '"handel"').replace("$ret", "$rat")
    file = tree.path / ".anyclue/pairs.toml"
    file.write_text(f"{broken}\n[[guard]]\nname = 'x'\npair = 'widgit'\nholds = '$0'\n")
    for arguments in ([], ["--contracts"], ["fs"]):
        refused(call(*arguments), "pairs.toml", "handel", "holds", "widgit")
    file.write_text("[[pair\n")
    refused(call(), "is not TOML")
    file.write_bytes(b"\xff\xfe")
    refused(call(), "pairs.toml", "UTF-8")


def test_a_wrong_path_and_wrong_contracts_are_told_at_once(tree: Tree, call: Call) -> None:
    (tree.path / ".anyclue").mkdir()
    (tree.path / ".anyclue/pairs.toml").write_text("[[pair\n")
    refused(call("fs", "elsewhere"), "is not TOML", "fs: no such", "elsewhere: no such")
    refused(call("--diff", "HEAD"), "is not TOML", "git")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--diff", "no-such..HEAD"], "no-such"),
        (["--diff", "no-such"], "no-such"),
        (["--since", "no-such"], "no-such"),
        (["--diff", ".."], "no revision"),
        (["--diff", ""], ""),
        (["--since", ""], ""),
        (["--diff", "--all"], "--all"),
        (["--diff", "HEAD", "nowhere"], "nowhere"),
    ],
)
@pytest.mark.usefixtures("repo")
def test_no_such_change(call: Call, arguments: list[str], text: str) -> None:
    refused(call(*arguments), text)


@pytest.mark.parametrize("arguments", [["--diff", "HEAD"], ["--since", "HEAD"], ["--staged"]])
def test_no_repository(tree: Tree, call: Call, arguments: list[str]) -> None:
    tree.write(fill=BAD)
    refused(call(*arguments), "git")


@pytest.mark.parametrize(
    ("patch", "text"),
    [(b"", "empty"), (b"hello\n", "not a patch"), (b"\x00\xff" * 99, "not a patch")],
)
@pytest.mark.usefixtures("tree")
def test_no_patch(call: Call, patch: bytes, text: str) -> None:
    refused(call("--diff", "-", stdin=patch), text)


def test_a_patch_of_something_else(repo: Tree, call: Call) -> None:
    patch = repo.git("show").replace(b"gizmo_more", b"gizmo_less").replace(b"_check", b"_cheque")
    refused(call("--diff", "-", stdin=patch), "fs/gizmo/fill.c")


@pytest.mark.parametrize(
    "arguments", [["--jobs", "0"], ["--jobs", "many"], ["--confidence", "sure"], ["--nothing"]]
)
@pytest.mark.usefixtures("tree")
def test_options_that_are_none(call: Call, arguments: list[str]) -> None:
    status, out, err = call(*arguments)
    assert (status, out) == (2, "")
    assert err


def test_a_file_that_is_no_c_is_read_as_such(tree: Tree, call: Call) -> None:
    (tree.path / "noise.c").write_bytes(bytes(range(256)) * 8)
    status, _, err = call("noise.c")
    assert (status, err) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_review_that_is_stopped_says_so(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_: object) -> Review:
        os.kill(os.getpid(), number)
        raise AssertionError(number)

    monkeypatch.setattr("anyclue.review.pairs.driver.request.review", stopped)
    # Whatever runs the tests may have ignored it, as nohup does.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        assert main(["pairs"]) == ExitCode.INFRASTRUCTURE
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert capsys.readouterr().err == "anyclue: error: stopped\n"


def test_a_file_that_cannot_be_read_is_listed_and_the_others_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.c", "b.c"):
        (tmp_path / name).write_text(GOOD)

    def read(root: Path, name: str) -> bytes:
        if name == "a.c":
            raise RequestError([Problem(what="cannot be read: Permission denied", where=name)])
        return (root / name).read_bytes()

    monkeypatch.setattr("anyclue.review.pairs.driver.review.read_inside", read)
    monkeypatch.chdir(tmp_path)
    assert main(["pairs", "."]) == ExitCode.NOTHING_FOUND
    out = capsys.readouterr().out
    assert "a.c" in out
    assert "cannot be read: Permission denied" in out
    assert "1 file, 1 function" in out


def test_a_file_that_is_no_c_source_is_a_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Makefile").write_text("obj-y := a.o\n")
    assert main(["pairs", str(tmp_path / "Makefile")]) == ExitCode.BAD_REQUEST
    assert "no C source" in capsys.readouterr().err


def test_nothing_is_staged_in_a_bare_repository(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "-q", "--bare", tmp_path], check=True)
    assert main(["pairs", "--staged", str(tmp_path)]) == ExitCode.BAD_REQUEST
    assert "no work tree" in capsys.readouterr().err


def test_a_signal_that_the_shell_had_ignored_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """As under ``nohup``."""
    (tmp_path / "a.c").write_text(GOOD)

    def hung_up(asked: PairsRequest) -> Review:
        os.kill(os.getpid(), signal.SIGHUP)
        return review(asked)

    monkeypatch.setattr("anyclue.review.pairs.driver.request.review", hung_up)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert main(["pairs", str(tmp_path)]) == ExitCode.NOTHING_FOUND
    finally:
        signal.signal(signal.SIGHUP, before)
    assert "no findings" in capsys.readouterr().out
