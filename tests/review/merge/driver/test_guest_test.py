"""A merge's versions become kernels of a hunt; no guest runs here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.hunt.driver import plan
from anyclue.model.errors import RequestError
from anyclue.review.merge.driver.guest_test import begin
from anyclue.review.merge.driver.request import MergeRequest

if TYPE_CHECKING:
    from bench.merge_bench.forge import Forge

SCENARIO = """
schema = 1
title = "a merge"
[kernels.plain]
debian = "6.1"
[kernels.good]
debian = "6.1.176-1"
module = "fs/btrfs"
[machines.small]
arch = "i386"
ram = "512 MiB"
[machines.large]
arch = "x86_64"
ram = "2 GiB"
[mount]
lzo = "compress=lzo"
zlib = "compress=zlib"
[workloads.files]
use = "enospc-small-files"
[plan]
reference = { kernel = "good" }
include = [{ machine = "small" }, { machine = "large", mount = "lzo" }]
[limits]
rounds = 5
"""
LZO = "fs/btrfs/lzo.c"


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    file.write_text(SCENARIO)
    return file


@pytest.fixture
def merge(forge: Forge) -> str:
    root = forge.commit("main", None, {"fs/btrfs/Makefile": "", LZO: "int base;\n"})
    ours = forge.commit("ours", root, {LZO: "int ours;\n", "include/linux/x.h": "int x;\n"})
    theirs = forge.commit("theirs", root, {LZO: "int theirs;\n", "fs/btrfs/new.c": "int new;\n"})
    return forge.merge([ours, theirs], {LZO: "int result;\n"})


def lzo_of(run: Path) -> dict[str, str]:
    return {one.name: (one / LZO).read_text() for one in sorted((run / "sources").iterdir())}


def test_every_version_is_a_kernel_under_the_scenarios_conditions(
    forge: Forge, merge: str, scenario: Path, tmp_path: Path
) -> None:
    other = forge.merge(["ours", "theirs"], {LZO: "int other;\n"})
    asked = MergeRequest(tree=forge.path, rev=merge, against=other)
    found = begin(asked, scenario, tmp_path / "run")
    assert lzo_of(found.run.path) == {
        name: f"int {says};\n"
        for name, says in (
            ("against", "other"),
            ("base", "base"),
            ("ours", "ours"),
            ("result", "result"),
            ("theirs", "theirs"),
        )
    }
    assert not (found.run.sources("ours") / "fs/btrfs/new.c").exists()
    assert (found.run.sources("result") / "fs/btrfs/new.c").exists()
    assert found.parents == ("ours", "theirs")
    assert found.untested == ("include/linux/x.h",)
    planned = plan(found.run.scenario)
    assert {cell.kernel for cell in planned.references} == {"base"}
    assert {(c.machine, c.mount) for c in planned.cells} == {
        ("small", "lzo"),
        ("small", "zlib"),
        ("large", "lzo"),
    }
    assert len(planned.cells) == 5 * 3
    assert planned.limits.rounds == 5
    variant = planned.kernels["result"].variant
    assert variant is not None
    assert variant.tree == str(found.run.sources("result"))


def test_an_unfinished_merge_is_taken_from_the_work_tree(
    forge: Forge, merge: str, scenario: Path, tmp_path: Path
) -> None:
    del merge
    forge.git("checkout", "-q", "--detach", "ours")
    forge.git("merge", "-q", "--no-commit", "theirs", status=False)
    forge.write({LZO: "int disk;\n", "fs/btrfs/lzo.o": "built"})
    (forge.path / ".git/info").mkdir(exist_ok=True)
    (forge.path / ".git/info/exclude").write_text("*.o\n")
    found = begin(MergeRequest(tree=forge.path), scenario, tmp_path / "run")
    assert lzo_of(found.run.path)["result"] == "int disk;\n"
    assert not (found.run.sources("result") / "fs/btrfs/lzo.o").exists()


def test_a_run_goes_on_only_for_the_same_merge(
    forge: Forge, merge: str, scenario: Path, tmp_path: Path
) -> None:
    asked = MergeRequest(tree=forge.path, rev=merge)
    run = begin(asked, scenario, tmp_path / "run").run
    assert begin(asked, run.path, None).run.path == run.path
    other = forge.merge(["ours", "theirs"], {LZO: "int other;\n"})
    with pytest.raises(RequestError, match="of another merge: result differs"):
        begin(MergeRequest(tree=forge.path, rev=other), run.path, None)
    with pytest.raises(RequestError, match="leave it out"):
        begin(asked, run.path, tmp_path / "more")
    with pytest.raises(RequestError, match="something there already"):
        begin(asked, scenario, run.path)


def test_a_scenario_without_a_rebuilt_module(
    forge: Forge, merge: str, scenario: Path, tmp_path: Path
) -> None:
    scenario.write_text(SCENARIO.replace('module = "fs/btrfs"\n', ""))
    with pytest.raises(RequestError, match="add module ="):
        begin(MergeRequest(tree=forge.path, rev=merge), scenario, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_version_without_that_directory(forge: Forge, scenario: Path, tmp_path: Path) -> None:
    root = forge.commit("main", None, {"fs/btrfs/Makefile": ""})
    ours = forge.commit("ours", root, {"fs/btrfs/Makefile": None, "a.c": "int a;\n"})
    theirs = forge.commit("theirs", root, {"b.c": "int b;\n"})
    rev = forge.merge([ours, theirs], {})
    with pytest.raises(RequestError, match="ours has no fs/btrfs"):
        begin(MergeRequest(tree=forge.path, rev=rev), scenario, tmp_path / "run")
