"""Tables and lists in plain text that the mail and the terminal share."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.fstests.core.model import TestFinding
from anyclue.fstests.render import words as tests_words
from anyclue.hunt.clue.model import Clue
from anyclue.hunt.model import Factor, RunVerdicts
from anyclue.hunt.render import factor_words, verdict_words
from anyclue.hunt.render.clue_text import summary_blocks
from anyclue.hunt.render.selection import common, varying
from anyclue.hunt.render.sentence import verdict_sentence
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict
from anyclue.report import words
from anyclue.report.text import ascii_line, table, wrap

_INDENT = "    "


def cells_table(cells: Sequence[CellVerdict], width: int) -> list[str]:
    """Return cells with verdict, rate with interval and signature, in at most ``width`` columns.

    What all cells share is said once above the table. The signature moves to a line of its own
    where the table is too wide, and so does the cell's name where that is not enough.
    """
    if not cells:
        return ["No cell was judged."]
    axes = varying([cell.cell for cell in cells])
    rows = [
        (
            *(ascii_line(cell.cell.value(axis)) for axis in axes),
            verdict_words.standing(cell),
            ascii_line(words.rate(cell.rate_kib_per_round, cell.rate_ci95_kib)),
            cell.signature.value if cell.signature else "",
        )
        for cell in cells
    ]
    header = (*(axis.value for axis in axes), "verdict", "KiB/round [95 %]", "signature")
    shared = common([cell.cell for cell in cells])
    lines: list[str] = []
    if shared:
        said = ", ".join(f"{axis.value} {value}" for axis, value in shared)
        lines += [*wrap(f"In all cells: {said}.", width), ""]
    return lines + _fitted(header, rows, width)


def factor_lines(factors: Sequence[Factor], width: int) -> list[str]:
    """Return one paragraph a factor: its name, how it stands, and why."""
    lines: list[str] = []
    for factor in factors:
        begin = f"{factor.factor.value:<8}  {verdict_words.matters(factor.matters):<11}  "
        lines += wrap(factor_words.because(factor), width, first=begin)
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
        factor_lines(findings.factors, width),
        *(tests_of(cell, tests, width) for cell, tests in findings.tests.items()),
    ]
    missing = verdict_words.not_judged(findings, None)
    if missing:
        items = [line for text in missing for line in wrap(text, width, first="- ")]
        blocks.append(["Not judged:", *items])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def tests_of(cell: Cell, tests: Sequence[TestFinding], width: int) -> list[str]:
    """Return the tests of fstests in a cell, each with what check and what its memory said."""
    if not tests:
        return []
    return [*wrap(f"Tests in {cell.id}:", width), *tests_words.lines(tests, width)]


def _fitted(header: tuple[str, ...], rows: list[tuple[str, ...]], width: int) -> list[str]:
    has_signature = any(row[-1] for row in rows)
    if not has_signature:
        header, rows = header[:-1], [row[:-1] for row in rows]
    lines = _ruled(table([header, *rows]))
    if max(map(len, lines)) <= width:
        return lines
    if has_signature:
        lines = _ruled(table([header[:-1], *(row[:-1] for row in rows)]))
        if max(map(len, lines)) <= width:
            return _with_signatures(lines, rows, width)
        return _stacked(rows, width, values=3)
    return _stacked(rows, width, values=2)


def _ruled(lines: list[str]) -> list[str]:
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def _with_signatures(lines: list[str], rows: list[tuple[str, ...]], width: int) -> list[str]:
    result = lines[:2]
    for line, row in zip(lines[2:], rows, strict=True):
        result.append(line)
        if row[-1]:
            result += wrap(row[-1], width, first=f"{_INDENT}signature ")
    return result


def _stacked(rows: list[tuple[str, ...]], width: int, *, values: int) -> list[str]:
    lines: list[str] = []
    for row in rows:
        lines += wrap(" ".join(row[:-values]), width, rest=_INDENT)
        verdict, rate, *signature = row[-values:]
        known = "no rate" if rate == "-" else f"{rate} KiB/round"
        said = [verdict, known, *(word for word in signature if word)]
        lines += wrap(", ".join(said), width, first=_INDENT)
    return lines
