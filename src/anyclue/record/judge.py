"""Judge and report what ``anyclue record`` wrote: no clock, on any machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anyclue.fstests.core.charges import held_kib
from anyclue.model.errors import ExitCode
from anyclue.model.verdict import Verdict
from anyclue.record.core import comparison
from anyclue.record.core.model import Direction, RecordedComparison, RecordingVerdicts
from anyclue.record.core.verdicts import judge_recording
from anyclue.record.reader import read_machine_recording
from anyclue.record.render.html import recorded_html
from anyclue.record.render.json_document import comparison_json, recorded_json
from anyclue.record.render.text import recorded_text
from anyclue.system.files import write_whole


@dataclass(frozen=True, kw_only=True)
class JudgedRecord:
    """A judged recording of a machine."""

    run: Path
    findings: RecordingVerdicts

    @property
    def exit_code(self) -> ExitCode:
        """Regression found, nothing found, or unproven."""
        verdicts = {test.verdict for test in self.findings.tests}
        if any(verdict.is_guilty for verdict in verdicts):
            return ExitCode.REGRESSION
        return ExitCode.NOTHING_FOUND if verdicts == {Verdict.CLEAN} else ExitCode.INFRASTRUCTURE


def judge(run: Path) -> JudgedRecord:
    """Judge a recording test by test, and write ``tests.json``.

    Raises:
        RequestError: it is no recording.
    """
    judged = JudgedRecord(run=run, findings=judge_recording(read_machine_recording(run)))
    write_whole(run / "tests.json", recorded_json(judged.findings))
    return judged


def write_report(judged: JudgedRecord) -> Path:
    """Write ``report.txt`` and ``report.html``; return the page's path."""
    timeline = judged.findings.recorded.timeline
    held = [(at.t_s, kib) for at in timeline if (kib := held_kib(at)) is not None]
    write_whole(judged.run / "report.txt", recorded_text(judged.findings))
    page = judged.run / "report.html"
    write_whole(page, recorded_html(judged.findings, held))
    return page


@dataclass(frozen=True, kw_only=True)
class ComparedRecords:
    """Two recordings, compared."""

    run: Path
    comparison: RecordedComparison

    @property
    def exit_code(self) -> ExitCode:
        """Something is higher or newly guilty here, nothing is, or it cannot be told."""
        tests = self.comparison.tests
        found = {d.direction if d else Direction.UNDECIDED for t in tests for d in (t.peak, t.step)}
        if Direction.HIGHER in found or any(test.newly_guilty for test in tests):
            return ExitCode.REGRESSION
        undecided = not tests or Direction.UNDECIDED in found
        return ExitCode.INFRASTRUCTURE if undecided else ExitCode.NOTHING_FOUND


def compare(run: Path, other: Path) -> ComparedRecords:
    """Compare two recordings test by test, and write ``compared.json`` into ``run``.

    Raises:
        RequestError: one of them is no recording.
    """
    here, there = (judge_recording(read_machine_recording(path)) for path in (run, other))
    compared = ComparedRecords(run=run, comparison=comparison.compare(here, there))
    write_whole(run / "compared.json", comparison_json(compared.comparison))
    return compared
