"""Strongly connected components of a graph: what can be reached from itself."""

from __future__ import annotations

from collections.abc import Sequence


def components(after: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return strongly connected components, successors first (Tarjan 1972, without recursion).

    Args:
        after: for every node the nodes that it leads to.
    """
    search = _Search(after)
    for root in range(len(after)):
        if root not in search.order:
            search.visit(root)
    return search.found


class _Search:
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
            deeper = self._deeper(number, position)
            if deeper >= 0:
                work.append((number, deeper + 1))
                work.append((self._after[number][deeper], 0))
                continue
            if low[number] == self.order[number]:
                self._close(number)
            if work:
                before = work[-1][0]
                low[before] = min(low[before], low[number])

    def _deeper(self, number: int, position: int) -> int:
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
