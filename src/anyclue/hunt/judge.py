"""Judge and report a run from its recordings: no guest, no clock, on any machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from anyclue.fstests.run.cells import TestsJudge
from anyclue.hunt.clue.model import Clue
from anyclue.hunt.conclusion import conclude
from anyclue.hunt.model import Reproduction, RunVerdicts
from anyclue.hunt.render.fault_words import fault_label
from anyclue.hunt.render.html import report_html
from anyclue.hunt.render.junit import junit_xml
from anyclue.hunt.render.text import report_text
from anyclue.hunt.render.verdicts_json import verdicts_json
from anyclue.model.errors import ExitCode
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.recording import Recording
from anyclue.model.scenario import Cell, Scenario
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.recordings.evaluations import Evaluations
from anyclue.recordings.run_directory import RunDirectory, StoredRecordings
from anyclue.report.words import listed
from anyclue.scenarios.plan_document import scenario_from_json
from anyclue.system.files import write_whole
from anyclue.trial.scheduler import Refusals
from anyclue.verdicts.evaluation import evaluate
from anyclue.verdicts.judge import CellJudge


@dataclass(frozen=True, kw_only=True)
class JudgedRun:
    """A judged run: what was found, and what it was found from.

    ``trials`` are the evaluations of its trials, ``recordings`` all that they left, read only when
    a report asks for it. ``more_tests`` are cells with tests of fstests that have not run yet, or
    whose memory is still in doubt.
    """

    run: RunDirectory
    scenario: Scenario
    trials: Mapping[Cell, tuple[TrialEvaluation, ...]]
    recordings: Mapping[Cell, tuple[Recording, ...]]
    findings: RunVerdicts
    more_tests: tuple[Cell, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """Regression found, nothing found, or unproven."""
        verdicts = {cell.verdict for cell in self.findings.cells}
        if any(verdict.is_guilty for verdict in verdicts):
            return ExitCode.REGRESSION
        return ExitCode.INFRASTRUCTURE if Verdict.UNPROVEN in verdicts else ExitCode.NOTHING_FOUND

    @cached_property
    def document(self) -> str:
        """``verdicts.json``."""
        return verdicts_json(self.findings, self.scenario)


class RunJudge:
    """Judges a run from its recordings, again and again: only what is new is read and judged."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._evaluations = Evaluations(run, evaluate)
        self._cells = CellJudge()
        self.tests = TestsJudge(run)

    def judge(self) -> JudgedRun:
        """Judge the run as it is now; nothing is written but evaluations.

        Raises:
            RequestError: it is not a run, or a recording is damaged.
        """
        run = self._run
        scenario = scenario_from_json(run.plan_text(), origin=str(run.plan))
        trials = {cell: self._evaluations.of(cell) for cell in scenario.cells}
        tested = self.tests.judge(scenario)
        others = {cell: of for cell, of in trials.items() if cell not in tested.verdicts}
        judged = [tested.verdicts.get(v.cell, v) for v in self._cells.judge(scenario, others)]
        verdicts = _with_refusals(scenario, judged, trials)
        return JudgedRun(
            run=run,
            scenario=scenario,
            trials=trials,
            recordings=StoredRecordings(run, scenario.cells),
            findings=replace(conclude(verdicts, trials), tests=tested.tests),
            more_tests=tested.more,
        )


def _with_refusals(
    scenario: Scenario,
    verdicts: Sequence[CellVerdict],
    trials: Mapping[Cell, Sequence[TrialEvaluation]],
) -> list[CellVerdict]:
    """Return the verdicts; what was not run is told by what was refused as it would be."""
    refusals = Refusals()
    for cell, of_cell in trials.items():
        for trial in of_cell:
            refusals.add(scenario, cell, trial.outcome, trial.reason, trial.detail)
    found = []
    for verdict in verdicts:
        alike = refusals.alike(scenario, verdict.cell) if not trials.get(verdict.cell) else None
        found.append(replace(verdict, because=alike) if alike is not None else verdict)
    return found


def judge(run: RunDirectory) -> JudgedRun:
    """Judge a run once, as `RunJudge.judge`."""
    return RunJudge(run).judge()


def write_verdicts(judged: JudgedRun) -> None:
    """Write ``verdicts.json``."""
    write_whole(judged.run.file("verdicts.json"), judged.document)


def write_reports(judged: JudgedRun, clue: Clue) -> Path:
    """Write ``report.html``, ``report.txt`` and ``junit.xml``; return the page's path."""
    findings, run = judged.findings, judged.run
    what = findings, judged.scenario, judged.recordings, reproduction(judged), clue
    write_whole(run.file("report.html"), report_html(*what))
    write_whole(run.file("report.txt"), report_text(*what))
    write_whole(run.file("junit.xml"), junit_xml(findings, judged.scenario, clue))
    return run.file("report.html")


def reproduction(judged: JudgedRun) -> Reproduction:
    """Return the commands and versions that it takes to see the same again."""
    scenario = judged.run.scenario.name
    tests = any(choice.tests is not None for choice in judged.scenario.workloads.values())
    commands = {"": f"anyclue hunt {scenario}{' --fstests DIR' if tests else ''}"}
    shells: dict[str, list[str]] = {}
    for fault in judged.findings.faults:
        if fault.lead not in judged.findings.tests:
            command = f"anyclue shell --scenario {scenario} {fault.lead.id}"
            shells.setdefault(command, []).append(fault_label(fault))
    for command, labels in shells.items():
        of = f", {listed(labels)}" if len(shells) > 1 else ""
        commands[f"a shell in the guilty guest{of}"] = command
    versions: dict[str, str] = {}
    for cell, trials in judged.trials.items():
        for trial in trials:
            for name, value in trial.provenance.items():
                label = name.removeprefix("kernel.")
                if name == label and name != "release":
                    versions[name] = str(value)
                else:
                    machine = judged.scenario.machines[cell.machine]
                    versions[f"kernel {cell.kernel}, {machine.arch}: {label}"] = str(value)
    return Reproduction(commands=commands, versions=versions)
