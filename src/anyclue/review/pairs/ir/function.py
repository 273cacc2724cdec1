"""The form in which a function is judged: a graph of small steps on access paths.

All of it is tuples, strings and integers, so that it goes through ``marshal`` as it is.
"""

from __future__ import annotations

import hashlib
import marshal
from dataclasses import dataclass, fields
from typing import Any

CALL = 0
"""(CALL, next, begin, result path or None, callee, argument paths)"""
SET = 1
"""(SET, next, begin, place, path or constant or None)"""
COPY = 2
"""(COPY, next, begin, place, path): the value's sign only (PTR_ERR, ERR_PTR, ERR_CAST)"""
BRANCH = 3
"""(BRANCH, next if it holds, begin, path, test, key, next if not, is a loop's condition)"""
GOTO = 4
"""(GOTO, next, begin)"""
LOOP = 5
"""(LOOP, next, begin): the head of a loop, reached at every iteration"""
RETURN = 6
"""(RETURN, -1, begin, path or constant or None)"""
END = 7
"""(END, -1, begin): the closing brace of a function"""
STOP = 8
"""(STOP, -1, begin): nothing goes on from here (BUG_ON, a loop without an end)"""
ESCAPE = 9
"""(ESCAPE, next, begin, path): the value goes where it can't be followed"""
USE = 10
"""(USE, next, begin, path): the object that a path points to is read or written"""
NOTHING = 11
"""(NOTHING, next, begin): a place to jump to; gone from a finished graph"""

Node = tuple[Any, ...]

PLAIN = 2
"""The version of ``marshal`` in which equal values have equal bytes."""

UNKNOWN_CALLEE = ""


def guard_acquire(name: str) -> str:
    """Return the name of the call that a ``guard(name)`` stands for where it is made."""
    return f"guard({name})"


def guard_release(name: str) -> str:
    """Return the name of the call that it stands for where its scope ends."""
    return f"~guard({name})"


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionIR:
    """One function.

    Attributes:
        name: its name.
        static: visible in its file only.
        parameters: names, in order; empty for one that has none.
        returns: ``pointer``, ``value`` or ``void``.
        locals: variables declared in it, parameters not counted, static ones neither.
        automatic: variables declared with ``__free(...)`` and the like.
        nodes: the graph; node 0 is the entry.
        begin: byte offset of its definition.
        end: byte offset behind it.
        line: its first line.
        last_line: its last line.
        annotated: ``__acquires()`` or ``__releases()`` stands at its head.
        trouble: why it can't be judged; empty when it can.
    """

    name: str
    static: bool
    parameters: tuple[str, ...]
    returns: str
    locals: frozenset[str]
    automatic: frozenset[str]
    nodes: tuple[Node, ...]
    begin: int
    end: int
    line: int
    last_line: int
    annotated: bool = False
    trouble: str = ""

    def digest(self) -> bytes:
        """Return what tells it from functions that do something else: where it stands does not."""
        steps = tuple((*node[:2], node[2] - self.begin, *node[3:]) for node in self.nodes)
        rest = (self.name, self.static, self.parameters, self.returns, sorted(self.locals))
        more = (sorted(self.automatic), self.annotated, self.trouble)
        return hashlib.sha256(marshal.dumps((steps, rest, more), PLAIN)).digest()

    def pack(self) -> tuple[Any, ...]:
        """Return the same as plain values."""
        values = (getattr(self, one.name) for one in fields(self))
        return tuple(tuple(sorted(one)) if isinstance(one, frozenset) else one for one in values)

    @staticmethod
    def unpack(values: tuple[Any, ...]) -> FunctionIR:
        """Return the function that `pack` made plain."""
        given = {one.name: value for one, value in zip(fields(FunctionIR), values, strict=True)}
        for name in ("locals", "automatic"):
            given[name] = frozenset(given[name])
        return FunctionIR(**given)
