"""Builds the graph of one function, step after step, in the order of the source."""

from __future__ import annotations

from typing import Any

from anyclue.review.pairs.ir import function as ir

Edge = tuple[int, int]
"""A node, and the slot of it that holds the next node's number."""

NEXT = 1
ELSE = 6


class Graph:
    """The nodes so far, and the edges that still lead nowhere."""

    def __init__(self) -> None:
        self.nodes: list[list[Any]] = [[ir.NOTHING, None, -1]]
        self.open: list[Edge] = [(0, NEXT)]
        self._temporaries = 0

    def temporary(self) -> str:
        """Return a new name for a value that has none."""
        self._temporaries += 1
        return f"%{self._temporaries}"

    def emit(self, kind: int, begin: int, *data: object) -> int:
        """Add a step behind all open edges; -1 when nothing leads here."""
        if not self.open:
            return -1
        number = len(self.nodes)
        last = kind in (ir.RETURN, ir.END, ir.STOP)
        self.nodes.append([kind, -1 if last else None, begin, *data])
        self.join(self.open, number)
        self.open = [] if last else [(number, NEXT)]
        return number

    def branch(
        self, begin: int, path: str, test: int | str, key: str, *, loop: bool
    ) -> tuple[list[Edge], list[Edge]]:
        """Add a test; return the edges on which it holds, and on which it does not."""
        number = self.emit(ir.BRANCH, begin, path, test, key, None, loop)
        if number < 0:
            return [], []
        self.open = []
        return [(number, NEXT)], [(number, ELSE)]

    def place(self, kind: int = ir.NOTHING, begin: int = -1) -> int:
        """Add a node that nothing leads to yet, for jumps."""
        self.nodes.append([kind, None, begin])
        return len(self.nodes) - 1

    def continue_at(self, number: int) -> None:
        """Lead all open edges to a node, and go on behind it."""
        self.join(self.open, number)
        self.open = [(number, NEXT)]

    def join(self, edges: list[Edge], number: int) -> None:
        """Lead these edges to a node."""
        for node, slot in edges:
            self.nodes[node][slot] = number

    def finish(self) -> tuple[ir.Node, ...]:
        """Return the graph without the places to jump to."""
        final: dict[int, int] = {}

        def follow(number: int) -> int:
            seen = []
            while number not in final and self.nodes[number][0] == ir.NOTHING:
                seen.append(number)
                after = self.nodes[number][NEXT]
                if after is None or after in seen:
                    self.nodes[number][0] = ir.STOP
                    self.nodes[number][NEXT] = -1
                    break
                number = after
            target = final.get(number, number)
            for one in (*seen, number):
                final[one] = target
            return target

        order: dict[int, int] = {}
        pending = [follow(0)]
        while pending:
            number = pending.pop()
            if number in order:
                continue
            order[number] = len(order)
            node = self.nodes[number]
            for slot in (ELSE, NEXT) if node[0] == ir.BRANCH else (NEXT,):
                if node[slot] is None:
                    # An edge that nothing was built behind: the path ends there.
                    node[slot] = self.place(ir.STOP)
                    self.nodes[-1][NEXT] = -1
                if node[slot] >= 0:
                    node[slot] = follow(node[slot])
                    pending.append(node[slot])
        listed: list[ir.Node] = [()] * len(order)
        for number, position in order.items():
            node = self.nodes[number]
            for slot in (ELSE, NEXT) if node[0] == ir.BRANCH else (NEXT,):
                if node[slot] >= 0:
                    node[slot] = order[node[slot]]
            listed[position] = tuple(node)
        return tuple(listed)
