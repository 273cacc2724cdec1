"""``anyclue clue``: the clue of a run anew from what it has kept, with no guest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anyclue.cli.output import result, run_until_stopped


def clue(
    run: Annotated[Path, typer.Argument(help="A run directory of `anyclue hunt`.")],
    *,
    json: Annotated[
        bool, typer.Option("--json", help="Print clues.json instead of the summary.")
    ] = False,
) -> int:
    """Make the clue of a run anew, with no guest; write clues.json and the reports."""
    from anyclue.hunt import judge as hunt_judge
    from anyclue.hunt.clue.driver import CLUES, remake_clue
    from anyclue.hunt.render.text import summary
    from anyclue.recordings.run_directory import RunDirectory
    from anyclue.trial.context import Context

    judged = hunt_judge.judge(RunDirectory(run))
    hunt_judge.write_verdicts(judged)
    remade = run_until_stopped(remake_clue(judged, Context.of_user()), run, "anyclue clue")
    page = hunt_judge.write_reports(judged, remade)
    if json:
        result(judged.run.file(CLUES).read_text())
    else:
        result(f"{summary(judged.findings, remade)}\nreport: {page}")
    return judged.exit_code
