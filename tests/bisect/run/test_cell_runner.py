"""What recorded trials of one cell say: in KiB by themselves, in objects beside the good end."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from anyclue.bisect.run.cell_runner import CellRunner, GoodEnd
from anyclue.model.reason import ObjectsGrew
from anyclue.model.recording import EXACT_OBJECTS, Mark, MarkName, Outcome, Reading, Recording
from anyclue.model.scenario import (
    Arch,
    Cell,
    DebianKernel,
    Kernel,
    Limits,
    Machine,
    Scenario,
    WorkloadChoice,
)
from anyclue.model.verdict import ObjectKind, ObjectSeries, Verdict
from anyclue.recordings.rounds import find_rounds
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import write_recording
from anyclue.trial.context import Context

CELL = Cell(kernel="k", machine="m", mkfs="d", mount="d", workload="w")
CACHE = "kmalloc-1k"
ROUNDS = 10


def record(run: RunDirectory, kernel: str, trial: int, gain: float) -> None:
    """Record a trial that leaves ``gain`` objects behind in each round, and no KiB that count."""
    cell = Cell(kernel=kernel, machine="m", mkfs="d", mount="d", workload="w")
    marks, samples = [], []
    for number in range(1, ROUNDS + 1):
        for at, name in enumerate((MarkName.ROUND_BEGIN, MarkName.SETTLED, MarkName.FLOOR_BEGIN)):
            marks.append(Mark(t_s=10.0 * number + at, name=name, round=number))
        exact = {EXACT_OBJECTS: 1}
        end = 10.0 * number + 5
        marks.append(Mark(t_s=end, name=MarkName.FLOOR_END, round=number, data=exact))
        marks.append(Mark(t_s=end + 1, name=MarkName.ROUND_END, round=number))
        counters = {
            "pcp.total": 100.0,
            "meminfo.MemTotal": 500_000.0,
            "meminfo.MemFree": 400_000.0,
            "meminfo.SUnreclaim": 12_000.0,
            "meminfo.SReclaimable": 6_000.0,
            "meminfo.Buffers": 0.0,
            "meminfo.Cached": 12_000.0,
            "meminfo.Shmem": 2_000.0,
            f"slab_objects.{CACHE}": 100.0 + gain * number,
            "slab_objects.dentry": 1000.0,
        }
        samples += [Reading(t_s=10.0 * number + k, counters=counters) for k in (0.5, 1.5, 3.0)]
    recording = Recording(
        cell=cell,
        trial=trial,
        outcome=Outcome.PASSED,
        detail="",
        ram_kib=500_000,
        rounds=find_rounds(marks, samples),
        timeline=tuple(samples),
        marks=tuple(marks),
    )
    directory = run.trial(cell, trial)
    directory.mkdir(parents=True)
    write_recording(directory, recording, seconds=1, lost_log=0)


@pytest.fixture
def runner(tmp_path: Path) -> CellRunner:
    scenario = Scenario(
        title="",
        kernels={"k": Kernel(name="k", source=DebianKernel(series="6.1"))},
        machines={"m": Machine(name="m", arch=Arch.I386, ram_mib=512)},
        mkfs={"d": ""},
        mount={"d": ""},
        workloads={"w": WorkloadChoice(name="w", use="shell")},
        cells=(CELL,),
        references=(),
        limits=Limits(rounds=ROUNDS, extra_trials=2),
    )
    return CellRunner(
        run=RunDirectory(tmp_path),
        scenario=scenario,
        kernel="k",
        cell=CELL,
        carried=(),
        context=cast(Context, None),
        good=GoodEnd(name="good", sources=dict, commit=lambda: None),
    )


def test_objects_are_judged_beside_the_good_end(runner: CellRunner) -> None:
    """By itself a count that grows is what a kernel normally does."""
    record(runner.run, "bad", 1, 3.0)
    record(runner.run, "bad", 2, 3.0)
    record(runner.run, "good", 1, 0.0)
    found = runner.recorded_verdict("bad")
    assert found is not None
    assert found.verdict is Verdict.LEAK
    assert isinstance(found.because, ObjectsGrew)
    assert (found.because.series.name, found.trials) == (CACHE, 2)
    good = runner.recorded_verdict("good")
    assert good is not None
    assert good.verdict is Verdict.CLEAN


def test_once_it_is_known_what_leaks_one_guest_tells(runner: CellRunner) -> None:
    record(runner.run, "bad", 1, 3.0)
    record(runner.run, "good", 1, 0.0)
    assert runner.recorded_verdict("bad") is None  # it wants a second guest
    record(runner.run, "other", 1, 3.0)
    runner.known = frozenset({ObjectSeries(kind=ObjectKind.SLAB, name=CACHE)})
    found = runner.recorded_verdict("other")
    assert found is not None
    assert found.verdict is Verdict.LEAK


def test_without_a_good_end_counts_say_nothing(runner: CellRunner) -> None:
    runner.good = None
    record(runner.run, "bad", 1, 3.0)
    found = runner.recorded_verdict("bad")
    assert found is not None
    assert found.verdict is Verdict.CLEAN
