"""A hunt without guests: a scenario, jobs made from nothing, an executor that writes recordings.

And verdicts by hand: a cell, what it is, and little else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from pathlib import Path
from types import MappingProxyType

import pytest

from anyclue.hunt.clue import driver
from anyclue.hunt.driver import begin_run
from anyclue.hunt.localise.kept_sources import KeptSources
from anyclue.hunt.localise.symptoms import AccusedKernel
from anyclue.model.artifact import ArtifactRef
from anyclue.model.reason import NotRun
from anyclue.model.recording import (
    EXACT_OBJECTS,
    Incident,
    Mark,
    MarkName,
    Outcome,
    Reading,
    Recording,
)
from anyclue.model.scenario import Cell, Scalar, Scenario
from anyclue.model.verdict import CellVerdict, Signature, SignatureDetail, Verdict, VerdictReason
from anyclue.recordings.rounds import find_rounds
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import write_recording
from anyclue.scenarios.plan_document import scenario_from_json
from anyclue.trial.context import Context
from anyclue.trial.model import (
    Accelerator,
    GuestImage,
    Shape,
    Suite,
    TrialJob,
    TrialResult,
    always,
)
from anyclue.trial.workloads.registry import WORKLOADS
from anyclue.trial.workloads.suite import WorkloadSuite

SCENARIO = """\
schema = 1
title = "two kernels"
[kernels.bad]
debian = "6.1"
[kernels.good]
debian = "6.1"
[machines.small]
arch = "i386"
ram = "512 MiB"
[mount]
lzo = "compress=lzo"
[workloads.files]
use = "enospc-small-files"
files = 100
[plan]
reference = { kernel = "good" }
[limits]
rounds = 6
trials = 1
extra_trials = 2
"""
REF = ArtifactRef(kind="none", key="0" * 64)
NOT_RUN = NotRun()
TOTAL_KIB = 512 * 1024
NO_COUNTS: Mapping[str, float] = MappingProxyType({})


def job_of(scenario: Scenario, cell: Cell, trial: int) -> TrialJob:
    machine = scenario.machines[cell.machine]
    image = GuestImage(
        shape=Shape.LEAN,
        machine=machine,
        accelerator=Accelerator.TCG,
        kernel=REF,
        initramfs=REF,
        root=None,
        snapshot=REF,
    )
    choice = scenario.workloads[cell.workload]
    return TrialJob(
        cell=cell,
        trial=trial,
        image=image,
        payload=None,
        suite=WorkloadSuite(
            workload=WORKLOADS[choice.use].planned(choice),
            mkfs=(),
            mount=scenario.mount[cell.mount],
        ),
        limits=scenario.limits,
    )


def reading(t_s: float, leak_kib: float, counts: Mapping[str, float]) -> Reading:
    counters = {
        "MemTotal": TOTAL_KIB,
        "MemFree": TOTAL_KIB - 50_000 - leak_kib,
        "Buffers": 0,
        "Cached": 12_000,
        "Shmem": 2_000,
        "Active(file)": 10_000,
        "Inactive(file)": leak_kib,
        "Unevictable": 0,
        "Mlocked": 0,
        "AnonPages": 4_000,
        "SUnreclaim": 12_000,
        "SReclaimable": 6_000,
        "VmallocUsed": 3_000,
        "KernelStack": 1_000,
        "PageTables": 600,
        "Percpu": 400,
    }
    named = {f"meminfo.{name}": float(value) for name, value in counters.items()}
    return Reading(t_s=t_s, counters={**named, "pcp.total": 100.0, **counts})


def recording_of(
    job: TrialJob,
    leak_kib: float = 0.0,
    *,
    outcome: Outcome = Outcome.PASSED,
    rounds: int | None = None,
    counts: Mapping[str, float] = NO_COUNTS,
    facts: Mapping[str, Scalar] = NO_COUNTS,
) -> Recording:
    """A trial whose floor rises by ``leak_kib`` in every round, and exact ``counts`` by theirs."""
    marks: list[Mark] = []
    samples: list[Reading] = []
    for number in range(1, (job.limits.rounds if rounds is None else rounds) + 1):
        begin = 10.0 * number
        for offset, name in (
            (0, MarkName.ROUND_BEGIN),
            (5, MarkName.SETTLED),
            (7, MarkName.FLOOR_BEGIN),
            (8, MarkName.FLOOR_END),
            (9, MarkName.ROUND_END),
        ):
            data: Mapping[str, Scalar] = {}
            if name is MarkName.ROUND_END:
                data = facts
            elif name is MarkName.FLOOR_END and counts:
                data = {EXACT_OBJECTS: 1}
            marks.append(Mark(t_s=begin + offset, name=name, round=number, data=data))
        counted = {name: 100 + float(floor(gain * number)) for name, gain in counts.items()}
        samples += [reading(begin + at, leak_kib * number, counted) for at in (1, 5, 7.5)]
    return Recording(
        cell=job.cell,
        trial=job.trial,
        outcome=outcome,
        detail=f"made up: {outcome}",
        ram_kib=TOTAL_KIB,
        rounds=find_rounds(marks, samples),
        timeline=tuple(samples),
        marks=tuple(marks),
        provenance={"accelerator": "tcg"},
    )


@dataclass
class FakeExecutor:
    """Writes what ``make`` says; the jobs that it was given stay in ``ran``."""

    run_directory: RunDirectory
    make: Callable[[TrialJob], Recording]
    ran: list[tuple[str, int]] = field(default_factory=list)
    batches: int = 0
    dies_after: int | None = None

    async def run(
        self, jobs: Sequence[TrialJob], is_wanted: Callable[[TrialJob], bool] = always
    ) -> AsyncGenerator[TrialResult, None]:
        self.batches += 1
        for job in jobs:
            if not is_wanted(job):
                continue
            if self.dies_after is not None and len(self.ran) == self.dies_after:
                raise KeyboardInterrupt
            recording = self.make(job)
            directory = self.run_directory.trial(job.cell, job.trial)
            directory.mkdir(parents=True)
            write_recording(directory, recording, seconds=1, lost_log=0)
            self.ran.append((job.cell.kernel, job.trial))
            yield TrialResult(
                job=job, outcome=recording.outcome, detail="", seconds=1, reason=recording.reason
            )


@dataclass(frozen=True, kw_only=True)
class Hunted:
    """A run directory, and how to make executors and a context for it."""

    run: RunDirectory
    context: Context

    def executor(
        self,
        make: Callable[[TrialJob], Recording],
        *,
        dies_after: int | None = None,
        run: RunDirectory | None = None,
    ) -> FakeExecutor:
        return FakeExecutor(run or self.run, make, dies_after=dies_after)


Make = Callable[..., Recording]


@pytest.fixture
def make() -> Make:
    return recording_of


@pytest.fixture
def job(hunted: Hunted) -> TrialJob:
    """A job of the bad kernel."""
    scenario = scenario_from_json(hunted.run.plan_text(), origin="plan.json")
    return job_of(scenario, scenario.combinations[0], 1)


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    file = tmp_path / "two.toml"
    file.write_text(SCENARIO)
    return file


@pytest.fixture
def hunted(tmp_path: Path, scenario_file: Path, monkeypatch: pytest.MonkeyPatch) -> Hunted:
    async def prepare(
        scenario: Scenario,
        wanted: Sequence[tuple[Cell, int]],
        _context: Context,
        _suites: Mapping[tuple[Cell, int], Suite],
    ) -> list[TrialJob]:
        return [job_of(scenario, cell, trial) for cell, trial in wanted]

    async def pin(scenario: Scenario, _context: Context) -> Scenario:
        return scenario

    async def keep(
        _run: RunDirectory, _scenario: Scenario, _of: AccusedKernel, _context: Context
    ) -> KeptSources:
        return KeptSources(of="", directory="fs/btrfs", notes=("no sources are downloaded here",))

    monkeypatch.setattr(driver, "keep_sources", keep)

    monkeypatch.setattr("anyclue.hunt.trials.pin_kernels", pin)
    monkeypatch.setattr("anyclue.hunt.trials.prepare_jobs", prepare)
    run = begin_run(scenario_file, tmp_path / "run")
    return Hunted(run=run, context=Context.at(tmp_path / "cache"))


LEAK = (Verdict.LEAK, Signature.PAGE_CACHE_REFERENCE)


class Tools:
    """What tests need of this file (test modules cannot import it)."""

    leak = LEAK

    def cell(self, kernel: str = "bad", machine: str = "i386", mount: str = "lzo") -> Cell:
        return Cell(kernel=kernel, machine=machine, mkfs="default", mount=mount, workload="mix")

    def verdict(
        self,
        where: str,
        verdict: Verdict = Verdict.CLEAN,
        signature: Signature | None = None,
        *,
        rate: float | None = None,
        outcome: Outcome = Outcome.PASSED,
        incident: Incident | None = None,
        detail: SignatureDetail | None = None,
        because: VerdictReason = NOT_RUN,
    ) -> CellVerdict:
        """Return the verdict of the cell ``KERNEL MACHINE MOUNT``."""
        kernel, machine, mount = where.split()
        return self.of(
            self.cell(kernel, machine, mount),
            verdict,
            signature,
            rate=rate,
            outcome=outcome,
            incident=incident,
            detail=detail,
            because=because,
        )

    def of(
        self,
        cell: Cell,
        verdict: Verdict = Verdict.CLEAN,
        signature: Signature | None = None,
        *,
        rate: float | None = None,
        outcome: Outcome = Outcome.PASSED,
        incident: Incident | None = None,
        detail: SignatureDetail | None = None,
        because: VerdictReason = NOT_RUN,
    ) -> CellVerdict:
        return CellVerdict(
            cell=cell,
            outcome=outcome,
            verdict=verdict,
            because=because,
            rate_kib_per_round=rate,
            rate_ci95_kib=(rate - 10, rate + 10) if rate is not None else None,
            signature=signature,
            signature_detail=detail,
            classes={},
            rounds=6,
            warm_up=0,
            trials=1,
            reference=None,
            incident=incident,
        )

    def default(self) -> list[CellVerdict]:
        """Return the verdicts that the default scenario must give."""
        return [
            *(self.verdict(f"bad i386 {mount}") for mount in ("none", "zlib")),
            self.verdict("bad i386 lzo", *LEAK, rate=2400.0),
            self.verdict("bad i386 zstd"),
            self.verdict("good i386 lzo"),
            self.verdict("bad x86_64 lzo", *LEAK, rate=2404.0),
            self.verdict("good x86_64 lzo"),
        ]


@pytest.fixture(scope="session")
def tools() -> Tools:
    return Tools()
