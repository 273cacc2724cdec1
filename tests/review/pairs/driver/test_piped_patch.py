"""Patches as users pipe them in: from git, diff, mails and mboxes; applied, and told apart."""

from __future__ import annotations

import base64
import contextlib
import quopri
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.model.errors import RequestError
from anyclue.review.pairs.driver.changes import FileChange, SourceChange, of_range
from anyclue.review.pairs.driver.piped_patch import of_patch

if TYPE_CHECKING:
    from tests.review.pairs.driver.conftest import Box

FROM_GIT = (
    ("show",),
    ("show", "--color"),
    ("show", "--no-prefix"),
    ("show", "--format=email"),
    ("show", "--format=", "-U0"),
    ("show", "--unified=1"),
    ("show", "--full-index", "--binary", "--stat", "--patch"),
    ("diff", "HEAD^", "HEAD"),
    ("diff", "HEAD^", "HEAD", "--no-renames"),
    ("-c", "diff.mnemonicPrefix=true", "diff", "HEAD^", "HEAD"),
    ("format-patch", "--stdout", "-1"),
    ("format-patch", "--stdout", "-1", "--attach"),
    ("format-patch", "--stdout", "-1", "--inline"),
    ("log", "-p", "-1"),
)


@pytest.fixture
def plain(history: Box, tmp_path: Path) -> Box:
    """The first version of the history, where no repository is."""
    path = tmp_path / "plain"
    path.mkdir()
    packed = history.git("archive", "HEAD^")
    subprocess.run(["tar", "-x", "-C", str(path)], input=packed, check=True)
    return replace(history, path=path)


def problem(tree: Path, patch: bytes) -> str:
    with pytest.raises(RequestError) as caught:
        of_patch(tree, patch)
    assert all(one.next_step for one in caught.value.problems)
    return str(caught.value)


def names(change: SourceChange) -> list[tuple[str | None, str | None]]:
    return [(one.old_path, one.new_path) for one in change.files]


def unpaired(change: SourceChange) -> set[FileChange]:
    """The same files, with each rename as one file gone and another made."""
    found: set[FileChange] = set()
    for one in change.files:
        if one.old_path == one.new_path:
            found.add(one)
            continue
        if one.old_path is not None:
            found.add(replace(one, new_path=None, new=None))
        if one.new_path is not None:
            found.add(replace(one, old_path=None, old=None))
    return found


@pytest.mark.parametrize("command", FROM_GIT, ids=" ".join)
def test_whatever_git_prints(history: Box, plain: Box, command: tuple[str, ...]) -> None:
    patch = history.git(*command)
    wanted = of_range(history.path, "HEAD")
    before = plain.state()
    change = of_patch(plain.path, patch)
    assert plain.state() == before
    assert change.root == plain.path
    assert not change.title.endswith("(already applied)")
    applied = of_patch(history.path, patch)
    assert applied.title.endswith("(already applied)")
    for found in (change, applied):
        assert unpaired(found) == unpaired(wanted)
        if "--no-renames" not in command:
            assert found.files == wanted.files
        assert found.title.startswith("patch")
        assert ("second: take a page" in found.title) == (
            "diff" not in command and "--format=" not in command
        )


def test_from_a_directory_below_the_top(history: Box) -> None:
    patch = history.git("show")
    change = of_patch(history.path / "fs", patch)
    assert change.files == of_range(history.path, "HEAD").files
    assert change.root == history.path.resolve()
    relative = history.git("diff", "--relative=fs", "HEAD^", "HEAD")
    change = of_patch(history.path / "fs", relative)
    assert ("lzo.c", "lzo.c") in names(change)
    assert change.root == history.path / "fs"


@pytest.mark.parametrize("options", [("-ruN",), ("-rU0", "-N"), ("-ruNp",)], ids=" ".join)
def test_what_diff_prints(
    history: Box, plain: Box, tmp_path: Path, options: tuple[str, ...]
) -> None:
    shutil.copytree(history.path / "fs", tmp_path / "new/fs")
    shutil.copytree(plain.path / "fs", tmp_path / "old/fs")
    done = subprocess.run(
        ["diff", *options, "old", "new"], cwd=tmp_path, capture_output=True, check=False
    )
    wanted = of_range(history.path, "HEAD")
    assert unpaired(of_patch(plain.path, done.stdout)) == unpaired(wanted)
    backward = of_patch(history.path, done.stdout)
    assert ("fs/lzo.c", "fs/lzo.c") in names(backward)


