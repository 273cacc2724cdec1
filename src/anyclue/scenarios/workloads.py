"""The workload axis: built-in workloads, checked against their rules, and tests of fstests."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anyclue.model.scenario import ParameterRule, Scalar, TestChoice, WorkloadChoice, WorkloadRules
from anyclue.scenarios.lines import KeyPath
from anyclue.scenarios.problems import Problems, quoted, suggestion
from anyclue.scenarios.schema import FstestsTable
from anyclue.scenarios.schema_problems import table_or_none
from anyclue.scenarios.texts import check_no_nul, check_visible
from anyclue.system.files import read_small_text

_TYPE_WORDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
}
USE = "fstests"


def read_workloads(
    tables: Mapping[str, Any], rules: Mapping[str, WorkloadRules], problems: Problems
) -> dict[str, WorkloadChoice]:
    """Return the workloads whose tables are right, with all parameters; note what is wrong."""
    choices = {}
    for name, value in tables.items():
        use = value.get("use") if isinstance(value, Mapping) else None
        if not isinstance(use, str):
            continue
        path = ("workloads", name)
        rule = rules.get(use)
        if rule is None:
            problems.add(
                (*path, "use"), f"there is no workload {quoted(use)}", suggestion(use, rules)
            )
            continue
        given = {
            key: item
            for key, item in value.items()
            if key != "use" and isinstance(item, bool | int | float | str)
        }
        parameters = _parameters(given, rule, path, problems)
        choices[name] = WorkloadChoice(name=name, use=use, parameters=parameters)
    return choices


def _parameters(
    given: Mapping[str, Scalar], rule: WorkloadRules, path: KeyPath, problems: Problems
) -> dict[str, Scalar]:
    known = {parameter.name: parameter for parameter in rule.parameters}
    parameters = {parameter.name: parameter.default for parameter in rule.parameters}
    for key, value in given.items():
        parameter = known.get(key)
        if parameter is None:
            problems.add(
                (*path, key),
                f"the workload {rule.name} has no such parameter",
                suggestion(key, ["use", *known]),
            )
            continue
        wrong = _wrong(value, parameter)
        if wrong:
            problems.add((*path, key), f"{wrong}, not {quoted(value)}", _describe(parameter))
        elif isinstance(value, str) and parameter.lines:
            check_no_nul(value, (*path, key), problems)
        elif isinstance(value, str):
            check_visible(value, (*path, key), problems)
        is_float = isinstance(parameter.default, float) and isinstance(value, int)
        parameters[key] = float(value) if is_float and not wrong else value
    return parameters


def _wrong(value: Scalar, rule: ParameterRule) -> str:
    """Return what is wrong with a parameter's value, "" when nothing is."""
    wanted = type(rule.default)
    fits = (float, int) if wanted is float else wanted
    if not isinstance(value, fits) or isinstance(value, bool) is not (wanted is bool):
        return f"must be {_TYPE_WORDS[wanted]}"
    if rule.choices and value not in rule.choices:
        return f"must be one of {', '.join(quoted(choice) for choice in rule.choices)}"
    if rule.items and isinstance(value, str):
        return _wrong_list(value.split(","), rule.items)
    return _out_of_range(value, rule) if isinstance(value, int | float) else ""


def _wrong_list(words: list[str], items: tuple[str, ...]) -> str:
    if len(set(words)) == len(words) and set(words) <= set(items):
        return ""
    return f"must be some of {','.join(items)}, each once, with commas between them"


def _out_of_range(value: float, rule: ParameterRule) -> str:
    if rule.minimum is not None and not value >= rule.minimum:
        return f"must be at least {rule.minimum:g}"
    if rule.maximum is not None and not value <= rule.maximum:
        return f"must be at most {rule.maximum:g}"
    if isinstance(value, int):
        return "" if abs(value) < 2**63 else "must fit in 64 bits"
    return "" if math.isfinite(value) else "must be a finite number"


def _describe(rule: ParameterRule) -> str:
    unit = f" {rule.unit}" if rule.unit else ""
    summary = f": {rule.summary}" if rule.summary else ""
    return f"{rule.name}{summary} (default: {quoted(rule.default)}{unit})"


def read_fstests(
    tables: Mapping[str, Any], base: Path, problems: Problems, *, fstyp: str
) -> dict[str, WorkloadChoice]:
    """Return the choices whose tables are right; note what is wrong with the others.

    ``fstyp`` is the file system of those that name none. Files that they name are read here: the
    run keeps what is in them. What is in them, and what check makes of the tests, is for others to
    say.
    """
    choices = {}
    for name, value in tables.items():
        table = table_or_none(FstestsTable, value)
        if table is None:
            continue
        path = ("fstests", name)
        for key in ("tests", "exclude", "sections"):
            for index, entry in enumerate(getattr(table, key)):
                check_visible(entry, (*path, key, index), problems)
        given = {
            "SOAK_DURATION": table.soak_duration,
            "TIME_FACTOR": table.time_factor,
            "LOAD_FACTOR": table.load_factor,
        }
        choices[name] = WorkloadChoice(
            name=name,
            use=USE,
            tests=TestChoice(
                tests=tuple(table.tests),
                exclude=tuple(table.exclude),
                tree=str(_file(base, table.tree).resolve()) if table.tree else None,
                fstyp=table.fstyp or fstyp,
                config=_text(table.config, base, (*path, "config"), problems),
                sections=tuple(table.sections),
                known_failures=_text(
                    table.known_failures, base, (*path, "known_failures"), problems
                ),
                environment={key: str(value) for key, value in given.items() if value is not None},
                repeats=table.repeats,
                seconds=table.seconds,
            ),
        )
    return choices


def _text(name: str | None, base: Path, path: KeyPath, problems: Problems) -> str | None:
    if name is None:
        return None
    file = _file(base, name)
    try:
        return read_small_text(file)
    except ValueError as error:
        problems.add(path, f"{quoted(str(file))} cannot be read: {error}", "check the path")
        return None


def _file(base: Path, name: str) -> Path:
    return base / os.path.expanduser(name)  # noqa: PTH111  Path's own raises where nobody is named so
