"""The form in which a function is judged: a control-flow graph of small steps on access paths."""

from __future__ import annotations

import hashlib
import marshal
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, ClassVar

PLAIN = 2
"""The version of ``marshal`` in which equal values have equal bytes."""

UNKNOWN_CALLEE = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step.

    Attributes:
        next: number of the step behind it; -1 where nothing goes on.
        begin: byte offset in the file.
    """

    ends: ClassVar[bool] = False
    """Whether nothing goes on behind a step of this class."""

    next: int
    begin: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CallStep(Step):
    """A call.

    Attributes:
        place: where its result goes; a temporary when nobody wants it.
        callee: the name; ``->member`` for a call by pointer, empty when it is not known.
        arguments: access paths and constants; None for what is neither.
    """

    place: str
    callee: str
    arguments: tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AssignStep(Step):
    """``place = value``; the value is a path, a constant, or None when it is not known.

    ``by`` is 1 or -1 where something is counted up or down: ``place++``.
    """

    place: str
    value: str | None
    by: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SignCopyStep(Step):
    """``place = PTR_ERR(value)`` and the like: only the sign goes over.

    ``macro`` is PTR_ERR, ERR_PTR or ERR_CAST.
    """

    place: str
    value: str | None
    macro: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BranchStep(Step):
    """A test; ``next`` is where it holds.

    Attributes:
        path: what is tested.
        test: the signs, or the constant, that it is compared with.
        key: the question: the path, or the condition's text.
        otherwise: number of the step where it does not hold.
        loop: whether it is a loop's condition.
    """

    path: str
    test: int | str
    key: str
    otherwise: int
    loop: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class GotoStep(Step):
    """A jump, to be told in a path."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopStep(Step):
    """The head of a loop, reached at every iteration."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnStep(Step):
    """``return value``."""

    ends: ClassVar[bool] = True

    value: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EndStep(Step):
    """The closing brace of a function."""

    ends: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True, slots=True)
class StopStep(Step):
    """Nothing goes on from here: BUG_ON, a loop without an end."""

    ends: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True, slots=True)
class EscapeStep(Step):
    """The value goes where it can't be followed."""

    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UseStep(Step):
    """The object that a path points to is read or written."""

    path: str


_CLASSES: tuple[type[Step], ...] = (
    *(CallStep, AssignStep, SignCopyStep, BranchStep, GotoStep, LoopStep),
    *(ReturnStep, EndStep, StopStep, EscapeStep, UseStep),
)
_NUMBERS = {one: number for number, one in enumerate(_CLASSES)}
_FIELDS = {one: tuple(field.name for field in fields(one)) for one in _CLASSES}
_VALUES = {one: attrgetter(*names) for one, names in _FIELDS.items()}


def _packed(step: Step, start: int = 0) -> tuple[Any, ...]:
    """Return a step as plain values, its place counted from a byte on."""
    kind = step.__class__
    following, begin, *rest = _VALUES[kind](step)
    return (_NUMBERS[kind], following, begin - start, *rest)


def _unpacked(plain: tuple[Any, ...]) -> Step:
    kind = _CLASSES[plain[0]]
    step: Step = kind(**dict(zip(_FIELDS[kind], plain[1:], strict=True)))
    return step


def guard_acquire(name: str) -> str:
    """Return the name of the call that a ``guard(name)`` stands for where it is made."""
    return f"guard({name})"


def guard_release(name: str) -> str:
    """Return the name of the call that it stands for where its scope ends."""
    return f"~guard({name})"


def scope_release(name: str) -> str:
    """Return the name of the call that ``__free(name)`` stands for where its scope ends."""
    return f"~free({name})"


def is_scope_release(callee: str) -> bool:
    """Tell whether a call is one that the end of a scope stands for."""
    return callee.startswith("~free(")


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionIR:
    """One function.

    Attributes:
        name: its name.
        static: visible in its file only.
        parameters: names, in order; empty for one that has none.
        returns: ``pointer``, ``value`` or ``void``.
        locals: variables declared in it, parameters not counted, static ones neither.
        arrays: those of them that are arrays, so that their names are addresses.
        steps: the graph; step 0 is the entry.
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
    arrays: frozenset[str]
    steps: tuple[Step, ...]
    begin: int
    end: int
    line: int
    last_line: int
    annotated: bool = False
    trouble: str = ""

    def digest(self) -> bytes:
        """Return what tells it from functions that do something else: where it stands does not."""
        steps = tuple(_packed(step, self.begin) for step in self.steps)
        rest = (self.name, self.static, self.parameters, self.returns, sorted(self.locals))
        more = (sorted(self.arrays), self.annotated, self.trouble)
        return hashlib.sha256(marshal.dumps((steps, rest, more), PLAIN)).digest()

    def pack(self) -> tuple[Any, ...]:
        """Return the same as plain values, for ``marshal``."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        values["steps"] = tuple(_packed(step) for step in self.steps)
        for name in ("locals", "arrays"):
            values[name] = tuple(sorted(values[name]))
        return tuple(values.values())

    @staticmethod
    def unpack(plain: tuple[Any, ...]) -> FunctionIR:
        """Return the function that `pack` made plain."""
        given = {one.name: value for one, value in zip(fields(FunctionIR), plain, strict=True)}
        given["steps"] = tuple(_unpacked(one) for one in given["steps"])
        for name in ("locals", "arrays"):
            given[name] = frozenset(given[name])
        return FunctionIR(**given)
