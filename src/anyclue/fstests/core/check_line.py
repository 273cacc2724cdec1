"""What ``check`` said of one run of one test: the text behind its name and below it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from anyclue.fstests.core.model import CheckStatus

TEST_ID = r"[a-z0-9][\w+-]{0,39}/\d{3}[\w-]{0,59}"
"""A regular expression of a test's id; no id can leave a directory, as a path."""

SECTION_NAME = r"[A-Za-z0-9_-]{1,100}"
"""A regular expression of the names of sections that check reads."""

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


@dataclass(frozen=True, kw_only=True)
class CheckLine:
    """The status of a run, why, and its seconds."""

    status: CheckStatus
    reason: str = ""
    seconds: float | None = None


def judge(rest: str, below: Sequence[str]) -> CheckLine:
    """Return what check said, from whole lines only.

    ``rest`` stands behind the test's name, ``below`` are the lines up to the next test.
    """
    first = _LAST_TIME.sub("", rest, count=1)
    said = _CLOCKS.sub("", first).strip()
    if said.startswith("[expunged]"):
        return CheckLine(status=CheckStatus.EXPUNGED)
    if said == "- no such test?":
        return CheckLine(status=CheckStatus.NOT_RUN, reason="no such test")
    if said.startswith(_NOT_RUN):
        return CheckLine(status=CheckStatus.NOT_RUN, reason=_reason(said, below))
    reasons = _failures(first, below)
    if reasons:
        return CheckLine(status=CheckStatus.FAILED, reason="; ".join(reasons))
    last = next((line for line in reversed((first, *below)) if line.strip()), "")
    passed = _SECONDS.match(last)
    if passed:
        return CheckLine(status=CheckStatus.PASSED, seconds=float(passed[1]))
    return CheckLine(status=CheckStatus.LOST, reason="nothing says how it ended")


def _reason(said: str, below: Sequence[str]) -> str:
    """With ``-T`` the reason stands a line below, behind the test's name."""
    parts = [said.removeprefix(_NOT_RUN), *below]
    parts = [re.sub(rf"^\t{TEST_ID} -- ", "", part).strip() for part in parts]
    return " ".join(part for part in parts if part) or "no reason given"


def _failures(first: str, below: Sequence[str]) -> list[str]:
    """Return what check found wrong; lines of the tests' own output are indented."""
    own = [first, *(line for line in below if not line.startswith("    "))]
    found = (match[1].strip() for line in own for p in _FAILURES for match in p.finditer(line))
    return list(dict.fromkeys(found))
