"""The workload axis: parameters checked against the rules of the built-in workloads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from anyclue.model.scenario import ParameterRule, Scalar, WorkloadChoice, WorkloadRules
from anyclue.scenarios.lines import KeyPath
from anyclue.scenarios.problems import Problems, shown, suggestion
from anyclue.scenarios.texts import check_no_nul, check_visible


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
                (*path, "use"), f"there is no workload {shown(use)}", suggestion(use, rules)
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
            problems.add((*path, key), f"{wrong}, not {shown(value)}", _describe(parameter))
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
        return f"must be one of {', '.join(shown(choice) for choice in rule.choices)}"
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


_TYPE_WORDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
}


def _describe(rule: ParameterRule) -> str:
    unit = f" {rule.unit}" if rule.unit else ""
    summary = f": {rule.summary}" if rule.summary else ""
    return f"{rule.name}{summary} (default: {shown(rule.default)}{unit})"
