"""What ``check`` printed, read test by test.

Its output is text from a guest that may have died at any moment. A test has passed only where
check printed its seconds on a whole line, and no summary says otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace

from anyclue.fstests.core.check_line import SECTION_NAME, TEST_ID, judge
from anyclue.fstests.core.model import CheckResult, CheckRun, CheckStatus

_TEST = re.compile(rf"^({TEST_ID})(?= )(.*)$", re.ASCII)
_IGNORED = " - unknown test, ignored"
_AGGREGATE = re.compile(r"^ aggregate results across \d+ runs: ", re.ASCII)
_ID = re.compile(TEST_ID, re.ASCII)
_SECTION = re.compile(rf"^SECTION +-- ({SECTION_NAME}) *$", re.ASCII)
_SETTING = re.compile(r"^(RECREATING|FSTYP|PLATFORM|MKFS_OPTIONS|MOUNT_OPTIONS) +-- (.*)$")
_RULE = re.compile(r"^={10,}$")
_LISTED = re.compile(r"(Ran|Not run|Failures): (.*)$")
_TOTAL = re.compile(r"(?:Passed all (\d{1,9})|Failed \d{1,9} of (\d{1,9})) tests$", re.ASCII)
_INTERRUPTED = re.compile(r"Interrupted!$")

_LINES_KEPT = 200
_LENGTH_KEPT = 500


@dataclass(kw_only=True)
class _Run:
    """One run of one test while it is read: what stands behind its name, and below it."""

    test: str
    section: str
    rest: str
    whole: bool
    below: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class _SectionRun:
    """One run of one section, from its header to its totals."""

    runs: list[_Run] = field(default_factory=list)
    listed: dict[str, frozenset[str]] = field(default_factory=dict)
    interrupted: bool = False


@dataclass(kw_only=True)
class _OutputReader:
    """Where in the output the reading is, and what has been found."""

    section: str = ""
    sections: bool = False
    block: _SectionRun | None = None
    closed: int = 0
    last_summary: bool = False
    summed_up: int = 0
    ended_by: str = ""
    other: str = ""
    results: list[CheckResult] = field(default_factory=list)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    numbers: Counter[tuple[str, str]] = field(default_factory=Counter)


def parse_check(text: str, *, ended: bool = True) -> CheckRun:
    """Return what ``check`` said on its standard output, cut short or whole. Never raises.

    ``ended`` is False where its process is known not to have come to its end: the guest died, or
    the process was killed. Then the run is cut short whatever the text says. Without ``-d``,
    which mixes the tests' own output in.
    """
    reader = _OutputReader()
    *lines, partial = text.split("\n")
    for line in lines:
        if reader.last_summary:
            reader.summed_up += _TOTAL.match(line.rstrip("\r")) is not None
        else:
            _read(reader, line.rstrip("\r"), whole=True)
    if partial and not reader.last_summary:
        _read(reader, partial, whole=False)
    open_block = reader.block
    under_way = _close(reader) if open_block is not None else None
    return CheckRun(
        results=tuple(reader.results),
        cut_short=_cut_short(reader, open_block is not None, under_way, ended=ended),
        settings=reader.settings,
        notes=tuple(dict.fromkeys(reader.notes)),
    )


def _cut_short(reader: _OutputReader, is_open: bool, under_way: str | None, *, ended: bool) -> str:
    if reader.ended_by:
        return reader.ended_by
    if is_open:
        last = f": {reader.other}" if reader.other else ""
        return f"it ends inside {under_way}" if under_way else f"it has no summary{last}"
    if not reader.closed:
        return f"no test began: {reader.other}" if reader.other else "check printed nothing"
    if reader.sections and reader.summed_up < reader.closed:
        return "it ends before the summary of all sections"
    return "" if ended else "check did not come to its end"


def _read(reader: _OutputReader, line: str, *, whole: bool) -> None:
    test = _TEST.match(line)
    if test and not _AGGREGATE.match(test[2]):
        _begin(reader, test[1], test[2], whole=whole)
    elif test or not whole:
        return
    elif _RULE.match(line) and reader.block is None and reader.sections:
        reader.last_summary = True
    elif match := _SECTION.match(line):
        reader.sections = True
        reader.section = match[1]
    elif match := _SETTING.match(line):
        _setting(reader, match[1], match[2])
    elif not _summary(reader, line):
        _other(reader, line)


def _begin(reader: _OutputReader, test: str, rest: str, *, whole: bool) -> None:
    if rest == _IGNORED:
        reader.results.append(
            CheckResult(test=test, status=CheckStatus.NOT_RUN, reason="unknown test, ignored")
        )
        return
    if reader.block is None:
        reader.block = _SectionRun()
        reader.notes.append(f"{test} stands outside any section's output")
    # What check prints when it is stopped stands behind the name of the test under way.
    summary = next((m for p in (_LISTED, _INTERRUPTED) if (m := p.search(rest))), None)
    told = rest[: summary.start()] if summary else rest
    if summary and judge(told, ()).status is CheckStatus.LOST:
        run = _Run(test=test, section=reader.section, rest=told, whole=whole)
        reader.block.runs.append(run)
        if whole:
            _summary(reader, summary[0])
        return
    run = _Run(test=test, section=reader.section, rest=rest, whole=whole)
    reader.block.runs.append(run)


def _setting(reader: _OutputReader, name: str, value: str) -> None:
    if name == "FSTYP":
        if reader.block is not None:
            reader.notes.append("a section begins before the one before it has a summary")
            reader.ended_by = reader.ended_by or "a section has no summary"
            _close(reader)
        reader.block = _SectionRun()
    if name != "RECREATING":
        settings = reader.settings.setdefault(reader.section, {})
        settings[name] = value.strip()[:_LENGTH_KEPT]


def _summary(reader: _OutputReader, line: str) -> bool:
    """Take a line of a section's summary; say whether it is one."""
    block = reader.block
    if block is None:
        return False
    if match := _LISTED.match(line):
        block.listed[match[1]] = frozenset(filter(_ID.fullmatch, match[2].split()))
    elif _INTERRUPTED.match(line):
        block.interrupted = True
    elif _TOTAL.match(line):
        if block.interrupted:
            why = f": {reader.other}" if reader.other else ""
            reader.ended_by = reader.ended_by or f"check was interrupted{why}"
        _close(reader)
    else:
        return False
    return True