def test_diff_of_a_file_laid_aside(plain: Box) -> None:
    shutil.copy(plain.path / "fs/lzo.c", plain.path / "fs/lzo.c.orig")
    plain.write("fs/lzo.c", plain.new)
    for pair in (("fs/lzo.c.orig", "fs/lzo.c"), ("fs/lzo.c", "fs/lzo.c.orig")):
        done = subprocess.run(
            ["diff", "-u", *pair], cwd=plain.path, capture_output=True, check=False
        )
        assert names(of_patch(plain.path, done.stdout)) == [("fs/lzo.c", "fs/lzo.c")]


def series(box: Box) -> list[str]:
    """Three more commits on one file; returns what they make of it."""
    for number in (1, 2, 3):
        content = (box.path / "fs/lzo.c").read_bytes()
        box.write(
            "fs/lzo.c", content.replace(b"\tline_5();\n", b"\tline_5();\n\tmore_%d();\n" % number)
        )
        if number == 2:
            box.git("mv", "fs/lzo.c", "fs/lzo2.c")
            box.git("commit", "-qam", "moved")
            box.git("mv", "fs/lzo2.c", "fs/lzo.c")
        box.commit(f"step {number}: größer")
    return ["HEAD~4", "HEAD"]


@pytest.mark.parametrize(
    "command",
    [
        ("format-patch", "--stdout", "--cover-letter", "HEAD~4"),
        ("log", "-p", "HEAD~4.."),
        ("log", "-p", "--reverse", "HEAD~4.."),
    ],
    ids=" ".join,
)
def test_several_patches_one_after_the_other(
    history: Box, tmp_path: Path, command: tuple[str, ...]
) -> None:
    old, new = series(history)
    patch = history.git(*command)
    wanted = of_range(history.path, f"{old}..{new}").files
    other = tmp_path / "other"
    history.git("worktree", "add", "-q", "-b", "x", str(other), old)
    change = of_patch(other, patch)
    assert change.files == wanted
    assert " more" in change.title
    applied = of_patch(history.path, patch)
    assert applied.files == wanted
    assert applied.title.endswith("(already applied)")


def test_a_series_in_the_order_of_its_numbers(history: Box, tmp_path: Path) -> None:
    old, new = series(history)
    out = tmp_path / "out"
    history.git("format-patch", "-o", str(out), "--cover-letter", old)
    mails = sorted(out.iterdir(), reverse=True)
    patch = b"".join(mail.read_bytes() for mail in mails)
    other = tmp_path / "other"
    history.git("worktree", "add", "-q", "-b", "x", str(other), old)
    change = of_patch(other, patch)
    assert change.files == of_range(history.path, f"{old}..{new}").files
    assert change.title == "patch step 1: größer and 3 more"


def test_which_patch_of_a_series_does_not_apply(history: Box, plain: Box) -> None:
    series(history)
    patch = history.git("format-patch", "--stdout", "HEAD~3")
    text = problem(plain.path, patch)
    assert "fs/lzo2.c (patch 1 of 3: moved)" in text or "patch 1 of 3" in text
    assert text.count("fs/lzo") == 1  # what follows from it is not said again


def mail(body: bytes, encoding: str = "8bit", *, ends: bytes = b"\n") -> bytes:
    if encoding == "base64":
        body = base64.encodebytes(body)
    if encoding == "quoted-printable":
        body = quopri.encodestring(body)
    text = (
        b"Received: from somewhere\n by somewhere else\nFrom: a@b\nMIME-Version: 1.0\n"
        b"Subject: =?utf-8?q?=5BPATCH=5D?=\n =?utf-8?q?gr=C3=B6=C3=9Fer?=\n"
        b'Content-Type: text/plain; charset="utf-8"\n'
        b"Content-Transfer-Encoding: " + encoding.encode() + b"\n\n" + body
    )
    return text.replace(b"\n", ends)


@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_mail(history: Box, plain: Box, encoding: str, ends: bytes) -> None:
    patch = mail(b"Text\n---\n" + history.git("diff", "HEAD^", "HEAD"), encoding, ends=ends)
    change = of_patch(plain.path, patch)
    assert change.files == of_range(history.path, "HEAD").files
    assert change.title == "patch größer"


