"""The rounds of a workload against a scripted agent: what is asked, what becomes of the answers."""

from __future__ import annotations

import asyncio
import json
import pickle
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from anyclue.model.artifact import ArtifactRef
from anyclue.model.recording import EndReason, Outcome
from anyclue.model.scenario import Arch, Cell, Limits, Machine, WorkloadChoice
from anyclue.trial.guest.channel import Agent, GuestSilentError, Reply
from anyclue.trial.guest.steal import GuestClock
from anyclue.trial.model import Accelerator, GuestImage, Shape, TrialJob
from anyclue.trial.run import session_of
from anyclue.trial.session import TrialEndedError
from anyclue.trial.workloads.registry import WORKLOADS
from anyclue.trial.workloads.suite import WorkloadSuite
from anyclue.trial.workloads.workload import WorkloadPlan

REF = ArtifactRef(kind="none", key="0" * 64)
MOUNTED = "33 2 0:27 / /mnt rw,relatime - btrfs /dev/vdb rw,compress=lzo,space_cache=v2\n"
FILL = "files 100\nbytes 100000\ndirect 50\ndirect_fallbacks 0\nenospc 0\n"
EXTENTS = "extents_none 0\nextents_lzo 100\nextents_zlib 0\nextents_inline 100\n"


@dataclass
class Script:
    """Answers commands by how they begin; everything else succeeds and says nothing."""

    answers: dict[str, Reply] = field(default_factory=dict)
    asked: list[tuple[str, int, str]] = field(default_factory=list)
    clock: GuestClock = field(default_factory=GuestClock)

    async def request(
        self, verb: str, number: int = 0, payload: str = "", *, deadline_s: float
    ) -> Reply:
        assert deadline_s > 0
        self.asked.append((verb, number, payload))
        usual = {
            "mount ": Reply(status=0, output=MOUNTED),
            "fsload fill": Reply(status=0, output=FILL),
            "fsload extents": Reply(status=0, output=EXTENTS),
        }
        for begin, reply in {**usual, **self.answers}.items():
            if payload.startswith(begin) or verb == begin:
                return reply
        return Reply(status=0, output="")

    @property
    def commands(self) -> list[str]:
        return [payload for verb, _, payload in self.asked if verb == "run"]

    @property
    def marks(self) -> list[tuple[str, int]]:
        marks = [json.loads(payload) for verb, _, payload in self.asked if verb == "mark"]
        return [(mark["name"], mark["round"]) for mark in marks]


def carry_out(job: TrialJob, script: Script) -> None:
    asyncio.run(job.suite.run(session_of(job, cast(Agent, script)), Path()))


def with_suite(
    job: TrialJob, *, workload: WorkloadPlan | None = None, mount: str = "", mkfs: str = ""
) -> TrialJob:
    """Return the job with parts of its suite replaced."""
    suite = job.suite
    assert isinstance(suite, WorkloadSuite)
    changed = replace(
        suite,
        workload=workload or suite.workload,
        mount=mount or suite.mount,
        mkfs=tuple(shlex.split(mkfs)) or suite.mkfs,
    )
    return replace(job, suite=changed)


def ended(job: TrialJob, **answers: Reply) -> TrialEndedError:
    """Run with answers to commands, by name with ``_`` for the space."""
    named = {name.replace("_", " "): reply for name, reply in answers.items()}
    with pytest.raises(TrialEndedError) as caught:
        carry_out(job, Script(named))
    return caught.value


def failed(output: str, status: int = 1) -> Reply:
    return Reply(status=status, output=output)


@pytest.fixture
def short() -> TrialJob:
    machine = Machine(name="small", arch=Arch.I386, ram_mib=512)
    image = GuestImage(
        shape=Shape.LEAN,
        machine=machine,
        accelerator=Accelerator.TCG,
        kernel=REF,
        initramfs=REF,
        root=None,
        snapshot=REF,
    )
    choice = WorkloadChoice(name="files", use="enospc-small-files", parameters={"files": 100})
    workload = WORKLOADS[choice.use].planned(choice)
    return TrialJob(
        cell=Cell(kernel="bad", machine="small", mkfs="default", mount="lzo", workload="files"),
        trial=1,
        image=image,
        payload=None,
        suite=WorkloadSuite(workload=workload, mkfs=(), mount="compress=lzo"),
        limits=Limits(rounds=2, sample_hz=5),
    )


