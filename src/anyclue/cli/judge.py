"""``anyclue judge``: the verdicts of a run anew from its recordings, with no guest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anyclue.cli.output import result

if TYPE_CHECKING:
    from anyclue.record.judge import JudgedRecord

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
    from anyclue.hunt import judge as hunt_judge
    from anyclue.hunt.render.text import summary
    from anyclue.record import judge as record_judge
    from anyclue.record.render.comparison import comparison_text
    from anyclue.recordings.run_directory import RunDirectory, is_machine_recording

    if against is not None:
        compared = record_judge.compare(run, against)
        result(
            (run / "compared.json").read_text() if json else comparison_text(compared.comparison)
        )
        return compared.exit_code
    if is_machine_recording(run):
        judged_record = record_judge.judge(run)
        print_record(judged_record, json=json)
        return judged_record.exit_code
    judged = hunt_judge.judge(RunDirectory(run))
    hunt_judge.write_verdicts(judged)
    result(judged.document if json else summary(judged.findings))
    return judged.exit_code


def print_record(judged: JudgedRecord, *, json: bool, page: Path | None = None) -> None:
    """Print what was found in a recording of a machine."""
    from anyclue.record.render.text import recorded_text

    if json:
        result((judged.run / "tests.json").read_text())
    else:
        where = f"\nreport: {page}" if page is not None else ""
        result(recorded_text(judged.findings) + where)
