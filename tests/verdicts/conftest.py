"""A simulator of trials: readings whose counters add up to the classes that a test asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from anyclue.model.recording import EXACT_OBJECTS, Incident, Outcome, Reading, Recording, Round
from anyclue.model.scenario import (
    Arch,
    Cell,
    DebianKernel,
    Kernel,
    Limits,
    Machine,
    Scenario,
    Sensitivity,
    WorkloadChoice,
)
from anyclue.model.verdict import CellVerdict, MemoryClass
from anyclue.verdicts.judge import judge_cells

RAM_KIB = 2 * 1024 * 1024
MEM_TOTAL_KIB = RAM_KIB - 60_000

LEVELS: Mapping[MemoryClass, float] = {
    MemoryClass.ORPHANED_FILE_PAGES: 24,
    MemoryClass.UNACCOUNTED: 9_000,
    MemoryClass.SLAB_UNRECLAIMABLE: 12_000,
    MemoryClass.SLAB_RECLAIMABLE: 6_000,
    MemoryClass.VMALLOC: 3_000,
    MemoryClass.KERNEL_STACKS: 1_000,
    MemoryClass.PAGE_TABLES: 600,
    MemoryClass.PERCPU: 400,
    MemoryClass.ANON: 4_000,
    MemoryClass.SHMEM: 2_000,
    MemoryClass.FILE_CACHE: 20_000,
}

QUIET: Mapping[MemoryClass, float] = {
    MemoryClass.ORPHANED_FILE_PAGES: 5,
    MemoryClass.UNACCOUNTED: 12,
    MemoryClass.SLAB_UNRECLAIMABLE: 12,
    MemoryClass.SLAB_RECLAIMABLE: 12,
    MemoryClass.KERNEL_STACKS: 4,
    MemoryClass.PAGE_TABLES: 3,
    MemoryClass.ANON: 6,
    MemoryClass.FILE_CACHE: 12,
}
"""Standard deviation of one rise (KiB) as GUESTS.md measured: 16 KiB of MemFree + pcp."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a simulated trial does. KiB; ``warm_up`` and ``steps`` are by class, then by round.

    ``counts`` are counters of objects, with what they gain a round; they are exact.
    """

    rounds: int = 6
    leak: Mapping[MemoryClass, float] = field(default_factory=dict)
    noise: Mapping[MemoryClass, float] = field(default_factory=lambda: QUIET)
    walk: float = 0.3
    steps: Mapping[MemoryClass, Mapping[int, float]] = field(default_factory=dict)
    settled: Mapping[MemoryClass, float] = field(default_factory=dict)
    peak: Mapping[MemoryClass, float] = field(default_factory=dict)
    objects: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    counts: Mapping[str, float] = field(default_factory=dict)
    merged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: int | None = None
    outcome: Outcome = Outcome.PASSED
    incident: Incident | None = None
    detail: str = ""


def cell(kernel: str = "bad", mount: str = "lzo", machine: str = "i386") -> Cell:
    return Cell(kernel=kernel, machine=machine, mkfs="default", mount=mount, workload="mix")


GOOD = cell("good")
BAD = cell("bad")


def reading(
    kib: Mapping[MemoryClass, float], *, t_s: float = 0.0, pcp: float = 100.0, **extra: float
) -> Reading:
    """Return counters from which ``classes_kib`` gives back ``kib``."""
    get = {c: kib.get(c, 0.0) for c in MemoryClass}
    counters = {
        "meminfo.MemTotal": float(MEM_TOTAL_KIB),
        "meminfo.MemFree": MEM_TOTAL_KIB - sum(get.values()) + get[MemoryClass.USED] - pcp,
        "pcp.total": pcp,
        "meminfo.Buffers": 0.0,
        "meminfo.Cached": get[MemoryClass.FILE_CACHE] + get[MemoryClass.SHMEM],
        "meminfo.Shmem": get[MemoryClass.SHMEM],
        "meminfo.Active(file)": get[MemoryClass.FILE_CACHE],
        "meminfo.Inactive(file)": get[MemoryClass.ORPHANED_FILE_PAGES],
        "meminfo.Unevictable": 0.0,
        "meminfo.Mlocked": 0.0,
        "meminfo.AnonPages": get[MemoryClass.ANON],
        "meminfo.SUnreclaim": get[MemoryClass.SLAB_UNRECLAIMABLE],
        "meminfo.SReclaimable": get[MemoryClass.SLAB_RECLAIMABLE],
        "meminfo.VmallocUsed": get[MemoryClass.VMALLOC],
        "meminfo.KernelStack": get[MemoryClass.KERNEL_STACKS],
        "meminfo.PageTables": get[MemoryClass.PAGE_TABLES],
        "meminfo.Percpu": get[MemoryClass.PERCPU],
    }
    if MemoryClass.OTHER_COUNTED in kib:
        counters["meminfo.GPUActive"] = get[MemoryClass.OTHER_COUNTED]
    return Reading(t_s=t_s, counters=counters | extra)


class Simulator:
    """Makes recordings from plans, the same ones in every run."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)

    def floors(self, plan: Plan) -> list[dict[MemoryClass, float]]:
        """Return class levels by round: leak, walk, white noise and steps, in whole pages."""
        levels = {}
        for c, start in LEVELS.items():
            sd, n = plan.noise.get(c, 0.0), plan.rounds
            walk = np.cumsum(self.random.normal(0, sd * np.sqrt(plan.walk), n))
            white = self.random.normal(0, sd * np.sqrt((1 - plan.walk) / 2), n)
            steps = np.array([plan.steps.get(c, {}).get(i + 1, 0.0) for i in range(n)])
            leak = plan.leak.get(c, 0.0) * np.arange(n)
            levels[c] = np.round((start + leak + walk + white + np.cumsum(steps)) / 4) * 4
        return [{c: float(v[i]) for c, v in levels.items()} for i in range(plan.rounds)]

    def recording(self, plan: Plan, where: Cell = BAD, trial: int = 1) -> Recording:
        rounds, timeline = [], [reading(LEVELS)]
        for i, kib in enumerate(self.floors(plan)):
            counters = {}
            for name, (count, size) in plan.objects.items():
                counters[f"slab_objects.{name}"] = 1000 + count * i
                counters[f"slab_kib.{name}"] = float(np.round((1000 + count * i) * size / 4) * 4)
            counters |= {name: 50.0 + gain * i for name, gain in plan.counts.items()}
            full = {c: v + plan.settled.get(c, 0.0) for c, v in kib.items()}
            top = {c: v + plan.peak.get(c, 0.0) for c, v in full.items()}
            pcp = float(self.random.integers(0, 64) * 4)
            end = 10.0 * (i + 1)
            timeline += [reading(top, t_s=end - 5), reading(full, t_s=end - 3)]
            facts = {"files": plan.files} if plan.files is not None else {}
            facts |= {EXACT_OBJECTS: 1} if plan.counts else {}
            rounds.append(
                Round(
                    number=i + 1,
                    begin_s=end - 10,
                    end_s=end,
                    settled=reading(full, t_s=end - 2, pcp=pcp),
                    floor=reading(kib, t_s=end, pcp=pcp, **counters),
                    facts=facts,
                )
            )
        return Recording(
            cell=where,
            trial=trial,
            outcome=plan.outcome,
            detail=plan.detail,
            ram_kib=RAM_KIB,
            rounds=tuple(rounds),
            timeline=tuple(timeline),
            incident=plan.incident,
            merged_caches=plan.merged,
        )

    def scaled_noise(self) -> dict[MemoryClass, float]:
        """Return the measured noise times a lognormal factor: no two guests are alike."""
        factor = float(np.exp(self.random.normal(0, 0.5)))
        return {c: sd * factor for c, sd in QUIET.items()}

    def judge(
        self, bad: Plan | Sequence[Plan], good: Plan | None = None, reference: Cell = GOOD
    ) -> CellVerdict:
        """Judge one cell (one trial a plan) against a reference."""
        plans = [bad] if isinstance(bad, Plan) else list(bad)
        recordings = {
            BAD: [self.recording(p, BAD, trial=t + 1) for t, p in enumerate(plans)],
            reference: [self.recording(good or Plan(rounds=plans[0].rounds), reference)],
        }
        return judge_cells(scenario(BAD, reference, references=(reference,)), recordings)[0]


def scenario(*cells: Cell, references: Sequence[Cell] = (GOOD,)) -> Scenario:
    """Return a scenario that plans ``cells``."""
    return Scenario(
        title="simulated",
        kernels={n: Kernel(name=n, source=DebianKernel(series="6.1")) for n in ("good", "bad")},
        machines={"i386": Machine(name="i386", arch=Arch.I386, ram_mib=2048)},
        mkfs={"default": ""},
        mount={c.mount: f"compress={c.mount}" for c in cells},
        workloads={"mix": WorkloadChoice(name="mix", use="compression-mix")},
        cells=cells,
        references=tuple(references),
        limits=Limits(),
        sensitivity=Sensitivity(),
    )


class Tools:
    """What tests need of this file (test modules cannot import it)."""

    plan = Plan
    cell = staticmethod(cell)
    scenario = staticmethod(scenario)
    good = GOOD
    bad = BAD
    quiet = QUIET


@pytest.fixture
def tools() -> Tools:
    return Tools()


@pytest.fixture
def simulator() -> Simulator:
    return Simulator()
