"""What happens in a guest during a trial: the rounds, each ending at a floor."""

from __future__ import annotations

import asyncio
import math
import shlex
import time
from collections.abc import Sequence
from typing import Protocol

from anyclue.model.errors import AnyclueError
from anyclue.model.recording import MarkName, Outcome
from anyclue.model.scenario import Scalar
from anyclue.model.trial import TrialJob
from anyclue.recordings.procfs import facts
from anyclue.recordings.telemetry import format_mark
from anyclue.trial.guest.channel import Agent, GuestSilentError, Reply

MOUNT_POINT = "/mnt"
DEVICE = "/dev/vdb"
QUIESCE_MS = 5000
FLOOR_SAMPLES = 3
WRONG_CONTENTS = "wrong contents"
BLOCKED_TASKS_S = 2.0


class TrialEndedError(AnyclueError):
    """The trial ended early with an outcome of its own."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail


class AgentCall(Protocol):
    """A request to the guest's agent, within the time that the round has left."""

    async def __call__(self, verb: str, number: int = 0, payload: str = "") -> Reply:
        """Raise what `Agent.request` raises."""
        ...


class Watch(Protocol):
    """Who looks on at a trial: what it asks of the guest is not part of what is measured."""

    async def loaded(self, ask: AgentCall) -> None:
        """Begin; the module under test is loaded, no round has begun."""
        ...

    async def settled(self, ask: AgentCall) -> None:
        """Look at what a round did, before its file system is unmounted."""
        ...

    async def at_floor(self, ask: AgentCall) -> None:
        """Look at a floor, after its samples."""
        ...

    async def ended(self, ask: AgentCall) -> None:
        """End, after the last round."""
        ...


