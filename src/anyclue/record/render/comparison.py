"""Two recordings beside each other, for people and for programs."""

from __future__ import annotations

import json
from typing import Any

from anyclue.record.core.model import (
    Direction,
    FigureDifference,
    RecordedComparison,
    TestComparison,
)
from anyclue.report.text import ascii_line, clean, table, wrap

WIDTH = 100
SCHEMA = "anyclue.compared/1"
_HEADER = ("test", "runs", "peak there", "here", "", "step there", "here", "", "verdict")


def against_text(compared: RecordedComparison) -> str:
    """Return the comparison: ASCII, ended by a line end."""
    here, there = compared.here.recorded.machine, compared.there.recorded.machine
    lines = wrap(
        f"{_sentence(compared)} Here: Linux {ascii_line(here.release)}, {ascii_line(here.begin)};"
        f" there: Linux {ascii_line(there.release)}, {ascii_line(there.begin)}.",
        WIDTH,
    )
    if compared.tests:
        rows = table([_HEADER, *(_row(test) for test in compared.tests)])
        lines += [
            "",
            "In MiB: the peak above the floor before the test, and what the floor rose by.",
            "",
            rows[0].rstrip(),
            "-" * max(map(len, rows)),
            *(row.rstrip() for row in rows[1:]),
        ]
    notes = [ascii_line(note) for note in compared.notes]
    if any(len(t.here.runs) < 3 or len(t.there.runs) < 3 for t in compared.tests):
        notes.append(
            "tests with fewer than 3 runs in a recording: their scatter is not known, so nothing is"
            " said of a difference; repeat them (check -i)"
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
    for standing in (Direction.HIGHER, Direction.LOWER):
        names = [
            f"{ascii_line(test.here.test)} ({', '.join(found)})"
            for test in compared.tests
            if (found := [n for n, d in _figures(test) if d and d.standing is standing])
        ]
        if names:
            parts.append(f"{standing.value} here: {', '.join(names)}")
    guilty = [
        f"{ascii_line(t.here.test)} ({t.here.verdict.value})"
        for t in compared.tests
        if t.newly_guilty
    ]
    if guilty:
        parts.append(f"guilty only here: {', '.join(guilty)}")
    same = sum(
        all(d and d.standing is Direction.SAME for _, d in _figures(t)) for t in compared.tests
    )
    untold = sum(
        any(d is None or d.standing is Direction.UNTOLD for _, d in _figures(t))
        for t in compared.tests
    )
    of = f"of {len(compared.tests)} tests"
    parts += [f"{same} {of} the same"] if same else []
    parts += [f"{untold} {of} cannot be told"] if untold else []
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
    return f"{there:.1f}", f"{here:.1f}", difference.standing.value


def against_json(compared: RecordedComparison) -> str:
    """Return the comparison as JSON text."""
    value = {
        "schema": SCHEMA,
        "here": clean(compared.here.recorded.machine.release),
        "there": clean(compared.there.recorded.machine.release),
        "tests": [_json(test) for test in compared.tests],
        "only_here": [clean(name) for name in compared.only_here],
        "only_there": [clean(name) for name in compared.only_there],
        "notes": [clean(note) for note in compared.notes],
    }
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def _json(test: TestComparison) -> dict[str, Any]:
    figures = {
        name: {
            "here_kib": d.here_kib,
            "there_kib": d.there_kib,
            "ci95_kib": list(d.ci95_kib) if d.ci95_kib else None,
            "standing": d.standing.value,
        }
        if d
        else None
        for name, d in _figures(test)
    }
    return {
        "test": clean(test.here.test),
        "runs_here": len(test.here.runs),
        "runs_there": len(test.there.runs),
        "verdict_here": test.here.verdict.value,
        "verdict_there": test.there.verdict.value,
        **figures,
    }
