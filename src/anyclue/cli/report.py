"""``anyclue report``: the reports of a run anew from its recordings, with no guest."""

from __future__ import annotations

from anyclue.cli.judge import Json, Run, print_record
from anyclue.cli.output import result


def report(run: Run, *, json: Json = False) -> int:
    """Judge a run again and write report.html, report.txt and junit.xml."""
    from anyclue.hunt import judge as hunt_judge
    from anyclue.hunt.clue.driver import clue_of
    from anyclue.hunt.render.text import summary
    from anyclue.record import judge as record_judge
    from anyclue.recordings.run_directory import RunDirectory, is_machine_recording

    if is_machine_recording(run):
        judged_record = record_judge.judge(run)
        print_record(judged_record, json=json, page=record_judge.write_report(judged_record))
        return judged_record.exit_code
    judged = hunt_judge.judge(RunDirectory(run))
    hunt_judge.write_verdicts(judged)
    clue = clue_of(judged)
    page = hunt_judge.write_reports(judged, clue)
    result(judged.document if json else f"{summary(judged.findings, clue)}\nreport: {page}")
    return judged.exit_code