class Procedure:
    """Runs the rounds of one job against a guest's agent."""

    def __init__(self, job: TrialJob, agent: Agent, watch: Watch | None = None) -> None:
        self._job = job
        self._agent = agent
        self._watch = watch
        self._round = 0
        self._round_ends = math.inf
        self._facts: dict[str, Scalar] = {}
        self._extents: dict[str, int] = {}
        self._compression = requested_compression(job.mount)

    async def run(self) -> None:
        """Run all rounds.

        Raises:
            TrialEndedError: the workload failed, could not run, or found corruption.
            GuestSilentError, GuestGoneError: as the agent's requests.
        """
        self._round_ends = time.monotonic() + self._job.limits.round_seconds
        await self._load_module()
        if self._watch:
            await self._watch.loaded(self._request)
        await self._mark(MarkName.TRIAL_BEGIN)
        await self._request("rate", round(self._job.limits.sample_hz * 1000))
        for number in range(1, self._job.limits.rounds + 1):
            self._round = number
            self._round_ends = time.monotonic() + self._job.limits.round_seconds
            await self._one_round()
        self._round = 0
        await self._request("rate", 0)
        if self._watch:
            await self._watch.ended(self._request)
        await self._mark(MarkName.TRIAL_END)
        self._check_exercised()

    async def set_up(self) -> None:
        """Load the module under test and mount its file system, as the first round does."""
        self._round = 1
        self._round_ends = time.monotonic() + self._job.limits.round_seconds
        await self._load_module()
        await self._mount()

    async def _load_module(self) -> None:
        if self._job.payload is None:
            return
        loaded = await self._shell(
            "cd /tmp && tar xf /dev/vda && insmod under-test.ko && rm under-test.ko"
        )
        if loaded.status != 0:
            raise TrialEndedError(
                Outcome.NOT_RUN, f"the module under test does not load: {loaded.output.strip()}"
            )

    async def _one_round(self) -> None:
        workload = self._job.workload
        self._facts = {}
        await self._mark(MarkName.ROUND_BEGIN)
        await self._mount()
        await self._phase(workload.write)
        await self._must("sync")
        await self._count_extents()
        await self._mark(MarkName.FULL)
        await self._phase(workload.exercise)
        await self._phase(workload.remove)
        await self._mark(MarkName.SETTLED)
        await self._request("sample", 1)
        if self._watch:
            await self._watch.settled(self._request)
        await self._must(f"umount {MOUNT_POINT}")
        if self._round == self._job.limits.rounds:
            checked = await self._shell(f"btrfs check {DEVICE}")
            if checked.status != 0:
                raise TrialEndedError(Outcome.CORRUPT, f"btrfs check: {_tail(checked.output)}")
        still = await self._request("quiesce", QUIESCE_MS)
        self._facts["quiesced"] = int(still.status == 0)
        await self._mark(MarkName.FLOOR_BEGIN)
        await self._request("sample", FLOOR_SAMPLES)
        await self._mark(MarkName.FLOOR_END)
        if self._watch:
            await self._watch.at_floor(self._request)
        await self._mark(MarkName.ROUND_END, self._facts)

    async def _mount(self) -> None:
        size = f"{self._job.workload.size_mib}M"
        mkfs = shlex.join(("mkfs.btrfs", "-q", "-f", "-K", "-b", size, *self._job.mkfs, DEVICE))
        made = await self._shell(mkfs)
        if made.status != 0:
            raise TrialEndedError(Outcome.NOT_RUN, f"{mkfs}: {_tail(made.output)}")
        options = ("-o", self._job.mount) if self._job.mount else ()
        mount = shlex.join(("mount", "-t", "btrfs", *options, DEVICE, MOUNT_POINT))
        mounted = await self._shell(f"{mount} && grep ' {MOUNT_POINT} ' /proc/self/mountinfo")
        if mounted.status != 0:
            # Refused at first: the kernel does not know the option. Later: it broke.
            outcome = Outcome.NOT_RUN if self._round == 1 else Outcome.FAILED
            raise TrialEndedError(outcome, f"{mount}: {_tail(mounted.output)}")
        in_force = mounted.output.split()[-1]
        if self._compression and not any(
            option.startswith("=".join(self._compression)) for option in in_force.split(",")
        ):
            raise TrialEndedError(
                Outcome.NOT_RUN,
                f"mounted, but {'='.join(self._compression)} is not in force: {in_force}",
            )
        self._facts["mount_options"] = in_force

    async def _count_extents(self) -> None:
        counted = await self._must(f"fsload extents {MOUNT_POINT}")
        for name, count in facts(counted.output):
            self._facts[name] = count
            self._extents[name] = self._extents.get(name, 0) + count

    def _check_exercised(self) -> None:
        """A cell that asked for compression and compressed nothing has not been tested."""
        if self._compression is None:
            return
        name, kind = self._compression
        if self._extents.get(f"extents_{kind}", 0) == 0:
            raise TrialEndedError(
                Outcome.NOT_RUN, f"{name}={kind} was in force, but no extent on disk is {kind}"
            )

    async def _phase(self, commands: Sequence[Sequence[str]]) -> None:
        for argv in commands:
            command = shlex.join(word.replace("{mnt}", MOUNT_POINT) for word in argv)
            ran = await self._shell(command)
            for name, value in facts(ran.output):
                before = self._facts.get(name, 0)
                self._facts[name] = (before if isinstance(before, int) else 0) + value
            if ran.status != 0:
                corrupt = WRONG_CONTENTS in ran.output
                raise TrialEndedError(
                    Outcome.CORRUPT if corrupt else Outcome.FAILED,
                    f"{command}: exit status {ran.status}: {_tail(ran.output)}",
                )
            self._check_space()

    def _check_space(self) -> None:
        """What space ran out for cannot be verified: that is no fault of the kernel."""
        if self._facts.get("enospc") and self._job.workload.exercise:
            raise TrialEndedError(
                Outcome.NOT_RUN,
                f"{self._job.workload.size_mib} MiB do not hold what {self._job.workload.name} "
                "writes and verifies: raise size_mib, or write less",
            )

    async def _must(self, command: str) -> Reply:
        ran = await self._shell(command)
        if ran.status != 0:
            raise TrialEndedError(Outcome.FAILED, f"{command}: {_tail(ran.output)}")
        return ran

    async def _shell(self, command: str) -> Reply:
        return await self._request("run", payload=command)

    async def _mark(self, name: MarkName, data: dict[str, Scalar] | None = None) -> None:
        await self._request("mark", payload=format_mark(name, self._round, data or {}))

    async def _request(self, verb: str, number: int = 0, payload: str = "") -> Reply:
        left = self._round_ends - time.monotonic()
        if left <= 0:
            raise GuestSilentError(f"round {self._round} took longer than its limit")
        return await self._agent.request(verb, number, payload, deadline_s=left)


def requested_compression(mount: str) -> tuple[str, str] | None:
    """Return the last ``compress`` option among mount options, as (name, kind), if any."""
    asked = None
    for option in mount.split(","):
        name, _, value = option.partition("=")
        if name in ("compress", "compress-force"):
            kind = value.partition(":")[0] or "zlib"
            asked = None if kind in ("no", "none") else (name, kind)
    return asked


def _tail(output: str) -> str:
    lines = [line for line in output.strip().splitlines() if line.strip()]
    return " / ".join(lines[-3:])[:400] or "(no output)"


async def blocked_tasks(agent: Agent) -> None:
    """Have the kernel log its memory and every blocked task, and wait for the lines to arrive."""
    for key in "mw":
        agent.sysrq(key)
    await asyncio.sleep(BLOCKED_TASKS_S)
