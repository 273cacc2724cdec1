"""``anyclue hunt``: run the cells, judge them, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anyclue.cli.output import Kernels, gathered, result, run_until_stopped
from anyclue.model.errors import Problem, RequestError


def hunt(
    scenario: Annotated[Path | None, typer.Argument(help="The scenario, a TOML file.")] = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="The run directory to make [default: runs/SCENARIO-DATE]."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with this run: repeat only trials that have no outcome."),
    ] = None,
    fstests: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The checkout of upstream fstests for [fstests.NAME]."),
    ] = None,
    kernels: Kernels = None,
    jobs: Annotated[
        int | None,
        typer.Option(help="Guests side by side [default: by cores and free memory]."),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Run every combination; do not choose among them.")
    ] = False,
    time: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Begin no guest later than so long after the hunt: 30m, 2h, 90 (seconds).",
        ),
    ] = None,
    follow_ups: Annotated[
        int | None,
        typer.Option(metavar="N", help="At most N guests follow up each fault, probes among them."),
    ] = None,
    no_clue: Annotated[
        bool, typer.Option("--no-clue", help="Stop at the verdicts; do not follow them up.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print verdicts.json instead of the summary.")
    ] = False,
) -> int:
    """Run a scenario's cells in guests, judge them, write the report."""
    problems = _problems(jobs, follow_ups)
    either = (scenario is None) != (resume is None)
    if not either or (resume is not None and (out or full or kernels)):
        problems.append(
            Problem(
                what="give either a SCENARIO (with --out, --full, --kernel) or --resume RUN",
                next_step="anyclue hunt --help shows examples",
            )
        )
    with gathered(problems):
        seconds = _seconds(time)
    from anyclue.hunt import driver
    from anyclue.hunt.clue.driver import clue_of
    from anyclue.hunt.limits import HuntLimits
    from anyclue.hunt.render.text import summary
    from anyclue.recordings.run_directory import RunDirectory
    from anyclue.trial.context import Context

    if problems:
        if scenario is not None:
            with gathered(problems):
                driver.plan(scenario, kernels or ())
        raise RequestError(problems)
    limits = HuntLimits(seconds=seconds, follow_up_guests=follow_ups)
    if resume is not None:
        run = RunDirectory(resume)
    else:
        assert scenario is not None  # noqa: S101 - one of the two is given
        run = driver.begin_run(scenario, out, full=full, fstests=fstests, kernels=kernels or ())
    try:
        judged = run_until_stopped(
            driver.hunt(run, Context.of_user(), jobs=jobs, clue=not no_clue, limits=limits),
            run.path,
        )
    except RequestError:
        if resume is None:
            driver.discard_unused(run)
        raise
    if json:
        result(judged.document)
    else:
        clue = clue_of(judged)
        result(f"{summary(judged.findings, clue)}\nreport: {run.file('report.html')}")
    return judged.exit_code


def _problems(jobs: int | None, follow_ups: int | None) -> list[Problem]:
    """Return what is wrong with the numbers of guests."""
    return [
        Problem(what=f"must be at least {least}, not {given}", where=option)
        for option, given, least in (("--jobs", jobs, 1), ("--follow-ups", follow_ups, 0))
        if given is not None and given < least
    ]


def _seconds(time: str | None) -> float | None:
    from anyclue.system.time_limit import parse_duration

    if time is None:
        return None
    seconds = parse_duration(time)
    if seconds is None:
        raise RequestError.of(
            f"{time!r} is no time",
            where="--time",
            next_step="say 30m, 2h, 1h30m, or a number of seconds",
        )
    return seconds