def test_line_ends_of_the_file_are_kept(box: Box) -> None:
    box.write("a.c", box.old.replace(b"\n", b"\r\n"))
    box.commit()
    box.write("a.c", box.new.replace(b"\n", b"\r\n"))
    patch = box.git("diff")
    box.git("checkout", "-q", "a.c")
    for text in (patch, patch.replace(b"\r\n", b"\n")):
        (only,) = of_patch(box.path, text).files
        assert only.new == box.new.replace(b"\n", b"\r\n")


def test_a_last_line_without_an_end(box: Box) -> None:
    box.write("a.c", b"int a;\nint b;")
    box.commit()
    box.write("a.c", b"int a;\nint c;")
    patch = box.git("diff")
    (only,) = of_patch(box.path, patch).files
    assert (only.old, only.new) == (b"int a;\nint b;", b"int a;\nint c;")
    box.git("checkout", "-q", "a.c")
    assert of_patch(box.path, patch).files == (only,)
    box.write("a.c", b"int a;\nint b;\n")
    assert "does not apply" in problem(box.path, patch)


@pytest.mark.parametrize(
    "name", ["a b.c", 'quo"te.c', "tab\t.c", "new\nline.c", "größe.c", "\udcff.c", "a/b/c.c", " .c"]
)
def test_odd_names(box: Box, name: str) -> None:
    box.write(name, box.old)
    box.write(f"x/{name}", box.old)
    box.commit()
    box.write(name, box.new)
    (box.path / "x" / name).rename(box.path / "x" / f"y{name.replace('/', '')}")
    box.git("add", "--all")
    for options in ((), ("--no-prefix",)):
        patch = box.git("diff", "--cached", "-M", *options)
        change = of_patch(box.path, patch)
        assert change.title == "patch (already applied)"
        assert set(names(change)) == {(name, name), (f"x/{name}", f"x/y{name.replace('/', '')}")}


def test_only_c_sources_count(box: Box) -> None:
    box.write("logo.png", bytes(range(256)))
    box.write("part.inc", box.old)
    box.commit()
    box.write("logo.png", bytes(range(255)))
    box.git("mv", "part.inc", "part.c")
    (box.path / "link.c").symlink_to("/etc/passwd")
    box.write("mode.c", b"")
    box.commit()
    (box.path / "mode.c").chmod(0o755)
    box.commit()
    patch = box.git("diff", "--binary", "-M", "HEAD~2", "HEAD")
    change = of_patch(box.path, patch)
    assert names(change) == [(None, "mode.c"), (None, "part.c")]
    patch = box.git("diff", "HEAD~2", "HEAD", "logo.png")
    assert of_patch(box.path, patch).files == ()


def test_copies(box: Box) -> None:
    box.write("a.c", box.old)
    box.commit()
    box.write("a.c", box.old + b"int more;\n")
    box.write("b.c", box.new)
    box.git("add", "--all")
    patch = box.git("diff", "--cached", "-C", "-C")
    assert b"copy from" in patch
    forward = [
        FileChange(old_path="a.c", new_path="a.c", old=box.old, new=box.old + b"int more;\n"),
        FileChange(old_path=None, new_path="b.c", old=None, new=box.new),
    ]
    box.git("stash", "-q")
    assert list(of_patch(box.path, patch).files) == forward
    box.git("stash", "pop", "-q", "--index")
    assert list(of_patch(box.path, patch).files) == forward


def test_names_exchanged(box: Box) -> None:
    one, other = (
        b"".join(b"\t%s_%d();\n" % (name, number) for number in range(200))
        for name in (b"one", b"other")
    )
    changed = one.replace(b"one_7(", b"seven(")
    box.write("a.c", one)
    box.write("b.c", other)
    box.commit()
    box.write("a.c", other)
    box.write("b.c", changed)
    box.git("add", "--all")
    patch = box.git("diff", "--cached", "-M", "-B")
    assert patch.count(b"rename from") == 2
    wanted = [
        FileChange(old_path="b.c", new_path="a.c", old=other, new=other),
        FileChange(old_path="a.c", new_path="b.c", old=one, new=changed),
    ]
    assert list(of_patch(box.path, patch).files) == wanted
    box.git("reset", "-q", "--hard")
    assert list(of_patch(box.path, patch).files) == wanted


