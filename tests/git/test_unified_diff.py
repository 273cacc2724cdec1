"""What a run keeps of the request: patches and sources are part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyclue.hunt.driver import begin_run, discard_unused, plan
from anyclue.model.errors import RequestError
from anyclue.model.scenario import GitKernel
from anyclue.scenarios.plan_document import scenario_from_json

SCENARIO = """
schema = 1
title = "a patch"
[kernels.mine]
debian = "6.1"
module = "{module}"
patches = ["patches/my.patch"]
[machines.small]
arch = "i386"
ram = "512 MiB"
[workloads.files]
use = "enospc-small-files"
"""


def written(tmp_path: Path, module: str = "fs/btrfs") -> Path:
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches/my.patch").write_text("first")
    file = tmp_path / "mine.toml"
    file.write_text(SCENARIO.format(module=module))
    return file


def test_a_run_keeps_its_patches(tmp_path: Path) -> None:
    run = begin_run(written(tmp_path), tmp_path / "run")
    (tmp_path / "patches/my.patch").write_text("second")
    variant = scenario_from_json(run.plan_text()).kernels["mine"].variant
    assert variant is not None
    assert [Path(patch).read_text() for patch in variant.patches] == ["first"]
    again = plan(run.scenario).kernels["mine"].variant
    assert again is not None
    assert [Path(patch).read_text() for patch in again.patches] == ["first"]


def test_a_run_keeps_what_comes_from_a_tree(tmp_path: Path) -> None:
    btrfs = tmp_path / "linux/fs/btrfs"
    btrfs.mkdir(parents=True)
    (btrfs / "Makefile").write_text("")
    (btrfs / "lzo.c").write_text("first")
    file = written(tmp_path)
    file.write_text(file.read_text().replace('patches = ["patches/my.patch"]', 'tree = "linux"'))
    run = begin_run(file, tmp_path / "run")
    (btrfs / "lzo.c").write_text("second")
    variant = scenario_from_json(run.plan_text()).kernels["mine"].variant
    assert variant is not None
    assert variant.tree == str(tmp_path / "run/sources/mine")
    assert (tmp_path / "run/sources/mine/fs/btrfs/lzo.c").read_text() == "first"


def test_a_run_keeps_its_configurations(tmp_path: Path) -> None:
    (tmp_path / "linux").mkdir()
    (tmp_path / "my.config").write_text("CONFIG_A=y\n")
    elsewhere = tmp_path.parent / "other.config"
    elsewhere.write_text("CONFIG_B=y\n")
    file = written(tmp_path)
    text = f'git = "linux@v1"\nconfig = ["my.config", "{elsewhere}"]'
    lines = file.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(("debian", "module", "patches"))]
    file.write_text("\n".join(kept).replace("[kernels.mine]", f"[kernels.mine]\n{text}"))
    run = begin_run(file, tmp_path / "run")
    (tmp_path / "my.config").write_text("CONFIG_C=y\n")
    elsewhere.unlink()
    source = scenario_from_json(run.plan_text()).kernels["mine"].source
    assert isinstance(source, GitKernel)
    texts = [Path(config).read_text() for config in source.config]
    assert texts == ["CONFIG_A=y\n", "CONFIG_B=y\n"]


def test_a_refused_run_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    run = begin_run(written(tmp_path), tmp_path / "run")
    discard_unused(run)
    assert not run.path.exists()
    run = begin_run(tmp_path / "mine.toml", tmp_path / "run")
    (run.path / "cells/a.b.c.d.e/trial-1").mkdir(parents=True)
    discard_unused(run)
    assert run.path.exists()


def test_a_directory_that_cannot_be_rebuilt_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match=r"kernels.mine: fs/ext4 is rebuilt, and workloads run on btrfs"
    ):
        plan(written(tmp_path, "fs/ext4"))
