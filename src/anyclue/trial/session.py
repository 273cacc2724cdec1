"""The session with a trial's guest: marks, requests within a round's time, the floor."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from anyclue.model.errors import AnyclueError
from anyclue.model.recording import EXACT_OBJECTS, EndReason, EndState, MarkName, Outcome
from anyclue.model.scenario import Limits, Scalar
from anyclue.recordings.telemetry import format_mark
from anyclue.trial.guest.channel import Agent, GuestSilentError, Reply

DEVICE = "/dev/vdb"
QUIESCE_MS = 5000
FLOOR_SAMPLES = 3
BLOCKED_TASKS_S = 2.0


class TrialEndedError(AnyclueError):
    """The trial ended early with an outcome of its own."""

    def __init__(self, outcome: Outcome, reason: EndReason, detail: str) -> None:
        super().__init__(detail)
        self.ending = EndState(outcome=outcome, reason=reason, detail=detail)


@dataclass(frozen=True, kw_only=True)
class RoundDuration:
    """How long a round has taken: in the guest's own time, and in real time.

    ``is_over`` says whether its time is: in real time a guest on a busy machine gets more.
    """

    own_s: float
    real_s: float
    is_over: bool


class AgentCall(Protocol):
    """A request to the guest's agent, within the time that the round has left."""

    async def __call__(self, verb: str, number: int = 0, payload: str = "") -> Reply:
        """Raise what `Agent.request` raises."""
        ...


class Watch:
    """Who looks on at a trial: what it asks of the guest is not part of what is measured.

    This one asks nothing.
    """

    async def loaded(self, ask: AgentCall) -> None:
        """Begin; the module under test is loaded, no round has begun."""

    async def settled(self, ask: AgentCall) -> None:
        """Look at what a round did, before its file system is unmounted."""

    async def at_floor(self, ask: AgentCall) -> None:
        """Look at a floor, after its samples."""

    async def ended(self, ask: AgentCall) -> None:
        """End, after the last round."""


class GuestSession:
    """The session of one trial: what a suite asks of the guest's agent.

    Attributes:
        title: the cell's id, for the log.
        limits: those of the trial.
        round: the number of the round, from 1; 0 outside rounds.
        overdue: what the round had taken when it was given up for its time.
    """

    def __init__(
        self,
        agent: Agent,
        limits: Limits,
        *,
        has_module: bool,
        title: str = "",
        watch: Watch | None = None,
    ) -> None:
        self.title = title
        self.limits = limits
        self.round = 0
        self.overdue: RoundDuration | None = None
        self._agent = agent
        self._clock = agent.clock
        self._has_module = has_module
        self._watch = watch or Watch()
        self._ends = math.inf
        self._began = self._began_real = 0.0

    def begin_round(self, number: int) -> None:
        """Give round ``number`` its time; 0 is what comes before the first."""
        self.round = number
        self._began, self._began_real = self._clock.now(), self._clock.real_s
        self._ends = self._began + self.limits.round_seconds

    def allow(self, seconds: float) -> None:
        """Give the round so much time from now on, if it has less."""
        self._ends = max(self._ends, self._clock.now() + seconds)

    def round_duration(self) -> RoundDuration:
        """Return how long the round has taken until now."""
        return RoundDuration(
            own_s=self._clock.now() - self._began,
            real_s=self._clock.real_s - self._began_real,
            is_over=self._clock.now() >= self._ends,
        )

    async def load_module(self, script: str) -> None:
        """Load the module under test, which is on a disk, by ``script``; do nothing without one.

        Raises:
            TrialEndedError: it does not load.
        """
        if not self._has_module:
            return
        loaded = await self.shell(script)
        if loaded.status != 0:
            raise TrialEndedError(
                Outcome.NOT_RUN,
                EndReason.MODULE_NOT_LOADED,
                f"the module under test does not load: {loaded.output.strip()}",
            )

    async def loaded(self) -> None:
        """Have the guest tell its slab caches, and let the watch begin."""
        await self.request("caches")
        await self._watch.loaded(self.request)

    async def start_sampling(self) -> None:
        """Have the guest read its counters as often as the limits say."""
        await self.request("rate", round(self.limits.sample_hz * 1000))

    async def settled(self) -> None:
        """Let the watch look at what the round did."""
        await self._watch.settled(self.request)

    async def floor(self) -> int:
        """Come to rest and read the floor; return 1 when free memory stood still."""
        still = await self.request("quiesce", QUIESCE_MS)
        await self.request("rate", 0)  # other samples count what is free, and what asking takes
        await self.mark(MarkName.FLOOR_BEGIN)
        exact = await self.request("floor", FLOOR_SAMPLES)
        await self.mark(MarkName.FLOOR_END, {EXACT_OBJECTS: int(exact.status == 0)})
        await self.start_sampling()
        return int(still.status == 0)

    async def end_round(self, facts: Mapping[str, Scalar]) -> None:
        """Let the watch look at the floor; mark the round's end with its facts."""
        await self._watch.at_floor(self.request)
        await self.mark(MarkName.ROUND_END, facts)

    async def end(self) -> None:
        """Stop the samples after the last round."""
        self.round = 0
        await self.request("rate", 0)
        await self._watch.ended(self.request)
        await self.mark(MarkName.TRIAL_END)

    async def shell(self, script: str) -> Reply:
        """Have the guest's shell run ``script``."""
        return await self.request("run", payload=script)

    async def must(self, command: str) -> Reply:
        """Have the guest's shell run ``command``.

        Raises:
            TrialEndedError: it failed.
        """
        ran = await self.shell(command)
        if ran.status != 0:
            detail = f"{command}: {last_lines(ran.output)}"
            raise TrialEndedError(Outcome.FAILED, EndReason.COMMAND_FAILED, detail)
        return ran

    async def mark(self, name: MarkName, data: Mapping[str, Scalar] | None = None) -> None:
        """Note a moment of the trial in its telemetry."""
        await self.request("mark", payload=format_mark(name, self.round, dict(data or {})))

    async def request(self, verb: str, number: int = 0, payload: str = "") -> Reply:
        """Ask the agent, within the time that the round has left.

        Raises:
            GuestSilentError: there is none left; else as `Agent.request`.
        """
        left = self._ends - self._clock.now()
        with contextlib.suppress(GuestSilentError):
            if left > 0:
                return await self._agent.request(verb, number, payload, deadline_s=left)
        self.overdue = self.round_duration()
        raise GuestSilentError(f"round {self.round} took longer than its limit")


def last_lines(output: str) -> str:
    """Return the last lines of a command's output, in one."""
    lines = [line for line in output.strip().splitlines() if line.strip()]
    return " / ".join(lines[-3:])[:400] or "(no output)"


async def blocked_tasks(agent: Agent) -> None:
    """Have the kernel log its memory and every blocked task, and wait for the lines to arrive."""
    for key in "mw":
        agent.sysrq(key)
    await asyncio.sleep(BLOCKED_TASKS_S)
