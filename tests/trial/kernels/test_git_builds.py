"""Kernels from git, with a kernel of a few files: what is built, how, and what is refused."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.model.errors import RequestError
from anyclue.model.scenario import Arch, DebianKernel, DebugOption, GitKernel, Kernel
from anyclue.system.store import Store
from anyclue.trial.filesystems.btrfs import BTRFS
from anyclue.trial.filesystems.registry import FILE_SYSTEMS
from anyclue.trial.kernels.git_builds import GitBuild, GitBuilds, with_bases
from anyclue.trial.kernels.layout import LAYOUT, ModuleEntry, TrialSubject, layout_of
from anyclue.trial.kernels.make import DoesNotBuildError
from anyclue.trial.kernels.modules import DEBUG_MODULE

if TYPE_CHECKING:
    from tests.trial.kernels.conftest import Repository

pytestmark = pytest.mark.skipif(not shutil.which("depmod", path="/sbin:/usr/sbin"), reason="kmod")


class Builder:
    """Builds commits of one repository; every call is a process of its own."""

    def __init__(self, repository: Repository, root: Path) -> None:
        self.repository = repository
        self.root = root

    def kernel(self, revision: str, base: str | None = "good", **more: object) -> GitKernel:
        kernel = GitKernel(repository=str(self.repository.path), revision=revision, **more)  # type: ignore[arg-type]
        return replace(kernel, base=self.repository.git("rev-parse", base) if base else None)

    def build(self, kernel: GitKernel, arch: Arch = Arch.X86_64) -> GitBuild:
        builds = GitBuilds(Store(self.root / "store"), self.root / "benches")
        return asyncio.run(builds.build(kernel, arch, TrialSubject(file_system=BTRFS)))

    @property
    def whole(self) -> int:
        """How many whole kernels were built."""
        counts = (self.root / "benches").glob("git-*/count")
        return sum(len(file.read_text().splitlines()) for file in counts)


@pytest.fixture
def builder(kernel_repository: Repository, tmp_path: Path) -> Builder:
    return Builder(kernel_repository, tmp_path / "cache")


def changed_module(builder: Builder, text: str = "return 1", new: str = "return 2") -> str:
    module = builder.repository.path / "fs/btrfs/main.c"
    return builder.repository.commit({"fs/btrfs/main.c": module.read_text().replace(text, new)})


def test_in_full(builder: Builder) -> None:
    built = builder.build(builder.kernel("good"))
    assert built.module is None
    assert built.release == "6.1.0-fake"
    assert built.why.startswith("full build: ")
    files = {file.name for file in built.boot.path.iterdir()}
    assert {"vmlinuz", "config", "Module.symvers", "build.log", "devel.tar", "modules"} <= files
    layout = layout_of(built.boot.file(LAYOUT))
    assert layout.modules == {"btrfs": ModuleEntry(directory="fs/btrfs", needs=())}
    outside = json.loads(built.boot.file("read.json").read_text())["outside"]
    assert outside == {fs.directory: [] for fs in FILE_SYSTEMS.values()}
    assert not list((builder.root / "benches").glob("git-*/.unfinished"))


def test_the_module_only(builder: Builder) -> None:
    commit = changed_module(builder)
    built = builder.build(builder.kernel(commit))
    base = builder.build(builder.kernel("good"))
    assert built.boot == base.boot
    assert built.module is not None
    assert built.module.file("payload.tar").stat().st_size > 1000
    assert built.why.startswith("module only, for the kernel of ")
    assert "1 files of fs/btrfs differ; vermagic, exports" in built.why
    assert builder.whole == 1
    # The same content under another commit costs nothing.
    builder.repository.commit({})
    again = builder.build(builder.kernel("HEAD"))
    assert again.module == built.module


def test_the_same_kernel_where_nothing_that_is_built_differs(builder: Builder) -> None:
    builder.repository.commit({"MAINTAINERS": "you\n", "fs/ext4/inode.c": "int other;\n"})
    built = builder.build(builder.kernel("HEAD"))
    assert built.module is None
    assert "1 that this kernel is not built from, 1 that no build reads" in built.why
    assert builder.whole == 1


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"include/linux/kernel.h": "#define X 2\n"}, "include/linux/kernel.h differs and is out"),
        ({"fs/btrfs/Makefile": "obj-m := btrfs.o \n"}, "may change how the module is built"),
        ({"init/main.c": "int start;\n"}, "init/main.c differs and is outside"),
    ],
)
def test_incrementally(builder: Builder, files: dict[str, str], why: str) -> None:
    builder.repository.commit(files)
    built = builder.build(builder.kernel("HEAD"))
    assert built.module is None
    assert built.why.startswith("incremental kernel build: 1 files changed")
    assert why in built.why
    assert builder.whole == 2
    assert builder.build(builder.kernel("HEAD")).boot == built.boot
    assert builder.whole == 2


def test_a_second_directory_that_another_kernel_has_rebuilt(builder: Builder) -> None:
    """No proof is known for both; the lines of the code are those of the file system's module."""
    top = builder.repository.path
    makefile, main = (top / name for name in ("Makefile", "fs/btrfs/main.c"))
    installed = "$(INSTALL_MOD_PATH)/lib/modules/6.1.0-fake/kernel"
    helper = f"\t@install -D $(O)/fs/btrfs/btrfs.ko {installed}/lib/helper/helper.ko\n"
    text = makefile.read_text().replace("modules_install:\n", f"modules_install:\n{helper}")
    soft = 'static const char soft[] __attribute__((section(".modinfo"), used)) = '
    source = f'{main.read_text()}{soft}"softdep=pre: helper";\n'
    base = builder.repository.commit({"Makefile": text, "fs/btrfs/main.c": source})
    commit = changed_module(builder)
    subject = TrialSubject(file_system=BTRFS, directories=frozenset({"lib/helper"}))
    kernel = builder.kernel(commit, base=base)
    builds = GitBuilds(Store(builder.root / "store"), builder.root / "benches")
    built = asyncio.run(builds.build(kernel, Arch.X86_64, subject))
    assert layout_of(built.boot.file(LAYOUT)).under_test(subject) == ["helper", "btrfs"]
    assert built.module is None
    assert "modules of several directories are tested" in built.why
    debug = asyncio.run(builds.debug_module(kernel, Arch.X86_64, subject))
    assert debug.file(DEBUG_MODULE).stat().st_size > 1000


