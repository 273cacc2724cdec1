"""The hunt: plan, trials, and then what `anyclue.hunt.judge` makes of them."""

from __future__ import annotations

import logging
import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from anyclue.fstests.run.plans import with_checkout
from anyclue.fstests.run.request import check_tests
from anyclue.hunt.clue.driver import clue_of, make_clue
from anyclue.hunt.follow_ups import run_follow_ups
from anyclue.hunt.judge import JudgedRun, RunJudge, write_reports, write_verdicts
from anyclue.hunt.limits import NO_LIMITS, HuntLimits, note_limits
from anyclue.hunt.minimise.follow_up import read_follow_ups
from anyclue.hunt.select.isolation import next_cells
from anyclue.hunt.trials import locked_run, run_cells
from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Cell, GitKernel, Kernel, ModuleVariant, Scenario
from anyclue.recordings.run_directory import RunDirectory
from anyclue.scenarios.lines import key_lines
from anyclue.scenarios.plan_document import scenario_from_json, scenario_to_json
from anyclue.scenarios.read import load_with
from anyclue.system.files import disk_errors, write_whole
from anyclue.system.time_limit import TimeLimit, TimeLimitReachedError
from anyclue.system.workers import processors
from anyclue.trial.context import Context
from anyclue.trial.executor import LocalExecutor
from anyclue.trial.filesystems.registry import FILE_SYSTEMS
from anyclue.trial.kernels.variants import copy_sources
from anyclue.trial.model import TrialExecutor
from anyclue.trial.workloads.registry import WORKLOADS

log = logging.getLogger(__name__)

RULES = {name: workload.rules for name, workload in WORKLOADS.items()}


def plan(path: Path, kernels: Sequence[str] = ()) -> Scenario:
    """Read and check a scenario file, with kernels from the command line.

    Raises:
        RequestError: with every mistake in it.
    """
    return planned(path, kernels)[0]


def planned(path: Path, kernels: Sequence[str] = ()) -> tuple[Scenario, str]:
    """Return the same, and the scenario's text with these kernels.

    Raises:
        RequestError: with every mistake in it.
    """
    scenario, text = load_with(path, kernels, workloads=RULES)
    check_file_system(scenario, path)
    # With kernels from the command line the text is no longer the file's, line by line.
    return check_tests(scenario, path, {} if kernels else key_lines(text)), text


def check_file_system(scenario: Scenario, path: Path) -> None:
    """Check that no kernel has the module of a file system rebuilt that nothing runs on.

    Raises:
        RequestError: one has.
    """
    others = {fs.directory: fs.name for fs in FILE_SYSTEMS.values()}
    others.pop(FILE_SYSTEMS[scenario.filesystem].directory)
    problems = [
        Problem(
            what=f"{directory} is rebuilt, and workloads run on {scenario.filesystem}",
            where=f"{path}: kernels.{name}",
            next_step=f'add filesystem = "{others[directory]}" at the top of the scenario',
        )
        for name, kernel in scenario.kernels.items()
        for directory in (kernel.variant.directories if kernel.variant is not None else ())
        if directory in others
    ]
    if problems:
        raise RequestError(problems)


def begin_run(
    scenario_file: Path,
    out: Path | None,
    *,
    full: bool = False,
    fstests: Path | None = None,
    kernels: Sequence[str] = (),
) -> RunDirectory:
    """Check the scenario and make its run directory.

    ``kernels`` are from the command line, in place of the scenario's of the same names.

    A plan that names no cells leaves it to the hunt which to run; with ``full`` all of them are.
    ``fstests`` is the checkout for all tests of fstests.

    Raises:
        RequestError: the scenario is wrong, or ``out`` is a run already.
    """
    scenario, text = planned(scenario_file, kernels)
    scenario = with_checkout(scenario, fstests)
    if scenario.chooses and not full:
        scenario = replace(scenario, candidates=scenario.cells, cells=())
    run = new_run(out, scenario_file.stem)
    write_whole(run.scenario, text)
    kept = _keep_sources(_keep_files(scenario, scenario_file.parent, run), run)
    write_whole(run.plan, scenario_to_json(kept))
    return run


