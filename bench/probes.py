"""Measure what each probe costs the guest that it looks at.

    make bench-probes [PROBES="NAME..."]

The good cell of scenarios/lzo-leak.toml runs with lzo, with each probe and without. Times are those
that the processor of this machine spent on the guest, so that its other work counts little. A probe
that its kernel lacks is told so. The last line is one JSON object; docs/bench.md has its fields.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median

from anyclue.hunt.driver import plan
from anyclue.hunt.probes.core.probe import Probe
from anyclue.hunt.probes.core.registry import PROBES
from anyclue.hunt.probes.run import PATIENCE, ROUNDS
from anyclue.hunt.probes.selection import probes_named
from anyclue.hunt.probes.watch import ProbeWatch
from anyclue.model.recording import Outcome, Recording
from anyclue.model.scenario import Cell, Scenario
from anyclue.model.verdict import MemoryClass
from anyclue.recordings.store import read_recording
from anyclue.trial.context import Context
from anyclue.trial.preparation import module_under_test, pin_kernels, prepare_one
from anyclue.trial.run import run_trial
from anyclue.trial.session import AgentCall, Watch
from anyclue.verdicts.classes import classes_kib

ROOT = Path(__file__).resolve().parent.parent
SCENARIO = ROOT / "scenarios/lzo-leak.toml"
REPEATS = 2
CELL = "good.i386-2g.default.lzo.small-files"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a probe costs the workload (as a multiple), a round (CPU s), and in memory (KiB)."""

    slowdown: float | None
    round_s: float | None
    floor_shift_kib: float | None
    could_not: str = ""


@dataclass
class Clock(Watch):
    """Looks on at a trial with a probe, or without, and notes what the guest cost this machine.

    ``workload`` and ``whole`` are CPU seconds by round: of the workload with mkfs and mount, and of
    all of the round with what the probe does at its end.
    """

    probe: Watch
    workload: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    _begin: float = 0.0

    async def loaded(self, ask: AgentCall) -> None:
        """Start the probe."""
        await self.probe.loaded(ask)
        self._begin = guest_cpu_s()

    async def settled(self, ask: AgentCall) -> None:
        """Note the workload of a round."""
        self.workload.append(guest_cpu_s() - self._begin)
        await self.probe.settled(ask)

    async def at_floor(self, ask: AgentCall) -> None:
        """Note the round."""
        await self.probe.at_floor(ask)
        now = guest_cpu_s()
        self.whole.append(now - self._begin)
        self._begin = now

    async def ended(self, ask: AgentCall) -> None:
        """Bring home what is left."""
        await self.probe.ended(ask)


def guest_cpu_s() -> float:
    """Return the CPU seconds of the one guest that this process runs."""
    ticks = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        fields = rest.split()
        if "(qemu-system" in name and int(fields[1]) == os.getpid():
            ticks.append(int(fields[11]) + int(fields[12]))
    (spent,) = ticks
    return spent / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, telling what is going on on stderr; print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("probes", nargs="*", default=list(PROBES), metavar="PROBE")
    parser.add_argument("--scenario", type=Path, default=SCENARIO, help="default: %(default)s")
    parser.add_argument("--cell", default=CELL, help="default: %(default)s")
    options = parser.parse_args()
    costs = asyncio.run(measure(probes_named(options.probes), options.scenario, options.cell))
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
        with_it, plain = [], []
        for _ in range(REPEATS):
            with_it.append(await trial(probe, scenario, cell, context))
            if with_it[-1][1].outcome is not Outcome.PASSED:
                break
            plain.append(await trial(None, scenario, cell, context))
        costs[probe.name] = cost(with_it, plain)
        print(f"{probe.name}: {costs[probe.name]}", file=sys.stderr)
    return costs


def cost(
    with_it: Sequence[tuple[Clock, Recording]], plain: Sequence[tuple[Clock, Recording]]
) -> Cost:
    """Return what a probe's trials cost beside those without it."""
    lost = next((one for _, one in with_it if one.outcome is not Outcome.PASSED), None)
    if lost is not None:
        return Cost(slowdown=None, round_s=None, floor_shift_kib=None, could_not=lost.detail)
    shift = floor_kib([r for _, r in with_it]) - floor_kib([r for _, r in plain])
    return Cost(
        slowdown=round(
            least([c.workload for c, _ in with_it]) / least([c.workload for c, _ in plain]), 2
        ),
        round_s=round(least([c.whole for c, _ in with_it]) - least([c.whole for c, _ in plain]), 1),
        floor_shift_kib=round(shift, 0),
    )


async def trial(
    probe: Probe | None, scenario: Scenario, cell: Cell, context: Context
) -> tuple[Clock, Recording]:
    """Run the cell once, as a probe does."""
    arguments = probe.arguments if probe else ""
    job = await prepare_one(scenario, cell, context, arguments=arguments)
    seconds_left = job.limits.round_seconds * PATIENCE
    job = replace(job, limits=replace(job.limits, rounds=ROUNDS, round_seconds=seconds_left))
    module = module_under_test(scenario, cell)
    clock = Clock(ProbeWatch(probe, job.image.machine.cpus, module) if probe else Watch())
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        await run_trial(job, context.store, Path(name), clock)
        return clock, read_recording(Path(name))


def least(trials: Sequence[Sequence[float]]) -> float:
    """Return the least over the rounds of some trials, the first of each left out.

    What else this machine does only adds to it: caches are shared, and processors by their threads.
    """
    return min(value for rounds in trials for value in rounds[1:])


def floor_kib(trials: Sequence[Recording]) -> float:
    """Return used memory at the floors, the first left out."""
    rounds = [one for recording in trials for one in recording.rounds[1:]]
    floors = [one.floor for one in rounds if one.floor]
    return median(classes_kib(floor)[MemoryClass.USED] for floor in floors)


if __name__ == "__main__":
    main()
