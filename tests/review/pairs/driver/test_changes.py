"""Changes of commits, the index and the work tree, from real repositories."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.model.errors import RequestError
from anyclue.review.pairs.driver.changes import (
    FileChange,
    SourceChange,
    of_index,
    of_range,
    of_worktree,
)
from anyclue.review.pairs.driver.piped_patch import of_patch

if TYPE_CHECKING:
    from tests.review.pairs.driver.conftest import Box


def paths(change: SourceChange) -> list[tuple[str | None, str | None]]:
    return [(one.old_path, one.new_path) for one in change.files]


def problem(caught: pytest.ExceptionInfo[RequestError]) -> str:
    assert all(one.next_step for one in caught.value.problems)
    return str(caught.value)


SECOND = [
    ("fs/gone.c", None),
    ("fs/lzo.c", "fs/lzo.c"),
    (None, "fs/made.h"),
    ("fs/moved.c", "fs/new name.c"),
]


@pytest.mark.parametrize("text", ["v2^..v2", "v2~1..", "v2", "HEAD", "v2^!", "v2^-", "v2~1...v2"])
def test_a_range(history: Box, text: str) -> None:
    change = of_range(history.path / "fs", text)
    assert paths(change) == SECOND
    assert change.root == history.path.resolve()
    assert change.files[1] == FileChange(
        old_path="fs/lzo.c", new_path="fs/lzo.c", old=history.old, new=history.new
    )
    assert (change.files[0].old, change.files[0].new) == (b"int gone;\n", None)
    assert (change.files[2].old, change.files[2].new) == (None, b"int made;\n")
    assert (change.files[3].old, change.files[3].new) == (history.old, history.new)
    ids = history.git("rev-parse", "v2^", "v2").decode().split()
    assert [change.old_rev, change.new_rev] == ids
    assert change.title == {"HEAD": "HEAD^..HEAD"}.get(text, text if ".." in text else "v2^..v2")


def test_a_range_backwards(history: Box) -> None:
    change = of_range(history.path, "v2..v2~1")
    assert ("fs/new name.c", "fs/moved.c") in paths(change)


def test_a_root_commit(history: Box) -> None:
    change = of_range(history.path, "v2~1")
    assert paths(change) == [(None, "fs/gone.c"), (None, "fs/lzo.c"), (None, "fs/moved.c")]
    assert change.title == "v2~1 (root commit)"
    assert change.old_rev is None
    assert change.new_rev


def test_since_a_branch_left(history: Box) -> None:
    history.git("checkout", "-q", "-b", "side", "v2~1")
    history.write("fs/side.c", b"int side;\n")
    history.commit("side")
    assert paths(of_range(history.path, "main...side")) == [(None, "fs/side.c")]
    assert len(paths(of_range(history.path, "main..side"))) == 5


def test_a_merge_against_its_parents(history: Box) -> None:
    history.git("checkout", "-q", "-b", "side", "v2~1")
    history.write("fs/side.c", b"int side;\n")
    history.commit("side")
    history.git("merge", "-q", "-m", "a merge", "main")
    assert paths(of_range(history.path, "HEAD")) == SECOND
    assert paths(of_range(history.path, "HEAD^-2")) == [(None, "fs/side.c")]
    with pytest.raises(RequestError) as caught:
        of_range(history.path, "HEAD^-3")
    assert "has 2 parents" in problem(caught)


def test_revisions_that_are_not_there_are_all_named(history: Box) -> None:
    with pytest.raises(RequestError) as caught:
        of_range(history.path, "v3..nonsense-everywhere")
    text = problem(caught)
    assert "unknown revision 'v3'" in text
    assert "did you mean v2?" in text
    assert "unknown revision 'nonsense-everywhere'" in text


@pytest.mark.parametrize("text", ["..", "...", "", "--all", "v2..--all", "v2 v2~1", "v2:fs/lzo.c"])
def test_what_is_no_range(history: Box, text: str) -> None:
    with pytest.raises(RequestError) as caught:
        of_range(history.path, text)
    assert problem(caught)


def test_histories_without_a_common_ancestor(history: Box) -> None:
    history.git("checkout", "-q", "--orphan", "other")
    history.commit("other")
    with pytest.raises(RequestError) as caught:
        of_range(history.path, "main...other")
    assert "no common ancestor" in problem(caught)


def test_no_repository(tmp_path: Path) -> None:
    for ask in (of_range, of_worktree):
        with pytest.raises(RequestError) as caught:
            ask(tmp_path, "HEAD")
        assert "no git repository" in problem(caught)
    with pytest.raises(RequestError):
        of_index(tmp_path)


def test_a_shallow_clone_says_where_it_ends(history: Box, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    history.git("clone", "-q", "--depth=1", f"file://{history.path}", str(shallow))
    with pytest.raises(RequestError) as caught:
        of_range(shallow, "HEAD")
    assert "the parent of 'HEAD' is not in this clone" in problem(caught)
    assert "--deepen=1" in problem(caught)
    with pytest.raises(RequestError) as caught:
        of_range(shallow, "HEAD~1..HEAD")
    assert "shallow" in problem(caught)


def test_a_partial_clone_fetches_nothing(history: Box, tmp_path: Path) -> None:
    history.git("config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    url = f"file://{history.path}"
    history.git("clone", "-q", "--bare", "--filter=blob:none", url, str(partial))
    with pytest.raises(RequestError) as caught:
        of_range(partial, "v2")
    assert "not in the repository" in problem(caught)


def test_bare_linked_and_sha256_repositories(history: Box, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    history.git("clone", "-q", "--bare", ".", str(bare))
    assert paths(of_range(bare, "v2")) == SECOND
    with pytest.raises(RequestError) as caught:
        of_worktree(bare, "v2")
    assert "no work tree" in problem(caught)
    linked = tmp_path / "linked"
    history.git("worktree", "add", "-q", "-b", "x", str(linked), "v2~1")
    assert paths(of_range(linked, "v2")) == SECOND
    (linked / "fs/lzo.c").write_bytes(history.new)
    assert paths(of_worktree(linked, "HEAD")) == [("fs/lzo.c", "fs/lzo.c")]


def test_the_index(history: Box) -> None:
    history.write("fs/lzo.c", b"int staged;\n")
    history.git("add", "fs/lzo.c")
    history.git("mv", "fs/new name.c", "fs/again.c")
    history.write("fs/lzo.c", b"int lying;\n")
    history.write("fs/planned.c", b"int planned;\n")
    history.git("add", "--intent-to-add", "fs/planned.c")
    change = of_index(history.path)
    assert (change.title, change.new_rev) == ("index", None)
    assert paths(change) == [("fs/new name.c", "fs/again.c"), ("fs/lzo.c", "fs/lzo.c")]
    assert change.files[1].new == b"int staged;\n"


def test_the_index_before_the_first_commit(box: Box) -> None:
    box.write("a.c", b"int a;\n")
    box.git("add", "a.c")
    assert of_index(box.path).files == (
        FileChange(old_path=None, new_path="a.c", old=None, new=b"int a;\n"),
    )


def test_the_work_tree(history: Box) -> None:
    history.write("fs/lzo.c", b"int lying;\n")
    history.git("mv", "fs/new name.c", "fs/again.c")
    history.write("fs/again.c", history.new + b"int more;\n")
    (history.path / "fs/made.h").unlink()
    history.write("fs/untracked.c", b"int untracked;\n")
    before = history.state()
    change = of_worktree(history.path, "HEAD")
    assert change.title == "HEAD..work tree"
    assert paths(change) == [
        ("fs/new name.c", "fs/again.c"),
        ("fs/lzo.c", "fs/lzo.c"),
        ("fs/made.h", None),
    ]
    assert change.files[0].new == history.new + b"int more;\n"
    assert change.files[1].new == b"int lying;\n"
    assert history.state() == before
    earlier = of_worktree(history.path, "v2~1")
    assert ("fs/moved.c", "fs/again.c") in paths(earlier)
    assert ("fs/gone.c", None) in paths(earlier)


def test_the_work_tree_of_an_unknown_revision(history: Box) -> None:
    with pytest.raises(RequestError) as caught:
        of_worktree(history.path, "v9")
    assert "did you mean v2?" in problem(caught)


def test_a_file_that_was_only_touched(history: Box) -> None:
    (history.path / "fs/lzo.c").touch()
    history.git("config", "core.autocrlf", "true")
    history.write("fs/made.h", b"int made;\r\n")
    assert of_worktree(history.path, "HEAD").files == ()


def test_files_left_out_of_a_sparse_tree_did_not_change(history: Box) -> None:
    history.git("update-index", "--skip-worktree", "fs/made.h")
    (history.path / "fs/made.h").unlink()
    assert of_worktree(history.path, "HEAD").files == ()
    assert (None, "fs/made.h") in paths(of_worktree(history.path, "v2~1"))


def test_links_are_not_followed(history: Box, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "lzo.c").write_bytes(b"int secret;\n")
    shutil.move(history.path / "fs", history.path / "kept")
    (history.path / "fs").symlink_to(outside)
    change = of_worktree(history.path, "HEAD")
    assert all(one.new is None for one in change.files)
    patch = b"--- a/fs/lzo.c\n+++ b/fs/lzo.c\n@@ -1 +1 @@\n-int secret;\n+int known;\n"
    with pytest.raises(RequestError) as caught:
        of_patch(history.path, patch)
    assert "fs/lzo.c: the patch changes this file, which is not there" in problem(caught)
