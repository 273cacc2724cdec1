"""What git bisect was told before steers a new bisection, and proves nothing in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.bisect.core.model import BisectionStatus, BisectTerm
from anyclue.bisect.request import Bisection, BisectRequest, begin
from anyclue.model.errors import InfrastructureError, RequestError

if TYPE_CHECKING:
    from tests.bisect.run.conftest import World

LEAK, COMMITS = "/* leak */", 40


def linear(world: World, culprit: int) -> list[str]:
    """Return commits of which the one numbered leaks, and all after it."""
    marked = [LEAK if number >= culprit else "" for number in range(COMMITS)]
    return [world.commit(f"{mark}\nint number_{n};\n") for n, mark in enumerate(marked)]


def log_of(world: World, ids: list[str], **said: int) -> Path:
    """Have git bisect told of the ends and of some commits; return a file with its log."""
    world.forge.git("bisect", "start", ids[-1], ids[0])
    for word, number in said.items():
        world.forge.git("bisect", word, ids[number])
    file = world.path / "its.log"
    file.write_text(world.forge.git("bisect", "log"))
    world.forge.git("bisect", "reset")
    return file


def going_on(world: World, log: Path, name: str = "run") -> Bisection:
    run = world.path / name
    scenario = world.path / "b.toml"
    return begin(
        BisectRequest(tree=world.forge.path, scenario=scenario, cell=None, out=run, log=log)
    )


def test_a_log_saves_runs_and_is_no_run(world: World) -> None:
    ids = linear(world, 21)
    alone = world.run(going_on(world, log_of(world, ids), "alone"))
    world.runs.clear()
    found = world.run(going_on(world, log_of(world, ids, good=18, bad=23, skip=20)))
    assert [one.commit for one in found.accused] == [ids[21]]
    assert len(found.runs) < len(alone.runs)
    assert [one.observation.commit[:16] for one in found.runs] == [
        n for n in world.runs if n != "reverted"
    ]


def test_a_log_that_is_wrong_costs_runs_and_nothing_else(world: World) -> None:
    ids = linear(world, 21)
    found = world.run(going_on(world, log_of(world, ids, good=24, bad=30)))
    assert found.status is BisectionStatus.FOUND
    assert [one.commit for one in found.accused] == [ids[21]]


def test_it_proves_nothing(world: World) -> None:
    ids = linear(world, 21)
    found = world.run(going_on(world, log_of(world, ids, good=20, bad=21)))
    for number, shown in ((20, BisectTerm.GOOD), (21, BisectTerm.BAD)):
        made = [one.observation.term for one in found.runs if one.observation.commit == ids[number]]
        assert made == [shown, shown]


def test_resumed_it_goes_on_from_the_log(world: World) -> None:
    ids = linear(world, 21)
    world.stop_after = 3
    with pytest.raises(InfrastructureError):
        world.run(going_on(world, log_of(world, ids, good=20, bad=21)))
    world.stop_after = 1000
    assert [one.commit for one in world.resume().accused] == [ids[21]]
    assert len(world.runs) < 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xff\x00", "is no text"),
        (b"", "names no bad end"),
        (b"hello\n", "line 1: not a line of git bisect log"),
        (b"git bisect bad " + b"0" * 40, "names no good end"),
        (b"git bisect start " + b"1" * 40, "names no bad end"),
    ],
)
def test_what_is_no_log_is_refused(world: World, text: bytes, said: str) -> None:
    linear(world, 21)
    log = world.path / "no.log"
    log.write_bytes(text)
    with pytest.raises(RequestError, match=f"{re.escape(str(log))}.*{said}"):
        going_on(world, log)
    log.unlink()
    with pytest.raises(RequestError, match="cannot read: No such file"):
        going_on(world, log)
    assert not (world.path / "run").exists()
