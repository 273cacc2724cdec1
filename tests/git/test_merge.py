"""Repositories that borrow objects: where those come from, and commits of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.merge_bench.forge import Forge

from anyclue.git import repository as git
from anyclue.git.merge import borrowing_repository, commit_with_patch, object_directory

LINES = [f"line {number}\n" for number in range(20)]


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    made = Forge.new(tmp_path / "tree")
    made.commit("main", None, {"a": "".join(LINES)})
    return made


def test_objects_come_from_the_first_lender(forge: Forge, tmp_path: Path) -> None:
    theirs = git.repository(forge.path)
    assert object_directory(theirs) == forge.path / ".git/objects"
    own = borrowing_repository(theirs, tmp_path / "own")
    assert object_directory(own) == forge.path / ".git/objects"
    assert (
        object_directory(borrowing_repository(own, tmp_path / "again"))
        == forge.path / ".git/objects"
    )
    forge.git("clone", "-q", "--shared", "--bare", str(forge.path), str(tmp_path / "clone"))
    assert object_directory(git.repository(tmp_path / "clone")) == forge.path / ".git/objects"


def test_lenders_in_a_ring(forge: Forge) -> None:
    objects = forge.path / ".git/objects"
    (objects / "info/alternates").write_text("# a remark\n../objects\n")
    assert object_directory(git.repository(forge.path)) == objects


def test_a_patch_on_top(forge: Forge, tmp_path: Path) -> None:
    base = forge.git("rev-parse", "HEAD")
    own = borrowing_repository(git.repository(forge.path), tmp_path / "own")
    patch = tmp_path / "patch"
    changed = LINES.copy()
    changed[10] = "changed\n"
    forge.commit("other", base, {"a": "".join(changed), "b": "new\n"})
    patch.write_text(forge.git("diff", base, "HEAD") + "\n")
    moved = forge.commit("main", base, {"a": "first\n" + "".join(LINES)})
    forge.write({"a": "not committed"})
    before = forge.git("count-objects", "-v"), forge.git("status", "--porcelain")
    made = commit_with_patch(own, moved, patch)
    assert made is not None
    assert made == commit_with_patch(own, moved, patch)
    assert git.parents(own, made) == (moved,)
    assert git.differing(own, moved, made) == ["a", "b"]
    assert (forge.git("count-objects", "-v"), forge.git("status", "--porcelain")) == before


def test_a_patch_that_does_not_fit(forge: Forge, tmp_path: Path) -> None:
    own = borrowing_repository(git.repository(forge.path), tmp_path / "own")
    patch = tmp_path / "patch"
    patch.write_text("--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n line 0\n-another\n+changed\n")
    assert commit_with_patch(own, forge.git("rev-parse", "main"), patch) is None


@pytest.mark.parametrize("path", ["../outside", "/etc/outside", ".git/hooks/post-commit"])
def test_a_patch_that_leaves_the_tree(forge: Forge, tmp_path: Path, path: str) -> None:
    own = borrowing_repository(git.repository(forge.path), tmp_path / "own")
    patch = tmp_path / "patch"
    patch.write_text(f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n")
    assert commit_with_patch(own, forge.git("rev-parse", "main"), patch) is None
