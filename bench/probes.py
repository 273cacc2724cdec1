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
from anyclue.model.recording import MarkName, Outcome, Recording
from anyclue.model.scenario import Cell, Scenario
from anyclue.model.verdict import MemoryClass
from anyclue.probes import PROBES, Probe
from anyclue.recordings import read_recording
from anyclue.verdicts.classes import classes_kib

ROOT = Path(__file__).resolve().parent.parent
SCENARIO = ROOT / "scenarios/lzo-leak.toml"
REPEATS = 2
CELL = "good.i386-2g.default.lzo.small-files"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a probe costs the workload (as a multiple), at a floor (s), and in memory (KiB)."""

    slowdown: float | None
    floor_s: float | None
    floor_shift_kib: float | None
    could_not: str = ""


def main() -> None:
    """Measure, telling what is going on on stderr; print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("probes", nargs="*", default=list(PROBES), metavar="PROBE")
    parser.add_argument("--scenario", type=Path, default=SCENARIO, help="default: %(default)s")
    parser.add_argument("--cell", default=CELL, help="default: %(default)s")
    options = parser.parse_args()
    costs = asyncio.run(measure(named(options.probes), options.scenario, options.cell))
    print(json.dumps({"probes": {name: asdict(cost) for name, cost in costs.items()}}))


async def measure(
    probes: Sequence[Probe], file: Path = SCENARIO, cell_id: str = CELL
) -> dict[str, Cost]:
    """Return what each probe costs in a cell of a scenario, one after another."""
    context = Context.of_user()
    scenario = await pin_kernels(plan(file), context)
    cell = next(cell for cell in scenario.combinations if cell.id == cell_id)
    costs = {}
    for probe in probes:
        costs[probe.name] = await cost_of(probe, scenario, cell, context)
        print(f"{probe.name}: {costs[probe.name]}", file=sys.stderr)
    return costs


async def cost_of(probe: Probe, scenario: Scenario, cell: Cell, context: Context) -> Cost:
    """Run the cell with the probe and without it, side by side, several times."""
    with_it, plain = [], []
    for _ in range(REPEATS):
        one, other = await asyncio.gather(
            trial(probe, scenario, cell, context), trial(None, scenario, cell, context)
        )
        if one.outcome is not Outcome.PASSED:
            return Cost(slowdown=None, floor_s=None, floor_shift_kib=None, could_not=one.detail)
        with_it.append(one)
        plain.append(other)
    begin, floor = MarkName.ROUND_BEGIN, MarkName.FLOOR_BEGIN
    end, after = MarkName.FLOOR_END, MarkName.ROUND_END
    return Cost(
        slowdown=round(least_s(with_it, begin, floor) / least_s(plain, begin, floor), 2),
        floor_s=round(least_s(with_it, end, after) - least_s(plain, end, after), 2),
        floor_shift_kib=round(floor_kib(with_it) - floor_kib(plain), 0),
    )


async def trial(probe: Probe | None, scenario: Scenario, cell: Cell, context: Context) -> Recording:
    """Run the cell once, as a probe does."""
    arguments = probe.arguments if probe else ""
    job = await prepare_one(scenario, cell, context, arguments=arguments)
    seconds_left = job.limits.round_seconds * PATIENCE
    job = replace(job, limits=replace(job.limits, rounds=ROUNDS, round_seconds=seconds_left))
    watch = ProbeWatch(probe, job.image.machine.cpus) if probe else None
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        await run_trial(job, context.store, Path(name), watch)
        return read_recording(Path(name))


def least_s(trials: Sequence[Recording], begin: MarkName, end: MarkName) -> float:
    """Return the least time between two marks of a round, the first rounds left out.

    What else this machine does only adds to it.
    """
    times = []
    for recording in trials:
        at = {(mark.name, mark.round): mark.t_s for mark in recording.marks}
        times += [at[end, n] - at[begin, n] for n in range(2, ROUNDS + 1)]
    return min(times)


def floor_kib(trials: Sequence[Recording]) -> float:
    """Return used memory at the floors, the first left out."""
    rounds = [one for recording in trials for one in recording.rounds[1:]]
    floors = [one.floor for one in rounds if one.floor]
    return median(classes_kib(floor)[MemoryClass.USED] for floor in floors)


if __name__ == "__main__":
    main()
