"""Control flow: successors, strongly connected components, and slices of a function's graph.

A slice is the part that is relevant for one question. Steps that touch neither the resource nor
what is known of it are passed over, and so are branches both of whose sides lead to the same step,
and loops in which nothing is relevant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anyclue.review.pairs.ir import function as ir


def successors(node: ir.Node) -> tuple[int, ...]:
    """Return the nodes that may come next."""
    if node[0] == ir.BRANCH:
        return (node[1], node[6])
    return (node[1],) if node[1] >= 0 else ()


def strongly_connected_components(after: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return strongly connected components, successors first (Tarjan 1972, without recursion).

    Args:
        after: for every node the nodes that it leads to.
    """
    search = _ComponentSearch(after)
    for root in range(len(after)):
        if root not in search.order:
            search.visit(root)
    return search.found


class _ComponentSearch:
    def __init__(self, after: Sequence[Sequence[int]]) -> None:
        self._after = after
        self.order: dict[int, int] = {}
        self._low: dict[int, int] = {}
        self._stack: list[int] = []
        self._waiting: set[int] = set()
        self.found: list[list[int]] = []

    def visit(self, root: int) -> None:
        """Find the components that can be reached from a node."""
        low = self._low
        work = [(root, 0)]
        while work:
            number, position = work.pop()
            if position == 0:
                self.order[number] = low[number] = len(self.order)
                self._stack.append(number)
                self._waiting.add(number)
            unvisited = self._unvisited(number, position)
            if unvisited >= 0:
                work.append((number, unvisited + 1))
                work.append((self._after[number][unvisited], 0))
                continue
            if low[number] == self.order[number]:
                self._close(number)
            if work:
                before = work[-1][0]
                low[before] = min(low[before], low[number])

    def _unvisited(self, number: int, position: int) -> int:
        """Return the position of the next successor that was not visited; -1 for none."""
        listed = self._after[number]
        for index in range(position, len(listed)):
            one = listed[index]
            if one not in self.order:
                return index
            if one in self._waiting:
                self._low[number] = min(self._low[number], self.order[one])
        return -1

    def _close(self, number: int) -> None:
        """Take the component whose first visited node this is off the stack."""
        component: list[int] = []
        while not component or component[-1] != number:
            component.append(self._stack.pop())
            self._waiting.discard(component[-1])
        self.found.append(component)


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a graph that is relevant for one question.

    Attributes:
        following: for every node the first relevant one from there on, itself included; -1: none.
        joins: nodes that are reached from more than one relevant node.
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
