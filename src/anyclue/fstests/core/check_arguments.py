"""What a scenario says under ``tests``, checked whole, as the arguments of check.

An entry is one test (``generic/001``), a pattern of tests (``btrfs/*``), or an option of check
with its value (``-g quick``). The options that make check's output another one, or run nothing,
are not passed on.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from anyclue.fstests.core.model import TEST_NAME
from anyclue.model.errors import Problem, RequestError

_PATTERN = re.compile(r"[\w*?\[][\w*?\[\]!^+-]{0,39}/[\w*?\[\]!^+-]{1,60}", re.ASCII)
_GROUP = re.compile(r"[a-z0-9_][\w.-]{0,59}(?:/[a-z0-9_][\w.-]{0,59})?", re.ASCII)
_FILE_NAME = re.compile(r"[\w.][\w.+-]{0,99}", re.ASCII)
_NUMBER = re.compile(r"[1-9]\d{0,5}", re.ASCII)
_REPORTS = ("xunit", "xunit-quiet")

OPTIONS = {
    "-g": "a group, or several with commas between: quick, btrfs/auto",
    "-x": "a group, or several with commas between: dangerous",
    "-X": "the name of a file in the directories of tests: .exclude",
    "-E": "the path, from the scenario file on, of a file with a test at the begin of each line",
    "-e": "a test, or several with commas between: generic/475,btrfs/011",
    "-i": "how often all tests run: 3",
    "-I": "how often all tests run unless one fails: 3",
    "-L": "how often a test that failed runs again: 4",
    "-R": "xunit or xunit-quiet",
}
"""The options that are passed on, and what each needs."""

PASSES = ("-i", "-I")
LEAVING_OUT = ("-x", "-X", "-E", "-e")
PER_CALL = ("-L", "-R")

_ONCE = frozenset({"-X", "-i", "-I", "-L"})
_TEST_FORM = "a test (generic/001), a pattern (btrfs/*) or an option (-g quick)"


@dataclass(frozen=True, kw_only=True)
class CheckArguments:
    """Check's arguments: pairs of an option and its value, and ids and patterns of tests."""

    options: tuple[tuple[str, str], ...] = ()
    tests: tuple[str, ...] = ()

    @property
    def selection(self) -> tuple[str, ...]:
        """Return what ``check -n`` lists the tests by."""
        ours = (*PASSES, *PER_CALL)
        return (*(word for o in self.options if o[0] not in ours for word in o), *self.tests)

    @property
    def per_call(self) -> tuple[str, ...]:
        """Return what goes to each run of check."""
        return tuple(word for option in self.options if option[0] in PER_CALL for word in option)

    @property
    def passes(self) -> int:
        """Return how often all tests run."""
        return next((int(value) for option, value in self.options if option in PASSES), 1)

    @property
    def stop_at_failure(self) -> bool:
        """Say whether a failed test ends the passes."""
        return any(option == "-I" for option, _ in self.options)


def read_arguments(
    entries: Sequence[str], *, where: str = "tests", places: Sequence[str] = ()
) -> CheckArguments:
    """Read a scenario's list of tests. ``where`` names it in messages.

    ``places`` name each entry, where they are not ``where[0]``, ``where[1]`` and so on.

    Raises:
        RequestError: entries that are not accepted, every one of them.
    """
    problems: list[Problem] = []
    options: list[tuple[str, str]] = []
    tests: list[str] = []
    for index, entry in enumerate(entries):
        mistake = _read(entry, options, tests)
        if mistake is not None:
            what, step = mistake
            place = places[index] if places else f"{where}[{index}]"
            problems.append(Problem(what=what, where=place, next_step=step))
    if set(PASSES) <= {option for option, _ in options}:
        what, step = "-i and -I both say how often tests run", "leave one of them out"
        problems.append(Problem(what=what, where=where, next_step=step))
    if not problems and not tests and "-g" not in {option for option, _ in options}:
        what, step = "no test and no group is named", 'add "-g auto" for what check runs then'
        problems.append(Problem(what=what, where=where, next_step=step))
    if problems:
        raise RequestError(problems)
    return CheckArguments(options=tuple(options), tests=tuple(dict.fromkeys(tests)))


def _read(entry: str, options: list[tuple[str, str]], tests: list[str]) -> tuple[str, str] | None:
    """Add what an entry says; return the mistake in it and the next step, if there is one."""
    try:
        words = shlex.split(entry)
    except ValueError:
        words = []
    if words and words[0].startswith("-"):
        return _read_option(words[0], words[1:], options)
    unknown = next((word for word in words if not _PATTERN.fullmatch(word)), None)
    if not words or unknown is not None:
        return f"{(unknown or entry)[:60]!r} is not the name of a test", f"write {_TEST_FORM}"
    tests += words
    return None


def _read_option(
    option: str, values: Sequence[str], options: list[tuple[str, str]]
) -> tuple[str, str] | None:
    if option not in OPTIONS:
        return f"{option[:60]!r} is not passed on to check", f"known: {', '.join(OPTIONS)}"
    if len(values) != 1 or not _fits(option, values[0]):
        return f"{option} needs {OPTIONS[option]}", f'write "{option} VALUE" as one entry'
    if option in _ONCE and option in {one for one, _ in options}:
        return f"{option} stands twice", "leave one of them out"
    options.append((option, values[0]))
    return None


def _fits(option: str, value: str) -> bool:
    parts = value.split(",")
    if option in {"-g", "-x"}:
        return all(map(_GROUP.fullmatch, parts))
    if option == "-e":
        return all(map(TEST_NAME.fullmatch, parts))
    if option == "-X":
        return _FILE_NAME.fullmatch(value) is not None
    if option == "-R":
        return all(part in _REPORTS for part in parts)
    if option == "-E":
        return bool(value) and value.isprintable()
    return _NUMBER.fullmatch(value) is not None
