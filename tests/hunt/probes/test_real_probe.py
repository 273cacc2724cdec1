"""A probe in a real guest: Debian's own 6.1 for i386, which does not leak."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from anyclue.hunt.driver import begin_run
from anyclue.hunt.judge import judge
from anyclue.hunt.probes import run as probes_run
from anyclue.hunt.probes import selection
from anyclue.hunt.probes.core.ftrace import read_trace
from anyclue.hunt.probes.core.page_allocations import INSTANCES
from anyclue.hunt.probes.core.symbols import read_symbols
from anyclue.recordings.store import read_recording
from anyclue.scenarios.plan_document import scenario_from_json, scenario_to_json
from anyclue.trial.context import Context
from anyclue.trial.preparation import pin_kernels

pytestmark = [
    pytest.mark.guest,
    pytest.mark.skipif(not shutil.which("qemu-system-i386"), reason="no qemu-system-i386"),
]

FILES = 50
SCENARIO = f"""\
schema = 1
title = "one real cell"
[kernels.debian]
debian = "6.1"
[machines.small]
arch = "i386"
ram = "512 MiB"
[mount]
lzo = "compress=lzo"
[workloads.files]
use = "enospc-small-files"
files = {FILES}
[plan]
include = [{{ kernel = "debian" }}]
"""


def test_a_trace_comes_home_whole(tmp_path: Path) -> None:
    file = tmp_path / "cell.toml"
    file.write_text(SCENARIO)
    run, context = begin_run(file, tmp_path / "run"), Context.of_user()
    scenario = asyncio.run(pin_kernels(scenario_from_json(run.plan_text()), context))
    run.plan.write_text(scenario_to_json(scenario))
    (cell,) = scenario.cells
    probes = selection.probes_named(["page-allocations"])
    (reading,) = asyncio.run(probes_run.run_probes(judge(run), context, cell, None, probes))
    assert (reading.could_not, reading.lost, reading.rounds) == ("", {}, 2)
    # Every file has a page of data; of none does a page stay.
    assert all(finding.guilty.count_per_round < FILES for finding in reading.findings)
    place = run.path / "probes/page-allocations" / cell.id
    raw = {one.name: one.read_bytes() for one in (place / "raw").iterdir()}
    trace = read_trace(raw)
    assert trace is not None
    known = read_symbols(raw["kallsyms"], raw["sections"])
    events = trace.events(*INSTANCES)
    marks = read_recording(place).marks
    assert marks[0].t_s - 1 < events[0].time / 1e9 < events[-1].time / 1e9 < marks[-1].t_s + 1
    stacks = [
        [known.frame(address).symbol for address in event.stack]
        for event in events
        if event.name == "mm_page_alloc"
    ]
    assert sum("btrfs_buffered_write" in stack for stack in stacks) >= FILES * 4
    assert sum(event.name == "mm_page_free" for event in events) >= FILES * 4