def new_run(out: Path | None, name: str) -> RunDirectory:
    """Return the run directory that is to be made: ``out``, or one below ``runs`` by name and time.

    Raises:
        RequestError: there is something already.
    """
    path = out or Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    run = RunDirectory(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        step = "name another directory; this is no run, or one that was killed while it was made"
        if run.plan.exists():
            step = f"continue it with --resume {shlex.quote(str(path))}, or name another directory"
        raise RequestError.of("there is something there already", where=str(path), next_step=step)
    return run


def _keep_files(scenario: Scenario, base: Path, run: RunDirectory) -> Scenario:
    """Copy the scenario's patches and configurations into the run: later changes do not count.

    They keep their place beside the scenario, so that the run's own copy of it works.
    """

    def kept(file: str, elsewhere: str) -> str:
        source, beside = Path(file), base.resolve()
        inside = source.is_relative_to(beside)
        name = source.relative_to(beside) if inside else Path(elsewhere) / source.name
        target = run.path.resolve() / name
        write_whole(target, source.read_bytes())
        return str(target)

    def configured(kernel: Kernel) -> Kernel:
        if not isinstance(kernel.source, GitKernel):
            return kernel
        configs = tuple(kept(config, "configs") for config in kernel.source.config)
        return replace(kernel, source=replace(kernel.source, config=configs))

    kernels = {name: configured(kernel) for name, kernel in scenario.kernels.items()}
    return _with_variants(
        replace(scenario, kernels=kernels),
        lambda _, variant: replace(
            variant, patches=tuple(kept(patch, "patches") for patch in variant.patches)
        ),
    )


def _keep_sources(scenario: Scenario, run: RunDirectory) -> Scenario:
    """Copy what comes from the user's kernel trees into the run, for the same reason."""

    def kept(name: str, variant: ModuleVariant) -> ModuleVariant:
        if variant.tree is None:
            return variant
        target = run.sources(name).resolve()
        with disk_errors(target):
            for directory in variant.directories:
                copy_sources(Path(variant.tree), target, directory)
        return replace(variant, tree=str(target))

    return _with_variants(scenario, kept)


def _with_variants(
    scenario: Scenario, changed: Callable[[str, ModuleVariant], ModuleVariant]
) -> Scenario:
    kernels = {
        name: replace(kernel, variant=changed(name, kernel.variant)) if kernel.variant else kernel
        for name, kernel in scenario.kernels.items()
    }
    return replace(scenario, kernels=kernels)


def discard_unused(run: RunDirectory) -> None:
    """Remove a run whose request was refused before any trial ran: it holds nothing."""
    if not any(run.path.glob("cells/*/trial-*")):
        shutil.rmtree(run.path, ignore_errors=True)


async def hunt(
    run: RunDirectory,
    context: Context,
    *,
    jobs: int | None,
    clue: bool = True,
    limits: HuntLimits = NO_LIMITS,
    executors: Callable[[RunDirectory], TrialExecutor] | None = None,
) -> JudgedRun:
    """Run the trials of ``run`` that have no outcome yet, then judge and report.

    Cells that are unproven in the end, though all of their rounds ran or because their trial was
    lost, get more trials, up to ``limits.extra_trials``. Where the plan leaves it to the hunt which
    cells to run, it goes on with the next ones until these tell what matters to each fault. With
    ``clue`` every fault is followed up and looked at with probes, and its place is looked for.
    ``executors`` makes the executor for a run directory.

    No trial begins once the time of ``limits`` is up; the reports say what that left out.

    Raises:
        RequestError: the scenario asks for what cannot be had.
        InfrastructureError: the machine failed; what is recorded stays, and can be resumed.
    """
    scenario = scenario_from_json(run.plan_text(), origin=str(run.plan))
    time_limit = TimeLimit(limits.seconds)
    executors = executors or (lambda of: LocalExecutor(context.store, of, jobs, time_limit))
    async with locked_run(run):
        note_limits(run, limits)
        executor = executors(run)
        judge = RunJudge(run)
        try:
            judged = await run_cells(run, scenario, context, executor, judge)
            while more := next_cells_of(judged, jobs or processors()):
                log.info("next: %s", ", ".join(cell.id for cell in more))
                scenario = _with_cells(judged.scenario, more)
                judged = await run_cells(run, scenario, context, executor, judge)
        except TimeLimitReachedError:
            log.info("the time is up: no more cells are run")
            judged = judge.judge()
            write_verdicts(judged)
        if not clue:
            write_reports(judged, clue_of(judged))
            return judged
        await run_follow_ups(
            judged,
            context,
            executors,
            guests=limits.follow_up_guests,
            time_limit=time_limit,
            jobs=jobs,
        )
        write_reports(judged, await make_clue(judged, context, await read_follow_ups(judged)))
    return judged


def next_cells_of(judged: JudgedRun, width: int) -> tuple[Cell, ...]:
    """Return the cells that a hunt runs next, at most ``width``; none when all is known."""
    scenario = judged.scenario
    return next_cells(scenario.candidates, scenario.references, judged.findings.cells, width)


def _with_cells(scenario: Scenario, more: Sequence[Cell]) -> Scenario:
    chosen = {*scenario.cells, *more}
    return replace(scenario, cells=tuple(c for c in scenario.candidates if c in chosen))