def _other(reader: _OutputReader, line: str) -> None:
    runs = reader.block.runs if reader.block is not None else []
    if runs and not (reader.block and reader.block.listed):
        if len(runs[-1].below) < _LINES_KEPT:
            runs[-1].below.append(line[:_LENGTH_KEPT])
    elif line.strip() and not line.startswith("Xunit report: "):
        reader.other = line.strip()[:_LENGTH_KEPT]


def _close(reader: _OutputReader) -> str | None:
    """Judge the runs of the block and leave it; return the test under way, if one was."""
    block = reader.block or _SectionRun()
    reader.block = None
    reader.closed += 1
    results = [_result(reader, run) for run in block.runs]
    checked = [_beside_summary(reader, result, results, block.listed) for result in results]
    reader.results += checked
    ran = {run.test for run in block.runs}
    for test in sorted(block.listed.get("Ran", frozenset()) - ran):
        reader.notes.append(f"{test} is in the summary, and its line is not in the output")
        run = _Run(test=test, section=reader.section, rest="", whole=False)
        reader.results.append(_result(reader, run))
    last = checked[-1] if checked else None
    return last.test if last and last.status is CheckStatus.LOST else None


def _result(reader: _OutputReader, run: _Run) -> CheckResult:
    told = judge(run.rest if run.whole else "", run.below)
    reader.numbers[run.section, run.test] += 1
    return CheckResult(
        test=run.test,
        status=told.status,
        reason=told.reason[:_LENGTH_KEPT],
        seconds=told.seconds,
        section=run.section,
        number=reader.numbers[run.section, run.test],
        lines=tuple(run.below) if told.status is CheckStatus.FAILED else (),
    )


def _beside_summary(
    reader: _OutputReader,
    result: CheckResult,
    results: list[CheckResult],
    listed: dict[str, frozenset[str]],
) -> CheckResult:
    """Let the section's summary object to what the test's own line says."""
    test = result.test
    if test in listed.get("Failures", frozenset()):
        runs = [one for one in results if one.test == test]
        if not any(one.status is CheckStatus.FAILED for one in runs):
            reader.notes.append(f"{test} is listed as failed, and its line does not say so")
            return replace(
                result, status=CheckStatus.FAILED, reason="listed under Failures", seconds=None
            )
    elif result.status is CheckStatus.PASSED and test not in listed.get("Ran", {test}):
        reader.notes.append(f"{test} has a line, and is not among those that ran")
        return replace(result, status=CheckStatus.LOST, reason="it is not under Ran", seconds=None)
    return result
