"""A scenario's choices of tests, checked whole before anything starts; files are taken in."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from anyclue.fstests.core.check_arguments import LEAVING_OUT, read_arguments
from anyclue.fstests.core.configuration import is_option, sections
from anyclue.fstests.core.known_failures import read_known_failures
from anyclue.fstests.core.model import TEST_NAME
from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Scenario, TestChoice
from anyclue.scenarios.lines import KeyPath, line_of
from anyclue.system.files import read_small_text

_KEY = re.compile(r"(\w+)(?:\[(\d+)\])?")
_LEFT_OUT_FORM = f"a test (generic/475), or one of {', '.join(LEAVING_OUT)} with its value"


def check_tests(scenario: Scenario, origin: Path, lines: Mapping[KeyPath, int]) -> Scenario:
    """Return the scenario with its choices of tests checked, and files of ``-E`` taken in.

    ``lines`` are those of the keys in the file ``origin``; empty where they are not known.

    Raises:
        RequestError: with every mistake in them.
    """
    problems: list[Problem] = []
    workloads = dict(scenario.workloads)
    for name, choice in scenario.workloads.items():
        if choice.tests is None:
            continue
        tests, mistakes = _check_choice(choice.tests, f"fstests.{name}", origin.parent)
        problems += [
            replace(one, where=_placed(one.where, name, origin, lines)) for one in mistakes
        ]
        workloads[name] = replace(choice, tests=tests)
    if problems:
        raise RequestError(problems)
    return replace(scenario, workloads=workloads)


def _placed(where: str, name: str, origin: Path, lines: Mapping[KeyPath, int]) -> str:
    """Return ``fstests.NAME.KEY[INDEX]`` with the file and the line before it."""
    found = _KEY.match(where.removeprefix(f"fstests.{name}."))
    if found is None or not lines:
        return f"{origin}: {where}"
    key, index = found.groups()
    path: KeyPath = ("fstests", name, key, *([int(index)] if index else []))
    return f"{origin}:{line_of(lines, path)}: {where}"


def _check_choice(choice: TestChoice, where: str, base: Path) -> tuple[TestChoice, list[Problem]]:
    problems: list[Problem] = []
    tests = _with_listed_tests(choice.tests, f"{where}.tests", base, problems)
    exclude = _with_listed_tests(choice.exclude, f"{where}.exclude", base, problems)
    options = {}
    for place, entry in exclude.items():
        words = entry.split()
        if is_option(entry):
            options[place] = entry
            if not words[0].startswith(LEAVING_OUT):
                what, step = f"{entry!r} leaves nothing out", f"write {_LEFT_OUT_FORM}"
                problems.append(Problem(what=what, where=place, next_step=step))
        elif not words or not all(TEST_NAME.fullmatch(word) for word in words):
            what, step = f"{entry!r} is not the name of a test", f"write {_LEFT_OUT_FORM}"
            problems.append(Problem(what=what, where=place, next_step=step))
    choice = replace(choice, tests=tuple(tests.values()), exclude=tuple(exclude.values()))
    arguments = tests | options
    try:
        read_arguments(list(arguments.values()), where=f"{where}.tests", places=list(arguments))
        sections(choice, "", "", where=where)
        if choice.known_failures is not None:
            read_known_failures(choice.known_failures, origin=f"{where}.known_failures")
    except RequestError as error:
        problems += error.problems
    return choice, problems


def _with_listed_tests(
    entries: Sequence[str], where: str, base: Path, problems: list[Problem]
) -> dict[str, str]:
    """Return the entries by place, with ``-e`` for ``-E``, whose file is not there in a guest."""
    found = {}
    for index, entry in enumerate(entries):
        place = f"{where}[{index}]"
        option, _, name = entry.strip().partition(" ")
        if option != "-E" or not name.strip():
            found[place] = entry
            continue
        try:
            text = read_small_text(base / os.path.expanduser(name.strip()))  # noqa: PTH111
        except ValueError as error:
            what = f"{name.strip()!r} cannot be read: {error}"
            problems.append(Problem(what=what, where=place, next_step="check the path"))
            continue
        tests = _listed(text, name.strip(), place, problems)
        if tests:
            found[place] = f"-e {','.join(tests)}"
    return found


def _listed(text: str, name: str, place: str, problems: list[Problem]) -> list[str]:
    """Return the tests in a file of ``-E``; check takes the first word of a line for a test."""
    tests = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if not TEST_NAME.fullmatch(words[0]):
            what = f"{name!r}, line {number}: {words[0][:60]!r} is not the name of a test"
            step = "begin each line with a test (generic/475), and comments with #"
            problems.append(Problem(what=what, where=place, next_step=step))
            break
        tests.append(words[0])
    return tests
