"""Whole hunts in real guests. Minutes each: `make test-slow`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.slow.conftest import Hunts

pytestmark = pytest.mark.slow

PAGE_KIB = 4
FILES = 600


def test_the_mails_case(hunts: Hunts, tmp_path: Path) -> None:
    run = tmp_path / "run"
    status, out, _ = hunts.run("hunt", hunts.root / "scenarios/lzo-leak.toml", "--out", run)
    assert status == 1
    cells = hunts.verdicts(run)
    for machine in ("i386-2g", "x86_64-2g"):
        guilty = cells[f"bad.{machine}.default.lzo.small-files"]
        assert (guilty["verdict"], guilty["signature"]) == ("leak", "page-cache-reference")
        assert guilty["rate_kib_per_round"] == pytest.approx(PAGE_KIB * FILES, rel=0.1)
        low, high = guilty["rate_ci95_kib"]
        assert low <= guilty["rate_kib_per_round"] <= high
    innocent = [cell for name, cell in cells.items() if ".lzo." not in name or "good" in name]
    assert {cell["mount"] for cell in innocent} == {"none", "zlib", "lzo", "zstd"}
    assert {cell["verdict"] for cell in innocent} == {"clean"}
    assert "kernel and mount matter, machine does not" in " ".join(out.split())
    clue = json.loads((run / "clues.json").read_text())
    conjunction = clue["conjunction"]
    assert conjunction["proven"]
    assert conjunction["cells_run"] <= conjunction["cells_full"] // 2
    assert {(one["axis"], one["value"]) for one in conjunction["conditions"]} == {
        ("kernel", "bad"),
        ("mount", "lzo"),
    }
    low, high = clue["dose"]["ci95_kib"]
    assert low < PAGE_KIB < high
    assert clue["reproducer"]["script"]
    first = clue["places"][0]
    assert (first["function"], first["missing"]["label"]) == ("lzo_compress_pages", "out")
    assert "put_page" in first["missing"]["release"]
    assert {one["name"]: one["standing"] for one in clue["suspects"]} == {
        "kmap": "acquitted",
        "mm": "acquitted",
        "merge": "unproven",
        "32-bit": "acquitted",
        "lzo": "guilty",
    }


def test_planted_bugs_of_other_kinds(hunts: Hunts, tmp_path: Path) -> None:
    run = tmp_path / "run"
    scenario = hunts.root / "scenarios/planted-bugs.toml"
    status, _, _ = hunts.run("hunt", scenario, "--no-clue", "--out", run)
    assert status == 1
    cells = hunts.verdicts(run)

    def of(kernel: str, machine: str = "i386-2g", workload: str = "small-files") -> tuple[str, str]:
        cell = cells[f"{kernel}.{machine}.default.lzo.{workload}"]
        return cell["verdict"], cell["signature"]

    assert of("raw-pages") == ("leak", "raw-pages")
    assert of("object") == ("leak", "object")
    named = cells["object.i386-2g.default.lzo.small-files"]["signature_detail"]
    assert "kmalloc-256" in named
    broken = cells["missed-kunmap.i386-2g.default.lzo.small-files"]
    assert (broken["verdict"], broken["signature"]) == ("broken", "kmap-slots")
    assert broken["outcome"] in ("crashed", "hung")
    assert broken["incident"]["function"]
    assert of("bad", workload="mix") == ("leak", "page-cache-reference")
    dead = cells["bad.i386-128m.default.lzo.until-enospc"]
    assert (dead["outcome"], dead["verdict"]) == ("oom", "leak")
    assert dead["signature"] == "page-cache-reference"
    assert of("good", workload="cache")[0] == "cache"
    assert of("good")[0] == "clean"
    assert of("good", workload="mix")[0] == "clean"


def test_good_against_good(hunts: Hunts, tmp_path: Path) -> None:
    run = tmp_path / "run"
    hunts.run("hunt", hunts.root / "scenarios/good-against-good.toml", "--full", "--out", run)
    cells = hunts.verdicts(run)
    assert len(cells) >= 20
    counts = [cell["verdict"] for cell in cells.values()]
    print({verdict: counts.count(verdict) for verdict in set(counts)})
    assert not [name for name, cell in cells.items() if cell["verdict"] == "leak"]


STUCK = """
schema = 1
title = "A task that waits for ever, and a file system that fills up"
[kernels.stuck]
debian = "6.1"
module = "fs/btrfs"
[[kernels.stuck.edits]]
file = "fs/btrfs/super.c"
function = "btrfs_sync_fs"
find = "trace_btrfs_sync_fs(fs_info, wait);"
replace = "set_current_state(TASK_UNINTERRUPTIBLE); schedule();"
[kernels.good]
debian = "6.1"
module = "fs/btrfs"
[machines.i386-1g]
arch = "i386"
ram = "1 GiB"
[mount]
lzo = "compress=lzo"
[workloads.small-files]
use = "enospc-small-files"
[workloads.until-enospc]
use = "enospc-small-files"
files = 0
size_mib = 128
[plan]
reference = { kernel = "good" }
include = [
    { kernel = "stuck", workload = "small-files" },
    { kernel = "good", workload = "until-enospc" },
]
[limits]
rounds = 3
round_seconds = ROUND_SECONDS
extra_trials = 0
"""


def test_hung_is_told_from_slow(hunts: Hunts, tmp_path: Path) -> None:
    """Filling a file system takes minutes under TCG: a limit too short is no kernel's fault."""
    run, scenario = tmp_path / "run", tmp_path / "stuck.toml"
    scenario.write_text(STUCK.replace("ROUND_SECONDS", "75"))
    hunts.run("hunt", scenario, "--no-clue", "--out", run)
    cells = hunts.verdicts(run)
    stuck = cells["stuck.i386-1g.default.lzo.small-files"]
    assert (stuck["outcome"], stuck["verdict"]) == ("hung", "broken")
    assert stuck["signature"] is None
    slow = cells["good.i386-1g.default.lzo.until-enospc"]
    assert (slow["outcome"], slow["verdict"]) == ("lost", "unproven")


def test_until_there_is_no_space(hunts: Hunts, tmp_path: Path) -> None:
    run, scenario = tmp_path / "run", tmp_path / "fill.toml"
    only_good = STUCK.replace('    { kernel = "stuck", workload = "small-files" },\n', "")
    scenario.write_text(only_good.replace("ROUND_SECONDS", "900"))
    hunts.run("hunt", scenario, "--no-clue", "--out", run)
    (cell,) = hunts.verdicts(run).values()
    assert cell["outcome"] == "passed"
    assert cell["verdict"] in ("clean", "unproven")
    marks = (run / "cells" / cell["cell"] / "trial-1" / "marks.jsonl").read_text().splitlines()
    ends = [mark["data"] for mark in map(json.loads, marks) if mark["name"] == "round-end"]
    assert [end["enospc"] for end in ends] == [1, 1, 1]
