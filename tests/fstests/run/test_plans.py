"""What the trials of a run execute next, from what those before them left."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from tests.fixtures.fstests_trials import CELL, Trials

from anyclue.fstests.core.model import Part, TestId
from anyclue.fstests.run import plans
from anyclue.fstests.run.build import SuiteTree
from anyclue.fstests.run.cells import TestsJudge
from anyclue.fstests.run.session import FstestsSuite
from anyclue.model.scenario import Arch, Machine, Scenario, TestChoice, WorkloadChoice
from anyclue.system.store import Artifact
from anyclue.trial.context import Context

CHOICE = TestChoice(tests=("generic/001", "btrfs/001"), tree="/xfstests")
SCENARIO = Scenario(
    title="t",
    kernels={},
    machines={"m": Machine(name="m", arch=Arch.I386, ram_mib=512)},
    mkfs={"d": ""},
    mount={"lzo": "compress=lzo"},
    workloads={"few": WorkloadChoice(name="few", use="fstests", tests=CHOICE)},
    cells=(CELL,),
    references=(),
    userspace="bookworm",
)


def following(run: Trials, monkeypatch: pytest.MonkeyPatch) -> FstestsSuite:
    async def built(*_: object) -> Artifact:
        return Artifact(kind="fstests", key="k", path=Path("/nowhere"))

    tree = SuiteTree(at=Path("/xfstests"), files=(), commit=None, digest="0" * 64)
    monkeypatch.setattr(plans, "read_tree", lambda _: tree)
    monkeypatch.setattr(plans, "build_suite", built)

    async def apt(*_: object) -> None:
        pass

    archive = SimpleNamespace(apt=apt)
    context = cast(Context, SimpleNamespace(store=None, archive=archive))
    key = CELL, run.count + 1
    return asyncio.run(plans.fstests_suites(TestsJudge(run.run), SCENARIO, [key], context))[key]


def test_the_first_trial_runs_the_list(trials: Trials, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = following(trials, monkeypatch).plan
    assert (plan.part, plan.tests, plan.selection) == (Part.LIST, None, CHOICE.tests)


def test_a_test_in_doubt_is_repeated(trials: Trials, monkeypatch: pytest.MonkeyPatch) -> None:
    trials.add(["generic/001", "btrfs/001"], held=[0, 0, 500])
    plan = following(trials, monkeypatch).plan
    doubted = TestId(section="", test="btrfs/001")
    assert (plan.part, plan.tests) == (Part.REPEAT, (doubted,) * CHOICE.repeats)
