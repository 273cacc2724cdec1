"""The list of tests that are known to fail, a TOML file, and the results of a run beside it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from itertools import groupby
from typing import Any

from anyclue.fstests.core.model import (
    TEST_NAME,
    CheckResult,
    CheckStatus,
    KnownFailure,
    KnownFailureMatch,
)
from anyclue.model.errors import Problem, RequestError

_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){1,3}", re.ASCII)
_RELEASE = re.compile(r"\d{1,9}(?:\.\d{1,9})*", re.ASCII)
KEYS = ("test", "reason", "until", "kernels", "sections")
_EXAMPLE = '[[failure]] with test = "generic/475" and reason = "why"'
_UNTIL = 'a kernel version ("6.12") or a day (2027-01-31)'


def read_known_failures(
    text: str, *, origin: str = "known-failures.toml"
) -> tuple[KnownFailure, ...]:
    """Read a list of known failures. ``origin`` names the file in messages.

    Raises:
        RequestError: every mistake in it.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        what, step = f"is not TOML: {error}", f"write {_EXAMPLE}"
        raise RequestError.of(what, where=origin, next_step=step) from error
    problems = [
        Problem(what=f"unknown key {key[:60]!r}", where=origin, next_step=f"write {_EXAMPLE}")
        for key in document
        if key != "failure"
    ]
    tables = document.get("failure", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append(
            Problem(what="must be a list of tables", where=f"{origin}: failure",
                    next_step=f"write {_EXAMPLE}")
        )  # fmt: skip
        raise RequestError(problems)
    found: dict[tuple[object, ...], int] = {}
    entries = []
    for index, table in enumerate(tables):
        entry, mistakes = _entry(table)
        where = f"{origin}: failure[{index}]"
        key = (entry.test, entry.kernels, entry.sections)
        if not mistakes and found.setdefault(key, index) != index:
            mistakes.append((f"says the same as failure[{found[key]}]", "leave one of them out"))
        problems += [Problem(what=what, where=where, next_step=step) for what, step in mistakes]
        entries.append(entry)
    if problems:
        raise RequestError(problems)
    return tuple(entries)


def match_known_failures(
    results: Sequence[CheckResult], known: Sequence[KnownFailure], *, kernel: str, today: str
) -> KnownFailureMatch:
    """Return which failures are known, and which entries no longer hold.

    ``kernel`` is the release that ran, ``today`` a day as ``2026-11-23``. A lost test is never
    excused: nobody knows that it failed as it always does.
    """
    here = [entry for entry in known if _fits(entry.kernels, kernel)]
    expired = [entry for entry in here if _has_come(entry.until, kernel, today)]
    valid = [entry for entry in here if entry not in expired]
    excused: list[tuple[CheckResult, KnownFailure]] = []
    passed: list[tuple[CheckResult, KnownFailure]] = []
    ordered = sorted(results, key=lambda one: (one.section, one.test))
    for (section, test), group in groupby(ordered, key=lambda one: (one.section, one.test)):
        runs = list(group)
        entry = next((e for e in valid if applies_to(e, test, section)), None)
        bad = [one for one in runs if one.status is CheckStatus.FAILED]
        if entry is None:
            continue
        if bad:
            excused += [(one, entry) for one in bad]
        elif all(one.status is CheckStatus.PASSED for one in runs):
            passed.append((runs[-1], entry))
    return KnownFailureMatch(known=tuple(excused), passed=tuple(passed), expired=tuple(expired))


def applies_to(entry: KnownFailure, test: str, section: str) -> bool:
    """Say whether an entry speaks of a test in a section."""
    return entry.test == test and _fits(entry.sections, section)


def _entry(table: Mapping[str, Any]) -> tuple[KnownFailure, list[tuple[str, str]]]:
    """Return the entry, and its mistakes each with its next step."""
    mistakes = [
        (f"unknown key {key[:60]!r}", f"known: {', '.join(KEYS)}")
        for key in table
        if key not in KEYS
    ]
    test, reason, until = table.get("test"), table.get("reason"), table.get("until")
    if not isinstance(test, str) or not TEST_NAME.fullmatch(test):
        mistakes.append(("test must be the name of one test", 'for example: test = "generic/475"'))
    if not isinstance(reason, str) or not reason.strip() or not reason.isprintable():
        step = "say why it fails, in one line: a link, a commit"
        mistakes.append(("reason must be a line of text", step))
    if until is not None and _until(until) is None:
        mistakes.append((f"until must be {_UNTIL}", 'for example: until = "6.12"'))
    globs = {}
    for key in ("kernels", "sections"):
        value = table.get(key, [])
        if isinstance(value, list) and all(isinstance(one, str) and one for one in value):
            globs[key] = tuple(value)
        else:
            step = f'for example: {key} = ["*"]; leave it out for all'
            mistakes.append((f"{key} must be a list of patterns", step))
    entry = KnownFailure(
        test=str(test),
        reason=str(reason),
        until=_until(until),
        kernels=globs.get("kernels", ()),
        sections=globs.get("sections", ()),
    )
    return entry, mistakes


def _until(value: object) -> str | None:
    """Return a version, or a day as ``2027-01-31``; None when it is neither."""
    if type(value) is date:  # a datetime is a date too, and says more than a day
        return value.isoformat()
    if not isinstance(value, str):
        return None
    if _VERSION.fullmatch(value):
        return value
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        return None


def _fits(globs: Sequence[str], name: str) -> bool:
    return not globs or any(fnmatchcase(name, glob) for glob in globs)


def _has_come(until: str | None, kernel: str, today: str) -> bool:
    if until is None:
        return False
    if not _VERSION.fullmatch(until):
        return until <= today
    release = _RELEASE.match(kernel)
    # A release that cannot be told excuses nothing.
    return release is None or _numbers(until) <= _numbers(release[0])


def _numbers(version: str) -> list[int]:
    numbers = [int(part) for part in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers
