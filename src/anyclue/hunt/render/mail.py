"""``report.txt``: the findings as a mail to a kernel list, in ASCII, at most 72 columns wide."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from anyclue.fstests.render.reasons import detail_text, reason_text
from anyclue.hunt.clue.model import Clue
from anyclue.hunt.model import Reproduction, RunVerdicts
from anyclue.hunt.render import clue_text, plan_words, verdict_words
from anyclue.hunt.render.clue_text import (
    conditions_lines,
    place_lines,
    probe_lines,
    reproducer_lines,
    script_lines,
    suspect_lines,
)
from anyclue.hunt.render.plain import cells_table, factor_lines, tests_of
from anyclue.hunt.render.selection import grown, level, log_around, was_broken, witness, worst_first
from anyclue.hunt.render.sentence import verdict_sentence
from anyclue.model.recording import LogLine, Recording
from anyclue.model.scenario import Axis, Cell, Scenario
from anyclue.model.verdict import CellVerdict, Signature, Verdict
from anyclue.report import words
from anyclue.report.text import (
    MAIL_COLUMNS,
    ascii_line,
    shorten,
    table,
    wrap,
    wrap_command,
    wrap_verbatim,
)

_DETAILED_CELLS = 12
_INCIDENT_LINES = 60


def report_text(
    findings: RunVerdicts,
    scenario: Scenario,
    recordings: Mapping[Cell, Sequence[Recording]],
    reproduction: Reproduction,
    clue: Clue | None = None,
) -> str:
    """Return the report as mail text.

    The first line can be used as the subject.
    """
    clue = clue or Clue(sentence=verdict_sentence(findings))
    interesting = [
        cell
        for cell in worst_first(findings.cells)
        if cell.verdict not in {Verdict.CLEAN, Verdict.UNPROVEN} or was_broken(cell)
    ]
    lines = [subject(findings, scenario), ""]
    lines += wrap(clue.sentence or "No finding.", MAIL_COLUMNS)
    lines += [
        line for one in clue_text.fixes_lines(clue) for line in ("", *wrap(one, MAIL_COLUMNS))
    ]
    lines += _section("Since when", _since(clue, scenario))
    lines += _section("How to reproduce", _reproduce(clue, reproduction.commands))
    matters = [*conditions_lines(clue, scenario, MAIL_COLUMNS), ""]
    matters += factor_lines(findings.factors, MAIL_COLUMNS)
    lines += _section("What matters, and what does not", matters if any(matters) else [])
    lines += _section("Suspects", suspect_lines(clue, MAIL_COLUMNS))
    lines += _section("The place", place_lines(clue, MAIL_COLUMNS))
    lines += _section("Cells", cells_table(findings.cells, MAIL_COLUMNS))
    for of_cell, tests in findings.tests.items():
        lines += _section("Tests of fstests", tests_of(of_cell, tests, MAIL_COLUMNS))
    evidence: list[str] = []
    told: set[Signature] = set()
    for cell in interesting[:_DETAILED_CELLS]:
        evidence += _evidence(cell)
        if cell.signature is None or cell.signature not in told:
            evidence += _classes(cell) + _last_round_facts(witness(cell, recordings))
        told |= {cell.signature} if cell.signature else set()
        evidence.append("")
    if len(interesting) > _DETAILED_CELLS:
        more = len(interesting) - _DETAILED_CELLS
        evidence += wrap(f"{more} more cells are detailed in verdicts.json.", MAIL_COLUMNS)
    lines += _section("Evidence", evidence)
    lines += _section("Probes", probe_lines(clue, MAIL_COLUMNS))
    lines += _section("Where something broke", _first_break(interesting, recordings))
    lines += _section("What was not tested", _not_tested(findings, scenario, clue))
    lines += _section("What was run", _what_was_run(scenario))
    lines += _section("Versions", _versions(reproduction.versions))
    script = script_lines(clue.reproducer) if clue.reproducer else []
    return "\n".join(_tidy(lines, set(script) - {""})) + "\n"


def subject(findings: RunVerdicts, scenario: Scenario) -> str:
    """Return a line that serves as a mail's subject: the title and what was found."""
    found = verdict_words.headline(findings, scenario)
    title = ascii_line(scenario.title) or "anyclue"
    return shorten(f"{shorten(title, MAIL_COLUMNS - len(found) - 2)}: {found}", MAIL_COLUMNS)


def log_text(line: LogLine) -> str:
    """Return a record of the kernel log as ``dmesg`` prints it."""
    return f"[{line.t_s:12.6f}] {line.text}"


def _what_was_run(scenario: Scenario) -> list[str]:
    lines: list[str] = []
    for axis, name, meaning in plan_words.meanings(scenario):
        lines += wrap(f"{axis} {name}: {meaning}", MAIL_COLUMNS, rest="  ")
    return [*lines, *wrap(plan_words.limits_sentence(scenario), MAIL_COLUMNS)]


def _evidence(verdict: CellVerdict) -> list[str]:
    lines = wrap(f"{verdict.cell.id}: {verdict_words.standing(verdict)}", MAIL_COLUMNS, rest="  ")
    lines += wrap(reason_text(verdict.because), MAIL_COLUMNS, first="  ")
    lines += wrap(
        f"{verdict.rounds} floors after {verdict.warm_up} of warm-up, "
        f"{verdict.trials} trial{'' if verdict.trials == 1 else 's'}, outcome "
        f"{verdict.outcome.value}, reference "
        f"{verdict.reference.id if verdict.reference else 'none'}.",
        MAIL_COLUMNS,
        first="  ",
    )
    return lines


def _classes(verdict: CellVerdict) -> list[str]:
    """Say where to look for what grew, and list what grew and what did not."""
    lines = []
    if verdict.signature:
        said = detail_text(verdict.signature_detail)
        detail = f" ({said})" if said.strip() else ""
        lines += wrap(
            f"Signature {verdict.signature.value}{detail}. Look for "
            f"{words.SIGNATURES[verdict.signature].look_for}.",
            MAIL_COLUMNS,
            first="  ",
        )
    for title, found in (
        ("Grew, KiB per round [95 %]:", grown(verdict)),
        ("Did not grow:", level(verdict)),
    ):
        if found:
            rows = [
                ("   ", name.value, words.rate(of.rate_kib, of.ci95_kib), verdict_words.top_of(of))
                for name, of in found
            ]
            lines.append(f"  {title}")
            for row in table([row[:-1] for row in rows]):
                lines.append(row)
            for row_ in rows:
                if row_[-1]:
                    lines += wrap(f"in {row_[1]}: {row_[-1]}", MAIL_COLUMNS, first="    ")
    return lines


def _last_round_facts(recording: Recording | None) -> list[str]:
    with_facts = [r for r in recording.rounds if r.facts] if recording else []
    if not with_facts:
        return []
    facts = (f"{key} {words.scalar(value)}" for key, value in with_facts[-1].facts.items())
    return wrap(f"Last round: {', '.join(facts)}.", MAIL_COLUMNS, first="  ")


