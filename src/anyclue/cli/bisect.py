"""``anyclue bisect``: which commit brought it?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from anyclue.bisect.core.model import BisectionStatus
from anyclue.cli.output import Kernels, result, run_until_stopped
from anyclue.model.errors import ExitCode, RequestError

CONFIDENCE = 0.99


def bisect(
    scenario: Annotated[Path | None, typer.Argument(help="The scenario with the cell.")] = None,
    *,
    good: Annotated[
        list[str] | None, typer.Option("--good", metavar="REV", help="A revision without the bug.")
    ] = None,
    bad: Annotated[
        str | None, typer.Option("--bad", metavar="REV", help="A revision with it.")
    ] = None,
    cell: Annotated[
        str | None, typer.Option("--cell", help="The cell, by its id; its kernel does not count.")
    ] = None,
    tree: Annotated[
        Path, typer.Option("--tree", help="A directory of the repository [default: this one].")
    ] = Path(),
    confidence: Annotated[
        float, typer.Option("--confidence", help="The probability at which a commit is accused.")
    ] = CONFIDENCE,
    carried: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="PATCH_OR_COMMIT", help="A change to apply where it applies."
        ),
    ] = None,
    kernels: Kernels = None,
    out: Annotated[
        Path | None, typer.Option(help="The run directory to make [default: runs/bisect-DATE].")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run.")] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Run no guest: replay strategies on this range.")
    ] = False,
    culprit: Annotated[
        str | None,
        typer.Option("--culprit", metavar="REV", help="With --simulate: the first bad commit."),
    ] = None,
    flakes: Annotated[
        float,
        typer.Option("--flakes", help="With --simulate: share of bad runs that look good."),
    ] = 0.0,
    fix: Annotated[
        str | None,
        typer.Option("--fix", metavar="PATCH_OR_COMMIT", help="What mends the bad end."),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="What git bisect log printed, to go on from."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Find the first bad commit by running guests, as few as the evidence allows, and prove it."""
    of_a_run = bool(cell or carried or out or log or fix or kernels) or confidence != CONFIDENCE
    if simulate:
        if not good or bad is None or scenario or resume or of_a_run:
            raise RequestError.of(
                "--simulate takes --good REV and --bad REV, and no scenario nor what runs in "
                "guests",
                next_step="anyclue bisect --simulate --good v6.1 --bad v6.2 --flakes 0.2",
            )
        return _simulate(tree, good, bad, culprit, flakes, json=json)
    if culprit is not None or flakes:
        raise RequestError.of(
            "--culprit and --flakes are of --simulate alone",
            next_step="leave them out, or add --simulate",
        )
    new = scenario is not None and (log is not None or (bool(good) and bad is not None))
    if new == (resume is not None) or (resume and (scenario or good or bad or of_a_run)):
        raise RequestError.of(
            "give --good REV --bad REV SCENARIO, or --log FILE SCENARIO, or --resume RUN alone",
            next_step="anyclue bisect --help shows examples",
        )
    from anyclue.bisect import request
    from anyclue.bisect.render.json_document import bisect_json
    from anyclue.bisect.render.text import bisect_text
    from anyclue.bisect.run import driver
    from anyclue.trial.context import Context

    if resume is not None:
        bisection = request.resume(resume)
    else:
        assert scenario is not None  # noqa: S101 - checked above
        bisection = request.begin(
            request.BisectRequest(
                tree=tree,
                scenario=scenario,
                cell=cell,
                good=tuple(good or ()),
                bad=bad or "",
                confidence=confidence,
                carried=tuple(carried or ()),
                out=out,
                fix=fix,
                log=log,
                kernels=tuple(kernels or ()),
            )
        )
    work = driver.bisect(bisection, Context.of_user())
    ended = run_until_stopped(work, bisection.run.path, "anyclue bisect --resume")
    result(bisect_json(ended) if json else bisect_text(ended))
    found = ended.status in (BisectionStatus.FOUND, BisectionStatus.RANGE)
    return ExitCode.REGRESSION if found else ExitCode.INFRASTRUCTURE


def _simulate(
    tree: Path, good: Sequence[str], bad: str, culprit: str | None, flakes: float, *, json: bool
) -> int:
    """Replay strategies on a range."""
    from anyclue.bisect.render.json_document import simulated_json
    from anyclue.bisect.render.text import simulated_text
    from anyclue.bisect.run.simulation import simulate_strategies

    rows = simulate_strategies(tree, good, bad, culprit=culprit, flakes=flakes)
    result(simulated_json(rows) if json else simulated_text(rows))
    return ExitCode.NOTHING_FOUND
