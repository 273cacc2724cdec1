"""Who calls whom, by name: the order in which functions are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

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
    for component in _components(callees):
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


def _components(after: list[list[int]]) -> list[list[int]]:
    """Return strongly connected components, callees first (Tarjan 1972, without recursion)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    waiting: set[int] = set()
    found: list[list[int]] = []
    for root in range(len(after)):
        if root in order:
            continue
        work = [(root, 0)]
        while work:
            number, position = work.pop()
            if position == 0:
                order[number] = low[number] = len(order)
                stack.append(number)
                waiting.add(number)
            for index in range(position, len(after[number])):
                one = after[number][index]
                if one not in order:
                    work.append((number, index + 1))
                    work.append((one, 0))
                    break
                if one in waiting:
                    low[number] = min(low[number], order[one])
            else:
                if low[number] == order[number]:
                    component: list[int] = []
                    while not component or component[-1] != number:
                        component.append(stack.pop())
                        waiting.discard(component[-1])
                    found.append(component)
                if work:
                    before = work[-1][0]
                    low[before] = min(low[before], low[number])
    return found
