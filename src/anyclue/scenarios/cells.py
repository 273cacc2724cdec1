"""The plan: which combinations of the axes are cells, and which of them are references."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

from anyclue.model.scenario import Axis, Cell
from anyclue.scenarios.lines import KeyPath
from anyclue.scenarios.problems import Problems, quoted, suggestion
from anyclue.scenarios.schema import CellsTable
from anyclue.scenarios.shape import table_or_none
from anyclue.scenarios.texts import table_items

MAX_CELLS = 2000
_MAX_COMBINATIONS = 200_000

SECTIONS: Mapping[Axis, str] = {
    Axis.KERNEL: "kernels",
    Axis.MACHINE: "machines",
    Axis.MKFS: "mkfs",
    Axis.MOUNT: "mount",
    Axis.WORKLOAD: "workloads",
}
"""The table of a scenario that holds each axis's values."""

Names: TypeAlias = Mapping[Axis, Sequence[str]]
"""The names of each axis's values, in the order of the file."""

Combination: TypeAlias = tuple[int, ...]
"""One value on each axis, as its index in ``Names``; sorts in the order of the file."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The cells that have one of ``wanted[axis]`` on each axis, as indices; ``path`` is its key."""

    path: KeyPath
    wanted: tuple[tuple[int, ...], ...]

    def matches(self, combination: Combination) -> bool:
        """Say whether a combination is selected."""
        return all(index in wanted for index, wanted in zip(combination, self.wanted, strict=True))

    def __len__(self) -> int:
        return math.prod(len(wanted) for wanted in self.wanted)

    def __iter__(self) -> Iterator[Combination]:
        return product(*self.wanted)


def plan_cells(
    plan: object, names: Names, problems: Problems
) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    """Return the cells in the order of the file, and the references among them.

    Returns no cells when the plan cannot be made; why is noted.
    """
    table = table_items(plan)
    reference = _selection(table.get("reference"), ("plan", "reference"), names, problems)
    include = _selections(table, "include", names, problems)
    exclude = _selections(table, "exclude", names, problems)
    if "include" not in table:
        include = (_everything(names),)
    unreadable = "reference" in table and reference is None
    if unreadable or include is None or exclude is None or not all(names.values()):
        return (), ()
    chosen = _combine(include, exclude, problems)
    cells = {combination: _cell(combination, names) for combination in chosen}
    if reference is None or not cells:
        return tuple(cells.values()), ()
    references = [cell for combination, cell in cells.items() if reference.matches(combination)]
    if not references:
        problems.add(
            reference.path,
            "matches none of the planned cells, so there is nothing to compare with",
            "add such cells to plan.include, or take them out of plan.exclude",
        )
    return tuple(cells.values()), tuple(references)


def _combine(
    include: Sequence[Selection], exclude: Sequence[Selection], problems: Problems
) -> list[Combination]:
    """Return the combinations that are included and not excluded, sorted, without repeats."""
    total = sum(len(selection) for selection in include)
    if total > _MAX_COMBINATIONS:
        _too_many(total, problems)
        return []
    included = {combination for selection in include for combination in selection}
    excluded = {
        combination
        for combination in included
        if any(selection.matches(combination) for selection in exclude)
    }
    if included == excluded:
        problems.add(("plan", "exclude"), "excludes every cell", "leave some cells to run")
        return []
    for selection in exclude:
        if not any(selection.matches(combination) for combination in excluded):
            problems.add(
                selection.path, "excludes nothing: no included cell matches", "remove or correct it"
            )
    for selection in include:
        if excluded.issuperset(selection):
            problems.add(
                selection.path,
                "includes nothing: plan.exclude takes all of it out",
                "remove one of the two",
            )
    chosen = sorted(included - excluded)
    if len(chosen) > MAX_CELLS:
        _too_many(len(chosen), problems)
        return []
    return chosen


def _too_many(count: int, problems: Problems) -> None:
    problems.add(
        ("plan",),
        f"plans {count} cells; at most {MAX_CELLS} can be run",
        "name the combinations that matter in plan.include",
    )


def _everything(names: Names) -> Selection:
    return Selection(path=("plan",), wanted=tuple(tuple(range(len(names[axis]))) for axis in Axis))


def _selections(
    table: Mapping[str, Any], key: str, names: Names, problems: Problems
) -> tuple[Selection, ...] | None:
    """Return the selections of a list of them; None when one is wrong."""
    items = table.get(key, [])
    if not isinstance(items, list):
        return None
    selections = [
        _selection(item, ("plan", key, index), names, problems) for index, item in enumerate(items)
    ]
    right = tuple(selection for selection in selections if selection is not None)
    return right if len(right) == len(selections) and (right or key == "exclude") else None


def _selection(value: object, path: KeyPath, names: Names, problems: Problems) -> Selection | None:
    """Return one selection; None when it is missing or wrong."""
    if not isinstance(value, Mapping):
        return None
    if not value:
        axes = ", ".join(Axis)
        problems.add(path, "names no axis, so it says nothing", f"name at least one of: {axes}")
        return None
    wanted = []
    right = True
    for axis in Axis:
        known = names[axis]
        if axis.value not in value:
            wanted.append(tuple(range(len(known))))
            continue
        asked = _asked(axis, value)
        right &= _check_names(asked, known, (*path, axis.value), SECTIONS[axis], problems)
        wanted.append(tuple(known.index(name) for name in dict.fromkeys(asked) if name in known))
    return Selection(path=path, wanted=tuple(wanted)) if right and all(wanted) else None


def _asked(axis: Axis, value: Mapping[str, Any]) -> list[str]:
    """Return the names wanted on one axis; none when their shape is wrong."""
    table = table_or_none(CellsTable, {axis.value: value[axis.value]})
    asked: list[str] | None = getattr(table, axis.value, None)
    return asked or []


def _check_names(
    asked: Sequence[str], known: Sequence[str], path: KeyPath, section: str, problems: Problems
) -> bool:
    right = True
    for name in asked:
        if name not in known:
            what = f"there is no {quoted(name)} in [{section}]"
            problems.add(path, what, suggestion(name, known))
            right = False
    for name in dict.fromkeys(asked):
        if asked.count(name) > 1:
            problems.add(path, f"names {quoted(name)} twice", "remove one of them")
            right = False
    return right


def _cell(combination: Combination, names: Names) -> Cell:
    return Cell(
        **{axis.value: names[axis][index] for axis, index in zip(Axis, combination, strict=True)}
    )