def test_a_module_that_does_not_fit_is_no_proof(builder: Builder) -> None:
    changed_module(builder, "int release", "/* EXPORTED release */ int release")
    built = builder.build(builder.kernel("HEAD"))
    assert built.module is None
    assert "what it exports to others differs: release" in built.why
    assert builder.whole == 2


def test_a_commit_that_does_not_build(builder: Builder) -> None:
    commit = changed_module(builder, "return 1;", "return nothing;")
    with pytest.raises(DoesNotBuildError) as caught:
        builder.build(builder.kernel(commit))
    (problem,) = caught.value.problems
    assert "undeclared (first use" in problem.what
    assert commit[:12] in problem.where
    log = Path(problem.next_step.removeprefix("all that make said is in "))
    assert "undeclared (first use" in log.read_text()
    # The workbench goes on being good.
    changed_module(builder, "return nothing;", "return 3;")
    assert builder.build(builder.kernel("HEAD", base=None)).why.startswith("incremental")


def test_a_base_that_does_not_build(builder: Builder) -> None:
    broken = builder.repository.commit({"init/main.c": "int start(\n"})
    builder.repository.commit({"init/main.c": "int start;\n"})
    built = builder.build(builder.kernel("HEAD", base=broken))
    assert "the base commit does not build" in built.why


def test_a_build_that_was_killed(builder: Builder) -> None:
    builder.build(builder.kernel("good"))
    (bench,) = (path for path in (builder.root / "benches").glob("git-*") if path.is_dir())
    (bench / ".unfinished").touch()
    (bench / "source/stale").touch()
    changed_module(builder)
    built = builder.build(builder.kernel("HEAD", base=None))
    assert built.why.startswith("full build")
    assert not (bench / "source/stale").exists()


def test_both_architectures(builder: Builder) -> None:
    kernel = builder.kernel("good")
    boots = {arch: builder.build(kernel, arch).boot for arch in Arch}
    assert boots[Arch.I386] != boots[Arch.X86_64]
    module = boots[Arch.I386].file("modules/btrfs.ko")
    shown = subprocess.run(["readelf", "-h", module], capture_output=True, text=True, check=True)
    assert "ELF32" in shown.stdout


def test_what_kconfig_did_not_keep(builder: Builder) -> None:
    kernel = builder.kernel("good", debug=(DebugOption.KASAN,))
    for _ in range(2):  # the second time in a workbench that has a configuration
        with pytest.raises(RequestError) as caught:
            builder.build(kernel)
        (problem,) = caught.value.problems
        assert "CONFIG_KASAN: wanted y, got n" in problem.what
    assert builder.build(replace(kernel, debug=(DebugOption.LOCKDEP,))).release


def test_configurations_of_the_user(builder: Builder, tmp_path: Path) -> None:
    (tmp_path / "mine.config").write_text("CONFIG_NFS_FS=y\n")
    kernel = builder.kernel("good", config=(str(tmp_path / "mine.config"),))
    with pytest.raises(RequestError, match="CONFIG_NFS_FS: wanted y, got n"):
        builder.build(kernel)
    text = builder.build(builder.kernel("good")).boot.file("config").read_text()
    complete = f"# Automatically generated file; DO NOT EDIT.\n{text}CONFIG_NFS_FS=y\n"
    (tmp_path / "mine.config").write_text(complete)
    assert builder.build(kernel).release


def test_pinning(builder: Builder) -> None:
    builds = GitBuilds(Store(builder.root / "store"), builder.root / "benches")
    commit = builder.repository.git("rev-parse", "good")
    kernel = builder.kernel("good", base=None)
    pinned = asyncio.run(builds.pinned(kernel))
    assert pinned == replace(kernel, commit=commit)
    builder.repository.commit({})
    builder.repository.git("tag", "-f", "good")
    assert asyncio.run(builds.pinned(pinned)) == pinned
    with pytest.raises(RequestError, match="unknown revision 'no'"):
        asyncio.run(builds.pinned(builder.kernel("no", base=None)))
    with pytest.raises(RequestError, match="no git repository"):
        asyncio.run(builds.pinned(replace(kernel, repository=str(builder.root.parent))))


def test_the_first_is_the_base_of_those_like_it() -> None:
    def kernel(name: str, **more: object) -> Kernel:
        source = GitKernel(repository="/r", revision=name, commit=name, **more)  # type: ignore[arg-type]
        return Kernel(name=name, source=source)

    debian = Kernel(name="d", source=DebianKernel(series="6.1"))
    debug = (DebugOption.KASAN,)
    given = [debian, kernel("a"), kernel("b"), kernel("c", debug=debug), kernel("d", base="x")]
    based = with_bases(given)
    bases = [k.source.base if isinstance(k.source, GitKernel) else "" for k in based]
    assert bases == ["", "a", "a", "c", "x"]
    assert with_bases(based) == based