def _first_break(
    interesting: Sequence[CellVerdict], recordings: Mapping[Cell, Sequence[Recording]]
) -> list[str]:
    """Return the incident of the first cell that broke, whole, and the kernel log around it."""
    broken = [cell for cell in interesting if was_broken(cell)]
    if not broken:
        return []
    verdict = broken[0]
    lines = wrap(f"{verdict.cell.id}: {verdict.outcome.value}", MAIL_COLUMNS, rest="  ")
    incident = verdict.incident
    if incident:
        where = f" in {incident.function}()" if incident.function else ""
        when = f" at {incident.t_s:.6f} s" if incident.t_s is not None else ""
        lines += wrap(f"{incident.kind}{where}{when}: {incident.title}", MAIL_COLUMNS, rest="  ")
    recording = witness(verdict, recordings)
    log = log_around(verdict, recording) if recording else ()
    if incident and not _holds(log, incident.text):
        text = wrap_verbatim(incident.text.rstrip(), MAIL_COLUMNS, indent="  ", rest="    ")
        lines += ["", *text[:_INCIDENT_LINES]]
        if len(text) > _INCIDENT_LINES:
            lines.append(f"  ... {len(text) - _INCIDENT_LINES} more lines in report.html")
    if log:
        lines += ["", "Kernel log around it:", ""]
        for line in log:
            lines += wrap_verbatim(log_text(line), MAIL_COLUMNS, indent="  ", rest="    ")
    if len(broken) > 1:
        others = ", ".join(f"{cell.cell.id} ({cell.outcome.value})" for cell in broken[1:])
        lines += ["", *wrap(f"Also broke: {others}.", MAIL_COLUMNS, rest="  ")]
    return lines


def _holds(log: Sequence[LogLine], text: str) -> bool:
    """Return whether the log shows ``text`` already, so that it need not be printed twice."""
    shown = {line.text.strip() for line in log}
    return all(line.strip() in shown for line in text.splitlines() if line.strip())


def _commands(commands: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    for label, command in commands.items():
        if label:
            lines += wrap(f"{label}:", MAIL_COLUMNS, rest="  ")
        lines += [*wrap_command(command, MAIL_COLUMNS, indent="    "), ""]
    return lines


def _since(clue: Clue, scenario: Scenario) -> list[str]:
    """Return the first bad commit, or the guilty kernels beside the innocent ones."""
    if clue.commit is not None:
        return wrap(f"commit {clue_text.commit_line(clue.commit)}", MAIL_COLUMNS, rest="  ")
    lines: list[str] = []
    told: set[str] = set()
    kernels = [
        (said, one.value)
        for guilt in clue.guilt
        for said, conditions in (("guilty", guilt.conditions), ("innocent", guilt.innocent))
        for one in conditions
        if one.axis is Axis.KERNEL
    ]
    for said, names in kernels:
        for name in names.split(" or "):
            if name in scenario.kernels and name not in told:
                told.add(name)
                meaning = plan_words.kernel_meaning(scenario.kernels[name])
                lines += wrap(f"kernel {name}, {said}: {meaning}", MAIL_COLUMNS, rest="  ")
    return lines


def _reproduce(clue: Clue, commands: Mapping[str, str]) -> list[str]:
    lines = reproducer_lines(clue.reproducer, MAIL_COLUMNS) if clue.reproducer else []
    return [*lines, *_commands(commands)]


def _not_tested(findings: RunVerdicts, scenario: Scenario, clue: Clue) -> list[str]:
    items = [*verdict_words.not_judged(findings, scenario), *clue.not_tested]
    if not items:
        return ["Every planned cell was run and judged."]
    unique = dict.fromkeys(items)
    return [line for text in unique for line in wrap(text, MAIL_COLUMNS, first="- ")]


def _versions(versions: Mapping[str, str]) -> list[str]:
    return [
        line
        for key, value in versions.items()
        for line in wrap(f"{key}: {value}", MAIL_COLUMNS, rest="  ")
    ]


def _section(title: str, body: list[str]) -> list[str]:
    return ["", title, "=" * len(title), *body] if body else []


def _tidy(lines: list[str], whole: Container[str]) -> list[str]:
    """Drop trailing spaces and doubled empty lines, and hold lines to the width.

    Those of a script stay ``whole``.
    """
    result: list[str] = []
    for line in lines:
        if line in whole:
            result.append(line)
            continue
        for part in wrap_verbatim(line, MAIL_COLUMNS, rest="  "):
            if part or (result and result[-1]):
                result.append(part)
    return result[:-1] if result and not result[-1] else result
