"""Versions of one module become kernels of a hunt; no guest runs here."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyclue.hunt.driver import plan
from anyclue.hunt.versions import begin_run, read_request
from anyclue.model.errors import RequestError
from anyclue.recordings.run_directory import RunDirectory

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
VERSIONS = {
    name: {LZO: f"int {name};\n".encode(), "fs/btrfs/Makefile": b""}
    for name in ("base", "ours", "theirs", "result")
}
VERSIONS["result"]["fs/btrfs/new.c"] = b"int new;\n"


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    file.write_text(SCENARIO)
    return file


def begin(
    given: Path, out: Path | None, versions: dict[str, dict[str, bytes]] = VERSIONS
) -> RunDirectory:
    return begin_run(read_request(given, out), versions, of="merge", base="base")


def test_every_version_is_a_kernel_under_the_scenarios_conditions(
    scenario: Path, tmp_path: Path
) -> None:
    run = begin(scenario, tmp_path / "run")
    for name in VERSIONS:
        assert (run.sources(name) / LZO).read_text() == f"int {name};\n"
    assert not (run.sources("ours") / "fs/btrfs/new.c").exists()
    assert (run.sources("result") / "fs/btrfs/new.c").exists()
    planned = plan(run.scenario)
    assert {cell.kernel for cell in planned.references} == {"base"}
    assert {(c.machine, c.mount) for c in planned.cells} == {
        ("small", "lzo"),
        ("small", "zlib"),
        ("large", "lzo"),
    }
    assert len(planned.cells) == len(VERSIONS) * 3
    assert planned.limits.rounds == 5
    variant = planned.kernels["result"].variant
    assert variant is not None
    assert variant.tree == str(run.sources("result"))


def test_without_a_base_there_is_no_reference(scenario: Path, tmp_path: Path) -> None:
    rest = {name: files for name, files in VERSIONS.items() if name != "base"}
    assert not plan(begin(scenario, tmp_path / "run", rest).scenario).references


def test_a_run_goes_on_only_for_the_same_versions(scenario: Path, tmp_path: Path) -> None:
    run = begin(scenario, tmp_path / "run")
    assert begin(run.path, None).path == run.path
    with pytest.raises(RequestError, match="of another merge: result differs"):
        begin(run.path, None, VERSIONS | {"result": {LZO: b"int other;\n"}})
    with pytest.raises(RequestError, match="leave it out"):
        begin(run.path, tmp_path / "more")
    with pytest.raises(RequestError, match="something there already"):
        begin(scenario, run.path)


def test_a_scenario_without_a_rebuilt_module(scenario: Path, tmp_path: Path) -> None:
    scenario.write_text(SCENARIO.replace('module = "fs/btrfs"\n', ""))
    with pytest.raises(RequestError, match="add module ="):
        read_request(scenario, tmp_path / "run")
    assert not (tmp_path / "run").exists()
