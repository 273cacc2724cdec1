"""Who calls whom, by name: the order in which functions are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from anyclue.review.pairs.engine.control_flow import strongly_connected_components

Outline = tuple[tuple[str, bool, frozenset[str]], ...]
"""A file's functions: name, whether only the file sees it, names of what it calls."""


class Position(NamedTuple):
    """A function's place in a program.

    Attributes:
        path: its file.
        number: its number in the file.
        seen: other files that call its name call this one.
    """

    path: str
    number: int
    seen: bool


class Level(NamedTuple):
    """Functions that call nothing but those of earlier levels, and each other in rings.

    Attributes:
        plain: those that do not call each other.
        rings: those that do, in steps: what calls go round apart, callees come in earlier steps.
    """

    plain: list[Position]
    rings: list[list[Position]]


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
        ring = len(component) > 1 or component[0] in callees[component[0]]
        level = 0
        for number in component:
            for callee in callees[number]:
                if callee not in inside:
                    level = max(level, level_of[callee] + 1)
        while len(levels) <= level:
            levels.append(Level([], []))
        step_of = _steps(sorted(component), callees) if ring else {}
        for number in sorted(component):
            level_of[number] = level
            path, index = functions[number]
            seen = shared.get(files[path][index][0]) == number
            group = levels[level].plain
            if ring:
                rings = levels[level].rings
                while len(rings) <= step_of[number]:
                    rings.append([])
                group = rings[step_of[number]]
            group.append(Position(path, index, seen))
    return levels


def _steps(ring: Sequence[int], callees: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return a step for each function of a ring, so that only calls that go round lead back."""
    inside = set(ring)
    steps: dict[int, int] = {}
    for root in ring:
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
