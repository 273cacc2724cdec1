"""``anyclue judge`` and ``anyclue report``: again from the recordings, with no guest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anyclue.cli.output import result
from anyclue.hunts import judging
from anyclue.recordings import RunDirectory
from anyclue.reports import summary

Run = Annotated[Path, typer.Argument(help="A run directory, as `anyclue hunt` writes it.")]
Json = Annotated[bool, typer.Option("--json", help="Print verdicts.json instead of the summary.")]


def judge(run: Run, *, json: Json = False) -> int:
    """Judge a run again from its recordings; write verdicts.json."""
    judged = judging.judge(RunDirectory(run))
    result(judged.run.file("verdicts.json").read_text() if json else summary(judged.findings))
    return judged.exit_code


def report(run: Run, *, json: Json = False) -> int:
    """Judge a run again and write report.html, report.txt and junit.xml."""
    judged = judging.judge(RunDirectory(run))
    page = judging.write_reports(judged)
    if json:
        result(judged.run.file("verdicts.json").read_text())
    else:
        result(f"{summary(judged.findings)}\nreport: {page}")
    return judged.exit_code
