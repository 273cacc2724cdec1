"""Control flow: strongly connected components, postdominators, control dependence.

Ferrante, Ottenstein, Warren, "The Program Dependence Graph and Its Use in Optimization", 1987;
postdominators as Cooper, Harvey and Kennedy compute dominators, 2001.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from anyclue.review.pairs.ir import function as ir

EXIT = -1
"""Stands for what follows the last step of every path."""


def successors(step: ir.Step) -> tuple[int, ...]:
    """Return the steps that may come next."""
    if isinstance(step, ir.BranchStep):
        return (step.next, step.otherwise)
    return (step.next,) if step.next >= 0 else ()


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


class ControlFlow:
    """The control flow of one function.

    Args:
        steps: its graph; each step can be reached from the first.
    """

    def __init__(self, steps: Sequence[ir.Step]) -> None:
        self._steps = steps
        self.after = tuple(successors(step) for step in steps)
        self._reachable: dict[tuple[int, ...], frozenset[int]] = {}

    @cached_property
    def before(self) -> tuple[tuple[int, ...], ...]:
        """For every step those that lead to it."""
        found: list[list[int]] = [[] for _ in self._steps]
        for number, listed in enumerate(self.after):
            for one in listed:
                found[one].append(number)
        return tuple(tuple(one) for one in found)

    @cached_property
    def loops(self) -> tuple[frozenset[int], ...]:
        """The steps of each loop, those of the loops in it included."""
        if self._is_acyclic:
            return ()
        found = strongly_connected_components(self.after)
        return tuple(frozenset(one) for one in found if len(one) > 1)

    @cached_property
    def _is_acyclic(self) -> bool:
        """Tell whether no step can be reached from itself (Kahn 1962)."""
        open_ = [len(listed) for listed in self.before]
        pending = [number for number, ways in enumerate(open_) if not ways]
        taken = 0
        while pending:
            taken += 1
            for one in self.after[pending.pop()]:
                open_[one] -= 1
                if not open_[one]:
                    pending.append(one)
        return taken == len(open_)

    @cached_property
    def in_loop(self) -> frozenset[int]:
        """Steps that can be reached from themselves."""
        return frozenset(number for one in self.loops for number in one)

    def reachable_from(self, numbers: Sequence[int]) -> frozenset[int]:
        """Return the steps that come behind these, and these."""
        key = tuple(numbers)
        found = self._reachable.get(key)
        if found is None:
            found = self._reachable[key] = frozenset(_closure(numbers, self.after))
        return found

    def leading_to(self, numbers: Sequence[int]) -> frozenset[int]:
        """Return the steps from which one of these can be reached, and these."""
        return frozenset(_closure(numbers, self.before))

    @cached_property
    def doomed(self) -> frozenset[int]:
        """Steps from which every path stops dead, as at a BUG_ON."""
        if not any(step.__class__ is ir.StopStep for step in self._steps):
            return frozenset()
        alive = set(self.in_loop)
        alive.update(
            number
            for number, step in enumerate(self._steps)
            if step.ends and not isinstance(step, ir.StopStep)
        )
        return frozenset(range(len(self._steps))) - _closure(list(alive), self.before)

    @cached_property
    def immediate_postdominators(self) -> Sequence[int]:
        """For every step the first one that all paths from it come by; EXIT for none."""
        doomed, after = self.doomed, self.after
        leaves = [number for number, step in enumerate(self._steps) if step.ends]
        order, position = self._reverse_postorder(leaves)
        exit_ = len(self._steps)
        nearest: dict[int, int] = {exit_: exit_}
        changed = True
        while changed:
            changed = False
            for number in order:
                found = -1
                ways = after[number]
                if len(ways) > 1 and doomed:
                    ways = tuple(one for one in ways if one not in doomed) or ways
                for one in ways or (exit_,):
                    if one in nearest:
                        found = one if found < 0 else _common(nearest, position, found, one)
                if number in self._roots:
                    found = exit_
                if found >= 0 and nearest.get(number) != found:
                    nearest[number] = found
                    changed = True
            # Without loops what a step leads to comes first, so that one turn is enough.
            changed = changed and not self._is_acyclic
        return [
            EXIT if nearest.get(number, exit_) == exit_ else nearest[number]
            for number in range(len(self._steps))
        ]

    def _reverse_postorder(self, leaves: list[int]) -> tuple[list[int], dict[int, int]]:
        """Return steps so that what a step leads to mostly comes first, and each one's rank."""
        found: list[int] = []
        seen: set[int] = set()
        self._roots: set[int] = set(leaves)

        def visit(root: int) -> None:
            work = [(root, 0)]
            seen.add(root)
            while work:
                number, index = work.pop()
                listed = self.before[number]
                while index < len(listed) and listed[index] in seen:
                    index += 1
                if index < len(listed):
                    work.append((number, index + 1))
                    work.append((listed[index], 0))
                    seen.add(listed[index])
                else:
                    found.append(number)

        for one in leaves:
            if one not in seen:
                visit(one)
        for one in range(len(self._steps) - 1, -1, -1):
            if one not in seen:
                # A loop without an end.
                self._roots.add(one)
                visit(one)
        # In the order found, a step's rank is above those of the steps that lead to it.
        position = {number: rank for rank, number in enumerate(found)}
        position[len(self._steps)] = len(found)
        return found[::-1], position

    @cached_property
    def postdominator_order(self) -> Sequence[int]:
        """All steps, each behind its immediate postdominator."""
        nearest = self.immediate_postdominators
        below: list[list[int]] = [[] for _ in nearest]
        order: list[int] = []
        for number, one in enumerate(nearest):
            (below[one] if one != EXIT else order).append(number)
        for number in order:
            order += below[number]
        return order

    @cached_property
    def control_parents(self) -> Sequence[Sequence[int]]:
        """For every step the branches that decide whether it is reached."""
        parents: list[list[int]] = [[] for _ in self._steps]
        nearest, doomed = self.immediate_postdominators, self.doomed
        for number, step in enumerate(self._steps):
            if step.__class__ is not ir.BranchStep:
                continue
            stop = nearest[number]
            for one in self.after[number]:
                at = one
                if at in doomed:
                    continue
                while at not in (stop, EXIT):
                    if parents[at] and parents[at][-1] == number:
                        break
                    parents[at].append(number)
                    at = nearest[at]
        return parents


def _common(nearest: dict[int, int], position: dict[int, int], one: int, other: int) -> int:
    """Return the first step that all paths from two steps come by."""
    while one != other:
        while position[one] < position[other]:
            one = nearest[one]
        while position[other] < position[one]:
            other = nearest[other]
    return one


def _closure(numbers: Sequence[int], edges: Sequence[Sequence[int]]) -> set[int]:
    found = set(numbers)
    pending = list(found)
    while pending:
        for one in edges[pending.pop()]:
            if one not in found:
                found.add(one)
                pending.append(one)
    return found
