"""What modules are built with, and a build that says it succeeded."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from anyclue.model.debian import DebianRelease, release_of
from anyclue.model.scenario import Arch
from anyclue.system.apt import Closure
from anyclue.system.debian_archive import DebianArchive
from anyclue.system.debian_roots import WORK, run_in_tree
from anyclue.system.processes import CommandError, Completed, run
from anyclue.system.store import Recipe
from anyclue.trial.kernels import toolchain
from anyclue.trial.kernels.make import DoesNotBuildError
from anyclue.trial.kernels.modules import UNFINISHED, build_modules
from anyclue.trial.kernels.toolchain import (
    SHELL_PACKAGES,
    HostToolchain,
    ReleaseToolchain,
    Toolchain,
    toolchain_of,
)


class FakeApt:
    def __init__(self, release: DebianRelease) -> None:
        self.release = release

    async def resolved(self, packages: Sequence[str]) -> Closure:
        if "no-such" in packages:
            raise CommandError(["apt-get"], "exit status 100", "E: Unable to locate package")
        recipe = Recipe(kind="packages", inputs={"packages": list(packages)})
        return Closure(versions={"gcc-14": "14.2.0-19"}, recipe=recipe)


class FakeArchive:
    async def apt(self, release: DebianRelease, _arch: str) -> FakeApt:
        return FakeApt(release)


def chosen(name: str, release: str, needs: Sequence[str] = ("gcc-14",)) -> Toolchain:
    archive = cast(DebianArchive, FakeArchive())
    return asyncio.run(toolchain_of(archive, release_of(release), name, needs, "amd64"))


@pytest.fixture(autouse=True)
def on_bookworm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "host_release", lambda: release_of("bookworm"))


def test_the_hosts_own_where_it_is_of_the_release() -> None:
    found = chosen("gcc", "bookworm-backports")
    assert isinstance(found, HostToolchain)
    assert found.version.startswith("gcc")
    assert found.place(Path("/bench/module"), bench=Path("/bench")) == Path("/bench/module")


@pytest.mark.parametrize(("name", "release"), [("gcc", "trixie"), ("no-such-gcc", "bookworm")])
def test_else_that_of_the_release(name: str, release: str) -> None:
    found = chosen(name, release)
    assert isinstance(found, ReleaseToolchain)
    assert set(found.packages) == {"gcc-14", *SHELL_PACKAGES}
    assert found.place(Path("/bench/module"), bench=Path("/bench")) == WORK / "module"


def test_its_version_is_that_of_all_its_packages() -> None:
    one = chosen("x86_64-linux-gnu-gcc-14", "trixie")
    assert one.version.startswith("gcc-14 14.2.0-19 of trixie (")
    assert one.version != chosen("x86_64-linux-gnu-gcc-14", "trixie", ("gcc-14", "pahole")).version


def test_a_compiler_that_cannot_be_had() -> None:
    with pytest.raises(CommandError, match="the compiler of trixie cannot be had"):
        chosen("gcc-14", "trixie", ("no-such",))


@dataclass(frozen=True, kw_only=True)
class Scripted(HostToolchain):
    """Has make's place taken by what it says, and its status."""

    says: str
    status: int = 0

    async def run(
        self,
        argv: Sequence[str],
        *,
        bench: Path,  # noqa: ARG002
        deadline_s: float,  # noqa: ARG002
    ) -> Completed:
        return Completed(argv=tuple(argv), status=self.status, stdout=self.says, stderr="")


def not_built(tmp_path: Path, says: str, status: int) -> str:
    """Return what is said of a build that says this and makes nothing."""
    bench, sources, into = tmp_path / "bench", tmp_path / "sources", tmp_path / "into"
    for path in (bench / "linux/fs/btrfs", sources / "fs/btrfs", into):
        path.mkdir(parents=True)
    (bench / "linux/fs/btrfs/btrfs.ko").write_text("of the build before")
    built = build_modules(
        bench=bench,
        sources=sources,
        headers=bench,
        arch=Arch.X86_64,
        toolchain=Scripted(compiler="gcc", version="1", says=says, status=status),
        directories={"fs/btrfs": ["btrfs"]},
        log_file=into / "build.log",
    )
    with pytest.raises(DoesNotBuildError) as caught:
        asyncio.run(built)
    assert not (bench / UNFINISHED).exists()
    assert list(into.iterdir()) == []
    return str(caught.value)


def test_a_build_that_made_no_module_is_an_error(tmp_path: Path) -> None:
    said = not_built(tmp_path, "nothing to be done", 0)
    assert "made no btrfs.ko" in said
    assert "nothing to be done" in said


def test_an_error_is_named_by_its_place_in_the_kernel(tmp_path: Path) -> None:
    line = f"{tmp_path}/bench/linux/fs/btrfs/lzo.c:297:9: error: 'x' undeclared"
    assert "    fs/btrfs/lzo.c:297:9: error: 'x' undeclared" in not_built(tmp_path, line, 2)


def shell_tree(tree: Path) -> None:
    """Make a tree of a static busybox that is chroot, env and sh."""
    busybox = shutil.which("busybox")
    assert busybox is not None
    for name in ("bin", "proc", "dev", "tmp", "home"):
        (tree / name).mkdir(parents=True)
    shutil.copy(busybox, tree / "bin/busybox")
    for name in ("sh", "env", "ls"):
        (tree / "bin" / name).symlink_to("busybox")


async def _may_mount() -> bool:
    tried = await run(("unshare", "--mount", "true"), deadline_s=30, check=False)
    return tried.status == 0


@pytest.mark.skipif(shutil.which("busybox") is None, reason="no busybox")
def test_a_command_in_a_tree_sees_that_tree_and_what_it_works_on(tmp_path: Path) -> None:
    if not asyncio.run(_may_mount()):
        pytest.skip("no namespaces of mounts here")
    tree, bench = tmp_path / "tree", tmp_path / "bench"
    shell_tree(tree)
    bench.mkdir()
    script = f"cd {WORK}; echo made >file; ls / >names; test -c /dev/null; exit 3"
    done = asyncio.run(
        run_in_tree(tree, ("sh", "-c", script), work=bench, deadline_s=60, check=False)
    )
    assert done.status == 3, done
    assert (bench / "file").read_text() == "made\n"
    assert (bench / "names").read_text().split() == ["bin", "dev", "home", "proc", "tmp"]
    assert list((tree / "home").iterdir()) == []
    assert str(tree) not in Path("/proc/self/mountinfo").read_text()
