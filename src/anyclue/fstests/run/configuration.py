"""From a scenario's words to what a guest's ``check`` is given: sections, selection, arguments."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from anyclue.fstests.core.check_arguments import CheckArguments, read_arguments
from anyclue.fstests.core.check_line import TEST_ID
from anyclue.fstests.core.known_failures import read_known_failures
from anyclue.fstests.core.local_config import SET_BY_GUEST, read_local_config, write_local_config
from anyclue.fstests.core.model import ConfigSection, SectionPlan
from anyclue.fstests.core.section_options import carried
from anyclue.fstests.run.session import DEVICES
from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Scenario, TestChoice
from anyclue.scenarios.lines import KeyPath, line_of
from anyclue.system.files import read_small_text

PASSES = ("-i", "-I")
LEAVING_OUT = ("-x", "-X", "-E", "-e")
PER_CALL = ("-L", "-R")

_TEST = re.compile(TEST_ID, re.ASCII)
_KEY = re.compile(r"(\w+)(?:\[(\d+)\])?")
_LEFT_OUT_FORM = f"a test (generic/475), or one of {', '.join(LEAVING_OUT)} with its value"


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Check's arguments, sorted by who acts on them.

    ``selection`` goes to ``check -n``, ``per_call`` to each run; the passes are ours.
    """

    selection: tuple[str, ...]
    per_call: tuple[str, ...]
    passes: int
    stop_at_failure: bool


def checked(scenario: Scenario, origin: Path, lines: Mapping[KeyPath, int]) -> Scenario:
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
        tests, mistakes = _checked(choice.tests, f"fstests.{name}", origin.parent)
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


def _checked(choice: TestChoice, where: str, base: Path) -> tuple[TestChoice, list[Problem]]:
    problems: list[Problem] = []
    tests = _taken_in(choice.tests, f"{where}.tests", base, problems)
    exclude = _taken_in(choice.exclude, f"{where}.exclude", base, problems)
    options = {}
    for place, entry in exclude.items():
        words = entry.split()
        if _is_option(entry):
            options[place] = entry
            if not words[0].startswith(LEAVING_OUT):
                what, step = f"{entry!r} leaves nothing out", f"write {_LEFT_OUT_FORM}"
                problems.append(Problem(what=what, where=place, next_step=step))
        elif not words or not all(_TEST.fullmatch(word) for word in words):
            what, step = f"{entry!r} is not the name of a test", f"write {_LEFT_OUT_FORM}"
            problems.append(Problem(what=what, where=place, next_step=step))
    choice = replace(choice, tests=tuple(tests.values()), exclude=tuple(exclude.values()))
    asked = tests | options
    try:
        read_arguments(list(asked.values()), where=f"{where}.tests", places=list(asked))
        sections(choice, "", "", where=where)
        if choice.known_failures is not None:
            read_known_failures(choice.known_failures, origin=f"{where}.known_failures")
    except RequestError as error:
        problems += error.problems
    return choice, problems


def _taken_in(
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
        if not _TEST.fullmatch(words[0]):
            what = f"{name!r}, line {number}: {words[0][:60]!r} is not the name of a test"
            step = "begin each line with a test (generic/475), and comments with #"
            problems.append(Problem(what=what, where=place, next_step=step))
            break
        tests.append(words[0])
    return tests


def _all_arguments(choice: TestChoice) -> CheckArguments:
    tests = [word for entry in choice.exclude if not _is_option(entry) for word in entry.split()]
    options = [entry for entry in choice.exclude if _is_option(entry)]
    excluded = [f"-e {','.join(tests)}"] if tests else []
    return read_arguments([*choice.tests, *options, *excluded])


def _is_option(entry: str) -> bool:
    return entry.lstrip().startswith("-")


def arguments(choice: TestChoice) -> Arguments:
    """Return check's arguments for a choice.

    Raises:
        RequestError: they are not accepted.
    """
    asked = _all_arguments(choice)
    ours = (*PASSES, *PER_CALL)
    return Arguments(
        selection=(
            *(word for option in asked.options if option[0] not in ours for word in option),
            *asked.tests,
        ),
        per_call=tuple(word for o in asked.options if o[0] in PER_CALL for word in o),
        passes=asked.runs,
        stop_at_failure=any(name == "-I" for name, _ in asked.options),
    )


def sections(
    choice: TestChoice, mkfs: str, mount: str, *, where: str = "fstests"
) -> dict[str, SectionPlan]:
    """Return the sections to run, each complete; ``mkfs`` and ``mount`` are the cell's options.

    Raises:
        RequestError: the ``local.config`` is not accepted, or lacks one of the sections.
    """
    found: tuple[ConfigSection, ...] = (ConfigSection(name="", options={}),)
    if choice.config is not None:
        found = read_local_config(choice.config, origin=f"{where}.config").sections
    names = [section.name for section in found if section.name]
    if unknown := [name for name in choice.sections if name not in names]:
        what = f"there is no section {unknown[0]!r} in the local.config"
        step = f"sections that it has: {', '.join(names) or 'none'}"
        raise RequestError([Problem(what=what, where=f"{where}.sections", next_step=step)])
    if names:
        found = carried(found, choice.sections, fstyp=choice.fstyp)
    return {section.name: _section(choice, section, mkfs, mount) for section in found}


def _section(choice: TestChoice, section: ConfigSection, mkfs: str, mount: str) -> SectionPlan:
    options = {name: value for name, value in section.options.items() if name not in SET_BY_GUEST}
    options = {"FSTYP": choice.fstyp, **options, **DEVICES, **choice.environment}
    if mount:
        options |= {"MOUNT_OPTIONS": f"-o {mount}", "TEST_FS_MOUNT_OPTS": f"-o {mount}"}
    if mkfs:
        options["MKFS_OPTIONS"] = mkfs
    return SectionPlan(
        fstyp=options["FSTYP"],
        mkfs=options.get("MKFS_OPTIONS", ""),
        mount=options.get("MOUNT_OPTIONS", ""),
        config=write_local_config([ConfigSection(name="", options=options)]),
    )


def local_config(choice: TestChoice, mkfs: str, mount: str) -> str:
    """Return the ``local.config`` of a cell, with sections where the scenario's own has them.

    Raises:
        RequestError: as `sections`.
    """
    return write_local_config(
        [
            ConfigSection(name=name, options=read_local_config(plan.config).sections[0].options)
            for name, plan in sections(choice, mkfs, mount).items()
        ]
    )


def options_of(plan: SectionPlan) -> dict[str, str]:
    """Return what a section sets beyond its devices, which are a machine's own."""
    found = read_local_config(plan.config).sections[0].options
    return {name: value for name, value in found.items() if name not in SET_BY_GUEST}


def config_of(scenario: Scenario, cell_id: str) -> str:
    """Return the ``local.config`` of the cell with this id.

    Raises:
        RequestError: there is no such cell, or it runs no fstests.
    """
    cell = next((cell for cell in scenario.cells if cell.id == cell_id), None)
    choice = scenario.workloads[cell.workload].tests if cell else None
    if cell is None or choice is None:
        known = [c.id for c in scenario.cells if scenario.workloads[c.workload].tests is not None]
        step = f"cells that run fstests: {', '.join(known[:10]) or 'none'}"
        raise RequestError(
            [Problem(what="no cell with tests of fstests", where=cell_id, next_step=step)]
        )
    return local_config(choice, scenario.mkfs[cell.mkfs], scenario.mount[cell.mount])
