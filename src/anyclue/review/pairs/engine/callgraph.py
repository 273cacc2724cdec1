"""The call graph, by name: the order in which functions are analysed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from anyclue.review.pairs.engine.control_flow import strongly_connected_components

Outline = tuple[tuple[str, bool, frozenset[str]], ...]
"""A file's functions: name, whether only the file sees it, names of what it calls."""


class Position(NamedTuple):
    """A function's place in a program.

    Attributes:
        path: its file.
        number: its number in the file.
        exported: other files that call its name call this one.
    """

    path: str
    number: int
    exported: bool


class Level(NamedTuple):
    """Functions that call nothing but those of earlier levels, and each other.

    Attributes:
        acyclic: those that do not call each other.
        cyclic: those of strongly connected components, in steps: callees come in earlier steps,
            calls that close a cycle apart.
    """

    acyclic: list[Position]
    cyclic: list[list[Position]]


MAX_ITERATIONS = 6
"""A strongly connected component that has no fixpoint by then has none: it is not judged."""


def run_to_fixpoint(
    levels: Sequence[Level], analyse: Callable[[Sequence[Position]], frozenset[Position]]
) -> frozenset[Position]:
    """Analyse all functions, callees first; those of a component until nothing changes.

    Args:
        levels: the functions.
        analyse: analyses functions of which none calls another; returns those of which something
            was new.

    Returns:
        the functions of components that reached no fixpoint.
    """
    unsettled: set[Position] = set()
    for level in levels:
        if level.acyclic:
            analyse(level.acyclic)
        changed: frozenset[Position] = frozenset()
        for _ in range(MAX_ITERATIONS):
            changed = frozenset(one for step in level.cyclic for one in analyse(step))
            if not changed:
                break
        unsettled |= changed
    return frozenset(unsettled)


def call_levels(files: Mapping[str, Outline]) -> list[Level]:
    """Return all functions, callees in earlier levels than their callers.

    Of functions with one name that other files can see, the first counts.
    """
    functions = [(path, index) for path, outline in files.items() for index in range(len(outline))]
    shared: dict[str, int] = {}
    own: dict[tuple[str, str], int] = {}
    for number, (path, index) in enumerate(functions):
        name, static, _ = files[path][index]
        own.setdefault((path, name), number)
        if not static or path.endswith(".h"):
            shared.setdefault(name, number)
    callees: list[list[int]] = []
    for path, index in functions:
        found = []
        for name in files[path][index][2]:
            callee = own.get((path, name), shared.get(name))
            if callee is not None:
                found.append(callee)
        callees.append(sorted(found))
    level_of: dict[int, int] = {}
    levels: list[Level] = []
    for component in strongly_connected_components(callees):
        inside = set(component)
        is_cyclic = len(component) > 1 or component[0] in callees[component[0]]
        level = 0
        for number in component:
            for callee in callees[number]:
                if callee not in inside:
                    level = max(level, level_of[callee] + 1)
        while len(levels) <= level:
            levels.append(Level([], []))
        step_of = _steps(sorted(component), callees) if is_cyclic else {}
        for number in sorted(component):
            level_of[number] = level
            path, index = functions[number]
            exported = shared.get(files[path][index][0]) == number
            group = levels[level].acyclic
            if is_cyclic:
                steps = levels[level].cyclic
                while len(steps) <= step_of[number]:
                    steps.append([])
                group = steps[step_of[number]]
            group.append(Position(path, index, exported))
    return levels


def _steps(component: Sequence[int], callees: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return a step for each function, so that only calls that close a cycle lead back."""
    inside = set(component)
    steps: dict[int, int] = {}
    for root in component:
        open_ = {root}
        work = [(root, 0)] if root not in steps else []
        while work:
            number, position = work.pop()
            listed = callees[number]
            while position < len(listed) and (
                listed[position] not in inside
                or listed[position] in steps
                or listed[position] in open_
            ):
                position += 1
            if position < len(listed):
                work += [(number, position + 1), (listed[position], 0)]
                open_.add(listed[position])
                continue
            below = [steps[one] for one in listed if one in steps and one not in open_]
            steps[number] = max(below, default=-1) + 1
            open_.discard(number)
    return steps
