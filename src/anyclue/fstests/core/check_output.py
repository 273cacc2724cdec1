"""What ``check`` printed, read test by test, and what ``check -n`` lists.

Its output is text from a guest that may have died at any moment. A test has passed only where
check printed its seconds on a whole line, and no summary says otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from anyclue.fstests.core.model import (
    SECTION_NAME,
    TEST_ID,
    TEST_NAME,
    CheckResult,
    CheckRun,
    CheckStatus,
)

_TEST = re.compile(rf"^({TEST_ID})(?= )(.*)$", re.ASCII)
_IGNORED = " - unknown test, ignored"
_AGGREGATE = re.compile(r"^ aggregate results across \d+ runs: ", re.ASCII)
_SECTION = re.compile(rf"^SECTION +-- ({SECTION_NAME}) *$", re.ASCII)
_FSTYP = re.compile(r"^FSTYP +-- ")
_SETTING = re.compile(r"^(RECREATING|PLATFORM|MKFS_OPTIONS|MOUNT_OPTIONS) +-- ")
_RULE = re.compile(r"^={10,}$")
_LISTED = re.compile(r"(Ran|Not run|Failures): (.*)$")
_TOTAL = re.compile(r"(?:Passed all (\d{1,9})|Failed \d{1,9} of (\d{1,9})) tests$", re.ASCII)
_INTERRUPTED = re.compile(r"Interrupted!$")

LINES_KEPT = 200
LENGTH_KEPT = 500
"""So many lines below a test are kept, and so much of each."""

_LAST_TIME = re.compile(r"^\s*\d{1,9}s \.\.\.", re.ASCII)
_CLOCK = r"\[\d\d:\d\d:\d\d\]"
_CLOCKS = re.compile(_CLOCK, re.ASCII)
_SECONDS = re.compile(rf"^(?: *{_CLOCK})* *(\d{{1,9}})s$", re.ASCII)
_FAILURES = (
    re.compile(r"\[(failed, exit status \d{1,9})\]", re.ASCII),
    re.compile(r"- (output mismatch)\b"),
    re.compile(r"\[(dumped core)\]"),
    re.compile(r"\b_check_\w{1,60}: ([^(]{1,300})"),
    re.compile(r"\b(no qualified output)$"),
)
_NOT_RUN = "[not run]"
_LISTED_TEST = re.compile(rf"^({TEST_ID})(?: *| +\[(expunged)\])$", re.ASCII)
_UNKNOWN_TEST = re.compile(r"^([^\s]{1,100}) - unknown test, ignored$")


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
    """Reads the output line by line; holds where it is, and what has been found."""

    section: str = ""
    sections: bool = False
    block: _SectionRun | None = None
    closed: int = 0
    last_summary: bool = False
    summed_up: int = 0
    ended_by: str = ""
    other: str = ""
    results: list[CheckResult] = field(default_factory=list)
    numbers: Counter[tuple[str, str]] = field(default_factory=Counter)

    def read(self, line: str, *, whole: bool) -> None:
        test = _TEST.match(line)
        if test and not _AGGREGATE.match(test[2]):
            self._begin_test(test[1], test[2], whole=whole)
        elif test or not whole:
            return
        elif _RULE.match(line) and self.block is None and self.sections:
            self.last_summary = True
        elif match := _SECTION.match(line):
            self.sections = True
            self.section = match[1]
        elif _FSTYP.match(line):
            self._begin_section()
        elif _SETTING.match(line):
            return
        elif not self._take_summary(line):
            self._take_other(line)

    def _begin_test(self, test: str, rest: str, *, whole: bool) -> None:
        if rest == _IGNORED:
            self.results.append(
                CheckResult(test=test, status=CheckStatus.NOT_RUN, reason="unknown test, ignored")
            )
            return
        if self.block is None:
            self.block = _SectionRun()
        # What check prints when it is stopped stands behind the name of the test under way.
        summary = next((m for p in (_LISTED, _INTERRUPTED) if (m := p.search(rest))), None)
        before = rest[: summary.start()] if summary else rest
        if summary is None or parse_status(before, ()).status is not CheckStatus.LOST:
            before, summary = rest, None
        run = _Run(test=test, section=self.section, rest=before, whole=whole)
        self.block.runs.append(run)
        if summary and whole:
            self._take_summary(summary[0])

    def _begin_section(self) -> None:
        if self.block is not None:
            self.ended_by = self.ended_by or "a section has no summary"
            self.close()
        self.block = _SectionRun()

    def _take_summary(self, line: str) -> bool:
        """Take a line of a section's summary; say whether it is one."""
        block = self.block
        if block is None:
            return False
        if match := _LISTED.match(line):
            block.listed[match[1]] = frozenset(filter(TEST_NAME.fullmatch, match[2].split()))
        elif _INTERRUPTED.match(line):
            block.interrupted = True
        elif _TOTAL.match(line):
            if block.interrupted:
                why = f": {self.other}" if self.other else ""
                self.ended_by = self.ended_by or f"check was interrupted{why}"
            self.close()
        else:
            return False
        return True

    def _take_other(self, line: str) -> None:
        runs = self.block.runs if self.block is not None else []
        if runs and not (self.block and self.block.listed):
            if len(runs[-1].below) < LINES_KEPT:
                runs[-1].below.append(line[:LENGTH_KEPT])
        elif line.strip() and not line.startswith("Xunit report: "):
            self.other = line.strip()[:LENGTH_KEPT]

    def close(self) -> str | None:
        """Judge the runs of the block and leave it; return the test under way, if one was."""
        block = self.block or _SectionRun()
        self.block = None
        self.closed += 1
        results = [self._result(run) for run in block.runs]
        checked = [_corrected(result, results, block.listed) for result in results]
        self.results += checked
        ran = {run.test for run in block.runs}
        for test in sorted(block.listed.get("Ran", frozenset()) - ran):
            run = _Run(test=test, section=self.section, rest="", whole=False)
            self.results.append(self._result(run))
        last = checked[-1] if checked else None
        return last.test if last and last.status is CheckStatus.LOST else None

    def _result(self, run: _Run) -> CheckResult:
        line = parse_status(run.rest if run.whole else "", run.below)
        self.numbers[run.section, run.test] += 1
        return CheckResult(
            test=run.test,
            status=line.status,
            reason=line.reason[:LENGTH_KEPT],
            seconds=line.seconds,
            section=run.section,
            number=self.numbers[run.section, run.test],
            lines=tuple(run.below) if line.status is CheckStatus.FAILED else (),
        )

    def cut_short(self, is_open: bool, under_way: str | None, *, ended: bool) -> str:
        if self.ended_by:
            return self.ended_by
        if is_open:
            last = f": {self.other}" if self.other else ""
            return f"it ends inside {under_way}" if under_way else f"it has no summary{last}"
        if not self.closed:
            return f"no test began: {self.other}" if self.other else "check printed nothing"
        if self.sections and self.summed_up < self.closed:
            return "it ends before the summary of all sections"
        return "" if ended else "check did not come to its end"


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
            reader.read(line.rstrip("\r"), whole=True)
    if partial and not reader.last_summary:
        reader.read(partial, whole=False)
    open_block = reader.block
    under_way = reader.close() if open_block is not None else None
    return CheckRun(
        results=tuple(reader.results),
        cut_short=reader.cut_short(open_block is not None, under_way, ended=ended),
    )


