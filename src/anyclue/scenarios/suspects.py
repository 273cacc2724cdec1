"""The user's theories: from their tables to ``Theory``, each about exactly one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anyclue.model.scenario import (
    About,
    Arch,
    Axis,
    OfArch,
    OfCommit,
    OfFactor,
    OfFunction,
    OfResource,
    OfSubsystem,
    Resource,
    Theory,
)
from anyclue.scenarios.lines import KeyPath
from anyclue.scenarios.problems import Problems, quoted, suggestion
from anyclue.scenarios.schema import ABOUTS, FactorTable, SuspectTable
from anyclue.scenarios.shape import table_or_none
from anyclue.scenarios.texts import check_visible, table_items


def read_suspects(
    tables: object, names: Mapping[Axis, Sequence[str]], problems: Problems
) -> tuple[Theory, ...]:
    """Return the theories whose tables are right; note what is wrong with the others.

    ``names`` are the names on each axis, which a factor may be a value of.
    """
    found = []
    for name, value in table_items(tables).items():
        path: KeyPath = ("suspects", name)
        if isinstance(value, Mapping):
            _check_one(value, path, problems)
            _check_factor(value.get("factor"), names, (*path, "factor"), problems)
            if isinstance(value.get("theory"), str):
                check_visible(value["theory"], (*path, "theory"), problems)
        table = table_or_none(SuspectTable, value)
        about = _about(table) if table is not None else None
        if table is not None and about is not None:
            found.append(Theory(name=name, theory=table.theory, about=about))
    return tuple(found)


def _check_one(value: Mapping[str, Any], path: KeyPath, problems: Problems) -> None:
    given = [key for key in ABOUTS if key in value]
    if len(given) != 1:
        what = f"is about {' and '.join(given)}" if given else "says nothing of what it is about"
        problems.add(path, f"{what}: exactly one of them is wanted", f"one of {', '.join(ABOUTS)}")


def _check_factor(
    value: object, names: Mapping[Axis, Sequence[str]], path: KeyPath, problems: Problems
) -> None:
    if not isinstance(value, Mapping) or table_or_none(FactorTable, value) is None:
        return
    if len(value) != 1:
        step = 'for example: factor = { mount = "lzo" }'
        problems.add(path, f"names {len(value)} axes: exactly one is wanted", step)
    for key, name in value.items():
        known = names[Axis(key)]
        if name not in known:
            problems.add((*path, key), f"there is no {quoted(name)}", suggestion(str(name), known))


def _about(table: SuspectTable) -> About | None:
    if table.factor is not None:
        given = table.factor.model_dump(exclude_none=True)
        axis = next(iter(given), None)
        return OfFactor(axis=Axis(axis), value=given[axis]) if axis is not None else None
    if table.commit is not None:
        return OfCommit(commit=table.commit)
    if table.function is not None:
        return OfFunction(function=table.function)
    if table.subsystem is not None:
        return OfSubsystem(subsystem=table.subsystem.rstrip("/"))
    if table.resource is not None:
        chosen = dict.fromkeys(Resource(one) for one in table.resource)
        return OfResource(resources=tuple(chosen))
    return OfArch(arch=Arch(table.arch)) if table.arch is not None else None
