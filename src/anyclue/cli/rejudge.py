"""``anyclue judge`` and ``anyclue report``: again from the recordings, with no guest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anyclue.cli.output import result
from anyclue.hunts import judging, recorded
from anyclue.recordings import RunDirectory
from anyclue.recordings.recorded import is_recorded
from anyclue.reports import summary
from anyclue.reports.against_text import against_text
from anyclue.reports.recorded_text import recorded_text

Run = Annotated[Path, typer.Argument(help="A run directory of `anyclue hunt` or `record`.")]
Json = Annotated[bool, typer.Option("--json", help="Print verdicts.json instead of the summary.")]


def judge(
    run: Run,
    *,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="OTHER_RUN", help="Compare two recordings of `anyclue record`."
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Judge a run again from its recordings; write verdicts.json."""
    if against is not None:
        compared = recorded.compare(run, against)
        result((run / "compared.json").read_text() if json else against_text(compared.comparison))
        return compared.exit_code
    if is_recorded(run):
        return _recorded(recorded.judge(run), json=json)
    judged = judging.judge(RunDirectory(run))
    result(judged.run.file("verdicts.json").read_text() if json else summary(judged.findings))
    return judged.exit_code


def report(run: Run, *, json: Json = False) -> int:
    """Judge a run again and write report.html, report.txt and junit.xml."""
    if is_recorded(run):
        tests = recorded.judge(run)
        recorded.write_report(tests)
        return _recorded(tests, json=json)
    judged = judging.judge(RunDirectory(run))
    page = judging.write_reports(judged)
    if json:
        result(judged.run.file("verdicts.json").read_text())
    else:
        result(f"{summary(judged.findings)}\nreport: {page}")
    return judged.exit_code


def _recorded(judged: recorded.JudgedRecord, *, json: bool) -> int:
    """Print what was found in a recording of a machine."""
    result((judged.run / "tests.json").read_text() if json else recorded_text(judged.findings))
    return judged.exit_code
