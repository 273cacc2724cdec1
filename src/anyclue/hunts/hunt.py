"""The hunt: plan, trials, verdicts, report. And its parts that need no guest."""

from __future__ import annotations

import logging
import shlex
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from anyclue import reports
from anyclue.clues import conclude
from anyclue.hunts.context import Context
from anyclue.hunts.executor import LocalExecutor
from anyclue.hunts.prepare import prepare_jobs
from anyclue.model.errors import ExitCode, Problem, RequestError
from anyclue.model.recording import Recording
from anyclue.model.scenario import Cell, Scenario
from anyclue.model.trial import TrialExecutor
from anyclue.model.verdict import Findings, Verdict
from anyclue.recordings import RunDirectory
from anyclue.scenarios import load_scenario, scenario_from_json, scenario_to_json
from anyclue.suites import WORKLOADS
from anyclue.system.files import disk_errors, write_whole
from anyclue.verdicts import judge_cells

log = logging.getLogger(__name__)

RULES = {name: workload.rules for name, workload in WORKLOADS.items()}
GUILTY = {Verdict.LEAK, Verdict.SURGE, Verdict.BROKEN}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A judged run: what was found, and what it was found from."""

    run: RunDirectory
    scenario: Scenario
    recordings: Mapping[Cell, tuple[Recording, ...]]
    findings: Findings

    @property
    def exit_code(self) -> ExitCode:
        """Regression found, nothing found, or unproven."""
        verdicts = {cell.verdict for cell in self.findings.cells}
        if verdicts & GUILTY:
            return ExitCode.REGRESSION
        return ExitCode.INFRASTRUCTURE if Verdict.UNPROVEN in verdicts else ExitCode.NOTHING_FOUND


def plan(path: Path) -> Scenario:
    """Read and check a scenario file."""
    return load_scenario(path, workloads=RULES)


def begin_run(scenario_file: Path, out: Path | None) -> RunDirectory:
    """Check the scenario and make its run directory.

    Raises:
        RequestError: the scenario is wrong, or ``out`` is a run already.
    """
    scenario = plan(scenario_file)
    path = out or Path("runs") / f"{scenario_file.stem}-{time.strftime('%Y%m%d-%H%M%S')}"
    run = RunDirectory(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RequestError(
            [
                Problem(
                    what="there is something there already",
                    where=str(path),
                    next_step=f"continue it with --resume {shlex.quote(str(path))}, "
                    "or name another directory",
                )
            ]
        )
    write_whole(run.scenario, scenario_file.read_bytes())
    write_whole(run.plan, scenario_to_json(scenario))
    return run


async def hunt(
    run: RunDirectory, context: Context, *, jobs: int | None, executor: TrialExecutor | None = None
) -> Judged:
    """Run the trials of ``run`` that have no outcome yet, then judge and report.

    Raises:
        RequestError: the scenario asks for what cannot be had.
        InfrastructureError: the machine failed; what is recorded stays, and can be resumed.
    """
    scenario = scenario_from_json(run.plan_text(), origin=str(run.plan))
    async with _alone(run):
        missing = [
            (cell, number)
            for number in range(1, scenario.limits.trials + 1)
            for cell in scenario.cells
            if run.outcome(cell, number) is None
        ]
        total = len(scenario.cells) * scenario.limits.trials
        if missing:
            log.info("%d cells, %d trials to run", len(scenario.cells), len(missing))
            planned = await prepare_jobs(scenario, missing, context)
            done = total - len(missing)
            results = (executor or LocalExecutor(context.store, run, jobs)).run(planned)
            async with aclosing(results) as ended:  # type: ignore[type-var]
                async for result in ended:
                    done += 1
                    log.info(
                        "trial %d/%d  %s: %s (%s) in %.0f s",
                        done,
                        total,
                        result.job.cell.id,
                        result.outcome,
                        reports.clean(result.detail),
                        result.seconds,
                    )
        judged = judge(run)
        write_reports(judged)
    return judged


@asynccontextmanager
async def _alone(run: RunDirectory) -> AsyncIterator[None]:
    """Make sure that one hunt at a time works on a run; clear what a killed one left."""
    with disk_errors(run.path):
        file = run.file(".lock").open("w")
    with file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise RequestError(
                [
                    Problem(
                        what="another hunt is working on this run",
                        where=str(run.path),
                        next_step="wait for it, or stop it first",
                    )
                ]
            ) from error
        for left in run.path.glob("cells/*/.trial-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def judge(run: RunDirectory) -> Judged:
    """Judge a run from its recordings, and write ``verdicts.json``.

    Raises:
        RequestError: it is not a run, or a recording is damaged.
    """
    scenario = scenario_from_json(run.plan_text(), origin=str(run.plan))
    recordings = run.recordings(scenario.cells)
    findings = conclude(judge_cells(scenario, recordings), recordings)
    write_whole(run.file("verdicts.json"), reports.verdicts_json(findings, scenario))
    return Judged(run=run, scenario=scenario, recordings=recordings, findings=findings)


def write_reports(judged: Judged) -> Path:
    """Write ``report.html``, ``report.txt`` and ``junit.xml``; return the page's path."""
    findings, scenario, recordings = judged.findings, judged.scenario, judged.recordings
    facts = reproduce(judged)
    run = judged.run
    write_whole(run.file("report.html"), reports.report_html(findings, scenario, recordings, facts))
    write_whole(run.file("report.txt"), reports.report_text(findings, scenario, recordings, facts))
    write_whole(run.file("junit.xml"), reports.junit_xml(findings, scenario))
    return run.file("report.html")


def reproduce(judged: Judged) -> dict[str, str]:
    """Return the commands and versions that it takes to see the same again."""
    facts = {"command": f"anyclue hunt {judged.run.scenario.name}"}
    for cell, trials in judged.recordings.items():
        for recording in trials:
            for name, value in recording.provenance.items():
                label = name.removeprefix("kernel.")
                if name == label and name != "release":
                    facts[name] = str(value)
                else:
                    machine = judged.scenario.machines[cell.machine]
                    facts[f"kernel {cell.kernel}, {machine.arch}: {label}"] = str(value)
    return facts
