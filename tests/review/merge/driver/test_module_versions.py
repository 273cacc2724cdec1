"""One module's directory in every version of a merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anyclue.model.errors import RequestError
from anyclue.review.merge.driver.module_versions import ModuleVersions, module_versions
from anyclue.review.merge.driver.request import MergeRequest

if TYPE_CHECKING:
    from bench.merge_bench.forge import Forge

LZO = "fs/btrfs/lzo.c"


@pytest.fixture
def merge(forge: Forge) -> str:
    root = forge.commit("main", None, {"fs/btrfs/Makefile": "", LZO: "int base;\n"})
    ours = forge.commit("ours", root, {LZO: "int ours;\n", "include/linux/x.h": "int x;\n"})
    theirs = forge.commit("theirs", root, {LZO: "int theirs;\n", "fs/btrfs/new.c": "int new;\n"})
    return forge.merge([ours, theirs], {LZO: "int result;\n"})


def lzo_of(found: ModuleVersions) -> dict[str, bytes]:
    return {name: files[LZO] for name, files in found.sources.items()}


def test_every_version_has_its_own_files(forge: Forge, merge: str) -> None:
    other = forge.merge(["ours", "theirs"], {LZO: "int other;\n"})
    found = module_versions(MergeRequest(tree=forge.path, rev=merge, against=other), "fs/btrfs")
    says = {one: one for one in ("base", "ours", "theirs", "result")} | {"against": "other"}
    assert list(lzo_of(found).items()) == [
        (name, f"int {word};\n".encode()) for name, word in says.items()
    ]
    assert "fs/btrfs/new.c" not in found.sources["ours"]
    assert "fs/btrfs/new.c" in found.sources["result"]
    assert found.parents == ("ours", "theirs")
    assert found.outside == ("include/linux/x.h",)


def test_an_unfinished_merge_is_taken_from_the_work_tree(forge: Forge, merge: str) -> None:
    del merge
    forge.git("checkout", "-q", "--detach", "ours")
    forge.git("merge", "-q", "--no-commit", "theirs", status=False)
    forge.write({LZO: "int disk;\n", "fs/btrfs/lzo.o": "built"})
    (forge.path / ".git/info").mkdir(exist_ok=True)
    (forge.path / ".git/info/exclude").write_text("*.o\n")
    found = module_versions(MergeRequest(tree=forge.path), "fs/btrfs")
    assert lzo_of(found)["result"] == b"int disk;\n"
    assert "fs/btrfs/lzo.o" not in found.sources["result"]


def test_a_version_without_that_directory(forge: Forge) -> None:
    root = forge.commit("main", None, {"a.c": "int b;\n"})
    ours = forge.commit("ours", root, {"a.c": "int a;\n"})
    theirs = forge.commit("theirs", root, {LZO: "int b;\n"})
    rev = forge.merge([ours, theirs], {})
    with pytest.raises(RequestError, match="ours has no fs/btrfs") as refused:
        module_versions(MergeRequest(tree=forge.path, rev=rev), "fs/btrfs")
    assert len(refused.value.problems) == 1
