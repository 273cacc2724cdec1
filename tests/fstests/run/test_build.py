"""A checkout of fstests as it is found, and what check -n lists of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from anyclue.fstests.core.check_output import parse_listing
from anyclue.fstests.run.build import NEEDED, read_tree
from anyclue.model.errors import RequestError


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    tree = tmp_path / "x"
    for name in NEEDED:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    return tree


def git(tree: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e", *words],
        cwd=tree, check=True, capture_output=True,
    )  # fmt: skip


def test_what_counts_is_what_git_knows(checkout: Path) -> None:
    loose = read_tree(checkout)
    assert loose.commit is None
    assert set(loose.files) == set(NEEDED)
    (checkout / ".gitignore").write_text("*.o\n")
    git(checkout, "init", "-q")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "x")
    clean = read_tree(checkout)
    assert clean.commit
    (checkout / "src.o").write_text("built in place")
    assert read_tree(checkout) == clean
    (checkout / "tests/generic/001").write_text("changed")
    changed = read_tree(checkout)
    assert (changed.commit, changed.digest == clean.digest) == (clean.commit, False)
    (checkout / "tests/generic/999").write_text("new")
    assert "tests/generic/999" in read_tree(checkout).files
    (checkout / "tests/generic/999").unlink()
    assert read_tree(checkout) == changed
    (checkout / "check").chmod(0o755)
    assert read_tree(checkout).digest != changed.digest


def test_nothing_is_written(checkout: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in checkout.rglob("*")}
    read_tree(checkout)
    assert {path: path.stat().st_mtime_ns for path in checkout.rglob("*")} == before


def test_another_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no checkout of upstream fstests: there is no check"):
        read_tree(tmp_path)


# Captured from `check -n` of fstests 63a29724 in a guest.
LISTING = """\
FSTYP         -- btrfs
PLATFORM      -- Linux/i686 guest 6.1.0-50-686-pae #1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1
MKFS_OPTIONS  -- /dev/vde
MOUNT_OPTIONS -- -o compress=lzo /dev/vde /mnt/scratch

btrfs/001          [expunged]
btrfs/020   
generic/001 

"""  # noqa: W291 - check pads the names


def test_what_check_lists() -> None:
    listing = parse_listing("btrfs/020.out - unknown test, ignored\n" + LISTING)
    assert listing.tests == ("btrfs/020", "generic/001")
    assert listing.expunged == ("btrfs/001",)
    assert listing.unknown == ("btrfs/020.out",)


@pytest.mark.parametrize(
    "text", ["", "\0", "btrfs/020 failed", "../020", "btrfs/020   x", LISTING[:200]]
)
def test_other_words_list_nothing(text: str) -> None:
    assert parse_listing(text).tests == ()
