"""The part of a function's graph that matters for one question.

Steps that touch neither the resource nor what is known of it are passed over, and so are branches
both of whose sides lead to the same step, and loops in which nothing matters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anyclue.review.pairs.ir import function as ir


@dataclass(frozen=True, slots=True)
class Slice:
    """Where to go on.

    Attributes:
        go: for every node the first one that matters from there on (itself included); -1 for none.
        joins: nodes that are reached from more than one that matters.
    """

    following: Sequence[int]
    joins: frozenset[int]


def slice_graph(nodes: Sequence[ir.Node], is_relevant: Callable[[int], bool]) -> Slice:
    """Return the slice of a graph.

    Args:
        nodes: the graph.
        is_relevant: tells of a node, by its number, whether it counts; not asked for branches.
    """
    following: list[int] = []
    branches = []
    for number, node in enumerate(nodes):
        kind = node[0]
        if kind == ir.BRANCH:
            branches.append(number)
            following.append(number)
        elif kind in (ir.RETURN, ir.END, ir.STOP) or is_relevant(number):
            following.append(number)
        else:
            following.append(node[1])

    def resolve(number: int) -> int:
        trail = []
        while number >= 0 and following[number] != number:
            trail.append(number)
            if len(trail) > len(following):
                # A loop without an end in which nothing matters.
                following[number] = -1
                number = -1
                break
            number = following[number]
        for one in trail:
            following[one] = number
        return number

    changed = True
    while changed:
        changed = False
        remaining = []
        for number in reversed(branches):
            node = nodes[number]
            yes, no = resolve(node[1]), resolve(node[6])
            if yes == no:
                # Both sides may lead back here: then nothing comes behind it.
                following[number] = yes if yes != number else -1
            elif yes == number:
                following[number] = no
            elif no == number:
                following[number] = yes
            else:
                remaining.append(number)
                continue
            changed = True
        branches = remaining[::-1]
    seen: set[int] = set()
    joined: set[int] = set()
    for number in range(len(following)):
        resolve(number)
    for number, node in enumerate(nodes):
        if following[number] != number:
            continue
        for after in (node[1], node[6]) if node[0] == ir.BRANCH else (node[1],):
            target = following[after] if after >= 0 else -1
            if target >= 0:
                (joined if target in seen else seen).add(target)
    return Slice(following, frozenset(joined))
