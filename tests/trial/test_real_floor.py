"""Floors of a real guest: Debian's own 6.1 for i386, 512 MiB, the user's cache."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from anyclue.model.recording import EXACT_OBJECTS, MarkName, Round
from anyclue.recordings.rounds import find_rounds
from anyclue.recordings.telemetry import Telemetry, read_telemetry
from anyclue.scenarios.read import read_scenario
from anyclue.trial.context import Context
from anyclue.trial.guest.channel import kept_telemetry
from anyclue.trial.guest.machine import running
from anyclue.trial.preparation import pin_kernels, prepare_one
from anyclue.trial.run import boot_of, session_of
from anyclue.trial.workloads.registry import WORKLOADS

pytestmark = [
    pytest.mark.guest,
    pytest.mark.skipif(not shutil.which("qemu-system-i386"), reason="no qemu-system-i386"),
]

SCENARIO = """\
schema = 1
title = "floors"
[kernels.debian]
debian = "6.1"
[machines.small]
arch = "i386"
ram = "512 MiB"
[mount]
none = ""
[workloads.files]
use = "enospc-small-files"
"""
KEPT = 7
WASTE = "seq 3000 >/tmp/x; for i in $(seq 40); do cat /tmp/x | tail -n 1; done; rm /tmp/x"
KEEP = f"for i in $(seq {KEPT}); do mkdir /tmp/$i; mount -t tmpfs x /tmp/$i; done"
ROUNDS = (WASTE, WASTE, WASTE, KEEP, WASTE)
"""What happens in each round; the fourth keeps some mounts."""


async def measure(directory: Path) -> Telemetry:
    context = Context.of_user()
    rules = {name: workload.rules for name, workload in WORKLOADS.items()}
    read = read_scenario(SCENARIO, origin="floors.toml", base=directory, workloads=rules)
    scenario = await pin_kernels(read, context)
    job = await prepare_one(scenario, scenario.combinations[0], context)
    state = context.store.get(job.image.snapshot).file("state")
    boot = boot_of(job, context.store, directory)
    file = directory / "telemetry"
    async with (
        running(boot, directory, snapshot=state) as guest,
        kept_telemetry(guest.ends["telemetry"], file),
    ):
        session = session_of(job, guest.agent)
        await session.loaded()
        await session.start_sampling()
        for number, script in enumerate(ROUNDS, start=1):
            session.begin_round(number)
            await session.mark(MarkName.ROUND_BEGIN)
            await session.must(script)
            await session.floor()
            await session.end_round({})
        await session.end()
    return read_telemetry(file)


@pytest.fixture(scope="module")
def telemetry(tmp_path_factory: pytest.TempPathFactory) -> Telemetry:
    return asyncio.run(measure(tmp_path_factory.mktemp("floors")))


@pytest.fixture(scope="module")
def rounds(telemetry: Telemetry) -> tuple[Round, ...]:
    return find_rounds(telemetry.marks, telemetry.samples)


def counters(one: Round) -> dict[str, float]:
    assert one.floor is not None
    return dict(one.floor.counters)


def test_counts_of_objects_are_exact(rounds: tuple[Round, ...]) -> None:
    """What a round only passed through its caches is not counted; what it kept is, each of it."""
    assert [one.facts[EXACT_OBJECTS] for one in rounds] == [1] * len(ROUNDS)
    _, before, still, after, last = map(counters, rounds)
    slabs = {name for name in still if name.startswith("slab_objects.")}
    assert len(slabs) > 100
    moved = {name for name in slabs if before[name] != still[name]}
    assert len(moved) <= len(slabs) / 10  # a new kworker takes one object of each of some
    (mounts,) = {name for name in slabs if name.endswith((".mnt_cache", ".filp", ".io_kiocb"))}
    assert after["mounts.tmpfs"] == last["mounts.tmpfs"] == KEPT
    assert after[mounts] - still[mounts] == last[mounts] - still[mounts] == KEPT


def test_what_else_is_counted(rounds: tuple[Round, ...], telemetry: Telemetry) -> None:
    at_floor = counters(rounds[0])
    assert at_floor["mounts.rootfs"] == 1
    assert at_floor["threads.kswapd"] == 1
    assert at_floor["vmalloc_areas.load_module"] >= 1
    names = {name.partition(".")[2] for name in at_floor if name.startswith("slab_objects.")}
    assert telemetry.merged_caches.keys() <= names
    assert all(telemetry.merged_caches.values())


def test_no_other_sample_is_among_those_of_a_floor(telemetry: Telemetry) -> None:
    begins, ends = (
        [mark.t_s for mark in telemetry.marks if mark.name.value == name]
        for name in ("floor-begin", "floor-end")
    )
    for begin, end in zip(begins, ends, strict=True):
        within = [s for s in telemetry.samples if begin <= s.t_s <= end]
        assert ["mounts.rootfs" in s.counters for s in within] == [True] * 3
