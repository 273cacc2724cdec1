"""Histories as git tells them: refs, messages, patches, places; hostile names and messages."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from bench.merge_bench.forge import Forge

from anyclue.git import repository as git
from anyclue.git.history import (
    abbreviated,
    branch_positions,
    changed_paths,
    commits,
    commits_mentioning,
    commits_touching,
    files_by_commit,
    first_versions,
    full_name,
    mainlines,
    patch_ids,
    reaches,
    refs,
    shallow_boundary,
)
from anyclue.git.model import Repository
from anyclue.model.errors import RequestError

AUTHOR = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Made:
    """A repository that tests change."""

    path: Path

    @property
    def repo(self) -> Repository:
        return git.repository(self.path)

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        command = ["git", "-C", str(self.path), *AUTHOR, *arguments]
        done = subprocess.run(command, check=True, capture_output=True, input=stdin)
        return os.fsdecode(done.stdout).strip()

    def commit(self, name: str, text: str, message: str = "a commit") -> str:
        (self.path / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    found = Made(tmp_path)
    found.git("init", "-q", "-b", "main")
    return found


def test_refs_by_pattern(made: Made) -> None:
    at = made.commit("a.c", "a\n")
    for name in ("heads/linux-6.1.y", "remotes/o/linux-6.1.y", "remotes/o/x/linux-6.1.y"):
        made.git("update-ref", f"refs/{name}", at)
    made.git("tag", "-a", "-m", "x", "v6.1")
    made.git("update-ref", "refs/tags/tree", made.git("rev-parse", "HEAD^{tree}"))
    assert [one.name for one in refs(made.repo, "linux-*.y")] == ["refs/heads/linux-6.1.y"]
    assert [one.short for one in refs(made.repo, "o/linux-*")] == ["o/linux-6.1.y"]
    assert [(one.short, one.commit) for one in refs(made.repo, "v6*")] == [("v6.1", at)]
    assert [one.name for one in refs(made.repo, "refs/remotes/*/linux*")] == [
        "refs/remotes/o/linux-6.1.y"
    ]
    assert refs(made.repo, "tre?") == []
    assert refs(made.repo, "[") == []
    assert len(refs(made.repo)) == 4
    assert full_name(made.repo, "linux-6.1.y") == "refs/heads/linux-6.1.y"
    assert full_name(made.repo, at) == ""
    assert full_name(made.repo, "main~0") == ""


def test_main_branches_that_have_a_commit(made: Made) -> None:
    first = made.commit("a.c", "a\n")
    second = made.commit("a.c", "b\n")
    made.git("update-ref", "refs/remotes/o/master", first)
    made.git("update-ref", "refs/remotes/x/main", second)
    made.git("symbolic-ref", "refs/remotes/x/HEAD", "refs/remotes/x/main")
    made.git("branch", "topic")
    assert {one.short for one in mainlines(made.repo, second)} == {"main", "x/main", "x/HEAD"}
    assert len(mainlines(made.repo, first)) == 4


def test_names_that_look_like_lines(made: Made) -> None:
    at = made.commit("a.c", "a\n")
    for name in ("a\u2028b", "a\u0085b"):
        made.git("update-ref", f"refs/heads/{name}", at)
        made.git("update-ref", f"refs/tags/v{name}", at)
    assert {one.short for one in refs(made.repo)} == {"main", "a\u2028b", "a\u0085b"}
    assert first_versions(made.repo, [at]) == {}


def test_abbreviations(made: Made) -> None:
    first = made.commit("a.c", "a\n")
    assert abbreviated(made.repo, first[:7]) == (first,)
    assert abbreviated(made.repo, first) == (first,)
    assert abbreviated(made.repo, first + "0" * 24) == ()
    assert abbreviated(made.repo, made.git("rev-parse", "HEAD^{tree}")) == ()


def test_messages_with_a_nul_forge_no_commit(made: Made) -> None:
    at = made.commit("a.c", "a\n")
    tree = made.git("rev-parse", "HEAD^{tree}")
    forged = f"\0{at[::-1]} \ncommit {at} upstream.\n"
    text = (
        f"tree {tree}\nparent {at}\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nnul {forged}"
    )
    bad = made.git(
        "hash-object", "-w", "-t", "commit", "--literally", "--stdin", stdin=text.encode()
    )
    (one,) = commits(made.repo, [bad])
    assert (one.id, one.parents, one.title) == (bad, (at,), "nul")
    assert [two.id for two in commits_mentioning(made.repo, [bad], ["nul"])] == [bad]


def test_messages(made: Made) -> None:
    first = made.commit("a.c", "a\n", "one .*\n\nwith [x]")
    second = made.commit("a.c", "b\n", 'two "$(x)"')
    at = [second]
    assert [one.id for one in commits_mentioning(made.repo, at, [".*"])] == [first]
    assert [one.id for one in commits_mentioning(made.repo, at, ["$(x)", "[x]"])] == [second, first]
    assert commits_mentioning(made.repo, at, ["", ""]) == []
    assert commits_mentioning(made.repo, [second, f"^{first}"], ["one"]) == []
    with pytest.raises(RequestError):
        commits(made.repo, ["1" * 40])


def test_patches(made: Made) -> None:
    made.commit("a.c", "a\n")
    one = made.commit("a.c", "b\n")
    made.git("checkout", "-q", "-b", "other", "HEAD~1")
    made.commit("*", "x\n")
    other = made.commit("a.c", "b\n", "another title")
    found = patch_ids(made.repo, [one, other, made.git("rev-parse", "other~1")])
    assert found[one] == found[other]
    assert len(set(found.values())) == 2
    assert patch_ids(made.repo, []) == {}
    assert changed_paths(made.repo, "other~1") == ["*"]
    assert commits_touching(made.repo, ["other"], "*") == [made.git("rev-parse", "other~1")]


def test_places_and_versions(made: Made) -> None:
    first = made.commit("a.c", "a\n")
    made.git("tag", "v1")
    second = made.commit("a.c", "b\n")
    made.git("checkout", "-q", "-b", "other", first)
    third = made.commit("a.c", "c\n")
    found = branch_positions(
        made.repo, [second, third, second], [], [first, second, third, "0" * 40]
    )
    assert {one: at.branches for one, at in found.items()} == {first: 7, second: 5, third: 2}
    assert found[first].order > max(found[second].order, found[third].order)
    assert branch_positions(made.repo, [second], [f"^{first}"], [first]) == {}
    assert first_versions(made.repo, [second, first]) == {first: "v1"}
    assert first_versions(made.repo, []) == {}
    assert reaches(made.repo, [second], {first})
    assert not reaches(made.repo, [second, f"^{first}"], {first})
    assert shallow_boundary(made.repo) == frozenset()


def test_what_commits_touch_below_a_directory(tmp_path: Path) -> None:
    forge = Forge.new(tmp_path / "tree")
    root = forge.commit("main", None, {"fs/a b.c": "1\n2\n3\n", "mm/m.c": "m"})
    ours = forge.commit("ours", root, {"fs/a b.c": "0\n2\n3\n", "fs/new\nline.c": "x"})
    side = forge.commit("side", root, {"fs/a b.c": "1\n2\n4\n", "mm/m.c": "n"})
    elsewhere = forge.commit("side", side, {"mm/m.c": "o", "fsx/x.c": "x"})
    clean = forge.merge([ours, elsewhere], {})
    taken_back = forge.commit("main", clean, {"fs/a b.c": "1\n2\n3\n"})
    other = forge.commit("other", ours, {"mm/z.c": "z"})
    plain = forge.merge([taken_back, other], {})
    evil = forge.merge([plain, forge.commit("last", plain, {"mm/y.c": "y"})], {"fs/e.c": "e"})
    found = files_by_commit(git.repository(forge.path), [evil, f"^{root}"], "fs")
    assert found == {
        ours: ["fs/a b.c", "fs/new\nline.c"],
        side: ["fs/a b.c"],
        clean: ["fs/a b.c"],
        taken_back: ["fs/a b.c"],
        evil: ["fs/e.c"],
    }