def _corrected(
    result: CheckResult, results: list[CheckResult], listed: dict[str, frozenset[str]]
) -> CheckResult:
    """Let the section's summary object to what the test's own line says."""
    test = result.test
    if test in listed.get("Failures", frozenset()):
        runs = [one for one in results if one.test == test]
        if not any(one.status is CheckStatus.FAILED for one in runs):
            return replace(
                result, status=CheckStatus.FAILED, reason="listed under Failures", seconds=None
            )
    elif result.status is CheckStatus.PASSED and test not in listed.get("Ran", {test}):
        return replace(result, status=CheckStatus.LOST, reason="it is not under Ran", seconds=None)
    return result


@dataclass(frozen=True, kw_only=True)
class CheckLine:
    """The status of a run, why, and its seconds."""

    status: CheckStatus
    reason: str = ""
    seconds: float | None = None


def parse_status(rest: str, below: Sequence[str]) -> CheckLine:
    """Return what check said, from whole lines only.

    ``rest`` stands behind the test's name, ``below`` are the lines up to the next test.
    """
    first = _LAST_TIME.sub("", rest, count=1)
    status = _CLOCKS.sub("", first).strip()
    if status.startswith("[expunged]"):
        return CheckLine(status=CheckStatus.EXPUNGED)
    if status == "- no such test?":
        return CheckLine(status=CheckStatus.NOT_RUN, reason="no such test")
    if status.startswith(_NOT_RUN):
        return CheckLine(status=CheckStatus.NOT_RUN, reason=_reason(status, below))
    reasons = _failures(first, below)
    if reasons:
        return CheckLine(status=CheckStatus.FAILED, reason="; ".join(reasons))
    last = next((line for line in reversed((first, *below)) if line.strip()), "")
    passed = _SECONDS.match(last)
    if passed:
        return CheckLine(status=CheckStatus.PASSED, seconds=float(passed[1]))
    return CheckLine(status=CheckStatus.LOST, reason="nothing says how it ended")


def _reason(status: str, below: Sequence[str]) -> str:
    """With ``-T`` the reason stands a line below, behind the test's name."""
    parts = [status.removeprefix(_NOT_RUN), *below]
    parts = [re.sub(rf"^\t{TEST_ID} -- ", "", part).strip() for part in parts]
    return " ".join(part for part in parts if part) or "no reason given"


def _failures(first: str, below: Sequence[str]) -> list[str]:
    """Return what check found wrong; lines of the tests' own output are indented."""
    own = [first, *(line for line in below if not line.startswith("    "))]
    found = (match[1].strip() for line in own for p in _FAILURES for match in p.finditer(line))
    return list(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Tests in check's order; ``unknown`` is what was asked for and is no test."""

    tests: tuple[str, ...]
    expunged: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def parse_listing(text: str) -> Listing:
    """Return what the output of ``check -n`` lists. Never raises."""
    lines = text.split("\n")
    matches = [match for match in map(_LISTED_TEST.match, lines) if match]
    return Listing(
        tests=tuple(dict.fromkeys(m[1] for m in matches if not m[2])),
        expunged=tuple(dict.fromkeys(m[1] for m in matches if m[2])),
        unknown=tuple(m[1] for m in map(_UNKNOWN_TEST.match, lines) if m),
    )
