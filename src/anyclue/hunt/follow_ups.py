"""The follow-ups of all faults of a run, probes among them: planned, run in order, what is left."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import chain

from anyclue.hunt.judge import JudgedRun
from anyclue.hunt.localise.symptoms import accused_kernels
from anyclue.hunt.minimise.follow_up import mean_seconds, read_follow_ups
from anyclue.hunt.minimise.follow_up import run_follow_up as run_minimising
from anyclue.hunt.minimise.plan import FollowUpKind, FollowUpStep, in_order
from anyclue.hunt.minimise.variations import DIRECTORY, Runner, further_directory
from anyclue.hunt.model import Fault
from anyclue.hunt.probes import selection
from anyclue.hunt.probes.core.registry import PROBES
from anyclue.hunt.probes.run import cannot_probe, run_probes, was_probed
from anyclue.model.scenario import Cell
from anyclue.recordings.run_directory import RunDirectory
from anyclue.system.time_limit import TimeLimit, TimeLimitReachedError
from anyclue.trial.context import Context
from anyclue.trial.model import TrialExecutor

log = logging.getLogger(__name__)


async def run_follow_ups(
    judged: JudgedRun,
    context: Context,
    executors: Callable[[RunDirectory], TrialExecutor],
    *,
    guests: int | None = None,
    time_limit: TimeLimit | None = None,
    jobs: int | None = None,
) -> None:
    """Follow up every fault, the most telling step first; what is stored does not run again.

    Args:
        judged: the run.
        context: where guests are prepared.
        executors: makes the executor for a run directory.
        guests: at most so many follow up each fault; without it as the scenario's limits say.
        time_limit: until when guests may begin.
        jobs: at most so many guests of a probe side by side; without it as many as fit.

    Raises:
        InfrastructureError: the machine failed; what is recorded stays, and can be resumed.
    """
    limit = time_limit or TimeLimit()
    allowed = guests if guests is not None else judged.scenario.limits.follow_up_guests
    faults = judged.findings.faults
    steps = in_order(await steps_left(judged))
    for number, step in enumerate(steps):
        if limit.is_reached:
            log.info("the time is up: what is left of the follow-ups is not run")
            return
        left = allowed - guests_run(judged, faults[step.fault])
        if step.kind is FollowUpKind.PROBE:
            if step.guests <= left:
                await _probe(judged, step, context, limit, jobs)
        else:
            scripts = (
                one.guests
                for one in steps[number + 1 :]
                if (one.kind, one.fault) == (FollowUpKind.SCRIPT, step.fault)
            )
            runner = Runner(context=context, executor=executors, guests=left - sum(scripts))
            await run_minimising(judged, step, runner)


async def _probe(
    judged: JudgedRun,
    step: FollowUpStep,
    context: Context,
    time_limit: TimeLimit,
    jobs: int | None,
) -> None:
    assert step.cell is not None  # noqa: S101 - of a probe it is known
    beside = selection.nearest_innocent(
        judged.findings, judged.findings.faults[step.fault], step.cell
    )
    probes = (PROBES[step.subject],)
    try:
        await run_probes(judged, context, step.cell, beside, probes, time_limit, jobs)
    except TimeLimitReachedError:
        log.info("the time is up: probe %s did not run to its end", step.subject)


async def steps_left(judged: JudgedRun) -> tuple[FollowUpStep, ...]:
    """Return what was not run yet of the follow-ups of each fault, probes among them."""
    follow_ups = await read_follow_ups(judged)
    return (*probe_steps(judged), *chain.from_iterable(one.left for one in follow_ups))


def probe_steps(judged: JudgedRun) -> tuple[FollowUpStep, ...]:
    """Return the probes that are called for and did not run; each once, for the first fault.

    Kernels that show the same may be at fault in different places: each is looked at.
    """
    run, steps = judged.run, {}
    for number, fault in enumerate(judged.findings.faults):
        before: dict[Cell, int] = {}
        for name, cell, cells in _wanted_probes(judged, fault):
            if cannot_probe(run, PROBES[name], cell):
                continue
            missing = sum(not was_probed(run, PROBES[name], one) for one in cells)
            earlier = before.get(cell, 0)
            before[cell] = earlier + 1
            if missing and (name, cell) not in steps:
                seconds = mean_seconds(judged, cell)
                steps[name, cell] = FollowUpStep(
                    kind=FollowUpKind.PROBE,
                    fault=number,
                    subject=name,
                    cell=cell,
                    guests=missing,
                    seconds=seconds * missing if seconds is not None else None,
                    begun=missing < len(cells),
                    before=earlier,
                )
    return tuple(steps.values())


def _wanted_probes(judged: JudgedRun, fault: Fault) -> list[tuple[str, Cell, tuple[Cell, ...]]]:
    """Return the probes of a fault by name, with the guilty cell and all cells that it needs."""
    wanted: list[tuple[str, Cell, tuple[Cell, ...]]] = []
    for kernel in accused_kernels(fault):
        cells = [one.cell for one in kernel.cells]
        guilty = fault.lead if fault.lead in cells else cells[0]
        beside = selection.nearest_innocent(judged.findings, fault, guilty)
        needed = (guilty, beside) if beside is not None else (guilty,)
        probes = selection.probes_to_run(judged.scenario, judged.findings, fault, guilty)
        wanted += [(one.name, guilty, needed) for one in probes]
    return wanted


def guests_run(judged: JudgedRun, fault: Fault) -> int:
    """Return how many guests have followed up a fault so far, probes among them."""
    faults, place = judged.findings.faults, judged.run.path / DIRECTORY
    if fault is faults[0]:
        further = {further_directory(one) for one in faults[1:]}
        runs = [one for one in place.glob("*") if one.name not in further]
    else:
        runs = list((place / further_directory(fault)).glob("*"))
    guests = sum(1 for run in runs for _ in run.glob("cells/*/trial-*"))
    probed = {
        (name, cell)
        for name, _, cells in _wanted_probes(judged, fault)
        for cell in cells
        if was_probed(judged.run, PROBES[name], cell)
    }
    return guests + len(probed)
