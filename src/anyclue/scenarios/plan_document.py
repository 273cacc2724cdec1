"""A scenario with its plan as JSON (``anyclue.plan/1``): plan.json of a run, ``plan --json``.

The form is complete: a run directory is read back from it without the TOML and without the files
that the TOML named. ``docs/scenario.md`` describes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError

from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Cell, Scenario
from anyclue.scenarios.cells import SECTIONS
from anyclue.scenarios.lines import KeyPath
from anyclue.scenarios.problems import key_text, quoted
from anyclue.scenarios.schema import NAME

PLAN_SCHEMA = "anyclue.plan/1"
_SCENARIO = TypeAdapter(Scenario)
_NAME = re.compile(NAME)
_STEP = "start the hunt again from its scenario.toml, or restore the file"


def plan_json(scenario: Scenario) -> dict[str, Any]:
    """Return the whole scenario and its plan as a JSON value.

    Each of ``cells`` has its id (``cell``), its value on each axis, what these mean (options,
    machine, workload and parameters) and ``reference``: the id of its reference cell, or null.
    """
    plan: dict[str, Any] = {"schema": PLAN_SCHEMA}
    plan.update(_SCENARIO.dump_python(scenario, mode="json"))
    references = frozenset(scenario.references)
    plan["cells"] = [
        {**_cell_json(cell, scenario), **_reference_json(cell, scenario, references)}
        for cell in scenario.cells
    ]
    plan["candidates"] = [{"cell": cell.id, **asdict(cell)} for cell in scenario.candidates]
    plan["references"] = [cell.id for cell in scenario.references]
    return plan


def scenario_to_json(scenario: Scenario) -> str:
    """Return ``plan_json()`` as text, as plan.json holds it and ``plan --json`` prints it."""
    return json.dumps(plan_json(scenario), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def scenario_from_json(text: str, *, origin: str = "plan.json") -> Scenario:
    """Return the scenario that ``scenario_to_json()`` wrote.

    Raises:
        RequestError: when the text is not such a plan; ``origin`` names it.
    """
    try:
        plan = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError.of(f"is not JSON: {error}", where=origin, next_step=_STEP) from error
    return scenario_from_plan(plan, origin=origin)


def scenario_from_plan(plan: object, *, origin: str = "plan.json") -> Scenario:
    """Return the scenario that ``plan_json()`` made; keys that it does not know are ignored.

    Raises:
        RequestError: when the value is not such a plan; ``origin`` names it.
    """
    if not isinstance(plan, Mapping) or plan.get("schema") != PLAN_SCHEMA:
        found = plan.get("schema") if isinstance(plan, Mapping) else None
        what = f"is not a plan of the form {PLAN_SCHEMA}: schema is {quoted(found)}"
        raise RequestError.of(what, where=origin, next_step=_STEP)
    value = dict(plan)
    value["references"] = _cells_by_id(value)
    try:
        scenario = _SCENARIO.validate_python(value)
    except ValidationError as error:
        found = [(details["msg"], details["loc"]) for details in error.errors(include_url=False)]
        raise _not_a_plan(found, origin) from error
    _check_names(scenario, origin)
    return scenario


def _cell_json(cell: Cell, scenario: Scenario) -> dict[str, Any]:
    machine = scenario.machines[cell.machine]
    workload = scenario.workloads[cell.workload]
    return {
        "cell": cell.id,
        **asdict(cell),
        "mkfs_options": scenario.mkfs[cell.mkfs],
        "mount_options": scenario.mount[cell.mount],
        "arch": machine.arch.value,
        "ram_mib": machine.ram_mib,
        "cpus": machine.cpus,
        "use": workload.use,
        "parameters": dict(workload.parameters),
    }


def _reference_json(
    cell: Cell, scenario: Scenario, references: frozenset[Cell]
) -> dict[str, bool | str | None]:
    if cell in references:
        return {"is_reference": True, "reference": None}
    reference = scenario.reference_for(cell)
    return {"is_reference": False, "reference": reference.id if reference is not None else None}


def _cells_by_id(plan: Mapping[str, Any]) -> object:
    """Return the cells that ``references`` names by id; what cannot be found stays as it is."""
    references = plan.get("references")
    known = [cell for key in ("candidates", "cells") for cell in _listed(plan.get(key))]
    by_id = {str(cell.get("cell")): cell for cell in known if isinstance(cell, Mapping)}
    if not isinstance(references, list):
        return references
    return [by_id.get(name, name) if isinstance(name, str) else name for name in references]


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _check_names(scenario: Scenario, origin: str) -> None:
    """Check the names, which become parts of paths, and that every cell's values are there."""
    found: list[tuple[str, KeyPath]] = []
    for axis, section in SECTIONS.items():
        values: Mapping[str, object] = getattr(scenario, section)
        found += [
            ("is not a valid name", (section, name)) for name in values if not _NAME.fullmatch(name)
        ]
        for key, cells in (("cells", scenario.cells), ("candidates", scenario.candidates)):
            for index, cell in enumerate(cells):
                if cell.value(axis) not in values:
                    what = f"there is no {quoted(cell.value(axis))} in {section}"
                    found.append((what, (key, index, axis.value)))
    if found:
        raise _not_a_plan(found, origin)


def _not_a_plan(found: Iterable[tuple[str, KeyPath]], origin: str) -> RequestError:
    """Return the error of what is wrong at each key."""
    return RequestError(
        [
            Problem(what=what, where=f"{origin}: {key_text(path)}", next_step=_STEP)
            for what, path in found
        ]
    )
