"""The procedure of fstests against a scripted agent: what it asks for, and what it keeps."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from anyclue.fstests.core.configuration import DEVICES
from anyclue.fstests.core.model import Part, SectionPlan, TestId, TestPlan, TrialRecord
from anyclue.fstests.run import session as procedure
from anyclue.fstests.run.journal import read_record
from anyclue.fstests.run.session import FstestsSuite
from anyclue.model.artifact import ArtifactRef
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Limits
from anyclue.trial.guest.channel import Agent, GuestGoneError, Reply
from anyclue.trial.guest.steal import GuestClock
from anyclue.trial.session import DEVICE, AgentCall, GuestSession, TrialEndedError, Watch

LISTING = "FSTYP         -- btrfs\n\nbtrfs/001   \nbtrfs/002          [expunged]\nbtrfs/003   \n"
SECTION = SectionPlan(
    options={"FSTYP": "btrfs", "MKFS_OPTIONS": "-n 16k", "MOUNT_OPTIONS": "-o ssd"},
    config='export FSTYP="btrfs"\n',
)
PLAN = TestPlan(
    suite=ArtifactRef(kind="fstests", key="k"),
    sections={"": SECTION},
    selection=("-g", "quick"),
    arguments=("-L", "2"),
)


@dataclass
class Guest:
    """Answers commands by what is in them; dies at the one that ``dies_at`` is in."""

    answers: Mapping[str, Reply]
    dies_at: str = "never"
    floors: list[Reply] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    marks: list[tuple[str, int, str]] = field(default_factory=list)
    clock: GuestClock = field(default_factory=GuestClock)

    async def request(
        self, verb: str, _number: int = 0, payload: str = "", *, deadline_s: float
    ) -> Reply:
        assert deadline_s > 0
        if verb == "mark":
            mark = json.loads(payload)
            self.marks.append((mark["name"], mark["round"], mark["data"].get("test", "")))
        if verb == "run":
            self.commands.append(payload)
            if "cat /proc/meminfo" in payload and self.floors:
                return self.floors.pop(0)
            if self.dies_at in payload:
                raise GuestGoneError("the guest ended")
        found = (reply for part, reply in self.answers.items() if part in payload)
        return next(found, Reply(status=0, output=""))

    @property
    def checks(self) -> list[str]:
        """The arguments of check, in order."""
        return [c.partition("./check ")[2] for c in self.commands if "./check " in c]


def carry_out(
    plan: TestPlan, place: Path, words: Mapping[str, str], dies_at: str = "never"
) -> Guest:
    passed = {
        f" {test}": Reply(status=0, output=words["pass"].format(test=test))
        for test in ("btrfs/001", "btrfs/003")
    }
    guest = Guest({"-n -g": Reply(status=0, output=LISTING), **passed}, dies_at)
    run(plan, place, guest)
    return guest


def run(plan: TestPlan, place: Path, guest: Guest, watch: Watch | None = None) -> None:
    (place / "results.img").write_bytes(bytes(1 << 20))
    agent = cast(Agent, guest)
    session = GuestSession(agent, Limits(), has_module=True, watch=watch)
    asyncio.run(FstestsSuite(plan=plan).run(session, place))


def record(place: Path) -> TrialRecord:
    found = read_record(place)
    assert found is not None
    return found


def test_a_suite_goes_to_another_process() -> None:
    suite = FstestsSuite(plan=PLAN)
    assert pickle.loads(pickle.dumps(suite)) == suite
    assert suite.disk.artifact == PLAN.suite


def test_one_call_for_each_test_of_the_list(tmp_path: Path, words: Mapping[str, str]) -> None:
    guest = carry_out(PLAN, tmp_path, words)
    assert guest.checks == [
        "-n -g quick",
        "-R xunit-quiet -L 2 btrfs/001",
        "-R xunit-quiet -L 2 btrfs/003",
    ]
    made = [command for command in guest.commands if "mkfs" in command]
    assert made == ["wipefs -qa /dev/vdb && mkfs -t btrfs -n 16k /dev/vdb"] * 2  # fresh again
    warm_up = guest.commands.index(made[0]) + 1
    assert guest.commands[warm_up].startswith("mount -t btrfs -o ssd /dev/vdb /mnt/test && ")
    floors = [mark[:2] for mark in guest.marks if mark[0] == "floor-begin"]
    assert floors == [("floor-begin", number) for number in (0, 1, 2)]
    begun = [mark for mark in guest.marks if mark[0] == "round-begin"]
    assert begun == [("round-begin", 1, "btrfs/001"), ("round-begin", 2, "btrfs/003")]
    kept = record(tmp_path)
    assert kept.expunged == (TestId(section="", test="btrfs/002"),)
    assert [call.status for call in kept.calls] == [0, 0]
    printed = (tmp_path / "results" / kept.calls[0].output).read_text()
    assert "Passed all 1 tests" in printed


class Watched(Watch):
    """Looks on, and notes between which commands."""

    def __init__(self) -> None:
        self.saw: list[str] = []

    async def loaded(self, ask: AgentCall) -> None:
        await self._look("loaded", ask)

    async def settled(self, ask: AgentCall) -> None:
        await self._look("settled", ask)

    async def at_floor(self, ask: AgentCall) -> None:
        await self._look("at floor", ask)

    async def ended(self, ask: AgentCall) -> None:
        await self._look("ended", ask)

    async def _look(self, name: str, ask: AgentCall) -> None:
        self.saw.append(name)
        await ask("run", payload=f"look: {name}")


def test_each_test_is_a_round_to_who_looks_on(tmp_path: Path, words: Mapping[str, str]) -> None:
    passed = Reply(status=0, output=words["pass"].format(test="btrfs/001"))
    guest, watch = Guest({" btrfs/001": passed}), Watched()
    twice = (TestId(section="", test="btrfs/001"),) * 2
    run(replace(PLAN, tests=twice, part=Part.REPEAT), tmp_path, guest, watch)
    assert watch.saw == ["loaded", *["settled", "at floor"] * 2, "ended"]
    said = guest.commands
    assert said.index("look: loaded") < said.index(next(c for c in said if "./check " in c))
    for looked in (n for n, command in enumerate(said) if command == "look: settled"):
        assert "./check " in said[looked - 1]
        assert said[looked + 1].startswith("umount")


def test_what_a_dead_guest_began_is_kept(tmp_path: Path, words: Mapping[str, str]) -> None:
    with pytest.raises(GuestGoneError):
        carry_out(PLAN, tmp_path, words, dies_at="xunit-quiet -L 2 btrfs/003")
    kept = record(tmp_path)
    assert [str(test) for test in kept.tests] == ["btrfs/001", "btrfs/003"]
    assert [call.status for call in kept.calls] == [0, None]


def test_passes(tmp_path: Path, words: Mapping[str, str]) -> None:
    carry_out(replace(PLAN, passes=3), tmp_path, words)
    assert [call.test for call in record(tmp_path).calls] == ["btrfs/001", "btrfs/003"] * 3


def meminfo(held_kib: int) -> str:
    counters = {
        "MemTotal": 500_000, "MemFree": 400_000 - held_kib, "Buffers": 0, "Cached": 1000,
        "Active(file)": 500, "Inactive(file)": 500, "Unevictable": 0, "Mlocked": 0,
        "AnonPages": 0, "Shmem": 0, "SReclaimable": 2000, "SUnreclaim": 3000 + held_kib,
        "KernelStack": 300, "PageTables": 100, "Percpu": 100, "VmallocUsed": 1000,
    }  # fmt: skip
    lines = [f"{name}: {kib} kB" for name, kib in counters.items()]
    return "\n".join([*lines, "Node 0", "  count: 0", ""])


def levels(*held_kib: int) -> list[Reply]:
    """What a guest says of its memory at one floor after the other; one reading of three is odd."""
    return [Reply(status=0, output=meminfo(held + 252) + 2 * meminfo(held)) for held in held_kib]


@pytest.mark.parametrize(
    ("held", "ran"),
    [
        ([0, 10, 20], ["btrfs/001", "btrfs/003"]),
        ([0, 480, 490, 500], ["btrfs/001", "btrfs/001", "btrfs/003"]),
        ([500, 500, 100, 100], ["btrfs/001", "btrfs/003", "btrfs/003"]),
        ([0, 480, 960, 1440, 1920], ["btrfs/001", "btrfs/001", "btrfs/003", "btrfs/003"]),
    ],
)
def test_a_test_after_which_memory_moved_runs_again_at_once(
    tmp_path: Path, words: Mapping[str, str], held: list[int], ran: list[str]
) -> None:
    passed = {
        f" {test}": Reply(status=0, output="FSTYP  -- btrfs\n" + words["pass"].format(test=test))
        for test in ("btrfs/001", "btrfs/003")
    }
    guest = Guest({"-n -g": Reply(status=0, output=LISTING), **passed}, floors=levels(*held))
    run(PLAN, tmp_path, guest)
    calls = record(tmp_path).calls
    assert [call.test for call in calls] == ran
    assert [call.again for call in calls] == [b == a for a, b in zip(["", *ran], ran, strict=False)]


def test_a_second_run_of_which_check_says_nothing(
    tmp_path: Path, words: Mapping[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    passed = Reply(status=0, output="FSTYP  -- btrfs\n" + words["pass"].format(test="btrfs/001"))

    class Forgetful(Guest):
        async def request(
            self, verb: str, _number: int = 0, payload: str = "", *, deadline_s: float
        ) -> Reply:
            first = not any(" btrfs/001" in command for command in self.commands)
            reply = await super().request(verb, _number, payload, deadline_s=deadline_s)
            return passed if first and " btrfs/001" in payload else reply

    caplog.set_level("INFO")
    listing = {"-n -g": Reply(status=0, output=LISTING)}
    run(PLAN, tmp_path, Forgetful(listing, floors=levels(0, 480, 960, 960)))
    assert [c.test for c in record(tmp_path).calls] == ["btrfs/001", "btrfs/001", "btrfs/003"]
    assert caplog.messages == [
        ": 1 of 2 tests ran, the last was btrfs/001: passed",
        ": 2 of 2 tests ran, the last was btrfs/003: lost",
    ]


def test_a_list_that_runs_several_times_runs_nothing_twice_in_a_row(
    tmp_path: Path, words: Mapping[str, str]
) -> None:
    told = Reply(status=0, output="FSTYP  -- btrfs\n" + words["pass"].format(test="btrfs/001"))
    answers = {"-n -g": Reply(status=0, output=LISTING), " btrfs/": told}
    plan = replace(PLAN, passes=2)
    run(plan, tmp_path, Guest(answers, floors=levels(0, 480, 960, 1440, 1920)))
    assert [call.test for call in record(tmp_path).calls] == ["btrfs/001", "btrfs/003"] * 2


def test_a_test_that_was_not_run_is_not_run_again(tmp_path: Path, words: Mapping[str, str]) -> None:
    told = Reply(status=0, output="FSTYP  -- btrfs\n" + words["not run"].format(test="btrfs/001"))
    answers = {"-n -g": Reply(status=0, output=LISTING), " btrfs/001": told}
    run(PLAN, tmp_path, Guest(answers, floors=levels(0, 480, 480)))
    assert [call.test for call in record(tmp_path).calls] == ["btrfs/001", "btrfs/003"]


def test_a_failure_ends_the_list_when_asked_to(tmp_path: Path, words: Mapping[str, str]) -> None:
    failed = Reply(status=1, output="FSTYP  -- btrfs\n" + words["fail"].format(test="btrfs/001"))
    guest = Guest({"-n -g": Reply(status=0, output=LISTING), " btrfs/001": failed})
    run(replace(PLAN, stop_at_failure=True), tmp_path, guest)
    kept = record(tmp_path)
    assert [call.test for call in kept.calls] == ["btrfs/001"]
    assert kept.stopped


def test_a_long_list_is_left_to_the_next_guest(
    tmp_path: Path, words: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(procedure, "MOST_S", -1.0)
    carry_out(PLAN, tmp_path, words)
    kept = record(tmp_path)
    assert (len(kept.tests), len(kept.calls), kept.stopped) == (2, 1, False)


def test_a_list_of_nothing_that_check_knows_names_what_it_was(tmp_path: Path) -> None:
    listing = "btrfs/999 - unknown test, ignored\nFSTYP         -- btrfs\n\n"
    run(PLAN, tmp_path, Guest({"-n -g": Reply(status=0, output=listing)}))
    kept = record(tmp_path)
    assert (kept.tests, kept.unknown, kept.calls) == ((), ("btrfs/999",), ())


@pytest.mark.parametrize(
    ("part", "output", "outcome", "words"),
    [
        ("insmod", "invalid module format", Outcome.NOT_RUN, "does not load"),
        ("squashfs", "no such device", Outcome.LOST, "cannot be mounted"),
        ("modprobe", "", Outcome.NOT_RUN, "the guest's kernel has no btrfs"),
        ("mkfs", "bad option", Outcome.NOT_RUN, "bad option"),
        ("-n -g", "check: failed to mkfs", Outcome.NOT_RUN, "check lists no tests"),
    ],
)
def test_a_guest_that_cannot_run_it(
    tmp_path: Path, part: str, output: str, outcome: Outcome, words: str
) -> None:
    with pytest.raises(TrialEndedError, match=words) as caught:
        run(PLAN, tmp_path, Guest({part: Reply(status=1, output=output)}))
    assert caught.value.ending.outcome is outcome


def test_the_configuration_names_the_guests_own_disk() -> None:
    assert DEVICES["TEST_DEV"] == DEVICE
