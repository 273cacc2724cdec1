"""check's own report, ``result.xml`` (``-R xunit``, ``-R xunit-quiet``), as results.

The file comes from a guest. A document type, which check never writes, ends the
reading; so does a mistake in the XML, and what stands before it is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from anyclue.fstests.core.check_output import LENGTH_KEPT, LINES_KEPT, parse_status
from anyclue.fstests.core.model import (
    SECTION_NAME,
    TEST_NAME,
    CheckResult,
    CheckRun,
    CheckStatus,
    Disagreement,
)

_CLASS = "xfstests."
_NO_SECTIONS = "-no-sections-"
_GLOBAL = "global"
_SECTION = re.compile(SECTION_NAME, re.ASCII)
_REPORTED = frozenset({CheckStatus.PASSED, CheckStatus.FAILED, CheckStatus.NOT_RUN})
"""What a report has: tests that were left out are not in it, nor those that did not end."""

_STATUS = {"skipped": CheckStatus.NOT_RUN, "failure": CheckStatus.FAILED}


class _RefusedError(Exception):
    """The document holds what check never writes."""


@dataclass(kw_only=True)
class _Case:
    attributes: Mapping[str, str]
    status: CheckStatus = CheckStatus.PASSED
    reason: str = ""
    text: list[str] = field(default_factory=list)


class _Report:
    """Gathers results while expat walks through the document."""

    def __init__(self) -> None:
        self.suite: Mapping[str, str] | None = None
        self._has_sections = False
        self.results: list[CheckResult] = []
        self._path: list[str] = []
        self._case: _Case | None = None
        self._numbers: Counter[tuple[str, str]] = Counter()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._path.append(tag)
        if len(self._path) == 1:
            if tag != "testsuite":
                raise _RefusedError(f"the document is a {tag[:40]!r}, not a testsuite")
            self.suite = attributes
        elif self._path[1:] == ["properties", "property"]:
            if attributes.get("name") == "SECTION":
                self._has_sections = attributes.get("value") != _NO_SECTIONS
        elif self._path[1:] == ["testcase"]:
            self._case = _Case(attributes=attributes)
        elif self._case is not None and tag in _STATUS:
            self._case.status = _STATUS[tag]
            self._case.reason = " ".join(attributes.get("message", "").split())

    def text(self, data: str) -> None:
        if self._case is not None and self._path[-1] == "system-err":
            self._case.text.append(data)

    def end(self, _tag: str) -> None:
        self._path.pop()
        if len(self._path) == 1 and self._case is not None:
            self._add(self._case, self._case.status)
            self._case = None

    def add_unfinished(self) -> None:
        """Add the test whose element has no end."""
        if self._case is not None:
            self._add(self._case, CheckStatus.LOST)

    def section(self, attributes: Mapping[str, str]) -> str:
        """Return the section of a test case; check calls a run without sections global."""
        section = attributes.get("classname", "").removeprefix(_CLASS)
        known = _SECTION.fullmatch(section) and (section != _GLOBAL or self._has_sections)
        return section if known else ""

    def _add(self, case: _Case, status: CheckStatus) -> None:
        section = self.section(case.attributes)
        test = case.attributes.get("name", "")
        if not TEST_NAME.fullmatch(test):
            return
        self._numbers[section, test] += 1
        reasons = {
            CheckStatus.LOST: "its element in the report has no end",
            CheckStatus.NOT_RUN: case.reason[:LENGTH_KEPT] or "no reason given",
            CheckStatus.FAILED: _failure(case.reason[:LENGTH_KEPT]),
        }
        failed = status is CheckStatus.FAILED
        lines = "".join(case.text).strip("\n").split("\n") if failed and case.text else []
        self.results.append(
            CheckResult(
                test=test,
                status=status,
                reason=reasons.get(status, ""),
                seconds=_seconds(case.attributes) if status is CheckStatus.PASSED else None,
                section=section,
                number=self._numbers[section, test],
                lines=tuple(line[:LENGTH_KEPT] for line in lines[:LINES_KEPT]),
            )
        )


def parse_xunit(document: bytes) -> CheckRun:
    """Return what a ``result.xml`` says, cut short or whole. Never raises on what is in it.

    check writes the file anew before every test; one that was written in the middle of a run is
    cut short. Expunged tests are not in it. The reason of a failure is the last one that check
    remembers, which may be an earlier test's: that in check's output is the better one.
    """
    report = _Report()
    cut_short = _walk(document, report)
    report.add_unfinished()
    suite = report.suite or {}
    cases = {result.test for result in report.results}
    if not cut_short and not suite.get("time"):
        cut_short = "the report was written while check ran"
    if not cut_short and _count(suite) > len(cases):
        cut_short = f"the report has {len(cases)} of the {_count(suite)} tests that began"
    return CheckRun(results=tuple(report.results), cut_short=cut_short)


def _walk(document: bytes, report: _Report) -> str:
    """Read the document; return why it could not be read to its end, or nothing."""

    def refuse(*_: object) -> None:
        raise _RefusedError("it declares a document type")

    # expat would look an encoding's name up among Python's codecs; check writes UTF-8.
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.StartElementHandler = report.start
    parser.EndElementHandler = report.end
    parser.CharacterDataHandler = report.text
    parser.StartDoctypeDeclHandler = refuse  # without one there are no entities to expand
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        return f"the report is not whole: {error}"
    except _RefusedError as error:
        return f"the report was refused: {error}"
    return ""


def _failure(message: str) -> str:
    """Return check's message as its output words it: without the path of the details."""
    line = parse_status(message, ())
    return line.reason if line.status is CheckStatus.FAILED else message or "failed"


def _seconds(attributes: Mapping[str, str]) -> float | None:
    text = attributes.get("time", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _count(suite: Mapping[str, str]) -> int:
    text = suite.get("tests", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def disagreements(
    printed: Sequence[CheckResult], report: CheckRun | None
) -> tuple[Disagreement, ...]:
    """Return where the report contradicts the output; nothing when they agree.

    ``printed`` are the runs of one test, in one section, as the output has them; ``report`` is None
    when check left none.
    """
    expected = [result for result in printed if result.status in _REPORTED]
    if report is None:
        return (Disagreement(has_report=False),) if expected else ()
    reported = {(result.test, result.number): result.status for result in report.results}
    found = [
        Disagreement(printed=result.status, reported=status)
        for result in printed
        if (status := reported.get((result.test, result.number))) is not result.status
        and (status is not None or result in expected)
    ]
    known = {(result.test, result.number) for result in printed}
    found += [
        Disagreement(reported=status)
        for key, status in reported.items()
        if key not in known and key[0] in {result.test for result in printed}
    ]
    return tuple(dict.fromkeys(found))
