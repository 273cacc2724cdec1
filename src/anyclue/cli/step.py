"""``anyclue step``: a command for ``git bisect run``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from anyclue.bisect.core.model import BisectTerm
from anyclue.cli.output import error, result, run_until_stopped
from anyclue.model.errors import AnyclueError
from anyclue.model.verdict import Verdict
from anyclue.report.text import clean

STATUS = {BisectTerm.GOOD: 0, BisectTerm.BAD: 1, BisectTerm.SKIP: 125}
"""What ``git bisect run`` takes for good, bad, and cannot tell."""


class _Kind(StrEnum):
    LEAK = "leak"
    BROKEN = "broken"


def step(
    scenario: Annotated[Path, typer.Argument(help="The scenario with the cell.")],
    *,
    cell: Annotated[
        str | None, typer.Option("--cell", help="The cell, by its id; its kernel does not count.")
    ] = None,
    kind: Annotated[
        _Kind, typer.Option("--kind", help="The verdict that is bad; others cannot tell.")
    ] = _Kind.LEAK,
    tree: Annotated[
        Path, typer.Option("--tree", help="A directory of the work tree [default: this one].")
    ] = Path(),
    out: Annotated[
        Path | None, typer.Option(help="The run directory to make [default: runs/step-DATE].")
    ] = None,
) -> int:
    """Run the work tree's module once, for git bisect run: exit 0 good, 1 bad, 125 cannot tell."""
    from anyclue.bisect.run import step as driver
    from anyclue.fstests.render.reasons import reason_text
    from anyclue.trial.context import Context

    request = driver.StepRequest(
        tree=tree, scenario=scenario, cell=cell, kind=Verdict(kind.value), out=out
    )
    try:
        found = run_until_stopped(driver.step(request, Context.of_user()))
    except AnyclueError as failure:
        error(str(failure))
        return STATUS[BisectTerm.SKIP]
    verdict = found.verdict
    result(clean(f"{found.term.value}: {verdict.verdict.value}: {reason_text(verdict.because)}"))
    return STATUS[found.term]
