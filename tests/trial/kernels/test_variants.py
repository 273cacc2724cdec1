"""Changing a module's source: what does not apply is one clear error each, before any build."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import cast

import pytest

from anyclue.model.debian import release_of
from anyclue.model.errors import RequestError
from anyclue.model.scenario import Arch, Edit, ModuleVariant
from anyclue.system.apt import Package
from anyclue.system.debian_archive import DebianArchive
from anyclue.system.store import Artifact, Store
from anyclue.trial.filesystems.btrfs import BTRFS
from anyclue.trial.kernels import toolchain
from anyclue.trial.kernels.debian import FLAVOURS, DebianKernels, KernelPackages
from anyclue.trial.kernels.layout import (
    LAYOUT,
    KernelLayout,
    ModuleEntry,
    TrialSubject,
    layout_text,
)
from anyclue.trial.kernels.modules import make_payload, pack_payload, set_sources
from anyclue.trial.kernels.variants import Variants, copy_sources

LZO = "int compress(void)\n{\n\tint a = 1;\n\n\tput_page(a);\n\treturn 0;\n}\n"
SUBJECT = TrialSubject(file_system=BTRFS)
RELEASE = "6.1.0-50-686-pae"
VERSION = "6.1.176-1"
PACKAGES = KernelPackages(
    series="6.1",
    release=RELEASE,
    version=VERSION,
    flavour=FLAVOURS[Arch.I386],
    suite="bookworm",
    boot=(Package(name=f"linux-image-{RELEASE}", arch="i386", version=VERSION),),
    headers=(Package(name=f"linux-headers-{RELEASE}", arch="i386", version=VERSION),),
    source=Package(name="linux-source-6.1", arch="all", version=VERSION),
    needs=("gcc-12",),
)
PATCH = (
    "--- a/fs/btrfs/lzo.c\n+++ b/fs/btrfs/lzo.c\n@@ -2,6 +2,5 @@\n"
    " {\n \tint a = 1;\n \n-\tput_page(a);\n \treturn 0;\n }\n"
)


class FakeDebian:
    """A kernel source of one file, and a configuration that names a compiler."""

    def __init__(self, root: Path, compiler: str) -> None:
        self.root = root
        (root / "linux/fs/btrfs").mkdir(parents=True)
        (root / "linux/fs/btrfs/lzo.c").write_text(LZO)
        modules = {
            "libcrc32c": ModuleEntry(directory="lib", needs=()),
            "btrfs": ModuleEntry(directory="fs/btrfs", needs=("libcrc32c",)),
        }
        (root / LAYOUT).write_bytes(layout_text(KernelLayout(modules=modules)))
        (root / "config").write_text(f'CONFIG_CC_VERSION_TEXT="{compiler} (Debian) 12"\n')

    async def source(self, _packages: KernelPackages, _directory: str) -> Artifact:
        return Artifact(kind="source", key="s", path=self.root)

    async def image(self, _packages: KernelPackages) -> Artifact:
        return Artifact(kind="kernel", key="k", path=self.root)


def variants(tmp_path: Path, compiler: str = "patch") -> Variants:
    # Any program that knows --version will do for a compiler: these never come to compile.
    debian = FakeDebian(tmp_path / "source", compiler)
    store = Store(tmp_path / "store")
    archive = DebianArchive(tmp_path / "apt", store)
    return Variants(cast(DebianKernels, debian), archive, store, tmp_path / "benches")


def refused(tmp_path: Path, variant: ModuleVariant) -> list[str]:
    with pytest.raises(RequestError) as caught:
        asyncio.run(variants(tmp_path).build(PACKAGES, variant, SUBJECT))
    assert (tmp_path / "source/linux/fs/btrfs/lzo.c").read_text() == LZO
    assert list((tmp_path / "benches").glob("*")) == []
    return [str(problem) for problem in caught.value.problems]


def edit(file: str = "fs/btrfs/lzo.c", find: str = "put_page(a);") -> Edit:
    return Edit(file=file, function="compress", find=find, replace="")


@pytest.fixture(autouse=True)
def on_bookworm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "host_release", lambda: release_of("bookworm"))


pytestmark = pytest.mark.skipif(not shutil.which("patch"), reason="no patch")


def test_several_edits_that_do_not_apply(tmp_path: Path) -> None:
    edits = (edit(), edit("fs/btrfs/nothing.c"), edit(find="get_page(a);"))
    problems = refused(tmp_path, ModuleVariant(directory="fs/btrfs", edits=edits))
    assert len(problems) == 2
    assert "fs/btrfs/nothing.c: the kernel source has no such file" in problems[0]
    assert "occurs 0 times, expected 1: 'get_page(a);'" in problems[1]


def test_an_edit_outside_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "mine.c").write_text(LZO)
    for file in (str(tmp_path / "mine.c"), "fs/btrfs/../../../../mine.c"):
        variant = ModuleVariant(directory="fs/btrfs", edits=(edit(file),))
        shutil.rmtree(tmp_path / "source", ignore_errors=True)
        (problem,) = refused(tmp_path, variant)
        assert "no such file" in problem
        assert (tmp_path / "mine.c").read_text() == LZO


def test_a_patch_that_does_not_apply(tmp_path: Path) -> None:
    file = tmp_path / "x.patch"
    file.write_text(PATCH.replace("int a = 1", "int b = 2"))
    variant = ModuleVariant(directory="fs/btrfs", patches=(str(file),))
    (problem,) = refused(tmp_path, variant)
    assert problem.startswith(f"{file}: the patch does not apply to fs/btrfs")
    assert "Hunk #1 FAILED" in problem
    assert "6.1.176-1" in problem


@pytest.mark.parametrize("content", [None, "", "no patch at all\n", PATCH.replace("lzo.c", "no.c")])
def test_what_is_no_patch(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "x.patch"
    if content is not None:
        file.write_text(content)
    variant = ModuleVariant(directory="fs/btrfs", patches=(str(file),))
    (problem,) = refused(tmp_path, variant)
    assert str(file) in problem


def test_a_directory_that_cannot_be_rebuilt(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, ModuleVariant(directory="mm"))
    assert "nothing that btrfs loads is built from 'mm'" in problem
    assert "directories of btrfs's modules in this kernel: lib, fs/btrfs" in problem
    assert 'filesystem = "ext4"' in problem


def test_sources_that_are_equal_keep_their_time(tmp_path: Path) -> None:
    wanted, work = tmp_path / "wanted", tmp_path / "work"
    for place in (wanted, work):
        (place / "sub").mkdir(parents=True)
        for name in ("a.c", "sub/b.h", "Makefile"):
            (place / name).write_text(name)
            os.utime(place / name, (1000, 1000))
    (wanted / "a.c").write_text("changed")
    (wanted / "new.c").write_text("new")
    for name in ("gone.c", "btrfs.mod.c", "a.o"):
        (work / name).write_text("x")
    set_sources(wanted, work)
    names = {str(path.relative_to(work)) for path in work.rglob("*") if path.is_file()}
    assert names == {"a.c", "sub/b.h", "Makefile", "new.c", "btrfs.mod.c", "a.o"}
    assert (work / "a.c").read_text() == "changed"
    assert (work / "a.c").stat().st_mtime > 1000
    assert (work / "sub/b.h").stat().st_mtime == 1000


def test_payload(tmp_path: Path) -> None:
    for name in ("jbd2.ko", "ext4.ko"):
        (tmp_path / name).write_bytes(name.encode())
    for name in ("one.tar", "two.tar"):
        pack_payload([tmp_path / "jbd2.ko", tmp_path / "ext4.ko"], tmp_path / name)
        os.utime(tmp_path / "ext4.ko", (5, 5))
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as tar:
        assert tar.getnames() == ["jbd2.ko", "ext4.ko"]


def test_a_payload_has_what_was_built_in_place_of_what_the_kernel_has(tmp_path: Path) -> None:
    kernel = Artifact(kind="kernel", key="k", path=tmp_path)
    (tmp_path / "modules").mkdir()
    for name in ("jbd2", "ext4"):
        (tmp_path / f"modules/{name}.ko").write_text(name)
    built = tmp_path / "ext4.ko"
    subprocess.run(
        ["cc", "-g", "-c", "-x", "c", "-", "-o", built], input=b"int one(void) {}", check=True
    )
    into = tmp_path / "into"
    asyncio.run(make_payload(kernel, ["jbd2", "ext4"], {"ext4": built}, into))
    assert [file.name for file in into.iterdir()] == ["payload.tar"]
    with tarfile.open(into / "payload.tar") as tar:
        tar.extractall(tmp_path / "out", filter="data")
        assert tar.getnames() == ["jbd2.ko", "ext4.ko"]
    assert (tmp_path / "out/jbd2.ko").read_text() == "jbd2"
    code = (tmp_path / "out/ext4.ko").read_bytes()
    assert code.startswith(b"\x7fELF")
    assert b".debug_info" in built.read_bytes()
    assert b".debug_info" not in code


def test_sources_come_from_a_tree_without_what_a_build_left(tmp_path: Path) -> None:
    btrfs = tmp_path / "tree/fs/btrfs"
    (btrfs / "tests").mkdir(parents=True)
    for name in ("Makefile", "Kconfig", "lzo.c", "ctree.h", "tests/a.c", "lzo.o", "btrfs.mod.c"):
        (btrfs / name).write_text(name)
    (btrfs / ".lzo.o.cmd").write_text("")
    (btrfs / "evil.c").symlink_to("/etc/passwd")
    copy_sources(tmp_path / "tree", tmp_path / "into", "fs/btrfs")
    found = {str(f.relative_to(tmp_path / "into")) for f in tmp_path.glob("into/**/*.*")}
    assert found == {"fs/btrfs/lzo.c", "fs/btrfs/ctree.h", "fs/btrfs/tests/a.c"}
    assert (tmp_path / "into/fs/btrfs/Makefile").is_file()


def test_a_tree_without_a_module_there(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no Makefile"):
        copy_sources(tmp_path, tmp_path / "into", "fs/btrfs")


def test_a_variant_is_built_from_the_tree_that_it_names(tmp_path: Path) -> None:
    tree = tmp_path / "tree/fs/btrfs"
    tree.mkdir(parents=True)
    (tree / "Makefile").write_text("")
    problems = refused(
        tmp_path,
        ModuleVariant(directory="fs/btrfs", tree=str(tmp_path / "tree"), edits=(edit(),)),
    )
    assert "fs/btrfs/lzo.c: the kernel source has no such file" in problems[0]
