"""Two recordings beside each other, for people."""

from __future__ import annotations

from anyclue.record.core.comparison import LEAST_RUNS
from anyclue.record.core.model import (
    Direction,
    FigureDifference,
    RecordedComparison,
    TestComparison,
)
from anyclue.record.render.notes import comparison_notes
from anyclue.report.text import ascii_line, ruled, table, wrap

WIDTH = 100
_HEADER = ("test", "runs", "peak there", "here", "", "step there", "here", "", "verdict")


def comparison_text(compared: RecordedComparison) -> str:
    """Return the comparison: ASCII, ended by a line end."""
    here, there = compared.here.recorded.machine, compared.there.recorded.machine
    lines = wrap(
        f"{_sentence(compared)} Here: Linux {ascii_line(here.release)}, {ascii_line(here.begin)};"
        f" there: Linux {ascii_line(there.release)}, {ascii_line(there.begin)}.",
        WIDTH,
    )
    if compared.tests:
        lines += [
            "",
            "In MiB: the peak above the floor before the test, and what the floor rose by.",
            "",
            *ruled(table([_HEADER, *map(_row, compared.tests)])),
        ]
    notes = [ascii_line(note) for note in comparison_notes(compared)]
    if any(min(len(t.here.runs), len(t.there.runs)) < LEAST_RUNS for t in compared.tests):
        notes.append(
            f"tests with fewer than {LEAST_RUNS} runs in a recording: their scatter is not known,"
            " so nothing is said of a difference; repeat them (check -i)"
        )
    for where, names in (("here", compared.only_here), ("there", compared.only_there)):
        if names:
            notes.append(f"only {where}: {', '.join(map(ascii_line, names))}")
    if notes:
        lines += ["", "To know:"]
        for note in notes:
            lines += wrap(note, WIDTH, first="- ")
    return "\n".join(lines) + "\n"


def _sentence(compared: RecordedComparison) -> str:
    if not compared.tests:
        return "The two recordings have no test in common."
    parts = []
    for direction in (Direction.HIGHER, Direction.LOWER):
        names = [
            f"{ascii_line(test.here.test)} ({', '.join(found)})"
            for test in compared.tests
            if (found := [n for n, d in _figures(test) if d and d.direction is direction])
        ]
        if names:
            parts.append(f"{direction.value} here: {', '.join(names)}")
    guilty = [
        f"{ascii_line(t.here.test)} ({t.here.verdict.value})"
        for t in compared.tests
        if t.newly_guilty
    ]
    if guilty:
        parts.append(f"guilty only here: {', '.join(guilty)}")
    same = sum(
        all(d and d.direction is Direction.SAME for _, d in _figures(t)) for t in compared.tests
    )
    undecided = sum(
        any(d is None or d.direction is Direction.UNDECIDED for _, d in _figures(t))
        for t in compared.tests
    )
    of = f"of {len(compared.tests)} tests"
    parts += [f"{same} {of} the same"] if same else []
    parts += [f"{undecided} {of} cannot be told"] if undecided else []
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _figures(test: TestComparison) -> tuple[tuple[str, FigureDifference | None], ...]:
    return ("peak", test.peak), ("step", test.step)


def _row(test: TestComparison) -> tuple[str, ...]:
    verdicts = test.there.verdict.value, test.here.verdict.value
    return (
        ascii_line(test.here.test),
        f"{len(test.there.runs)}, {len(test.here.runs)}",
        *_cells(test.peak),
        *_cells(test.step),
        verdicts[0] if verdicts[0] == verdicts[1] else " -> ".join(verdicts),
    )


def _cells(difference: FigureDifference | None) -> tuple[str, str, str]:
    if difference is None:
        return "-", "-", "no floors"
    there, here = difference.there_kib / 1024, difference.here_kib / 1024
    return f"{there:.1f}", f"{here:.1f}", difference.direction.value
