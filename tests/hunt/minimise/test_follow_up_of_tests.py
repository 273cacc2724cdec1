"""The fewest tests of a guilty group, with answers instead of guests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pytest

from anyclue.fstests.core.evidence import Trial, gather
from anyclue.fstests.core.model import Part
from anyclue.fstests.core.verdicts import cell_verdict, findings
from anyclue.hunt.clue.model import Reproducer
from anyclue.hunt.conclusion import conclude
from anyclue.hunt.judge import JudgedRun
from anyclue.hunt.minimise.follow_up import fewest_tests
from anyclue.hunt.minimise.variations import (
    NotRunError,
    Runner,
    StoredVariations,
    Value,
    Variations,
)
from anyclue.model.scenario import Axis, Cell, TestChoice, WorkloadChoice
from anyclue.recordings.run_directory import RunDirectory
from anyclue.scenarios.read import read_scenario

LIST = ["btrfs/001", "btrfs/002", "btrfs/003", "generic/001"]
SCENARIO = """
schema = 1
title = "a group"
[kernels.k]
debian = "6.1"
[machines.m]
arch = "i386"
ram = "512 MiB"
[mount]
lzo = "compress=lzo"
[mkfs]
d = ""
[fstests.few]
tests = ["btrfs/001"]
[plan]
reference = { kernel = "k" }
"""


class Trials(Protocol):
    add: Callable[..., None]

    def read(self) -> tuple[Trial, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Answers(Variations):
    """Says which groups are guilty, and keeps what was asked."""

    wanted: frozenset[str]
    asked: list[TestChoice] = field(default_factory=list)
    runner: Runner | None = None
    stored: bool = True

    async def still_guilty(self, values: Sequence[Value]) -> tuple[bool, ...]:
        if not self.stored:
            raise NotRunError
        answers = []
        for value in values:
            assert isinstance(value, WorkloadChoice)
            assert value.tests is not None
            self.asked.append(value.tests)
            answers.append(self.wanted <= set(value.tests.tests))
        return tuple(answers)


def growing(group: Sequence[str], by: float) -> list[float]:
    levels = [0.0]
    for _ in range(5):
        levels += [levels[-1]] * (len(group) - 1)
        levels.append(levels[-1] + by)
    return levels


@pytest.fixture
def hunted(trials: Trials, cell: Cell, tmp_path: Path) -> Callable[..., Answers]:
    def made(wanted: set[str], *, stored: bool = True) -> Answers:
        scenario = read_scenario(SCENARIO, origin="a.toml", base=tmp_path, workloads={})
        gathered = gather(trials.read())
        tests = findings(gathered, least_kib=64.0)
        verdict = cell_verdict(cell, gathered, tests, None, frozenset())
        judged = JudgedRun(
            run=RunDirectory(tmp_path / "run"),
            scenario=scenario,
            recordings={},
            trials={},
            findings=replace(conclude([verdict]), tests={cell: tests}),
        )
        return Answers(
            name="tests",
            axis=Axis.WORKLOAD,
            judged=judged,
            fault=conclude([verdict]).faults[0],
            source=StoredVariations(),
            wanted=frozenset(wanted),
            stored=stored,
        )

    return made


def asked(of: Answers) -> Reproducer | None:
    return asyncio.run(fewest_tests(of))


def leak_behind_others(trials: Trials) -> None:
    trials.add(LIST, held=[0, 0, 0, 0, 700])
    trials.add(["generic/001"] * 5, held=[0, 10, 10, 12, 10, 12], part=Part.REPEAT)
    trials.add(LIST * 5, held=growing(LIST, 690), part=Part.GROUP)


def test_a_leak_that_needs_one_test_before_it(
    trials: Trials, hunted: Callable[..., Answers]
) -> None:
    leak_behind_others(trials)
    of = hunted({"btrfs/002", "generic/001"})
    found = asked(of)
    assert found is not None
    assert found.tests == ("btrfs/002", "generic/001")
    assert "./check btrfs/002; ./check generic/001" in found.script
    assert "-o compress=lzo" in found.script
    assert "TEST_DEV=" not in found.script
    assert of.asked[0].tests == ("generic/001", "-i 5")
    assert found.reduced[0] == "generic/001: not guilty, or not proven"


def test_a_test_that_leaks_alone_is_all_it_takes(
    trials: Trials, hunted: Callable[..., Answers]
) -> None:
    trials.add(LIST, held=[0, 0, 0, 0, 700])
    trials.add(["generic/001"] * 5, held=growing(["generic/001"], 690), part=Part.REPEAT)
    of = hunted(set())
    found = asked(of)
    assert found is not None
    assert found.tests == ("generic/001",)
    assert of.asked == []


def test_what_was_not_run_is_told(trials: Trials, hunted: Callable[..., Answers]) -> None:
    """All tests together are known to leak; how many guests it takes to know of fewer is said."""
    leak_behind_others(trials)
    found = asked(hunted(set(), stored=False))
    assert found is not None
    assert found.tests == tuple(LIST)
    assert found.reduced == ()
    assert found.more_guests > 0