@pytest.fixture
def mix(short: TrialJob) -> TrialJob:
    workload = WORKLOADS["compression-mix"]
    choice = WorkloadChoice(name="mix", use="compression-mix")
    return with_suite(short, workload=workload.planned(choice))


def test_two_rounds(short: TrialJob) -> None:
    script = Script()
    carry_out(replace(short, payload=ArtifactRef(kind="module", key="k")), script)
    names = ["round-begin", "full", "settled", "floor-begin", "floor-end", "round-end"]
    expected = [(name, number) for number in (1, 2) for name in names]
    assert script.marks == [("trial-begin", 0), *expected, ("trial-end", 0)]
    assert script.commands[0].endswith("do insmod $m || exit; done && rm *.ko")
    assert script.commands[1] == "mkfs.btrfs -q -f -K -b 256M /dev/vdb"
    assert script.commands[2].startswith("mount -t btrfs -o compress=lzo /dev/vdb /mnt && ")
    assert script.commands[3] == "fsload fill /mnt writers=8 files=100 size=1000 direct=2"
    checks = [at for at, command in enumerate(script.commands) if command.startswith("btrfs check")]
    assert checks == [len(script.commands) - 1]
    measures = [(verb, n) for verb, n, _ in script.asked if verb in ("rate", "sample", "floor")]
    one_round = [("sample", 1), ("rate", 0), ("floor", 3), ("rate", 5000)]
    assert measures == [("rate", 5000), *one_round, *one_round, ("rate", 0)]
    verbs = [verb for verb, _, _ in script.asked]
    assert verbs.count("caches") == 1
    assert verbs.index("caches") > next(
        at for at, (_, _, payload) in enumerate(script.asked) if "insmod" in payload
    )


@pytest.mark.parametrize("status", [0, 1])
def test_whether_counts_of_objects_are_exact(short: TrialJob, status: int) -> None:
    script = Script({"floor": Reply(status=status, output="")})
    carry_out(short, script)
    marks = [json.loads(payload) for verb, _, payload in script.asked if verb == "mark"]
    ends = [mark["data"] for mark in marks if mark["name"] == "floor-end"]
    assert ends == [{"exact_objects": 1 - status}] * 2


def test_facts_of_a_round_are_in_its_last_mark(short: TrialJob) -> None:
    script = Script({"quiesce": Reply(status=1, output="")})
    carry_out(short, script)
    marks = [json.loads(payload) for verb, _, payload in script.asked if verb == "mark"]
    facts = [mark["data"] for mark in marks if mark["name"] == "round-end"]
    assert facts[0] == facts[1]
    assert facts[0]["files"] == 100
    assert facts[0]["extents_lzo"] == 100
    assert facts[0]["quiesced"] == 0
    assert facts[0]["mount_options"] == "rw,compress=lzo,space_cache=v2"


def test_a_module_that_does_not_load(short: TrialJob) -> None:
    job = replace(short, payload=ArtifactRef(kind="module", key="k"))
    error = ended(job, cd=failed("insmod: can't insert 'btrfs.ko': invalid module format"))
    assert error.ending.outcome is Outcome.NOT_RUN
    assert "invalid module format" in error.ending.detail


@pytest.mark.parametrize(
    ("name", "reply", "outcome", "said"),
    [
        ("mkfs.btrfs", failed("ERROR: '/dev/vdb' is too small"), Outcome.NOT_RUN, "too small"),
        ("mount_", failed("mount: Invalid argument"), Outcome.NOT_RUN, "Invalid argument"),
        (
            "mount_",
            Reply(status=0, output=MOUNTED.replace("compress=lzo,", "")),
            Outcome.NOT_RUN,
            "compress=lzo is not in force: rw,space_cache=v2",
        ),
        ("fsload_fill", failed("fsload: cannot write /mnt/a: I/O"), Outcome.FAILED, "cannot write"),
        ("sync", failed("sync: error"), Outcome.FAILED, "sync"),
        ("umount", failed("umount: can't unmount /mnt: Busy"), Outcome.FAILED, "Busy"),
        ("btrfs_check", failed("ERROR: errors found in extent"), Outcome.CORRUPT, "errors found"),
        (
            "fsload_extents",
            Reply(status=0, output="extents_none 100\nextents_lzo 0\n"),
            Outcome.NOT_RUN,
            "no extent on disk is lzo",
        ),
    ],
)
def test_ends(short: TrialJob, name: str, reply: Reply, outcome: Outcome, said: str) -> None:
    error = ended(short, **{name: reply})
    assert error.ending.outcome is outcome
    assert said in error.ending.detail


