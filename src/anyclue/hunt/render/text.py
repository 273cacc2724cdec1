"""The findings of a run in ASCII: ``report.txt``, a mail to a kernel list, and the terminal's."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from anyclue.fstests.core.model import TestFinding
from anyclue.fstests.render import words as tests_words
from anyclue.fstests.render.reasons import detail_text, reason_text
from anyclue.hunt.clue.model import Clue
from anyclue.hunt.model import Factor, Reproduction, RunVerdicts
from anyclue.hunt.render import clue_text, fault_words, scenario_words
from anyclue.hunt.render.clue_text import (
    conditions_lines,
    place_lines,
    probe_lines,
    reproducer_lines,
    script_lines,
    summary_blocks,
    suspect_lines,
)
from anyclue.hunt.render.selection import (
    classes_by_status,
    common_axes,
    last_facts,
    log_excerpt,
    notable_cells,
    representative,
    varying_axes,
    was_broken,
)
from anyclue.hunt.render.sentence import verdict_sentence
from anyclue.hunt.render.verdict_words import (
    factor_label,
    factor_reason,
    findings_headline,
    growth,
    not_judged,
    signatures_label,
    top_growth_text,
    verdict_label,
)
from anyclue.model.recording import LogLine, Recording
from anyclue.model.scenario import Axis, Cell, Scenario
from anyclue.model.verdict import CellVerdict, Signature
from anyclue.report import words
from anyclue.report.text import (
    MAIL_COLUMNS,
    ascii_line,
    ruled,
    shorten,
    table,
    wrap,
    wrap_command,
    wrap_verbatim,
)
from anyclue.verdicts.class_growth import GrowthStatus

_DETAILED_CELLS = 12
_INCIDENT_LINES = 60
_STATUS_TITLES = {
    GrowthStatus.PROVEN: "Grew, KiB per round [95 %]:",
    GrowthStatus.OF_PARTS: "In all, with what grew and what did not:",
    GrowthStatus.UNDECIDED: "May have grown, neither proven nor excluded:",
    GrowthStatus.EXCLUDED: "Did not grow:",
}


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
    notable = notable_cells(findings)
    lines = [subject(findings, scenario), ""]
    lines += wrap(clue.sentence or "No finding.", MAIL_COLUMNS)
    lines += [
        line for one in clue_text.fixes_lines(clue) for line in ("", *wrap(one, MAIL_COLUMNS))
    ]
    lines += _section("Since when", _since(clue, findings, scenario))
    lines += _section("How to reproduce", _reproduce(clue, reproduction.commands))
    matters = [*conditions_lines(clue, scenario, MAIL_COLUMNS), ""]
    matters += factors_of_faults(findings, MAIL_COLUMNS)
    lines += _section("What matters, and what does not", matters if any(matters) else [])
    lines += _section("Suspects", suspect_lines(clue, MAIL_COLUMNS))
    lines += _section("The place", place_lines(clue, MAIL_COLUMNS))
    lines += _section("Cells", cells_table(findings.cells, MAIL_COLUMNS))
    for of_cell, tests in findings.tests.items():
        lines += _section("Tests of fstests", tests_of(of_cell, tests, MAIL_COLUMNS))
    evidence: list[str] = []
    told: set[Signature] = set()
    for cell in notable[:_DETAILED_CELLS]:
        evidence += _evidence(cell)
        if cell.signature is None or cell.signature not in told:
            evidence += _classes(cell, scenario.sensitivity.leak_kib_per_round)
            evidence += _last_round_facts(representative(cell, recordings))
        told |= {cell.signature} if cell.signature else set()
        evidence.append("")
    if len(notable) > _DETAILED_CELLS:
        more = len(notable) - _DETAILED_CELLS
        evidence += wrap(f"{more} more cells are detailed in verdicts.json.", MAIL_COLUMNS)
    lines += _section("Evidence", evidence)
    lines += _section("Probes", probe_lines(clue, MAIL_COLUMNS))
    lines += _section("Where something broke", _first_break(notable, recordings))
    lines += _section("What was not tested", _not_tested(findings, scenario, clue))
    lines += _section("What was run", _what_was_run(findings, scenario))
    lines += _section("Versions", _versions(reproduction.versions))
    scripts = [script_lines(of.reproducer) for of in clue.each_fault if of.reproducer]
    whole = {line for script in scripts for line in script}
    return "\n".join(_tidy(lines, whole - {""})) + "\n"


def subject(findings: RunVerdicts, scenario: Scenario) -> str:
    """Return a line that serves as a mail's subject: the title and what was found."""
    found = findings_headline(findings, scenario)
    title = ascii_line(scenario.title) or "anyclue"
    return shorten(f"{shorten(title, MAIL_COLUMNS - len(found) - 2)}: {found}", MAIL_COLUMNS)


