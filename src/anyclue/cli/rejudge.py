"""``anyclue judge``, ``clue`` and ``report``: again from the recordings, with no guest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anyclue.cli.output import result, run_until_stopped
from anyclue.hunt import judge as judging
from anyclue.hunt.clue.driver import CLUES, clue_of, remake_clue
from anyclue.hunt.render.plain import summary
from anyclue.record import judge as record_judge
from anyclue.record.render.comparison import comparison_text
from anyclue.record.render.text import recorded_text
from anyclue.recordings.run_directory import RunDirectory, is_machine_recording
from anyclue.trial.context import Context

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
        compared = record_judge.compare(run, against)
        result(
            (run / "compared.json").read_text() if json else comparison_text(compared.comparison)
        )
        return compared.exit_code
    if is_machine_recording(run):
        return _recorded(record_judge.judge(run), json=json)
    judged = judging.judge(RunDirectory(run))
    judging.write_verdicts(judged)
    result(judged.document if json else summary(judged.findings))
    return judged.exit_code


def report(run: Run, *, json: Json = False) -> int:
    """Judge a run again and write report.html, report.txt and junit.xml."""
    if is_machine_recording(run):
        tests = record_judge.judge(run)
        made = record_judge.write_report(tests)
        return _recorded(tests, json=json, page=made)
    judged = judging.judge(RunDirectory(run))
    judging.write_verdicts(judged)
    stored = clue_of(judged)
    page = judging.write_reports(judged, stored)
    if json:
        result(judged.document)
    else:
        result(f"{summary(judged.findings, stored)}\nreport: {page}")
    return judged.exit_code


def clue(
    run: Annotated[Path, typer.Argument(help="A run directory of `anyclue hunt`.")],
    *,
    json: Annotated[
        bool, typer.Option("--json", help="Print clues.json instead of the summary.")
    ] = False,
) -> int:
    """Make the clue of a run anew, with no guest; write clues.json and the reports."""
    judged = judging.judge(RunDirectory(run))
    judging.write_verdicts(judged)
    made = run_until_stopped(remake_clue(judged, Context.of_user()), run, "anyclue clue")
    page = judging.write_reports(judged, made)
    if json:
        result(judged.run.file(CLUES).read_text())
    else:
        result(f"{summary(judged.findings, made)}\nreport: {page}")
    return judged.exit_code


def _recorded(judged: record_judge.JudgedRecord, *, json: bool, page: Path | None = None) -> int:
    """Print what was found in a recording of a machine."""
    if json:
        result((judged.run / "tests.json").read_text())
    else:
        where = f"\nreport: {page}" if page is not None else ""
        result(recorded_text(judged.findings) + where)
    return judged.exit_code