def test_a_mount_that_fails_later_is_a_failure(short: TrialJob) -> None:
    script = Script()
    usual = script.request

    async def request(verb: str, number: int = 0, payload: str = "", *, deadline_s: float) -> Reply:
        if payload.startswith("mount ") and any(c.startswith("mount ") for c in script.commands):
            return failed("mount: wrong fs type")
        return await usual(verb, number, payload, deadline_s=deadline_s)

    script.request = request  # type: ignore[method-assign]
    with pytest.raises(TrialEndedError) as caught:
        carry_out(short, script)
    assert caught.value.ending.outcome is Outcome.FAILED


def test_wrong_contents_are_corruption(mix: TrialJob) -> None:
    wrong = "fsload: /mnt/text-buffered-1000-0: wrong contents at byte 17"
    assert ended(mix, fsload_verify=failed(wrong)).ending.outcome is Outcome.CORRUPT
    short_file = "fsload: /mnt/text-buffered-1000-0: size is 3, expected 1000"
    assert ended(mix, fsload_verify=failed(short_file)).ending.outcome is Outcome.FAILED


@pytest.mark.parametrize("verb", ["write", "overwrite"])
def test_no_space_for_what_is_verified_is_no_accusation(mix: TrialJob, verb: str) -> None:
    """What did not fit would be found missing, or half overwritten, by the verification."""
    error = ended(mix, **{f"fsload_{verb}": Reply(status=0, output="files 60\nenospc 1\n")})
    assert error.ending.outcome is Outcome.NOT_RUN
    assert "size_mib" in error.ending.detail


def test_running_out_of_space_is_what_some_workloads_are_for(short: TrialJob) -> None:
    carry_out(short, Script({"fsload fill": Reply(status=0, output="files 9\nenospc 1\n")}))


def test_a_round_has_a_deadline(short: TrialJob) -> None:
    job = replace(short, limits=replace(short.limits, round_seconds=0.0))
    with pytest.raises(GuestSilentError, match="longer than its limit"):
        carry_out(job, Script())


def test_hostile_options_stay_arguments(short: TrialJob) -> None:
    job = with_suite(short, mount="noatime; reboot", mkfs="-L 'a b; $(x)'")
    script = Script()
    carry_out(job, script)
    assert script.commands[0] == "mkfs.btrfs -q -f -K -b 256M -L 'a b; $(x)' /dev/vdb"
    assert script.commands[1].startswith("mount -t btrfs -o 'noatime; reboot' /dev/vdb")


def test_a_suite_goes_to_another_process(short: TrialJob) -> None:
    assert pickle.loads(pickle.dumps(short)) == short


def test_every_outcome_is_worded(short: TrialJob) -> None:
    build: Callable[[str], TrialEndedError] = lambda out: ended(short, sync=failed(out))  # noqa: E731
    assert build("").ending.detail == "sync: (no output)"
    assert len(build("x" * 9000).ending.detail) < 500


def test_a_workload_mounts_again_as_the_cell_has_it(short: TrialJob) -> None:
    choice = WorkloadChoice(name="m", use="mounts", parameters={"mounts": 3})
    job = with_suite(short, workload=WORKLOADS["mounts"].planned(choice))
    script = Script()
    carry_out(job, script)
    (again, *_) = [command for command in script.commands if "umount /mnt &&" in command]
    words = shlex.split(again)
    assert words[:2] == ["sh", "-c"]
    assert "umount /mnt && mount -t btrfs -o compress=lzo /dev/vdb /mnt && fsload" in words[2]
    assert "-lt 3 ]" in words[2]


def test_a_check_that_went_wrong_itself_accuses_nobody(short: TrialJob) -> None:
    assert isinstance(short.suite, WorkloadSuite)
    suite = replace(short.suite, file_system="ext4", mount="")
    job = replace(short, suite=suite)
    error = ended(job, e2fsck=failed("e2fsck: out of memory", status=8))
    assert error.ending.outcome is Outcome.NOT_RUN
    assert error.ending.reason is EndReason.CHECK_NOT_RUN
    assert "exit status 8, which says nothing of it: e2fsck -fn: " in error.ending.detail
    damaged = ended(job, e2fsck=failed("Block bitmap differences", status=4))
    assert damaged.ending.outcome is Outcome.CORRUPT
