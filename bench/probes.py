"""Measure what each probe costs the guest that it looks at.

    make bench-probes [PROBES="NAME..."]

Each probe runs in the good cell of scenarios/lzo-leak.toml with lzo, beside the same cell without
it, at the same time: both see the same load. A probe that its kernel lacks is told so. The
last line is one JSON object; see docs/bench.md for its fields.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

from anyclue.hunts.context import Context
from anyclue.hunts.hunt import plan
from anyclue.hunts.prepare import pin_kernels, prepare_one
from anyclue.hunts.probing.choosing import named
from anyclue.hunts.probing.running import PATIENCE, ROUNDS
from anyclue.hunts.probing.watching import ProbeWatch
from anyclue.hunts.trial import run_trial
from anyclue.model.recording import Outcome, Recording
from anyclue.model.scenario import Cell, Scenario
from anyclue.model.verdict import MemoryClass
from anyclue.probes import PROBES, Probe
from anyclue.recordings import read_recording
from anyclue.verdicts.classes import classes_kib

ROOT = Path(__file__).resolve().parent.parent
SCENARIO = ROOT / "scenarios/lzo-leak.toml"
CELL = Cell(kernel="good", machine="i386-2g", mkfs="default", mount="lzo", workload="small-files")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a probe costs: time of a round as a multiple, used memory at its floors in KiB."""

    slowdown: float | None
    floor_shift_kib: float | None
    could_not: str = ""


def main() -> None:
    """Measure, telling what is going on on stderr; print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("probes", nargs="*", default=list(PROBES), metavar="PROBE")
    options = parser.parse_args()
    costs = asyncio.run(measure(named(options.probes)))
    for name, cost in costs.items():
        print(f"{name}: {cost}", file=sys.stderr)
    print(json.dumps({"probes": {name: asdict(cost) for name, cost in costs.items()}}))


async def measure(probes: Sequence[Probe]) -> dict[str, Cost]:
    """Return what each probe costs, one after another."""
    context = Context.of_user()
    scenario = await pin_kernels(plan(SCENARIO), context)
    return {probe.name: await cost_of(probe, scenario, context) for probe in probes}


async def cost_of(probe: Probe, scenario: Scenario, context: Context) -> Cost:
    """Run the cell with the probe and without it, side by side."""
    with_it, plain = await asyncio.gather(
        trial(probe, scenario, context), trial(None, scenario, context)
    )
    if with_it.outcome is not Outcome.PASSED:
        return Cost(slowdown=None, floor_shift_kib=None, could_not=with_it.detail)
    return Cost(
        slowdown=round(seconds(with_it) / seconds(plain), 2),
        floor_shift_kib=round(floor_kib(with_it) - floor_kib(plain), 0),
    )


async def trial(probe: Probe | None, scenario: Scenario, context: Context) -> Recording:
    """Run the cell once, as a probe does."""
    arguments = probe.arguments if probe else ""
    job = await prepare_one(scenario, CELL, context, arguments=arguments)
    seconds_left = job.limits.round_seconds * PATIENCE
    job = replace(job, limits=replace(job.limits, rounds=ROUNDS, round_seconds=seconds_left))
    watch = ProbeWatch(probe, job.image.machine.cpus) if probe else None
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        await run_trial(job, context.store, Path(name), watch)
        return read_recording(Path(name))


def seconds(recording: Recording) -> float:
    """Return the time of a round up to its end, the first left out."""
    return median(one.end_s - one.begin_s for one in recording.rounds[1:] if one.end_s)


def floor_kib(recording: Recording) -> float:
    """Return used memory at the floors, the first left out."""
    floors = [one.floor for one in recording.rounds[1:] if one.floor]
    return median(classes_kib(floor)[MemoryClass.USED] for floor in floors)


if __name__ == "__main__":
    main()
