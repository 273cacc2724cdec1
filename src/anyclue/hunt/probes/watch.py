"""A probe at work in a trial: its steps, in time."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.hunt.probes.core.probe import Probe, ProbeStep, scratch, send, shell
from anyclue.model.recording import EndReason, Outcome
from anyclue.trial.session import AgentCall, TrialEndedError, Watch

KALLSYMS, SECTIONS = "kallsyms", "sections"
_SECTIONS = scratch("sections")


def symbol_steps(module: str) -> tuple[ProbeStep, ...]:
    """Return what brings home where functions are, and the sections of a module."""
    return (
        send(KALLSYMS, "/proc/kallsyms"),
        shell(f"grep -H '' /sys/module/{module}/sections/.*text* >{_SECTIONS}", must=False),
        send(SECTIONS, _SECTIONS, must=False),
    )


class ProbeWatch(Watch):
    """Runs one probe's steps in one guest; ``module`` is the one whose code is looked up."""

    def __init__(self, probe: Probe, cpus: int, module: str) -> None:
        self._symbols = symbol_steps(module)
        self._probe = probe
        self._cpus = cpus

    async def loaded(self, ask: AgentCall) -> None:
        """Find out whether the probe can work here, and start it.

        Raises:
            TrialEndedError: it cannot.
        """
        asked = await ask("run", payload=self._probe.available)
        if asked.status != 0:
            detail = asked.output.strip() or "not available"
            raise TrialEndedError(Outcome.NOT_RUN, EndReason.PROBE_UNUSABLE, detail)
        await self._take(ask, (*self._symbols, *self._probe.start(self._cpus)))

    async def settled(self, ask: AgentCall) -> None:
        """Look at what a round did."""
        await self._take(ask, self._probe.settled)

    async def at_floor(self, ask: AgentCall) -> None:
        """Look at a floor."""
        await self._take(ask, self._probe.floor)

    async def ended(self, ask: AgentCall) -> None:
        """Bring home what is left."""
        await self._take(ask, self._probe.collect)

    async def _take(self, ask: AgentCall, steps: Sequence[ProbeStep]) -> None:
        for step in steps:
            reply = await ask(step.verb, step.number, step.payload)
            if reply.status != 0 and step.must:
                said = reply.output.strip()[-500:]
                what = f"{step.verb} {step.payload.splitlines()[-1]}"
                raise TrialEndedError(
                    Outcome.NOT_RUN,
                    EndReason.PROBE_UNUSABLE,
                    f"the probe does not work in this guest: {what}: "
                    f"status {reply.status}{f': {said}' if said else ''}",
                )
