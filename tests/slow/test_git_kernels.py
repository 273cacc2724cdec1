"""Kernels from git, for real: Debian's source as a repository, and a commit that leaks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import pytest
from bench.bisect_bench.graft import Graft
from bench.pairs_bench.sources import Sources

from anyclue.model.scenario import Arch

if TYPE_CHECKING:
    from tests.slow.conftest import Hunts

pytestmark = pytest.mark.slow

PAGE_KIB = 4
FILES = 300
SCENARIO = f"""
schema = 1
title = "A commit that leaks"
[kernels.good]
git = "linux@main"
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
LZO, KTHREAD = "fs/btrfs/lzo.c", "kernel/kthread.c"
RELEASE = "out:\n\tif (page_in)\n\t\tput_page(page_in);\n"


@pytest.fixture
def linux(tmp_path: Path) -> Graft:
    sources = Sources(Path(platformdirs.user_cache_dir("anyclue")))
    newest = asyncio.run(sources.versions()).newest
    graft = Graft.of(asyncio.run(sources.repository(newest)), tmp_path / "linux")
    good = graft.head
    text = graft.text(good, LZO)
    assert text.count(RELEASE) == 1
    graft.commit(good, LZO, text.replace(RELEASE, "out:\n"), tag="bad")
    graft.commit(good, KTHREAD, "/* touched */\n" + graft.text(good, KTHREAD), tag="elsewhere")
    return graft


def test_a_commit_that_leaks(hunts: Hunts, linux: Graft, tmp_path: Path) -> None:
    assert linux.path.is_dir()
    run, scenario = tmp_path / "run", tmp_path / "git.toml"
    scenario.write_text(SCENARIO)
    status, out, _ = hunts.run("hunt", scenario, "--full", "--no-clue", "--out", run)
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
