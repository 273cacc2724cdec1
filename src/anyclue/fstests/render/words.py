"""The tests of fstests in a cell, in words: a row for each, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from anyclue.fstests.core.model import CheckStatus, Disagreement, TestFinding
from anyclue.fstests.render.reasons import reason_text
from anyclue.model.machine_recording import TestVerdict
from anyclue.model.verdict import Verdict
from anyclue.report import words
from anyclue.report.text import ascii_line, ruled, shorten, table, wrap

HEADER = ("test", "check", "seconds", "memory", "runs", "KiB/run")
_SHOWN = 200
_CUT = {"test": 20, "check": 15, "memory": 8, "KiB/run": 22}
"""The columns of a narrow table, and their widths."""


def row(test: TestFinding) -> tuple[str, ...]:
    """Return a test's line: what check said, and what its memory did, side by side."""
    seconds, memory = test.seconds, test.memory
    return (
        ascii_line(str(test.id)),
        test.status.value + (" (known)" if test.known else ""),
        f"{sum(seconds) / len(seconds):.0f}" if seconds else "-",
        memory_word(test),
        str(len(memory.runs)) if memory else "-",
        growth(memory) if memory else "-",
    )


def memory_word(test: TestFinding) -> str:
    """Return the verdict on memory; of a test that did not run there is none."""
    if test.memory is not None:
        return test.memory.verdict.value
    return Verdict.UNPROVEN.value if test.status.ran else "-"


def growth(memory: TestVerdict) -> str:
    """Return how memory moved a run: the rate with its interval, of a single run the step."""
    if memory.rate_kib_per_run is not None:
        return ascii_line(words.rate(memory.rate_kib_per_run, memory.rate_ci95_kib))
    steps = memory.steps_kib
    return f"{sum(steps) / len(steps):+.0f}" if steps else "-"


def why(test: TestFinding) -> str:
    """Return what there is to know of a test beyond its row; nothing of a clean pass."""
    parts = []
    if test.killed:
        parts.append(f"its guest ended: {test.killed}")
    elif test.reason and test.status is not CheckStatus.EXPUNGED:
        parts.append(f"{test.status.value}: {test.reason}")
    if test.disagreements:
        parts.append(disagreement(test))
    if test.known is not None:
        parts.append(f"known to fail: {test.known.reason}")
    if test.expired or test.known_but_passed:
        parts.append(outdated(test))
    if test.refusal is not None:
        parts.append(refusal(test))
    memory = test.memory
    if memory is not None and memory.verdict is not Verdict.CLEAN:
        parts.append(f"memory {memory.verdict.value}: {reason_text(memory.because)}")
    return "; ".join(parts)


def disagreement(test: TestFinding) -> str:
    """Return where check's report contradicts what it printed; nothing where it does not."""
    return "; ".join(map(_disagreement, test.disagreements))


def _disagreement(found: Disagreement) -> str:
    if not found.has_report:
        return "check left no report to compare its output with"
    if found.printed is None:
        return f"its report says {found.reported} of a run of which check printed nothing"
    return f"check printed {found.printed}, and its report says {found.reported or 'nothing'}"


def outdated(test: TestFinding) -> str:
    """Return what the list of known failures says of a test and no longer holds, or nothing."""
    parts = [f"its entry among the known failures ended with {e.until}" for e in test.expired]
    if test.known_but_passed is not None:
        parts.append(f"it passed, and is known to fail: {test.known_but_passed.reason}")
    return "; ".join(parts)


def refusal(test: TestFinding) -> str:
    """Return since when and why a test refuses to run, and what runs instead."""
    if test.refusal is None:
        return ""
    found = test.refusal
    instead = f"; the workload {found.instead} does the same, and runs" if found.instead else ""
    return (
        f"it refuses since fstests {found.commit[:12]} of {found.date} ({found.subject}):"
        f" {found.reason}{instead}"
    )


def _fitted(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Return aligned rows; with fewer columns, and long texts cut, where they would be too wide."""
    lines = table(rows)
    if max(map(len, lines)) <= width:
        return lines
    return table(
        [
            tuple(
                shorten(text, _CUT[name])
                for name, text in zip(HEADER, row, strict=True)
                if name in _CUT
            )
            for row in rows
        ]
    )


def counts(tests: Sequence[TestFinding]) -> str:
    """Return how many tests ended how, and what is said of their memory."""
    by_status = Counter(test.status for test in tests)
    by_memory = Counter(memory_word(test) for test in tests)
    checked = ", ".join(f"{by_status[s]} {s.value}" for s in CheckStatus if by_status[s])
    judged = ", ".join(f"{by_memory[v.value]} {v.value}" for v in Verdict if by_memory[v.value])
    return f"check: {checked}; memory: {judged or 'of none'}"


def lines(tests: Sequence[TestFinding], width: int) -> list[str]:
    """Return a table of the tests, and below it what there is to know of some."""
    shown = tests[:_SHOWN]
    rows = _fitted([HEADER, *map(row, shown)], width)
    found = [*wrap(f"{counts(tests)}.", width), "", *ruled(rows)]
    if len(tests) > len(shown):
        found.append(f"{len(tests) - len(shown)} more are in verdicts.json")
    explained = [(test, text) for test in tests if (text := why(test))]
    if explained:
        found.append("")
    for test, text in explained[:_SHOWN]:
        found += wrap(f"{test.id}: {text}", width, first="- ")
    return found
