"""Probes on planted bugs, in real guests: each names the function in which the bug is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.slow.conftest import Hunts

pytestmark = pytest.mark.slow

CONDITIONS = "i386-2g.default.lzo.small-files"
FILES = 600
SCENARIO = """
schema = 1
title = "Bugs that probes find"
[kernels.good]
debian = "6.1"
module = "fs/btrfs"
{kernels}
[machines.i386-2g]
arch = "i386"
ram = "2 GiB"
[mount]
lzo = "compress=lzo"
[workloads.small-files]
use = "enospc-small-files"
files = 600
[plan]
reference = {{ kernel = "good" }}
include = [{{ machine = "i386-2g" }}]
[limits]
rounds = 6
round_seconds = 900
"""
KERNEL = """
[kernels.{name}]
debian = "6.1"
module = "fs/btrfs"
[[kernels.{name}.edits]]
file = "fs/btrfs/{file}"
function = "{function}"
find = "{find}"
replace = "{replace}"
"""
WORKSPACE = "workspace = get_workspace(type, level);"
# Name, file, function, what is replaced, by what; the probe, and the function that it has to name.
BUGS = (
    ("raw-pages", "compression.c", "btrfs_compress_pages", WORKSPACE,
     f"{WORKSPACE} if (!alloc_page(GFP_NOFS)) return -ENOMEM;",
     "page-allocations", "btrfs_compress_pages"),
    ("object", "compression.c", "btrfs_compress_pages", WORKSPACE,
     f"{WORKSPACE} if (!kmalloc(200, GFP_NOFS)) return -ENOMEM;",
     "slab-traces", "btrfs_compress_pages"),
    ("path", "dir-item.c", "btrfs_insert_dir_item", "btrfs_free_path(path); if (ret) return ret;",
     "if (ret) return ret;", "call-counts", "btrfs_insert_dir_item"),
    ("missed-kunmap", "lzo.c", "lzo_compress_pages", "kunmap_local(data_in);", "",
     "kmap-balance", "lzo_compress_pages"),
)  # fmt: skip


@pytest.mark.parametrize("bug", BUGS, ids=[bug[0] for bug in BUGS])
def test_a_probe_names_the_function(hunts: Hunts, tmp_path: Path, bug: tuple[str, ...]) -> None:
    name, file, function, find, replace, probe, wanted = bug
    kernel = KERNEL.format(name=name, file=file, function=function, find=find, replace=replace)
    run, scenario = tmp_path / "run", tmp_path / "bug.toml"
    scenario.write_text(SCENARIO.format(kernels=kernel))
    assert hunts.run("hunt", scenario, "--out", run)[0] == 1
    status, out, err = hunts.run("probe", run, "--probe", probe, "--json")
    assert status == 1, err
    (reading,) = json.loads(out)["readings"]
    assert (reading["could_not"], reading["lost"]) == ("", {})
    first: dict[str, Any] = reading["findings"][0]
    in_module = [frame for frame in first["stack"] if frame["module"] == "btrfs"]
    assert in_module[0]["symbol"] == wanted
    if probe != "kmap-balance":
        moved = first["guilty"]["count_per_round"] - first["innocent"]["count_per_round"]
        assert abs(moved) == pytest.approx(FILES, rel=0.05)
    if probe != "call-counts":  # of a call that is no longer there, there is no line
        places = in_module[0]["places"]
        assert {place["function"] for place in places} >= {wanted}
        assert places[-1]["file"] == f"fs/btrfs/{file}"
        assert places[-1]["line"] > 0
