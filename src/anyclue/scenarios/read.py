"""Reading a scenario: from TOML, checked whole, to the model with its planned cells."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import tomli_w

from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Axis, Limits, Scenario, Sensitivity, WorkloadRules
from anyclue.scenarios.cells import SECTIONS, plan_cells
from anyclue.scenarios.kernels import read_kernels, repository_and_revision
from anyclue.scenarios.lines import key_lines
from anyclue.scenarios.machines import read_machines
from anyclue.scenarios.problems import Problems, quoted
from anyclue.scenarios.schema import LimitsTable, SensitivityTable
from anyclue.scenarios.schema_problems import check_shape, table_or_none
from anyclue.scenarios.suspects import read_suspects
from anyclue.scenarios.texts import check_visible, read_options, table_items
from anyclue.scenarios.workloads import read_fstests, read_workloads

_MAX_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_NO_OPTIONS = {"default": ""}
DEFAULT_FILE_SYSTEM: Final = "btrfs"
OPTION: Final = "--kernel"
KINDS: Final = ("debian", "build", "git")
_STEP: Final = "write NAME=debian:6.1, NAME=build:DIRECTORY or NAME=git:REPOSITORY@REVISION"


def load_scenario(path: Path, *, workloads: Mapping[str, WorkloadRules]) -> Scenario:
    """Read the scenario file at ``path``; paths in it are relative to its directory.

    Raises:
        RequestError: with every mistake, when the file cannot be read or is not right.
    """
    return load_with(path, (), workloads=workloads)[0]


def load_with(
    path: Path, kernels: Sequence[str], *, workloads: Mapping[str, WorkloadRules]
) -> tuple[Scenario, str]:
    """Do the same with kernels from elsewhere.

    ``kernels`` are from the command line (see `with_kernels`), and take the place of
    those of the same names. Return the scenario, and its text with them.

    Raises:
        RequestError: with every mistake, when the file cannot be read or is not right.
    """
    origin, base = str(path), path.absolute().parent
    text = _text(_content(path, origin), origin)
    scenario = read_scenario(text, origin=origin, base=base, workloads=workloads)
    if not kernels:
        return scenario, text
    text = with_kernels(text, kernels)
    # The file is right: what is wrong now was given, and there are no lines to name.
    scenario = read_scenario(text, origin=OPTION, base=base, workloads=workloads, numbered=False)
    return scenario, text


def read_scenario(
    text: str,
    *,
    origin: str,
    base: Path,
    workloads: Mapping[str, WorkloadRules],
    numbered: bool = True,
) -> Scenario:
    """Check a scenario's TOML whole and plan its cells.

    ``origin`` names the text in messages, with a line's number where ``numbered``; ``base`` is the
    directory that paths in it are relative to, ``workloads`` are the built-in workloads by name.

    Raises:
        RequestError: with every mistake that the text holds, in its order.
    """
    document = _toml(text, origin)
    problems = Problems(origin, key_lines(text), numbered=numbered)
    try:
        document = check_shape(document, problems)
    except RecursionError as error:
        raise _too_deep(origin) from error
    tables = {axis: table_items(document.get(section)) for axis, section in SECTIONS.items()}
    for axis in (Axis.MKFS, Axis.MOUNT):
        if SECTIONS[axis] not in document:
            tables[axis] = _NO_OPTIONS
    title = document.get("title")
    if isinstance(title, str):
        check_visible(title, ("title",), problems)
    kernels = read_kernels(tables[Axis.KERNEL], base, problems)
    machines = read_machines(tables[Axis.MACHINE], problems)
    mkfs = read_options("mkfs", tables[Axis.MKFS], problems)
    mount = read_options("mount", tables[Axis.MOUNT], problems)
    choices = read_workloads(tables[Axis.WORKLOAD], workloads, problems)
    suites = table_items(document.get("fstests"))
    choices.update(read_fstests(suites, base, problems, fstyp=_filesystem(document)))
    tables[Axis.WORKLOAD] = _one_axis(tables[Axis.WORKLOAD], suites, problems)
    names = {axis: tuple(table) for axis, table in tables.items()}
    plan = table_items(document.get("plan"))
    cells, references = plan_cells(plan, names, problems)
    suspects = read_suspects(document.get("suspects"), names, problems)
    problems.raise_if_any()
    return Scenario(
        title=str(title),
        kernels=kernels,
        machines=machines,
        mkfs=mkfs,
        mount=mount,
        workloads=choices,
        cells=cells,
        references=references,
        chooses="include" not in plan,
        limits=_limits(document),
        sensitivity=_sensitivity(document),
        suspects=suspects,
        userspace=document.get("userspace"),
        filesystem=_filesystem(document),
    )


def _filesystem(document: Mapping[str, Any]) -> str:
    name = document.get("filesystem")
    return name if isinstance(name, str) else DEFAULT_FILE_SYSTEM


def _one_axis(
    workloads: Mapping[str, Any], suites: Mapping[str, Any], problems: Problems
) -> Mapping[str, Any]:
    """Return all values of the workload axis, which come from two sections."""
    for name in suites:
        if name in workloads:
            problems.add(
                ("fstests", name), "is the name of a workload, too", "give one of them another"
            )
    if not workloads and not suites:
        problems.add((), "says nothing to run", "add [workloads.NAME] or [fstests.NAME]")
    return {**workloads, **suites}


def _limits(document: Mapping[str, Any]) -> Limits:
    table = table_or_none(LimitsTable, document.get("limits", {}))
    return Limits(**table.model_dump()) if table is not None else Limits()


def _sensitivity(document: Mapping[str, Any]) -> Sensitivity:
    table = table_or_none(SensitivityTable, document.get("sensitivity", {}))
    return Sensitivity(**table.model_dump()) if table is not None else Sensitivity()


def _content(path: Path, origin: str) -> bytes:
    try:
        if path.is_dir():
            step = "name the .toml file in it"
            raise RequestError.of(
                "is a directory, not a scenario file", where=origin, next_step=step
            )
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError as error:
        step = "check the path of the scenario"
        raise RequestError.of("no such file", where=origin, next_step=step) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        what, step = f"cannot be read: {reason}", "check the file and its mode"
        raise RequestError.of(what, where=origin, next_step=step) from error
    if len(content) > _MAX_BYTES:
        step = "a scenario is a short TOML file"
        raise RequestError.of("is larger than 1 MiB", where=origin, next_step=step)
    return content


def _text(content: bytes, origin: str) -> str:
    content = content.removeprefix(_BOM)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        raise RequestError.of(
            f"is not UTF-8: the byte 0x{content[error.start]:02x}",
            where=f"{origin}:{line}:{column}",
            next_step="save the file as UTF-8",
        ) from error


def _toml(text: str, origin: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        what = message[: place.start()] if place else message
        if place and place["line"]:
            where = f"{origin}:{place['line']}:{place['column']}"
        else:
            lines = text.splitlines() or [""]
            where = f"{origin}:{len(lines)}:{len(lines[-1]) + 1}"
        step = _toml_step(what)
        raise RequestError.of(f"is not TOML: {what}", where=where, next_step=step) from error
    except RecursionError as error:
        raise _too_deep(origin) from error
    except ValueError as error:  # a whole number of thousands of digits
        raise RequestError.of(f"is not TOML: {error}", where=origin) from error


def _toml_step(what: str) -> str:
    if "overwrite" in what or "twice" in what:
        return "this name is used before; give one of the two another name"
    if "Invalid value" in what:
        return 'text needs quotes: name = "text"'
    return ""


def _too_deep(origin: str) -> RequestError:
    step = "a scenario needs a few levels only"
    return RequestError.of("is nested too deeply", where=origin, next_step=step)


def with_kernels(text: str, given: Sequence[str]) -> str:
    """Return a valid scenario's text with these kernels in place of those of the same names.

    They are ``NAME=KIND:VALUE``, from the command line. Paths are relative to the current
    directory. Comments of the text are lost.

    Raises:
        RequestError: one of them is not of that form, or a name is given twice.
    """
    problems: list[Problem] = []
    document = tomllib.loads(text)
    kernels: dict[str, Any] = dict(document.get("kernels", {}))
    names: set[str] = set()
    for one in given:
        name, _, rest = one.partition("=")
        kind, separator, value = rest.partition(":")
        where = f"{OPTION} {quoted(one)}"
        if not name or kind not in KINDS or not separator or not value:
            problems.append(Problem(what="is no kernel", where=where, next_step=_STEP))
        elif name in names:
            step = "give each kernel a name of its own"
            problems.append(Problem(what="names a kernel twice", where=where, next_step=step))
        else:
            kernels[name] = {kind: _from_here(kind, value)}
        names.add(name)
    if problems:
        raise RequestError(problems)
    return tomli_w.dumps({**document, "kernels": kernels})


def _from_here(kind: str, value: str) -> str:
    """Return a value with its path made absolute: that in a scenario begins at its file."""
    if kind == "debian" or value.startswith("~"):
        return value
    path, revision = repository_and_revision(value) if kind == "git" else (value, "")
    return str(Path.cwd() / path) + (f"@{revision}" if revision else "")
