"""The tests of fstests in ``junit.xml``: check's own cases, with memory figures as properties."""

from __future__ import annotations

from collections.abc import Sequence

from junitparser import Error, Failure, Skipped
from junitparser.xunit2 import TestCase, TestSuite

from anyclue.fstests.core.model import CheckStatus, TestFinding
from anyclue.fstests.render import words as tests_words
from anyclue.model.scenario import Cell
from anyclue.model.verdict import Verdict
from anyclue.report import words
from anyclue.report.text import clean, clean_block

_NO_SECTION = "global"  # as check names it


def tests_suite(cell: Cell, tests: Sequence[TestFinding]) -> TestSuite:
    """Return the suite of a cell's tests; their classes are named as check names them.

    A test passes where check passed it and its memory is clean. One that was not run, left out or
    whose memory is unproven is skipped; one whose end nobody knows is an error.
    """
    suite = TestSuite(clean(f"fstests {cell.id}"))  # type: ignore[no-untyped-call]
    for test in tests:
        suite.add_testcase(_case(cell, test))
    return suite


def _case(cell: Cell, test: TestFinding) -> TestCase:
    section = test.id.section or _NO_SECTION
    case = TestCase(clean(test.id.test), classname=clean(f"xfstests.{section}"))
    if test.seconds:
        case.time = sum(test.seconds)
    for name, value in _properties(cell, test):
        case.add_property(name, clean(value))
    result = _result(test)
    if result is not None:
        result.text = "\n".join(
            clean_block(line) for of in test.results for line in (of.reason, *of.lines) if line
        )
        case.result = [result]
    return case


def _result(test: TestFinding) -> Failure | Error | Skipped | None:
    message = clean(tests_words.why(test))
    memory = test.memory.verdict if test.memory else Verdict.UNPROVEN
    if memory.is_guilty:
        return Failure(message, memory.value)
    if test.is_new_failure:
        return Failure(message, test.status.value)
    if test.status is CheckStatus.LOST:
        return Error(message, test.status.value)
    if test.status is not CheckStatus.PASSED:
        return Skipped(message, test.status.value)
    return None if memory is Verdict.CLEAN else Skipped(message, memory.value)


def _properties(cell: Cell, test: TestFinding) -> list[tuple[str, str]]:
    memory = test.memory
    found = [
        ("cell", cell.id),
        ("check", test.status.value),
        ("memory", tests_words.memory_word(test)),
    ]
    if memory is not None:
        peaks = [run.peak_kib for run in memory.runs if run.peak_kib is not None]
        found += [
            ("rate_kib_per_run", words.number(memory.rate_kib_per_run)),
            ("rate_ci95_kib", words.interval(memory.rate_ci95_kib) or "-"),
            ("steps_kib", " ".join(words.number(step) for step in memory.steps_kib) or "-"),
            ("peak_kib", words.number(max(peaks, default=None))),
            ("signature", memory.signature.value if memory.signature else "-"),
        ]
    return found
