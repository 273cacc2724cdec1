"""Builds the graph of one function, step after step, in the order of the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from sys import intern

from anyclue.review.pairs.ir import function as ir


class Slot(Enum):
    """Which edge leads out of a step."""

    NEXT = auto()
    OTHERWISE = auto()


Edge = tuple[int, Slot]
"""A step, and which of its edges."""


@dataclass(kw_only=True, slots=True)
class _Draft:
    """A step whose edges may lead nowhere yet; without a class, a place to jump to."""

    kind: type[ir.Step] | None
    begin: int
    data: dict[str, object] = field(default_factory=dict)
    next: int | None = None
    otherwise: int | None = None


class Graph:
    """The steps so far, and the edges that still lead nowhere."""

    def __init__(self) -> None:
        self._drafts: list[_Draft] = [_Draft(kind=None, begin=-1)]
        self.open: list[Edge] = [(0, Slot.NEXT)]
        self._temporaries = 0

    def __len__(self) -> int:
        return len(self._drafts)

    def temporary(self) -> str:
        """Return a new name for a value that has none."""
        self._temporaries += 1
        return f"%{self._temporaries}"

    def _emit(self, kind: type[ir.Step], begin: int, **data: object) -> int:
        """Add a step behind all open edges; -1 when nothing leads here."""
        if not self.open:
            return -1
        number = len(self._drafts)
        self._drafts.append(_Draft(kind=kind, begin=begin, data=data))
        self.join(self.open, number)
        self.open = [] if kind.ends else [(number, Slot.NEXT)]
        return number

    def call(self, begin: int, place: str, callee: str, arguments: tuple[str | None, ...]) -> None:
        """Add a call."""
        given = tuple(_shared(one) for one in arguments)
        self._emit(ir.CallStep, begin, place=intern(place), callee=intern(callee), arguments=given)

    def assign(self, begin: int, place: str, value: str | None, by: int = 0) -> None:
        """Add an assignment."""
        self._emit(ir.AssignStep, begin, place=intern(place), value=_shared(value), by=by)

    def copy_sign(self, begin: int, place: str, value: str | None, macro: str) -> None:
        """Add an assignment of a value's sign."""
        self._emit(ir.SignCopyStep, begin, place=intern(place), value=_shared(value), macro=macro)

    def escape(self, begin: int, path: str) -> None:
        """Add that a value goes where it can't be followed."""
        self._emit(ir.EscapeStep, begin, path=intern(path))

    def use(self, begin: int, path: str) -> None:
        """Add that an object is read or written."""
        self._emit(ir.UseStep, begin, path=intern(path))

    def jump(self, begin: int) -> None:
        """Add a jump."""
        self._emit(ir.GotoStep, begin)

    def stop(self, begin: int) -> None:
        """Add that nothing goes on."""
        self._emit(ir.StopStep, begin)

    def end(self, begin: int) -> None:
        """Add the function's end."""
        self._emit(ir.EndStep, begin)

    def leave(self, begin: int, value: str | None) -> None:
        """Add a ``return``."""
        self._emit(ir.ReturnStep, begin, value=_shared(value))

    def branch(
        self, begin: int, path: str, test: int | str, key: str, *, loop: bool
    ) -> tuple[list[Edge], list[Edge]]:
        """Add a test; return the edges on which it holds, and on which it does not."""
        number = self._emit(
            ir.BranchStep, begin, path=intern(path), test=test, key=intern(key), loop=loop
        )
        if number < 0:
            return [], []
        self.open = []
        return [(number, Slot.NEXT)], [(number, Slot.OTHERWISE)]

    def place(self) -> int:
        """Add a place that nothing leads to yet, for jumps."""
        self._drafts.append(_Draft(kind=None, begin=-1))
        return len(self._drafts) - 1

    def loop_head(self, begin: int) -> int:
        """Add the head of a loop, which nothing leads to yet."""
        self._drafts.append(_Draft(kind=ir.LoopStep, begin=begin))
        return len(self._drafts) - 1

    def make_loop_head(self, place: int) -> None:
        """Make a place that is jumped back to the head of a loop."""
        self._drafts[place].kind = ir.LoopStep

    def locate(self, place: int, begin: int) -> None:
        """Say where in the source a place is."""
        self._drafts[place].begin = begin

    def continue_at(self, number: int) -> None:
        """Lead all open edges to a step, and go on behind it."""
        self.join(self.open, number)
        self.open = [(number, Slot.NEXT)]

    def join(self, edges: list[Edge], number: int) -> None:
        """Lead these edges to a step."""
        for step, slot in edges:
            if slot is Slot.NEXT:
                self._drafts[step].next = number
            else:
                self._drafts[step].otherwise = number

    def finish(self) -> tuple[ir.Step, ...]:
        """Return the graph without the places to jump to, numbered from its entry on."""
        finals = _Finals(self._drafts)
        order: dict[int, int] = {}
        pending = [finals.of(0)]
        while pending:
            number = pending.pop()
            if number in order:
                continue
            order[number] = len(order)
            draft = self._drafts[number]
            if draft.kind is ir.BranchStep:
                draft.otherwise = finals.of(self._target(draft.otherwise))
                pending.append(draft.otherwise)
            if draft.kind is not None and not draft.kind.ends:
                draft.next = finals.of(self._target(draft.next))
                pending.append(draft.next)
        return tuple(_made(self._drafts[number], order) for number in order)

    def _target(self, number: int | None) -> int:
        """Return where an edge leads; a path ends where nothing was built behind one."""
        if number is None:
            self._drafts.append(_Draft(kind=ir.StopStep, begin=-1))
            return len(self._drafts) - 1
        return number


class _Finals:
    """Finds the step that a place to jump to stands for."""

    def __init__(self, drafts: list[_Draft]) -> None:
        self._drafts = drafts
        self._known: dict[int, int] = {}

    def of(self, number: int) -> int:
        passed: list[int] = []
        while number not in self._known and self._drafts[number].kind is None:
            after = self._drafts[number].next
            passed.append(number)
            if after is None or after in passed:
                self._drafts[number].kind = ir.StopStep
                break
            number = after
        target = self._known.get(number, number)
        for one in (*passed, number):
            self._known[one] = target
        return target


def _shared(path: str | None) -> str | None:
    """Return a path, one object for all that are equal."""
    return None if path is None else intern(path)


def _made(draft: _Draft, order: dict[int, int]) -> ir.Step:
    assert draft.kind is not None  # noqa: S101 - places were left out
    data = draft.data
    if draft.kind is ir.BranchStep:
        data["otherwise"] = order[draft.otherwise] if draft.otherwise is not None else -1
    after = -1 if draft.kind.ends or draft.next is None else order[draft.next]
    return draft.kind(next=after, begin=draft.begin, **data)
