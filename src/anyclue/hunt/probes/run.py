"""Run probes on a guilty cell and an innocent one, and say what differs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from anyclue.fstests.run.plans import repeat_suite
from anyclue.fstests.run.session import FstestsSuite
from anyclue.hunt.judge import JudgedRun
from anyclue.hunt.probes.core.differences import compare
from anyclue.hunt.probes.core.json_document import readings_from_json, readings_to_json
from anyclue.hunt.probes.core.model import ProbeReading
from anyclue.hunt.probes.core.probe import Probe, ProbeData
from anyclue.hunt.probes.core.symbols import Symbols, read_symbols
from anyclue.hunt.probes.module_lines import with_lines
from anyclue.hunt.probes.selection import probes_for, signature_of, tests_to_repeat
from anyclue.hunt.probes.watch import KALLSYMS, SECTIONS, ProbeWatch
from anyclue.model.errors import InfrastructureError
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Cell, Scenario
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import read_recording
from anyclue.report.text import clean
from anyclue.system.files import move_whole, staging, write_whole
from anyclue.system.time_limit import TimeLimit, TimeLimitReachedError
from anyclue.trial.context import Context
from anyclue.trial.executor import fitting_jobs
from anyclue.trial.kernels.configuration import symbols
from anyclue.trial.model import TrialJob
from anyclue.trial.preparation import module_under_test, prepare_one
from anyclue.trial.run import RAW, run_trial

log = logging.getLogger(__name__)

ROUNDS = 4
"""The first pays for one-time things, the last shows what outlived a floor: two are counted."""

PATIENCE = 4
"""How many times as long a round may take as in the hunt."""

FILE = "probes.json"
DIRECTORY = "probes"


async def run_probes(
    judged: JudgedRun,
    context: Context,
    guilty: Cell,
    innocent: Cell | None,
    probes: Sequence[Probe] | None = None,
    time_limit: TimeLimit | None = None,
    jobs: int | None = None,
) -> tuple[ProbeReading, ...]:
    """Run probes in guests of both cells, those that did not run yet; write ``probes.json``.

    Without ``probes`` they are those that fit what the guilty cell was found to be. At most
    ``jobs`` guests run side by side; without it as many as fit.

    Raises:
        RequestError: ``probes.json`` of the run is damaged.
        InfrastructureError: the machine failed; what is recorded stays.
        TimeLimitReachedError: not all guests began; those that did have ended.
    """
    run, scenario, findings = judged.run, judged.scenario, judged.findings
    if probes is None:
        probes = probes_for(signature_of(findings, guilty))
    tests = tests_to_repeat(findings, guilty)
    cells = (guilty, innocent) if innocent else (guilty,)
    wanted = [
        (one, cell) for one in probes for cell in cells if not _place(run, one, cell).exists()
    ]
    suites = {
        cell: await repeat_suite(run, scenario, cell, tests * ROUNDS, context) if tests else None
        for _, cell in wanted
    }
    prepared = [
        (one, await _job(scenario, one, cell, context, suites[cell])) for one, cell in wanted
    ]
    lacking = {one.name for one, job in prepared if _lacks_option(context, job, one)}
    trials = [(one, job) for one, job in prepared if one.name not in lacking]
    if trials:
        limit = asyncio.Semaphore(jobs or fitting_jobs([job for _, job in trials]))
        ran = await asyncio.gather(
            *(
                _run(
                    *(run, context, one, job, module_under_test(scenario, job.cell)),
                    *(limit, time_limit or TimeLimit()),
                )
                for one, job in trials
            )
        )
        if not all(ran):
            raise TimeLimitReachedError
    refused = tuple(
        _could_not(one, guilty, innocent, f"the kernel was built without {one.config}")
        for one in probes
        if one.name in lacking
    )
    able = [one for one in probes if one.name not in lacking]
    compared = [await asyncio.to_thread(_compare, run, one, guilty, innocent) for one in able]
    readings, of_guests = zip(*compared, strict=True) if compared else ((), ())
    placed = (*await with_lines(readings, of_guests, scenario, guilty, context), *refused)
    _write(run, placed)
    return placed


def _lacks_option(context: Context, job: TrialJob, one: Probe) -> bool:
    """Say whether a kernel is known to be built without the option that a probe needs."""
    if not one.config:
        return False
    try:
        text = context.store.get(job.image.kernel).file("config").read_text(errors="replace")
    except (OSError, InfrastructureError):
        return False  # the guest will say
    return symbols(text).get(one.config) != "y"


def _could_not(one: Probe, guilty: Cell, innocent: Cell | None, why: str) -> ProbeReading:
    return ProbeReading(
        probe=one.name, cell=guilty, innocent=innocent, could_not=why, cannot_see=one.cannot_see
    )


async def probe_cells(
    judged: JudgedRun,
    context: Context,
    cells: Sequence[tuple[Cell, Cell | None]],
    probes: Sequence[Probe] | None,
) -> tuple[ProbeReading, ...]:
    """Run probes on each of several guilty cells, which stand with the innocent one beside them.

    Raises: as `run_probes`.
    """
    readings: list[ProbeReading] = []
    for guilty, innocent in cells:
        readings += await run_probes(judged, context, guilty, innocent, probes)
    return tuple(readings)


def read_readings(run: RunDirectory) -> tuple[ProbeReading, ...]:
    """Return what the probes of a run said so far.

    Raises:
        RequestError: ``probes.json`` is damaged.
    """
    file = run.file(FILE)
    if not file.exists():
        return ()
    return readings_from_json(file.read_text(errors="replace"), origin=str(file))


def _write(run: RunDirectory, readings: Sequence[ProbeReading]) -> None:
    new = {(reading.probe, reading.cell) for reading in readings}
    kept = [old for old in read_readings(run) if (old.probe, old.cell) not in new]
    write_whole(run.file(FILE), readings_to_json([*kept, *readings]))


def cannot_probe(run: RunDirectory, one: Probe, cell: Cell) -> bool:
    """Say whether a probe is known to tell nothing of a cell, without having run there.

    Raises:
        RequestError: ``probes.json`` is damaged.
    """
    return not was_probed(run, one, cell) and any(
        (old.probe, old.cell) == (one.name, cell) and old.could_not for old in read_readings(run)
    )


def was_probed(run: RunDirectory, one: Probe, cell: Cell) -> bool:
    """Say whether a probe has looked at a cell."""
    return _place(run, one, cell).exists()


def _place(run: RunDirectory, one: Probe, cell: Cell) -> Path:
    return run.path / DIRECTORY / one.name / cell.id


async def _job(
    scenario: Scenario, one: Probe, cell: Cell, context: Context, suite: FstestsSuite | None
) -> TrialJob:
    job = await prepare_one(scenario, cell, context, arguments=one.arguments, suite=suite)
    seconds = job.limits.round_seconds * PATIENCE
    return replace(job, limits=replace(job.limits, rounds=ROUNDS, round_seconds=seconds))


async def _run(
    run: RunDirectory,
    context: Context,
    one: Probe,
    job: TrialJob,
    module: str,
    limit: asyncio.Semaphore,
    time_limit: TimeLimit,
) -> bool:
    """Run one guest; return whether it was still time for that."""
    place = _place(run, one, job.cell)
    async with limit:
        if time_limit.is_reached:
            return False
        with staging(place.parent, place.name) as directory:
            watch = ProbeWatch(one, job.image.machine.cpus, module)
            result = await run_trial(job, context.store, directory, watch)
            await move_whole(directory, place)
    log.info(
        "probe %s  %s: %s (%s) in %.0f s",
        *(one.name, job.cell.id, result.outcome, clean(result.detail), result.seconds),
    )
    return True


def _compare(
    run: RunDirectory, one: Probe, guilty: Cell, innocent: Cell | None
) -> tuple[ProbeReading, Symbols]:
    """Return what one probe says, and the symbols of the guilty guest."""
    ours = _read_data(_place(run, one, guilty))
    theirs = _read_data(_place(run, one, innocent)) if innocent else None
    for data in (ours, theirs):
        if data and (why := _unusable(one, data)):
            because = f"{data.recording.cell.id}: {why}"
            return _could_not(one, guilty, innocent, because), ours.symbols
    return compare(one, ours, theirs), ours.symbols


def _unusable(one: Probe, data: ProbeData) -> str:
    recording = data.recording
    if recording.outcome in (Outcome.NOT_RUN, Outcome.LOST):
        return clean(recording.detail)
    if recording.outcome in (Outcome.CRASHED, Outcome.HUNG) and not one.crash_tells:
        return f"the trial {recording.outcome}: {clean(recording.detail)}"
    return ""


def _read_data(place: Path) -> ProbeData:
    raw = {file.name: file.read_bytes() for file in sorted((place / RAW).glob("*"))}
    symbols = read_symbols(raw.get(KALLSYMS, b""), raw.get(SECTIONS, b""))
    return ProbeData(recording=read_recording(place), raw=raw, symbols=symbols)
