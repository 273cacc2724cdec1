"""One step of git bisect run, with a fake guest: what counts as good, bad, and cannot tell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from anyclue.bisect.core.model import BisectTerm
from anyclue.bisect.run.step import StepRequest, step
from anyclue.model.errors import RequestError
from anyclue.model.verdict import Verdict
from anyclue.trial.context import Context

if TYPE_CHECKING:
    from tests.bisect.run.conftest import World


def shown(world: World, kind: Verdict = Verdict.LEAK) -> BisectTerm:
    asked = StepRequest(
        tree=world.forge.path,
        scenario=world.path / "b.toml",
        cell=None,
        kind=kind,
        out=world.path / f"run-{len(world.runs)}",
    )
    return asyncio.run(step(asked, cast(Context, None))).term


@pytest.mark.parametrize(
    ("text", "leak", "broken"),
    [
        ("int a;\n", BisectTerm.GOOD, BisectTerm.GOOD),
        ("/* leak */\n", BisectTerm.BAD, BisectTerm.SKIP),
        ("/* surge */\n", BisectTerm.GOOD, BisectTerm.GOOD),
        ("/* crash */\n", BisectTerm.SKIP, BisectTerm.BAD),
    ],
)
def test_what_the_work_tree_shows(
    world: World, text: str, leak: BisectTerm, broken: BisectTerm
) -> None:
    world.commit("int committed;\n")
    world.forge.write({"fs/btrfs/lzo.c": text})
    assert shown(world) is leak
    assert shown(world, Verdict.BROKEN) is broken


def test_a_work_tree_that_does_not_build_or_has_no_such_directory(world: World) -> None:
    world.commit("#error no\n")
    with pytest.raises(RequestError, match="#error no"):
        shown(world)
    world.forge.commit("main", None, {"fs/btrfs/Makefile": None, "fs/btrfs/lzo.c": None, "a": ""})
    with pytest.raises(RequestError, match="has no fs/btrfs"):
        shown(world)


def test_a_kernel_from_git_is_said_to_be_the_bisections(world: World) -> None:
    world.from_git()
    world.commit("int a;\n")
    with pytest.raises(RequestError, match="kernels from git are run by anyclue bisect"):
        shown(world)
