"""Kernels from git, for real: Debian's source as a repository, and a commit that leaks."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.hunts.context import Context
from anyclue.kernels.debian import DebianKernels
from anyclue.model.scenario import Arch, DebianKernel
from anyclue.system.apt import Apt

if TYPE_CHECKING:
    from tests.slow.conftest import Hunts

pytestmark = pytest.mark.slow

PAGE_KIB = 4
FILES = 300
SCENARIO = f"""
schema = 1
title = "A commit that leaks"
[kernels.good]
git = "linux@good"
[kernels.bad]
git = "linux@bad"
[kernels.elsewhere]
git = "linux@elsewhere"
[machines.i386]
arch = "i386"
ram = "512 MiB"
[machines.x86_64]
arch = "x86_64"
ram = "512 MiB"
[mount]
lzo = "compress=lzo"
[workloads.files]
use = "enospc-small-files"
files = {FILES}
[plan]
reference = {{ kernel = "good" }}
exclude = [{{ kernel = "elsewhere", machine = "x86_64" }}]
[limits]
rounds = 4
extra_trials = 1
"""
RELEASE = "out:\n\tif (page_in)\n\t\tput_page(page_in);\n"


async def unpack_source(into: Path) -> None:
    context = Context.of_user()
    apt = Apt(context.cache / "apt", context.store)
    kernels = DebianKernels(apt, context.store)
    packages = (await kernels.resolve(DebianKernel(series="6.1"), list(Arch)))[Arch.I386]
    await apt.unpack(packages.source, into)


@pytest.fixture
def linux(tmp_path: Path) -> Path:
    asyncio.run(unpack_source(tmp_path / "package"))
    (archive,) = (tmp_path / "package/usr/src").glob("linux-source-*.tar.xz")
    tree = tmp_path / "linux"
    tree.mkdir()
    argv = ["tar", "-xJf", str(archive), "-C", str(tree), "--strip-components=1"]
    subprocess.run(argv, check=True)
    git(tree, "init", "-q")
    commit(tree, "good")
    lzo = tree / "fs/btrfs/lzo.c"
    text = lzo.read_text()
    assert text.count(RELEASE) == 1
    lzo.write_text(text.replace(RELEASE, "out:\n"))
    commit(tree, "bad")
    lzo.write_text(text)
    kernel = tree / "kernel/kthread.c"
    kernel.write_text("/* touched */\n" + kernel.read_text())
    commit(tree, "elsewhere")
    return tree


def git(tree: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=e@x", "-c", "gc.auto=0")
    subprocess.run(["git", "-C", tree, *identity, *arguments], check=True)


def commit(tree: Path, tag: str) -> None:
    git(tree, "add", "-A", "-f")
    git(tree, "commit", "-q", "-m", tag)
    git(tree, "tag", tag)


def test_a_commit_that_leaks(hunts: Hunts, linux: Path, tmp_path: Path) -> None:
    assert linux.is_dir()
    run, scenario = tmp_path / "run", tmp_path / "git.toml"
    scenario.write_text(SCENARIO)
    status, out, _ = hunts.run("hunt", scenario, "--out", run)
    assert status == 1
    cells = hunts.verdicts(run)
    for arch in Arch:
        guilty = cells[f"bad.{arch}.default.lzo.files"]
        assert (guilty["verdict"], guilty["signature"]) == ("leak", "page-cache-reference")
        assert guilty["rate_kib_per_round"] == pytest.approx(PAGE_KIB * FILES, rel=0.1)
        assert cells[f"good.{arch}.default.lzo.files"]["verdict"] == "clean"
        assert built(run, f"bad.{arch}").startswith("module only, for the kernel of ")
    assert cells["elsewhere.i386.default.lzo.files"]["verdict"] == "clean"
    assert "kernel/kthread.c differs" in built(run, "elsewhere.i386")
    assert "kernel matters" in " ".join(out.split())


def built(run: Path, cell: str) -> str:
    outcome = run / f"cells/{cell}.default.lzo.files/trial-1/outcome.json"
    how: str = json.loads(outcome.read_text())["provenance"]["kernel.build"]
    return how
