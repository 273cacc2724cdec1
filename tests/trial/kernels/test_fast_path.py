"""When a module alone is enough: never when anything else could differ."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.git.repository import TreeEntry
from anyclue.trial.kernels.fast_path import (
    BuildInputs,
    FastPath,
    Interface,
    fast_path,
    same_interface,
)

DIRECTORY = "fs/btrfs"
READ = BuildInputs(
    all=frozenset({"init/main.c", "include/linux/fs.h", "fs/inode.c", "fs/btrfs/lzo.c"}),
    outside=frozenset(),
)
TREE = {
    path: TreeEntry(mode="100644", id=path)
    for path in (
        *("Makefile", "MAINTAINERS", "Documentation/index.rst", "Documentation/Kconfig"),
        *("arch/arm/kernel/x.c", "arch/arm/crypto/Kconfig", "arch/x86/kernel/x.c", "arch/Kconfig"),
        *("fs/btrfs/lzo.c", "fs/btrfs/ctree.h", "fs/btrfs/Makefile", "fs/btrfs/Kconfig"),
        *("fs/btrfs/tests/a.c", "fs/btrfs/gen.sh", "fs/ext4/inode.c", "fs/ext4/ext4.h"),
        *("fs/inode.c", "fs/Makefile", "include/linux/fs.h", "init/main.c", "lib/crc.c"),
        *("scripts/tool.c", "tools/testing/x.c", "tools/objtool/x.c", "drivers/tty/Kconfig"),
    )
}
SAFE = {
    *("MAINTAINERS", "Documentation/index.rst", "arch/arm/kernel/x.c", "tools/testing/x.c"),
    *("fs/btrfs/lzo.c", "fs/btrfs/ctree.h", "fs/btrfs/tests/a.c", "fs/ext4/inode.c"),
}


def decide(*changed: str, read: BuildInputs = READ, new: TreeEntry | None = None) -> FastPath:
    tree = TREE | {path: new or TreeEntry(mode="100644", id="new") for path in changed}
    return fast_path(TREE, tree, directory=DIRECTORY, read=read)


def test_the_module_only() -> None:
    decision = decide("fs/btrfs/lzo.c", "fs/btrfs/ctree.h", "fs/ext4/inode.c", "MAINTAINERS")
    assert decision == FastPath(
        fast=True,
        why="2 files of fs/btrfs differ, 1 that this kernel is not built from, "
        "1 that no build reads",
    )


def test_equal_trees() -> None:
    assert decide() == FastPath(fast=True, why="no file differs")


@pytest.mark.parametrize("path", sorted(TREE))
def test_each_file(path: str) -> None:
    decision = decide(path)
    assert decision.fast == (path in SAFE)
    assert decision.fast or path in decision.why


@pytest.mark.parametrize("path", sorted(TREE))
def test_each_file_gone(path: str) -> None:
    tree = {name: entry for name, entry in TREE.items() if name != path}
    assert fast_path(TREE, tree, directory=DIRECTORY, read=READ).fast == (path in SAFE)
    assert fast_path(tree, TREE, directory=DIRECTORY, read=READ).fast == (path in SAFE)


def test_a_hostile_name_is_shown_as_text() -> None:
    assert decide("lib/\x1b[2J.c").why.startswith("'lib/\\x1b[2J.c' differs")


@pytest.mark.parametrize("mode", ["120000", "160000"])
def test_links_and_submodules(mode: str) -> None:
    decision = decide("fs/btrfs/lzo.c", new=TreeEntry(mode=mode, id="new"))
    assert not decision.fast
    assert "a link or a submodule" in decision.why


def test_what_others_include() -> None:
    read = replace(READ, outside=frozenset({"fs/btrfs/ctree.h"}))
    assert "is included by files outside" in decide("fs/btrfs/ctree.h", read=read).why
    assert decide("fs/btrfs/lzo.c", read=read).fast
    # A new header could be found before the one that they include now.
    assert not decide("fs/btrfs/new.h", read=read).fast
    assert decide("fs/btrfs/new.h").fast


def test_without_a_record_nothing_is_known() -> None:
    decision = decide("fs/btrfs/lzo.c", read=BuildInputs(all=frozenset(), outside=frozenset()))
    assert decision == FastPath(
        fast=False, why="the build of the base kept no record of what it read"
    )


def test_a_file_that_the_kernel_is_built_from() -> None:
    read = replace(READ, all=READ.all | {"fs/ext4/inode.c"})
    assert not decide("fs/ext4/inode.c", read=read).fast


@given(st.sets(st.sampled_from(sorted(TREE))), st.sets(st.sampled_from(sorted(TREE))))
def test_fast_only_if_every_change_is(changed: set[str], gone: set[str]) -> None:
    tree = TREE | {path: TreeEntry(mode="100644", id="new") for path in changed}
    tree = {path: entry for path, entry in tree.items() if path not in gone}
    decision = fast_path(TREE, tree, directory=DIRECTORY, read=READ)
    assert decision.fast == (changed | gone <= SAFE)
    assert fast_path(tree, TREE, directory=DIRECTORY, read=READ).fast == decision.fast


@given(
    st.from_regex(
        r"(fs|drivers|lib|scripts|arch/x86)/[a-z]{1,4}(/[a-z]{1,4})?\.[chS]", fullmatch=True
    )
)
def test_a_new_file_elsewhere_is_a_leaf_or_refused(path: str) -> None:
    fast = path not in TREE and path.startswith(("fs/", "drivers/")) and path.endswith(".c")
    assert decide(path).fast == (fast or path in SAFE)


OLD = Interface(
    vermagic="6.1.0 SMP mod_unload",
    imports={"printk": "0x00000001", "kfree": "0x00000002"},
    exports={"btrfs_x": "0x00000003"},
    depends=frozenset({"xor"}),
)
OFFERED = {**OLD.imports, **OLD.exports, "kmalloc": "0x00000004"}


def fits(new: Interface) -> FastPath:
    return same_interface(new, OLD, offered=OFFERED, loaded={"xor", "raid6_pq"})


def test_the_same_interface() -> None:
    assert fits(OLD) == FastPath(fast=True, why="vermagic, exports and 2 symbol checksums checked")
    more = replace(
        OLD, imports={**OLD.imports, "kmalloc": "0x00000004"}, depends=frozenset({"raid6_pq"})
    )
    assert fits(more).fast
    assert fits(replace(OLD, imports={})).why.endswith("no symbol checksums checked")


def test_a_kernel_without_checksums_proves_nothing() -> None:
    # As Debian's 7.3 lists its symbols: every checksum is 0, and modules carry none.
    offered = dict.fromkeys(OFFERED, "0x00000000")
    bare = replace(OLD, imports={}, exports={"btrfs_x": "0x00000000"})
    decision = same_interface(bare, bare, offered=offered, loaded={"xor"})
    assert not decision.fast
    assert "no MODVERSIONS" in decision.why


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (replace(OLD, vermagic="6.1.0+ SMP mod_unload"), "vermagic is '6.1.0+ SMP mod_unload'"),
        (replace(OLD, imports={"printk": "0x00000009"}), "the checksum of printk"),
        (replace(OLD, imports={"vmalloc": "0x00000001"}), "the checksum of vmalloc"),
        (replace(OLD, exports={}), "exports to others differs: btrfs_x"),
        (replace(OLD, exports={**OLD.exports, "y": "0x00000001"}), "exports to others differs: y"),
        (replace(OLD, exports={"btrfs_x": "0x00000004"}), "exports to others differs: btrfs_x"),
        (replace(OLD, depends=frozenset({"xor", "lzo"})), "not loaded: ['lzo']"),
    ],
)
def test_another_interface(new: Interface, why: str) -> None:
    decision = fits(new)
    assert not decision.fast
    assert why in decision.why
