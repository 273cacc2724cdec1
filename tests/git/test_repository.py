"""git on small real repositories: odd names, hostile settings, partial clones, hooks' indexes."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.git import process as git_process
from anyclue.git import repository as git
from anyclue.git.contents import HunkMismatch, apply, contents
from anyclue.git.repository import Side, SourceDifference
from anyclue.model.errors import InfrastructureError, RequestError
from anyclue.system.processes import CommandError

FIVE = b"one\ntwo\nthree\nfour\nfive\n"
HUNK = b"@@ -1,5 +1,5 @@\n one\n two\n-three\n+THREE\n four\n five\n"
AUTHOR = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Sandbox:
    path: Path

    def git(self, *arguments: str, at: Path | None = None) -> str:
        command = ["git", "-C", str(at or self.path), *AUTHOR, *arguments]
        done = subprocess.run(command, check=True, capture_output=True)
        return os.fsdecode(done.stdout).strip()

    def write(self, name: str, content: bytes) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def commit(self, message: str = "a commit") -> str:
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    return made(tmp_path / "tree")


def made(path: Path, *options: str) -> Sandbox:
    path.mkdir(parents=True)
    sandbox = Sandbox(path)
    sandbox.git("init", "-q", "-b", "main", *options)
    return sandbox


def refused(caught: pytest.ExceptionInfo[RequestError]) -> str:
    (problem,) = caught.value.problems
    assert problem.next_step
    return str(problem)


def test_where_a_repository_is(box: Sandbox, tmp_path: Path) -> None:
    box.write("fs/a.c", b"")
    box.commit()
    top = box.path.resolve()
    assert git.repository(box.path).top == top
    below = git.repository(box.path / "fs")
    assert (below.at, below.top, below.shallow) == (top, top, False)
    inside = git.repository(box.path / ".git")
    assert (inside.at, inside.top) == (top / ".git", None)

    bare = tmp_path / "bare.git"
    box.git("clone", "-q", "--bare", ".", str(bare))
    assert git.repository(bare).top is None
    linked = tmp_path / "linked tree"
    box.git("worktree", "add", "-q", "-b", "linked", str(linked))
    found = git.repository(linked)
    assert found.top == linked.resolve()
    assert found.git_dir.parent == top / ".git/worktrees"


def test_where_none_is(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        git.repository(tmp_path)
    assert "no git repository is there" in refused(caught)
    with pytest.raises(RequestError) as caught:
        git.repository(tmp_path / "absent")
    assert "no such directory" in refused(caught)


def test_a_broken_one(box: Sandbox) -> None:
    box.write(".git/config", b"[core\n")
    with pytest.raises(RequestError) as caught:
        git.repository(box.path)
    assert "bad config line 1" in refused(caught)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_one_of_another_user(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for path in (box.path, box.path / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(RequestError) as caught:
        git.repository(box.path)
    assert f"safe.directory {box.path}" in refused(caught)


def test_without_git(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(InfrastructureError, match="git is not installed"):
        git.repository(box.path)


def test_revisions(box: Sandbox) -> None:
    first = box.commit("first")
    second = box.commit("second")
    box.git("tag", "-a", "-m", "x", "v6.1", first)
    repo = git.repository(box.path)
    for text in ("v6.1", "HEAD^", "main~1", first[:12], ":/first", "HEAD^{/first}", "v6.1^{}"):
        assert git.commit(repo, text) == first, text
    assert git.head(repo) == second
    assert git.parents(repo, second) == (first,)
    assert git.parents(repo, first) == ()
    assert git.merge_base(repo, first, second) == first
    box.git("checkout", "-q", "--orphan", "other")
    assert git.merge_base(repo, first, box.commit()) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("v6.11", "did you mean v6.1"),
        ("zzzzzzzzz", "git log --oneline"),
        ("", "unknown revision ''"),
        ("--output=/tmp/x", "unknown revision"),
        ("-h", "unknown revision"),
        ("HEAD\0", "unknown revision"),
        ("HEAD\nHEAD", "unknown revision"),
        ("HEAD..HEAD", "unknown revision"),
        ("HEAD:a.c", "does not name a commit"),
        ("f" * 40, "not in the repository"),
    ],
)
def test_what_is_no_revision(box: Sandbox, text: str, what: str) -> None:
    box.write("a.c", b"")
    box.commit()
    box.git("tag", "v6.1")
    with pytest.raises(RequestError) as caught:
        git.commit(git.repository(box.path), text)
    assert what in refused(caught)


def test_nothing_is_committed_yet(box: Sandbox) -> None:
    repo = git.repository(box.path)
    assert git.head(repo) is None
    box.write("a.c", b"x")
    box.git("add", "a.c")
    (only,) = git.staged(repo, git.empty_tree(repo))
    assert only.old is None
    assert only.new is not None


def test_differences(box: Sandbox) -> None:
    long = b"".join(b"line %d\n" % number for number in range(50))
    for name in ("changed.c", "gone.h", "mode.c"):
        box.write(name, name.encode())
    box.write("moved.c", long)
    box.write("other.txt", b"text")
    old = box.commit()
    box.write("changed.c", b"new")
    box.write("made.c", b"made")
    box.write("other.txt", b"more")
    (box.path / "gone.h").unlink()
    (box.path / "mode.c").chmod(0o755)
    (box.path / "link.c").symlink_to("made.c")
    (box.path / "moved.c").rename(box.path / "went.c")
    box.write("went.c", long + b"more\n")
    new = box.commit()
    repo = git.repository(box.path)
    found = [
        (one.old.path if one.old else None, one.new.path if one.new else None)
        for one in git.between(repo, old, new)
    ]
    assert found == [
        ("changed.c", "changed.c"),
        ("gone.h", None),
        (None, "made.c"),
        ("moved.c", "went.c"),
    ]
    first = git.between(repo, old, new)[0]
    assert first.old
    assert first.old.blob
    assert dict(contents(box.path, [first.old.blob])) == {first.old.blob: b"changed.c"}


def test_the_index_and_the_disk(box: Sandbox) -> None:
    for name in ("same.c", "staged.c", "lying.c", "fs/below.c"):
        box.write(name, b"old\n")
    head = box.commit()
    box.write("staged.c", b"staged\n")
    box.git("add", "staged.c")
    box.write("lying.c", b"lying\n")
    box.write("fs/below.c", b"below\n")
    box.write("untracked.c", b"untracked\n")
    repo = git.repository(box.path / "fs")
    (staged,) = git.staged(repo, head)
    assert staged.new
    assert staged.new.path == "staged.c"
    lying = {one.new for one in git.on_disk(repo, head)}
    assert lying == {
        Side(path="lying.c", blob=None),
        Side(path="fs/below.c", blob=None),
        staged.new,
    }


def test_conflicts(box: Sandbox) -> None:
    box.write("a.c", b"base\n")
    box.commit()
    box.git("checkout", "-q", "-b", "other")
    box.write("a.c", b"theirs\n")
    box.commit()
    box.git("checkout", "-q", "main")
    box.write("a.c", b"ours\n")
    head = box.commit()
    with pytest.raises(subprocess.CalledProcessError):
        box.git("merge", "other")
    repo = git.repository(box.path)
    with pytest.raises(RequestError) as caught:
        git.staged(repo, head)
    assert "a.c: the index holds a conflict" in refused(caught)
    (lying,) = git.on_disk(repo, head)
    assert lying.new == Side(path="a.c", blob=None)


def test_the_index_that_a_hook_is_given(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """``git commit a.c`` commits from an index of its own, and tells its hooks where that is."""
    for name in ("a.c", "b.c"):
        box.write(name, b"old\n")
    head = box.commit()
    for name in ("a.c", "b.c"):
        box.write(name, b"new\n")
    box.git("add", "--all")
    hook = box.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ncp "$GIT_INDEX_FILE" .git/seen; echo "$GIT_INDEX_FILE" >.git/where')
    hook.chmod(0o755)
    box.git("commit", "-q", "-m", "one", "a.c")
    assert "index" in (box.path / ".git/where").read_text()
    repo = git.repository(box.path)
    monkeypatch.chdir(box.path)
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/seen")
    assert [one.new and one.new.path for one in git.staged(repo, head)] == ["a.c"]
    monkeypatch.setenv("GIT_INDEX_FILE", "/somewhere/else/index")
    assert [one.new and one.new.path for one in git.staged(repo, head)] == ["a.c", "b.c"]


def test_sources_of_a_revision(box: Sandbox) -> None:
    odd = ("a b.c", 'quo"te.h', "tab\there.c", "new\nline.c", "\udcff\udcfe.c", ":(top)x.c", "-x.h")
    for name in odd:
        box.write(f"dir/{name}", name.encode("utf-8", "surrogateescape"))
    box.write("Makefile", b"")
    box.write("a.cc", b"")
    (box.path / "link.c").symlink_to("/etc/passwd")
    box.commit()
    found = git.blobs(box.path / "dir", "HEAD")
    assert set(found) == {f"dir/{name}" for name in odd}
    read = dict(contents(box.path, found.values()))
    for path, blob in found.items():
        assert read[blob] == path.removeprefix("dir/").encode("utf-8", "surrogateescape")


def test_submodules_are_no_sources(box: Sandbox, tmp_path: Path) -> None:
    part = made(tmp_path / "part")
    part.write("p.c", b"")
    part.commit()
    box.write("a.c", b"")
    old = box.commit()
    box.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(part.path), "x.c")
    new = box.commit()
    assert set(git.blobs(box.path, "HEAD")) == {"a.c"}
    assert git.between(git.repository(box.path), old, new) == []


@settings(max_examples=15)
@given(
    st.lists(
        st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)
        .map(lambda text: text[:40])
        .filter(lambda text: text not in {".", ".."} and text.lower() != ".git"),
        max_size=5,
        unique=True,
    )
)
def test_any_name(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        box = made(Path(directory) / "tree")
        old = box.commit()
        for name in names:
            box.write(f"{name}.c", name.encode())
        box.commit()
        found = git.blobs(box.path, "HEAD")
        assert set(found) == {f"{name}.c" for name in names}
        new = git.between(git.repository(box.path), old, "HEAD")
        assert {one.new.path for one in new if one.new} == set(found)


def test_many_blobs_through_one_process(box: Sandbox) -> None:
    for number in range(1500):
        box.write(f"{number}.c", b"%d\n" % number * (number % 40))
    box.write("big.c", b"x" * 3_000_000)
    box.write("zero.c", bytes(range(256)))
    box.commit()
    found = git.blobs(box.path, "HEAD")
    read = dict(contents(box.path, found.values()))
    for path, blob in found.items():
        assert read[blob] == (box.path / path).read_bytes()
    reading = contents(box.path, found.values())
    assert len(list(islice(reading, 3))) == 3
    reading.close()  # type: ignore[attr-defined]
    assert list(contents(box.path, [])) == []


@pytest.mark.parametrize(
    "text", ["HEAD", "HEAD:a.c", "--batch-all-objects", "abc", "a" * 40 + "\n"]
)
def test_contents_take_only_ids(box: Sandbox, text: str) -> None:
    with pytest.raises(InfrastructureError, match="not full ids"):
        list(contents(box.path, [text]))


def test_blobs_that_are_not_there(box: Sandbox, tmp_path: Path) -> None:
    box.write("a.c", b"old\n")
    old = box.commit()
    box.write("a.c", b"new\n")
    box.write("b.c", b"b\n")
    box.commit()
    with pytest.raises(RequestError) as caught:
        list(contents(box.path, ["1" * 40]))
    assert "not in the repository" in refused(caught)

    box.git("config", "uploadpack.allowFilter", "true")
    partial = Sandbox(tmp_path / "partial")
    url = f"file://{box.path}"
    box.git("clone", "-q", "--filter=blob:none", "--no-checkout", url, str(partial.path))
    blobs = git.blobs(partial.path, "HEAD")
    assert set(blobs) == {"a.c", "b.c"}
    assert len(git.between(git.repository(partial.path), old, "HEAD")) == 2
    with pytest.raises(RequestError) as caught:
        list(contents(partial.path, blobs.values()))
    assert "none are fetched" in refused(caught)
    assert list((partial.path / ".git/objects/pack").glob("*.pack")) != []


def test_sha256(tmp_path: Path) -> None:
    box = made(tmp_path / "tree", "--object-format=sha256")
    box.write("a.c", FIVE)
    new = box.commit()
    repo = git.repository(box.path)
    assert len(new) == 64
    (only,) = git.between(repo, git.empty_tree(repo), git.commit(repo, "HEAD"))
    assert only.new
    assert only.new.blob
    assert list(contents(box.path, [only.new.blob])) == [(only.new.blob, FIVE)]


def test_nothing_that_a_repository_names_is_run(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho $0 $* >>{ran}\ncat 2>/dev/null\n")
    trap.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (hooks / name).symlink_to(trap)
    long = b"".join(b"line %d\n" % number for number in range(50))
    box.write(".gitattributes", b"*.c filter=evil diff=evil merge=evil\n*.h filter=slow\n")
    box.write("a.c", long)
    box.write("b.h", long)
    old = box.commit()
    box.git("mv", "a.c", "moved.c")
    box.git("config", "core.trustCtime", "false")
    os.utime(box.path / "b.h", (10**9, 10**9))
    box.git("update-index", "--refresh")
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.editor",
        "core.askPass",
        "core.gitProxy",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.slow.process",
        "pager.diff-tree",
        "pager.rev-parse",
        "credential.helper",
        "gpg.program",
        "remote.origin.uploadpack",
        "alias.rev-parse",
        "alias.cat-file",
    ):
        value = f"!{trap}" if key.startswith(("alias", "credential")) else str(trap)
        box.git("config", key, value)
    box.git("config", "filter.slow.required", "true")
    box.git("config", "core.hooksPath", str(hooks))
    box.git("config", "remote.origin.url", f"ext::{trap}")
    box.git("config", "protocol.ext.allow", "always")
    box.git("config", "remote.origin.promisor", "true")
    for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_SSH_COMMAND", "GIT_PROXY_COMMAND"):
        monkeypatch.setenv(name, str(trap))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    # git reads what moved, and what is as new as the index; filters are for what it reads.
    box.write("moved.c", long + b"changed\n")
    box.write("b.h", long.replace(b"line 9", b"LINE 9"))
    for path in (box.path / "b.h", box.path / ".git/index"):
        os.utime(path, (10**9, 10**9))
    ran.unlink(missing_ok=True)

    repo = git.repository(box.path)
    assert git.commit(repo, "HEAD") == old
    git.between(repo, git.empty_tree(repo), old)
    git.staged(repo, old)
    lying = git.on_disk(repo, old)
    assert [(one.old, one.new) for one in lying if one.old and one.new] == [
        (lying[0].old, Side(path="b.h", blob=None)),
        (lying[1].old, Side(path="moved.c", blob=None)),
    ]
    list(contents(box.path, git.blobs(box.path, "HEAD").values()))
    with pytest.raises(RequestError):
        list(contents(box.path, ["1" * 40]))
    apply([(FIVE, HUNK)], reverse=False)
    assert not ran.exists(), ran.read_text()
    assert not (tmp_path / "trace").exists()


def test_the_index_is_never_written(box: Sandbox) -> None:
    box.write("a.c", b"a")
    head = box.commit()
    index = box.path / ".git/index"
    before = index.read_bytes()
    os.utime(box.path / "a.c", (10**9, 10**9))
    repo = git.repository(box.path)
    side = Side(path="a.c", blob=None)
    (lying,) = git.on_disk(repo, head)
    assert lying == SourceDifference(
        old=Side(path="a.c", blob=box.git("rev-parse", "@:a.c")), new=side
    )
    git.staged(repo, head)
    assert index.read_bytes() == before


def test_a_git_that_fails_or_hangs(box: Sandbox) -> None:
    with pytest.raises(CommandError, match="exit status 128"):
        git.between(git.repository(box.path), "--nonsense", "HEAD")
    with pytest.raises(CommandError, match=r"still running after 0\.1 s"):
        git_process.git(box.path, "-c", "alias.wait=!exec sleep 20", "wait", deadline_s=0.1)


def test_hunks_applied_and_taken_back() -> None:
    changed = FIVE.replace(b"three", b"THREE")
    moved = b"before\n" * 3 + FIVE
    later = HUNK.replace(b"-1,5 +1,5", b"-2,5 +2,5")
    results = apply([(FIVE, HUNK), (moved, later), (b"", b"@@ -0,0 +1 @@\n+x\n")], reverse=False)
    assert results == [changed, moved.replace(b"three", b"THREE"), b"x\n"]
    assert apply([(changed, HUNK), (b"x\n", b"@@ -0,0 +1 @@\n+x\n")], reverse=True) == [
        FIVE,
        b"",
    ]
    assert apply([(b"x\n", b"@@ -1 +0,0 @@\n-x\n")], reverse=False) == [b""]
    assert apply([], reverse=False) == []


def test_hunks_that_do_not_fit_leave_the_others() -> None:
    results = apply([(b"other\n", HUNK), (FIVE, HUNK), (b"", HUNK)], reverse=False)
    assert results[1] == FIVE.replace(b"three", b"THREE")
    assert isinstance(results[0], HunkMismatch)
    assert isinstance(results[2], HunkMismatch)
    assert results[0].line == 1


def test_hunks_without_context() -> None:
    hunk = b"@@ -3 +3 @@\n-three\n+THREE\n"
    (result,) = apply([(FIVE, hunk)], reverse=False, unified_zero=True)
    assert result == FIVE.replace(b"three", b"THREE")


def test_line_ends_and_white_space_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/nonexistent")
    content = b"a \r\nb\t\r\nc"
    hunk = b"@@ -1,3 +1,3 @@\n a \r\n-b\t\r\n+B \t\r\n c\n\\ No newline at end of file\n"
    assert apply([(content, hunk)], reverse=False) == [b"a \r\nB \t\r\nc"]
