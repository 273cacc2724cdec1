"""Judge and report a run from its recordings: no guest, no clock, on any machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from anyclue.fstests.run.cells import judge_tests
from anyclue.hunt.clue.model import Clue
from anyclue.hunt.conclusion import conclude
from anyclue.hunt.model import RunVerdicts
from anyclue.hunt.render.html import report_html
from anyclue.hunt.render.junit import junit_xml
from anyclue.hunt.render.mail import report_text
from anyclue.hunt.render.verdicts_json import verdicts_json
from anyclue.model.errors import ExitCode
from anyclue.model.recording import Recording
from anyclue.model.scenario import Cell, Scenario
from anyclue.model.verdict import Verdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.scenarios.stored import scenario_from_json
from anyclue.system.files import write_whole
from anyclue.verdicts.judge import judge_cells

GUILTY = {Verdict.LEAK, Verdict.SURGE, Verdict.BROKEN}


@dataclass(frozen=True, kw_only=True)
class JudgedRun:
    """A judged run: what was found, and what it was found from."""

    run: RunDirectory
    scenario: Scenario
    recordings: Mapping[Cell, tuple[Recording, ...]]
    findings: RunVerdicts
    more_tests: tuple[Cell, ...] = ()
    """Cells with tests of fstests that have not run yet, or whose memory is still in doubt."""

    @property
    def exit_code(self) -> ExitCode:
        """Regression found, nothing found, or unproven."""
        verdicts = {cell.verdict for cell in self.findings.cells}
        if verdicts & GUILTY:
            return ExitCode.REGRESSION
        return ExitCode.INFRASTRUCTURE if Verdict.UNPROVEN in verdicts else ExitCode.NOTHING_FOUND


def judge(run: RunDirectory) -> JudgedRun:
    """Judge a run from its recordings, and write ``verdicts.json``.

    Raises:
        RequestError: it is not a run, or a recording is damaged.
    """
    scenario = scenario_from_json(run.plan_text(), origin=str(run.plan))
    recordings = run.recordings(scenario.cells)
    tested = judge_tests(run, scenario, recordings)
    others = {cell: of for cell, of in recordings.items() if cell not in tested.verdicts}
    verdicts = [tested.verdicts.get(v.cell, v) for v in judge_cells(scenario, others)]
    findings = replace(conclude(verdicts, recordings), tests=tested.tests)
    write_whole(run.file("verdicts.json"), verdicts_json(findings, scenario))
    return JudgedRun(
        run=run,
        scenario=scenario,
        recordings=recordings,
        findings=findings,
        more_tests=tested.more,
    )


def write_reports(judged: JudgedRun, clue: Clue) -> Path:
    """Write ``report.html``, ``report.txt`` and ``junit.xml``; return the page's path."""
    findings, run = judged.findings, judged.run
    what = findings, judged.scenario, judged.recordings, reproduce(judged), clue
    write_whole(run.file("report.html"), report_html(*what))
    write_whole(run.file("report.txt"), report_text(*what))
    write_whole(run.file("junit.xml"), junit_xml(findings, judged.scenario, clue))
    return run.file("report.html")


def reproduce(judged: JudgedRun) -> dict[str, str]:
    """Return the commands and versions that it takes to see the same again."""
    scenario = judged.run.scenario.name
    tests = any(choice.tests is not None for choice in judged.scenario.workloads.values())
    facts = {"command": f"anyclue hunt {scenario}{' --fstests DIR' if tests else ''}"}
    shown = (c.cell for c in judged.findings.cells if c.verdict in GUILTY)
    guilty = next((cell.id for cell in shown if cell not in judged.findings.tests), None)
    if guilty is not None:
        facts["command: a shell in the guilty guest"] = (
            f"anyclue shell --scenario {scenario} {guilty}"
        )
    for cell, trials in judged.recordings.items():
        for recording in trials:
            for name, value in recording.provenance.items():
                label = name.removeprefix("kernel.")
                if name == label and name != "release":
                    facts[name] = str(value)
                else:
                    machine = judged.scenario.machines[cell.machine]
                    facts[f"kernel {cell.kernel}, {machine.arch}: {label}"] = str(value)
    return facts