def log_text(line: LogLine) -> str:
    """Return a record of the kernel log as ``dmesg`` prints it."""
    return f"[{line.t_s:12.6f}] {line.text}"


def _what_was_run(findings: RunVerdicts, scenario: Scenario) -> list[str]:
    lines: list[str] = []
    for axis, name, meaning in scenario_words.meanings(scenario):
        lines += wrap(f"{axis} {name}: {meaning}", MAIL_COLUMNS, rest="  ")
    most = max((verdict.trials for verdict in findings.cells), default=0)
    return [*lines, *wrap(scenario_words.limits_sentence(scenario, most), MAIL_COLUMNS)]


def _evidence(verdict: CellVerdict) -> list[str]:
    lines = wrap(f"{verdict.cell.id}: {verdict_label(verdict)}", MAIL_COLUMNS, rest="  ")
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


def _classes(verdict: CellVerdict, limit_kib: float) -> list[str]:
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
    by_status = classes_by_status(verdict, limit_kib)
    for status, title in _STATUS_TITLES.items():
        if found := by_status[status]:
            rows = [
                (
                    "   ",
                    name.value,
                    words.rate(of.rate_kib, of.ci95_kib),
                    top_growth_text(of),
                )
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
    facts = [f"{key} {words.scalar(value)}" for key, value in last_facts(recording)]
    return wrap(f"Last round: {', '.join(facts)}.", MAIL_COLUMNS, first="  ") if facts else []


def _first_break(
    notable: Sequence[CellVerdict], recordings: Mapping[Cell, Sequence[Recording]]
) -> list[str]:
    """Return the incident of the first cell that broke, whole, and the kernel log around it."""
    broken = [cell for cell in notable if was_broken(cell)]
    if not broken:
        return []
    verdict = broken[0]
    lines = wrap(f"{verdict.cell.id}: {verdict.outcome.value}", MAIL_COLUMNS, rest="  ")
    incident = verdict.incident
    if incident:
        where = f" in {incident.function}()" if incident.function else ""
        when = f" at {incident.t_s:.6f} s" if incident.t_s is not None else ""
        lines += wrap(f"{incident.kind}{where}{when}: {incident.title}", MAIL_COLUMNS, rest="  ")
    recording = representative(verdict, recordings)
    log = log_excerpt(verdict, recording) if recording else ()
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


def _since(clue: Clue, findings: RunVerdicts, scenario: Scenario) -> list[str]:
    """Return the first bad commit, or the guilty kernels beside the innocent ones."""
    proven = [one.commit for one in clue.each_fault if one.commit is not None]
    if proven:
        said = dict.fromkeys(f"commit {clue_text.commit_line(one)}" for one in proven)
        return [line for one in said for line in wrap(one, MAIL_COLUMNS, rest="  ")]
    labels: dict[str, str] = {}
    for guilt in clue.guilt:
        if any(one.axis is Axis.KERNEL for one in guilt.conditions):
            for one in findings.cells:
                if one.cell.id in guilt.cells:
                    labels.setdefault(one.cell.kernel, "guilty")
        for innocent in guilt.innocent:
            if innocent.axis is Axis.KERNEL:
                labels.setdefault(innocent.value, "innocent")
    lines: list[str] = []
    for name, label in labels.items():
        if name in scenario.kernels:
            meaning = scenario_words.kernel_meaning(scenario.kernels[name])
            lines += wrap(f"kernel {name}, {label}: {meaning}", MAIL_COLUMNS, rest="  ")
    return lines


def _reproduce(clue: Clue, commands: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    for of in clue.each_fault:
        if of.reproducer is not None:
            title = clue_text.fault_title(of, clue)
            lines += [*wrap(f"{title}:", MAIL_COLUMNS), ""] if title else []
            lines += reproducer_lines(of.reproducer, MAIL_COLUMNS)
    return [*lines, *_commands(commands)]


def _not_tested(findings: RunVerdicts, scenario: Scenario, clue: Clue) -> list[str]:
    items = [*not_judged(findings, scenario), *clue.not_tested]
    items += [f"left out: {one}" for one in clue.left_out]
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


_INDENT = "    "


def cells_table(cells: Sequence[CellVerdict], width: int) -> list[str]:
    """Return cells with verdict, rate with interval and signature, in at most ``width`` columns.

    What all cells share is said once above the table. The signature moves to a line of its own
    where the table is too wide, and so does the cell's name where that is not enough.
    """
    if not cells:
        return ["No cell was judged."]
    axes = varying_axes([cell.cell for cell in cells])
    rows = [
        (
            *(ascii_line(cell.cell.value(axis)) for axis in axes),
            verdict_label(cell),
            str(growth(cell)),
            ascii_line(signatures_label(cell)),
        )
        for cell in cells
    ]
    header = (*(axis.value for axis in axes), "verdict", "KiB/round [95 %]", "signature")
    shared = common_axes([cell.cell for cell in cells])
    lines: list[str] = []
    if shared:
        said = ", ".join(f"{axis.value} {value}" for axis, value in shared)
        lines += [*wrap(f"In all cells: {said}.", width), ""]
    rates = [growth(cell).per_round for cell in cells]
    return lines + _fitted(header, rows, rates, width)


def factor_lines(factors: Sequence[Factor], width: int) -> list[str]:
    """Return one paragraph a factor: its name, how it stands, and why."""
    lines: list[str] = []
    for factor in factors:
        begin = f"{factor.factor.value:<8}  {factor_label(factor.matters):<11}  "
        lines += wrap(factor_reason(factor), width, first=begin)
    return lines


def factors_of_faults(findings: RunVerdicts, width: int) -> list[str]:
    """Return the factors, of each fault where there are several."""
    if len(findings.faults) < 2:
        return factor_lines(findings.factors, width)
    lines: list[str] = []
    for fault in findings.faults:
        lines += [*([""] if lines else []), *wrap(f"{fault_words.fault_label(fault)}:", width)]
        lines += factor_lines(fault.factors, width)
    return lines


def summary(findings: RunVerdicts, clue: Clue | None = None) -> str:
    """Return what a hunt prints at its end: the clue, the cells, the factors, what is open.

    ASCII, at most 100 columns, ended by a line end.
    """
    width = 100
    blocks = [
        wrap(clue.sentence if clue is not None else verdict_sentence(findings), width),
        *(summary_blocks(clue, width) if clue is not None else ()),
        cells_table(findings.cells, width),
        factors_of_faults(findings, width),
        *(tests_of(cell, tests, width) for cell, tests in findings.tests.items()),
    ]
    missing = not_judged(findings, None)
    if missing:
        items = [line for text in missing for line in wrap(text, width, first="- ")]
        blocks.append(["Not judged:", *items])
    if clue is not None and clue.left_out:
        items = [line for text in clue.left_out for line in wrap(text, width, first="- ")]
        blocks.append(["Left out:", *items])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def tests_of(cell: Cell, tests: Sequence[TestFinding], width: int) -> list[str]:
    """Return the tests of fstests in a cell, each with what check and what its memory said."""
    if not tests:
        return []
    return [*wrap(f"Tests in {cell.id}:", width), *tests_words.lines(tests, width)]


def _fitted(
    header: tuple[str, ...], rows: list[tuple[str, ...]], rates: Sequence[str], width: int
) -> list[str]:
    """Lay the table out; ``rates`` are how the rates of the rows are said without its head."""
    has_signature = any(row[-1] for row in rows)
    if not has_signature:
        header, rows = header[:-1], [row[:-1] for row in rows]
    lines = ruled(table([header, *rows]))
    if max(map(len, lines)) <= width:
        return lines
    if has_signature:
        lines = ruled(table([header[:-1], *(row[:-1] for row in rows)]))
        if max(map(len, lines)) <= width:
            return _with_signatures(lines, rows, width)
        return _stacked(rows, rates, width, values=3)
    return _stacked(rows, rates, width, values=2)


def _with_signatures(lines: list[str], rows: list[tuple[str, ...]], width: int) -> list[str]:
    result = lines[:2]
    for line, row in zip(lines[2:], rows, strict=True):
        result.append(line)
        if row[-1]:
            result += wrap(row[-1], width, first=f"{_INDENT}signature ")
    return result


def _stacked(
    rows: list[tuple[str, ...]], rates: Sequence[str], width: int, *, values: int
) -> list[str]:
    lines: list[str] = []
    for row, said_rate in zip(rows, rates, strict=True):
        lines += wrap(" ".join(row[:-values]), width, rest=_INDENT)
        verdict, rate, *signature = row[-values:]
        known = "no rate" if rate == "-" else said_rate
        said = [verdict, known, *(word for word in signature if word)]
        lines += wrap(", ".join(said), width, first=_INDENT)
    return lines
