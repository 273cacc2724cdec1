"""Commits that changed a function on the stack of what broke."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.merge_bench.forge import Forge

from anyclue.bisect.run.evidence import stack_evidence
from anyclue.git import repository as git
from anyclue.git.history import commit_range
from anyclue.git.model import CommitRange, Repository

INODE = """\
int outer(int n)
{
	return inner(n);
}

int inner(int n)
{
	return n;
}

int other(int n)
{
	return n;
}
"""
OOPS = """\
BUG: kernel NULL pointer dereference, address: 00000000
Call Trace:
 ? asm_exc+0x1/0x2
 memcpy+0x5/0x20
 inner+0x1b/0x40 [btrfs]
 outer.isra.0+0x7/0x10 [btrfs]
 vfs_write+0x99/0x200
"""


@pytest.fixture
def history(tmp_path: Path) -> tuple[Repository, CommitRange, list[str]]:
    forge = Forge.new(tmp_path / "tree")
    file = "fs/btrfs/inode.c"
    made = [forge.commit("main", None, {file: INODE, "fs/btrfs/Makefile": ""})]
    text = INODE
    for before, after in (
        ("return inner(n);", "return inner(n + 1);"),
        ("int inner(int n)\n{\n\treturn n;", "int inner(int n)\n{\n\treturn n + 2;"),
        ("int other(int n)\n{\n\treturn n;", "int other(int n)\n{\n\treturn n + 3;"),
    ):
        text = text.replace(before, after)
        made.append(forge.commit("main", made[-1], {file: text}))
    repo = git.repository(forge.path)
    return repo, commit_range(repo, [made[0]], made[-1]), made


def test_who_changed_what_is_on_the_stack(
    history: tuple[Repository, CommitRange, list[str]],
) -> None:
    repo, span, (_, outer, inner, _) = history
    found = {one.commit: one for one in stack_evidence(repo, span, "fs/btrfs", OOPS)}
    assert set(found) == {outer, inner}
    assert found[inner].ratio > found[outer].ratio > 1
    assert "inner()" in found[inner].because


@pytest.mark.parametrize(
    "text", ["", "inner", "Call Trace:\n inner+0x\x1b[2J\n", "inner+0x1b/0x40" * 5]
)
def test_any_text_is_taken(history: tuple[Repository, CommitRange, list[str]], text: str) -> None:
    repo, span, made = history
    assert {one.commit for one in stack_evidence(repo, span, "fs/btrfs", text)} <= {made[2]}