def test_what_does_not_apply_is_named_with_its_hunk(history: Box, plain: Box) -> None:
    patch = history.git("show", "-U1").replace(b"-\tline_15();", b"-\tline_99();")
    text = problem(plain.path, patch)
    assert "fs/lzo.c: hunk 1 of 1 (line 16) does not apply" in text
    assert "fs/new name.c: hunk 1 of 1 (line 16) does not apply" in text
    assert "another version" in text


def test_which_of_two_hunks(box: Box) -> None:
    box.write("a.c", box.old)
    box.commit()
    box.write("a.c", box.old.replace(b"line_3()", b"x()").replace(b"line_25()", b"y()"))
    patch = box.git("diff").replace(b"-\tline_25", b"-\tline_26")
    box.git("checkout", "-q", "a.c")
    assert "hunk 2 of 2 (line 24)" in problem(box.path, patch)


def test_files_that_are_missing_are_named(history: Box, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    text = problem(empty, history.git("show"))
    for name in ("fs/gone.c", "fs/lzo.c", "fs/moved.c"):
        assert f"{name}: the patch changes this file, which is not there" in text
    assert "Makefile" not in text


def test_files_that_are_there_already(history: Box, plain: Box) -> None:
    plain.write("fs/made.h", b"int other;\n")
    text = problem(plain.path, history.git("show"))
    assert "fs/made.h: the patch creates this file, which is there already" in text


@pytest.mark.parametrize(
    ("patch", "what"),
    [
        (b"", "the patch is empty"),
        (b" \n\n", "the patch is empty"),
        (b"hello\n", "not a patch"),
        (b"*** a.c\n--- b.c\n***************\n*** 1 ****\n! x\n--- 1 ----\n! y\n", "not a patch"),
        (b"--- a/../x.c\n+++ b/../x.c\n@@ -1 +1 @@\n-x\n+y\n", "leads out of the tree"),
        (b"--- /etc/x.c\n+++ /etc/x.c\n@@ -1 +1 @@\n-x\n+y\n", "leads out of the tree"),
        (b"--- /dev/null\n+++ b/../../x.sh\n@@ -0,0 +1 @@\n+y\n", "leads out of the tree"),
        (
            b"diff --git a/x.c b/y.c\nrename from x.c\nrename to ../y.c\n",
            "leads out of the tree",
        ),
        (b"--- a/x.c\n+++ b/x.c\n@@ -1,3 +1,3 @@\n x\n-y\n", "x.c: hunk 1 is cut short or damaged"),
        (b"--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n-x\n+y\nz\n", "hunk 1 is cut short or damaged"),
        (b"--- a/x.c\n+++ b/x.c\n", "there are names, but no hunk"),
        (b"diff --git a/x.c b/x.c\nBinary files a/x.c and b/x.c differ\n", "a binary change"),
        (b"diff --git a/x.c b/x.c\nindex 1..2 100644\nGIT binary patch\nx\n", "a binary change"),
        (b"commit abc\n\ndiff --cc x.c\n@@@ -1,1 -1,1 +1,2 @@@\n", "combined diff of a merge"),
    ],
)
def test_what_is_refused(tmp_path: Path, patch: bytes, what: str) -> None:
    assert what in problem(tmp_path, patch)
    assert list(tmp_path.iterdir()) == []


def test_a_merge(history: Box) -> None:
    history.git("checkout", "-q", "-b", "side", "v2~1")
    history.write("fs/lzo.c", history.old.replace(b"line_15", b"line_x"))
    history.commit("side")
    with pytest.raises(subprocess.CalledProcessError):
        history.git("merge", "-q", "main")
    history.write("fs/lzo.c", history.old.replace(b"line_15", b"line_y"))
    history.commit("a merge")
    assert "combined diff of a merge" in problem(history.path, history.git("show"))
    change = of_patch(history.path, history.git("show", "-m", "--first-parent"))
    assert ("fs/lzo.c", "fs/lzo.c") in names(change)


def test_no_such_tree(tmp_path: Path) -> None:
    assert "no such directory" in problem(tmp_path / "absent", b"x")


def test_git_configuration_does_not_matter(
    history: Box, plain: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "gitconfig"
    configuration.write_text("[apply]\n\twhitespace = error\n[core]\n\tautocrlf = true\n")
    patch = history.git("show")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    assert of_patch(plain.path, patch).files[1].new == history.new


LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"}\n", b"\n", b"c", b"-- x\n", b"++ y\r\n"]))


