"""The trials of a run: those that its cells still need, and more where they proved nothing."""

from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from fcntl import LOCK_EX, LOCK_NB, flock

from anyclue.fstests.run.plans import fstests_suites
from anyclue.hunt.judge import JudgedRun, RunJudge, write_verdicts
from anyclue.model.errors import RequestError
from anyclue.model.scenario import Scenario
from anyclue.recordings.run_directory import RunDirectory
from anyclue.report.text import clean
from anyclue.scenarios.plan_document import scenario_to_json
from anyclue.system.files import disk_errors, write_whole
from anyclue.trial.context import Context
from anyclue.trial.model import TrialExecutor, TrialJob
from anyclue.trial.preparation import pin_kernels, prepare_jobs
from anyclue.trial.scheduler import (
    Refusals,
    TrialKey,
    extra_trials,
    next_trial,
    run_until_proven,
)

log = logging.getLogger(__name__)


async def run_cells(
    run: RunDirectory,
    scenario: Scenario,
    context: Context,
    executor: TrialExecutor,
    judge: RunJudge,
) -> JudgedRun:
    """Run the missing trials of the scenario's cells, and more of those that stay unproven.

    ``judge`` is that of ``run``. ``verdicts.json`` is written at the end.

    Raises:
        RequestError: the scenario asks for what cannot be had.
        InfrastructureError: the machine failed; what is recorded stays.
    """
    wanted = [
        (cell, number) for number in range(1, scenario.limits.trials + 1) for cell in scenario.cells
    ]

    async def execute(missing: Sequence[TrialKey], total: int) -> None:
        nonlocal scenario
        log.info("%d of %d trials to run", len(missing), total)
        scenario = await pin_kernels(scenario, context)
        write_whole(run.plan, scenario_to_json(scenario))
        suites = await fstests_suites(judge.tests, scenario, missing, context)
        jobs = await prepare_jobs(scenario, missing, context, suites)
        await _run_trials(executor, jobs, total, scenario, context.refusals)

    def judge_run() -> tuple[JudgedRun, Sequence[TrialKey]]:
        judged = judge.judge()
        return judged, _extra_trials(judged)

    judged = await run_until_proven(run, wanted, execute, judge_run)
    write_verdicts(judged)
    return judged


async def _run_trials(
    executor: TrialExecutor,
    jobs: Sequence[TrialJob],
    total: int,
    scenario: Scenario,
    refusals: Refusals,
) -> None:
    """Run trials; those that would be refused as one before them was are left out."""
    done = total - len(jobs)

    def is_wanted(job: TrialJob) -> bool:
        nonlocal done
        alike = refusals.alike(scenario, job.cell)
        if alike is not None:
            done += 1
            log.info("%s: not run, %s was refused, and it would be", job.cell.id, alike.cell.id)
        return alike is None

    async with aclosing(executor.run(jobs, is_wanted)) as results:
        async for result in results:
            ended = result.outcome, result.reason, result.detail
            refusals.add(scenario, result.job.cell, *ended)
            done += 1
            log.info(
                "trial %d/%d  %s: %s (%s) in %.0f s",
                *(done, total, result.job.cell.id, result.outcome),
                *(clean(result.detail), result.seconds),
            )


def _extra_trials(judged: JudgedRun) -> list[TrialKey]:
    """Return one more trial for each cell of which that could settle a verdict."""
    scenario = judged.scenario
    of_workloads = [
        verdict
        for verdict in judged.findings.cells
        if scenario.workloads[verdict.cell.workload].tests is None
    ]
    cells = (*judged.more_tests, *extra_trials(of_workloads, scenario.limits))
    return [next_trial(judged.run, cell) for cell in cells]


@asynccontextmanager
async def locked_run(run: RunDirectory) -> AsyncIterator[None]:
    """Make sure that one hunt at a time works on a run; clear what a killed one left."""
    with disk_errors(run.path):
        file = run.file(".lock").open("w")
    with file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise RequestError.of(
                "another hunt is working on this run",
                where=str(run.path),
                next_step="wait for it, or stop it first",
            ) from error
        for left in run.path.glob("cells/*/.trial-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
