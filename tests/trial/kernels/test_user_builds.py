"""A finished build of the user's: taken whole, or refused with what is missing."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.model.errors import RequestError
from anyclue.model.scenario import Arch, KernelBuild
from anyclue.system.store import Store
from anyclue.trial.kernels.layout import LAYOUT, layout_of
from anyclue.trial.kernels.user_builds import from_build
from anyclue.trial.model import PreparedKernel

if TYPE_CHECKING:
    from tests.trial.kernels.conftest import Repository


@pytest.fixture
def build(kernel_repository: Repository) -> Path:
    """A finished build in an O= directory, with the Makefile that kbuild leaves there."""
    tree = kernel_repository.path
    output = tree.parent / "out/x"
    argv = ["make", "-C", str(tree), f"O={output}", "ARCH=x86_64", "tinyconfig", "modules"]
    subprocess.run(argv, check=True, capture_output=True)
    (output / ".config").write_text("CONFIG_64BIT=y\n")
    (output / "Makefile").write_text(
        f"%:\n\t@$(MAKE) -C {tree} O={output} INSTALL_MOD_PATH=$(INSTALL_MOD_PATH) $@\n"
    )
    return output


def prepared(build: Path, tmp_path: Path, arch: Arch = Arch.X86_64) -> PreparedKernel:
    store = Store(tmp_path / "store")
    return asyncio.run(from_build(store, KernelBuild(build=str(build)), arch))


def refused(build: Path, tmp_path: Path, arch: Arch = Arch.X86_64) -> str:
    with pytest.raises(RequestError) as caught:
        prepared(build, tmp_path, arch)
    (problem,) = caught.value.problems
    return str(problem)


def test_a_finished_build(build: Path, tmp_path: Path) -> None:
    kernel = prepared(build, tmp_path)
    assert kernel.release == "6.1.0-fake"
    store = Store(tmp_path / "store")
    artifact = store.get(kernel.boot)
    assert artifact.file("vmlinuz").read_bytes() == (build / "arch/x86/boot/bzImage").read_bytes()
    assert list(layout_of(artifact.file(LAYOUT)).modules) == ["btrfs"]
    assert prepared(build, tmp_path) == kernel
    (build / "arch/x86/boot/bzImage").write_text("another")
    assert prepared(build, tmp_path).boot != kernel.boot


def test_a_build_without_modules(build: Path, tmp_path: Path) -> None:
    (build / "modules.order").unlink()
    artifact = Store(tmp_path / "store").get(prepared(build, tmp_path).boot)
    assert layout_of(artifact.file(LAYOUT)).modules == {}


def test_what_is_no_finished_build(build: Path, tmp_path: Path) -> None:
    (build / "arch/x86/boot/bzImage").unlink()
    said = refused(build, tmp_path)
    assert "is not a finished build: there is no arch/x86/boot/bzImage" in said
    assert f"make O={build} ARCH=x86_64 bzImage modules" in said
    said = refused(tmp_path, tmp_path)
    assert "no .config, no include/config/kernel.release, no arch/x86/boot/bzImage" in said


def test_another_architecture(build: Path, tmp_path: Path) -> None:
    said = refused(build, tmp_path, Arch.I386)
    assert "is a build for x86_64, and the machine is i386" in said
    assert "[plan]" in said


@pytest.mark.parametrize("release", ["", "../../x", ".."])
def test_a_release_that_is_a_path(build: Path, tmp_path: Path, release: str) -> None:
    (build / "include/config/kernel.release").write_text(release)
    assert "holds no release" in refused(build, tmp_path)


def test_modules_that_cannot_be_installed(build: Path, tmp_path: Path) -> None:
    (build / "Makefile").write_text("modules_install:\n\t@echo no such luck; false\n")
    assert "no such luck" in refused(build, tmp_path)
