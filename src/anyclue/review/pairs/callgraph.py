"""Who calls whom, by name: the order in which functions are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from anyclue.review.pairs.components import components

Outline = tuple[tuple[str, bool, frozenset[str]], ...]
"""A file's functions: name, whether only the file sees it, names of what it calls."""


class Position(NamedTuple):
    """A function's place in a program.

    Attributes:
        path: its file.
        number: its number in the file.
        ring: it calls itself by some way.
        seen: other files that call its name call this one.
    """

    path: str
    number: int
    ring: bool
    seen: bool


def in_levels(files: Mapping[str, Outline]) -> list[list[Position]]:
    """Return all functions, callees in earlier levels than their callers.

    Functions that call each other in a ring are in one level. Of functions with one name that
    other files can see, the first counts.
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
    levels: list[list[Position]] = []
    for component in components(callees):
        inside = set(component)
        ring = len(component) > 1 or component[0] in callees[component[0]]
        level = 0
        for number in component:
            for callee in callees[number]:
                if callee not in inside:
                    level = max(level, level_of[callee] + 1)
        while len(levels) <= level:
            levels.append([])
        for number in sorted(component):
            level_of[number] = level
            path, index = functions[number]
            seen = shared.get(files[path][index][0]) == number
            levels[level].append(Position(path, index, ring, seen))
    return levels
