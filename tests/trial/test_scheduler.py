"""Which trials are run: those wanted that have no outcome, then those that judging still wants."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from anyclue.model.reason import (
    FloorSample,
    GrowthUndecided,
    NotRun,
    ObjectEvidence,
    ObjectsSuspected,
    OtherCounterGrew,
    RefusedAlike,
    Settlement,
    SingleSteps,
    SlabSteps,
    TooFewFloors,
    TrialsLeftOut,
)
from anyclue.model.recording import EndReason, Outcome, Recording
from anyclue.model.scenario import (
    Arch,
    Cell,
    DebianKernel,
    Kernel,
    Limits,
    Machine,
    ModuleVariant,
    Scenario,
    Sensitivity,
    WorkloadChoice,
)
from anyclue.model.verdict import CellVerdict, ObjectKind, ObjectSeries, Verdict, VerdictReason
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import write_recording
from anyclue.trial.scheduler import (
    Refusals,
    TrialKey,
    extra_trials,
    next_trial,
    run_until_proven,
    wants_another,
)

NOT_RUN = NotRun()
CELL = Cell(kernel="k", machine="m", mkfs="d", mount="d", workload="w")
OTHER = Cell(kernel="k", machine="m", mkfs="d", mount="other", workload="w")
GOOD = Cell(kernel="good", machine="m", mkfs="d", mount="d", workload="w")


def test_what_is_wanted_is_run_once_and_more_while_it_is_wanted(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    executed: list[tuple[list[int], int]] = []

    def record(number: int) -> None:
        place = run.trial(CELL, number)
        place.mkdir(parents=True)
        recording = Recording(cell=CELL, trial=number, outcome=Outcome.PASSED, detail="", ram_kib=1)
        write_recording(place, recording, seconds=1, lost_log=0)

    async def execute(missing: Sequence[TrialKey], total: int) -> None:
        executed.append(([number for _, number in missing], total))
        for _, number in missing:
            record(number)

    def judge() -> tuple[int, Sequence[TrialKey]]:
        key = next_trial(run, CELL)
        return key[1], [key] if key[1] <= 4 else []

    record(1)
    wanted = [(CELL, 1), (CELL, 2)]
    assert asyncio.run(run_until_proven(run, wanted, execute, judge)) == 5
    assert executed == [([2], 2), ([3], 3), ([4], 4)]


def verdict(
    of: Verdict = Verdict.UNPROVEN,
    outcome: Outcome = Outcome.PASSED,
    trials: int = 2,
    because: VerdictReason = NOT_RUN,
    cell: Cell = CELL,
) -> CellVerdict:
    return CellVerdict(
        cell=cell,
        outcome=outcome,
        verdict=of,
        because=because,
        rate_kib_per_round=None,
        rate_ci95_kib=None,
        signature=None,
        signature_detail=None,
        classes={},
        rounds=0,
        warm_up=0,
        trials=trials,
        reference=GOOD if cell != GOOD else None,
    )


def suspected(lacking: ObjectEvidence) -> ObjectsSuspected:
    return ObjectsSuspected(
        series=ObjectSeries(kind=ObjectKind.SLAB, name="dentry"),
        rate=1.0,
        ci95=(0.9, 1.1),
        sample=FloorSample(floors=8, trials=1, warm_up=0),
        lacking=lacking,
    )


def in_slabs(*, seen: int, needed: int) -> ObjectsSuspected:
    steps = SlabSteps(objects=8, seen=seen, needed=needed)
    return replace(suspected(ObjectEvidence.SLABS), slabs=steps)


def undecided(settlement: Settlement | None) -> GrowthUndecided:
    return GrowthUndecided(
        memory_class=None,
        rate_kib=66.0,
        ci95_kib=(52.0, 79.0),
        limit_kib=64.0,
        settlement=settlement,
    )


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (verdict(), True),
        (verdict(outcome=Outcome.LOST, trials=3), True),
        (verdict(outcome=Outcome.LOST, trials=4), False),
        (verdict(outcome=Outcome.NOT_RUN), False),
        (verdict(Verdict.LEAK), False),
        (verdict(because=undecided(Settlement(own=5))), True),
        (verdict(because=undecided(Settlement(reference=1))), False),
        (verdict(because=undecided(None)), False),
        (
            verdict(
                because=TrialsLeftOut(
                    judged=undecided(None), trials=2, left_out=((Outcome.LOST, 1),)
                )
            ),
            False,
        ),
        (verdict(because=OtherCounterGrew(counters=(), rate_kib=9, ci95_kib=(8, 10))), False),
        (verdict(because=suspected(ObjectEvidence.GUEST)), True),
        (verdict(because=suspected(ObjectEvidence.ROUNDS)), True),
        (verdict(because=suspected(ObjectEvidence.REFERENCE)), False),
        (verdict(because=in_slabs(seen=9, needed=20)), False),
        (verdict(because=in_slabs(seen=9, needed=18)), True),
        (verdict(because=TooFewFloors(floors=2, needed=3)), True),
        (verdict(because=SingleSteps(memory_class=None, steps=((4, 99),), at_most_kib=1)), True),
    ],
)
def test_more_trials_of_a_cell(found: CellVerdict, *, wanted: bool) -> None:
    limits = Limits(trials=2, extra_trials=2)
    assert wants_another(found, limits, planned=2) is wanted
    assert extra_trials([found], limits) == ([CELL] if wanted else [])


def test_a_suspected_count_of_objects_gets_a_guest_of_its_reference_too() -> None:
    reference = verdict(Verdict.CLEAN, cell=GOOD)
    found = verdict(because=suspected(ObjectEvidence.ROUNDS))
    limits = Limits(trials=2, extra_trials=2)
    assert extra_trials([found, reference], limits) == [found.cell, reference.cell]
    only = replace(found, because=suspected(ObjectEvidence.GUEST))
    assert extra_trials([only, reference], limits) == [only.cell]


def test_guests_that_cannot_tell_are_not_run() -> None:
    step = verdict(
        because=SingleSteps(memory_class=None, steps=((4, 99),), at_most_kib=1), trials=1
    )
    assert not wants_another(step, Limits(extra_trials=1), planned=1), "it takes three guests"


def test_the_reference_gets_the_guests_that_would_tell() -> None:
    limits = Limits(trials=1, extra_trials=2)
    clean = verdict(Verdict.CLEAN, trials=1, cell=GOOD)
    both = verdict(because=undecided(Settlement(own=1, reference=2)), trials=1)
    alone = verdict(because=undecided(Settlement(reference=1)), trials=1)
    assert extra_trials([clean, both], limits) == [GOOD, CELL]
    assert extra_trials([clean, alone, replace(alone, cell=OTHER)], limits) == [GOOD], "once"
    assert extra_trials([replace(clean, trials=3), alone], limits) == [], "the limit"
    assert extra_trials([replace(clean, outcome=Outcome.CRASHED), alone], limits) == []


SCENARIO = Scenario(
    title="refused",
    kernels={
        "good": Kernel(name="good", source=DebianKernel(series="6.1")),
        "bad": Kernel(
            name="bad",
            source=DebianKernel(series="6.1"),
            variant=ModuleVariant(directory="fs/btrfs", patches=("a.patch",)),
        ),
        "new": Kernel(name="new", source=DebianKernel(series="6.12")),
    },
    machines={
        "vm": Machine(name="vm", arch=Arch.X86_64, ram_mib=1024),
        "same": Machine(name="same", arch=Arch.X86_64, ram_mib=1024),
    },
    mkfs={"plain": "", "odd": "-O odd", "alike": "-O odd"},
    mount={"none": "", "lzo": "compress=lzo"},
    workloads={
        "small": WorkloadChoice(name="small", use="mix", parameters={"size_mib": 256, "files": 9}),
        "more": WorkloadChoice(name="more", use="mix", parameters={"size_mib": 256, "files": 99}),
        "large": WorkloadChoice(name="large", use="mix", parameters={"size_mib": 512, "files": 9}),
    },
    cells=(),
    references=(),
    limits=Limits(),
    sensitivity=Sensitivity(),
)
REFUSED = Cell(kernel="good", machine="vm", mkfs="odd", mount="lzo", workload="small")


@pytest.mark.parametrize(
    ("reason", "alike", "others"),
    [
        (
            EndReason.MKFS_FAILED,
            ("kernel bad", "machine same", "mkfs alike", "mount none", "workload more"),
            ("kernel new", "mkfs plain", "workload large"),
        ),
        (
            EndReason.MODULE_NOT_LOADED,
            ("machine same", "mkfs plain", "mount none", "workload large"),
            ("kernel bad", "kernel new"),
        ),
        (
            EndReason.MOUNT_FAILED,
            ("machine same", "mkfs alike", "workload more"),
            ("kernel bad", "mkfs plain", "mount none", "workload large"),
        ),
        (
            EndReason.OPTION_NOT_EXERCISED,
            ("machine same", "mkfs alike"),
            ("kernel bad", "mount none", "workload more"),
        ),
    ],
)
def test_what_is_refused_alike(
    reason: EndReason, alike: Sequence[str], others: Sequence[str]
) -> None:
    refusals = Refusals()
    refusals.add(SCENARIO, REFUSED, Outcome.NOT_RUN, reason, "unknown option")
    expected = RefusedAlike(cell=REFUSED, detail="unknown option")
    assert refusals.alike(SCENARIO, REFUSED) == expected

    def differs(what: str) -> Cell:
        axis, value = what.split()
        return replace(REFUSED, **{axis: value})

    assert [one for one in alike if refusals.alike(SCENARIO, differs(one)) is None] == []
    assert [one for one in others if refusals.alike(SCENARIO, differs(one)) is not None] == []


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome.FAILED, EndReason.MOUNT_FAILED),  # it broke in a later round
        (Outcome.NOT_RUN, EndReason.SUITE_UNUSABLE),
        (Outcome.NOT_RUN, None),
        (Outcome.LOST, EndReason.STILL_AT_WORK),
    ],
)
def test_what_says_nothing_of_others(outcome: Outcome, reason: EndReason | None) -> None:
    refusals = Refusals()
    refusals.add(SCENARIO, REFUSED, outcome, reason, "")
    assert refusals.alike(SCENARIO, REFUSED) is None


def test_what_ran_once_is_not_refused() -> None:
    refusals = Refusals()
    refusals.add(SCENARIO, REFUSED, Outcome.NOT_RUN, EndReason.MKFS_FAILED, "no memory")
    ran = replace(REFUSED, kernel="bad")
    refusals.add(SCENARIO, ran, Outcome.PASSED, None, "")
    assert refusals.alike(SCENARIO, ran) is None
    other = replace(REFUSED, mkfs="plain")
    refusals.add(SCENARIO, other, Outcome.NOT_RUN, EndReason.MKFS_FAILED, "")
    refusals.add(SCENARIO, other, Outcome.LOST, EndReason.GUEST_ENDED, "")
    assert refusals.alike(SCENARIO, other) is not None


def test_what_was_left_out_is_not_wanted_for_ever(tmp_path: Path) -> None:
    executed: list[Sequence[TrialKey]] = []

    async def execute(missing: Sequence[TrialKey], _total: int) -> None:
        executed.append(missing)

    wanted = [(CELL, 1)]
    found = run_until_proven(RunDirectory(tmp_path), wanted, execute, lambda: ("judged", wanted))
    assert asyncio.run(found) == "judged"
    assert executed == [wanted]