def between(tree: Path, old: bytes, new: bytes, context: str, *, turned: bool) -> FileChange | None:
    """Make a patch of two versions, and read it where the old or (``turned``) the new one lies."""
    (tree / "a.c").write_bytes(old)
    (tree / "b.c").write_bytes(new)
    command = ["git", "diff", "--no-index", context, "a.c", "b.c"]
    done = subprocess.run(command, cwd=tree, capture_output=True, check=False)
    patch = done.stdout.replace(b"b/b.c", b"b/a.c").replace(b" a/b.c", b" a/a.c")
    (tree / "a.c").write_bytes(new if turned else old)
    if not patch:
        return None
    (only,) = of_patch(tree, patch).files
    return only


@settings(max_examples=60)
@given(LINES, LINES, st.sampled_from(["-U0", "-U1", "-U3", "-U99"]), st.booleans())
def test_any_two_versions(
    before: list[bytes],
    after: list[bytes],
    context: str,
    turned: bool,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        try:
            found = between(Path(name), b"".join(before), b"".join(after), context, turned=turned)
        except RequestError:
            # Without context git itself cannot always tell where a hunk belongs.
            assert context == "-U0"
            return
    if found is not None and turned:  # it may apply forward once more
        assert b"".join(after) in {found.old, found.new}
    elif found is not None:
        assert (found.old, found.new) == (b"".join(before), b"".join(after))


def test_a_file_that_was_empty(box: Box) -> None:
    box.write("a.c", b"")
    box.commit()
    box.write("a.c", box.new)
    patch = box.git("diff")
    assert of_patch(box.path, patch).title == "patch (already applied)"
    box.git("checkout", "-q", "a.c")
    change = of_patch(box.path, patch)
    assert (change.title, change.files[0].new) == ("patch", box.new)


PARTS = b"".join(
    b"Content-Type: multipart/x; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)
)


@pytest.mark.parametrize(
    "text",
    [
        b"From a@b Mon Sep 17 00:00:00 2001\n" + PARTS,
        b"From: a\nSubject: " + b"=?utf-8?q?x?= " * 100_000 + b"\n\nx\n",
        b"From: a\nSubject: \xff=?utf-8?q?x?= " + b"\xfe" * 100_000 + b"\n\nx\n",
        b"--- a/x.c\n+++ b/x.c\n" * 10_000,
        b"diff --git a/x.c b/x.c\n" * 10_000,
    ],
    ids=["parts in parts", "a long subject", "another", "names", "headers"],
)
def test_odd_texts_that_are_long(tmp_path: Path, text: bytes) -> None:
    begin = time.monotonic()
    with contextlib.suppress(RequestError):
        of_patch(tmp_path, text)
    assert time.monotonic() - begin < 20


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            [
                b"From a@b Mon Sep 17 00:00:00 2001\n",
                b"Subject: =?x?q?=ff?=\n",
                b"Content-Type: multipart/mixed; boundary=x\n",
                b"Content-Transfer-Encoding: base64\n",
                b"\n--x\n",
                b"commit " + b"1" * 40 + b"\n",
                b"diff --git a/x.c b/x.c\n",
                b'diff --git "a/x\\' + b'400.c" b/x.c\n',
                b"diff --cc x.c\n",
                b"rename from x.c\nrename to y.c\n",
                b"new file mode 120000\n",
                b"index 1..2 160000\n",
                b"--- a/x.c\n+++ b/x.c\n",
                b"--- /dev/null\n+++ /dev/null\n",
                b"@@ -1 +1 @@\n-x\n+y\n",
                b"@@ -0,0 +1,999999999 @@\n",
                b"\\ No newline at end of file\n",
                b"\x1b[31m",
                b"\0",
                b"\r",
            ]
        )
        | st.binary(max_size=8)
    ).map(b"".join)
)
def test_no_text_is_too_odd(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        (tree / "x.c").write_bytes(b"x\n")
        try:
            files = of_patch(tree, text).files
        except RequestError:
            files = ()
        assert all(one.old != one.new or one.old_path != one.new_path for one in files)
        assert [path.name for path in tree.iterdir()] == ["x.c"]
