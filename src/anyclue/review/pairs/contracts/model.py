"""What a contract says: which calls acquire a resource, which release it, and how they fail."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Literal, TypeVar

Base = Literal["ret", "token"] | int
Prefix = Literal["", "*", "&"]
KernelVersion = tuple[int, int]
"""A kernel's version and patch level: (6, 12)."""

_TOKEN = re.compile(r"@[a-z][a-z0-9_-]*")
_OBJECT = re.compile(
    r"(?P<prefix>[*&]?)\$(?P<base>ret|[0-9])(?P<suffix>(?:(?:->|\.)[A-Za-z_][A-Za-z0-9_]*)*)"
)


class PairKind(StrEnum):
    """What sort of thing is acquired."""

    LOCK = "lock"
    REFERENCE = "reference"
    MEMORY = "memory"
    MAPPING = "mapping"
    HANDLE = "handle"
    ACCESS = "access"
    COUNT = "count"
    """Like a lock, but may be taken several times: disabled preemption, an RCU section."""


class FailureConvention(StrEnum):
    """How the result of a call looks when it did not do what it is for."""

    NEVER = "never"
    NULL = "null"
    ERROR = "error"
    """An ERR_PTR."""
    NULL_OR_ERROR = "null-or-error"
    ZERO = "zero"
    NONZERO = "nonzero"
    NEGATIVE = "negative"


_SCOPED = ("guard", "scoped_guard", "CLASS")


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """Which object of a call is meant.

    Attributes:
        base: ``"ret"`` for the returned value, an argument's number from 0, or ``"token"`` for a
            state that has no object; then ``text`` is its name, with the ``@``.
        prefix: ``"*"`` for what the argument points to, ``"&"`` for the address of a member.
        suffix: members to follow, such as ``"->bh"``; may be empty.
        text: the template as written.
    """

    base: Base
    prefix: Prefix
    suffix: str
    text: str

    @classmethod
    def parse(cls, text: str) -> Template:
        """Return the template that ``text`` writes.

        Raises:
            ValueError: when it is none; the message says what is wrong.
        """
        if _TOKEN.fullmatch(text):
            return cls(base="token", prefix="", suffix="", text=text)
        match = _OBJECT.fullmatch(text)
        if match is None:
            raise ValueError("must be $ret, $0 to $9, *$0, $0->member, &$0->member or @name")
        prefix, suffix = match["prefix"], match["suffix"]
        base: Base = "ret" if match["base"] == "ret" else int(match["base"])
        if prefix == "*":
            if suffix or base == "ret":
                raise ValueError("* goes before an argument alone, as *$0")
            return cls(base=base, prefix="*", suffix="", text=text)
        if prefix == "&":
            if not suffix:
                raise ValueError("& goes before a member, as &$0->member")
            return cls(base=base, prefix="&", suffix=suffix, text=text)
        return cls(base=base, prefix="", suffix=suffix, text=text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Acquire:
    """A call that acquires.

    Attributes:
        call: the function's or macro's name.
        holds: what is held after it.
        fails: how the call's result looks when nothing was acquired.
        mode: a word, or ``$N`` for the text of that argument; None where there are no modes.
        since: first kernel version that has it.
        until: last kernel version that has it.
        exact: the name means something else in other versions, so that it does not count there.
    """

    call: str
    holds: Template
    fails: FailureConvention = FailureConvention.NEVER
    mode: str | None = None
    since: str | None = None
    until: str | None = None
    exact: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A call that releases; see ``Acquire`` for the attributes."""

    call: str
    takes: Template
    mode: str | None = None
    since: str | None = None
    until: str | None = None
    exact: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Consume:
    """A call that somebody else's release follows: the caller no longer owes it.

    ``fails`` says how the call's result looks when it did not take the resource.
    """

    call: str
    takes: Template
    fails: FailureConvention = FailureConvention.NEVER
    since: str | None = None
    until: str | None = None
    exact: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Downgrade:
    """A call that changes the mode of what is held."""

    call: str
    takes: Template
    from_mode: str
    to_mode: str
    since: str | None = None
    until: str | None = None
    exact: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One kind of resource, and the calls that acquire and release it.

    Attributes:
        name: unique, in kebab-case.
        title: what a message calls the resource.
        kind: what sort of thing it is.
        subsystem: where it belongs.
        doc: where the rule can be read, and how kernel versions differ.
        null_safe: the release ignores NULL.
        error_safe: the release ignores ERR_PTR too.
        order: ``"lifo"`` when what was acquired last must be released first.
        handover: somebody else may release it later, as the end of an I/O does: what is still held
            at the end of a function says little.
        use_after_release: the object may be gone after the release: touching it is a mistake.
        acquire: calls that acquire.
        release: calls that release.
        consume: calls that take over the duty to release.
        embedded: members of a larger object that are the object itself: what holds the larger one
            is released by the address of the member.
        borrow: calls that get the resource and neither release nor keep it.
        downgrade: calls that change its mode.
        since: first kernel version that has the pair.
        until: last kernel version that has the pair.
        exact: the names mean something else in other versions, so that it does not count there.
        good: C functions that are balanced; empty only in a user's pair.
        bad: C functions with one imbalance each; empty only in a user's pair.
    """

    name: str
    title: str
    kind: PairKind
    subsystem: str = ""
    doc: str = ""
    null_safe: bool = False
    error_safe: bool = False
    order: Literal["lifo"] | None = None
    handover: bool = False
    use_after_release: bool = False
    acquire: tuple[Acquire, ...]
    release: tuple[Release, ...]
    consume: tuple[Consume, ...] = ()
    embedded: frozenset[str] = frozenset()
    borrow: frozenset[str] = frozenset()
    downgrade: tuple[Downgrade, ...] = ()
    since: str | None = None
    until: str | None = None
    exact: bool = False
    good: str = ""
    bad: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """``guard(NAME)(...)``, ``scoped_guard(NAME, ...)``, ``CLASS(NAME, var)(...)``.

    ``holds`` is counted in the arguments of the constructor: ``$0`` in ``guard(mutex)(&lock)`` and
    in ``scoped_guard(mutex, &lock)`` is ``&lock``; ``$ret`` is the variable of ``CLASS``.
    """

    name: str
    pair: str
    holds: Template
    mode: str | None = None
    fails: FailureConvention = FailureConvention.NEVER


@dataclass(frozen=True, kw_only=True, slots=True)
class FreeingCall:
    """``__free(NAME)`` on a variable: released where the variable's scope ends."""

    name: str
    pair: str


_Entry = TypeVar("_Entry", bound=Acquire | Release | Consume | Downgrade)


@dataclass(frozen=True, kw_only=True)
class Contracts:
    """All contracts, and facts about calls that are in no pair.

    Attributes:
        pairs: by name.
        noreturn: calls that do not come back.
        borrow: calls that keep nothing they are given.
        escape: calls after which what was given, or the object around it, is known elsewhere.
        nonnull: calls that return neither NULL nor an ERR_PTR.
        negative: calls that return nothing but errors.
        identity: calls whose result is their first argument, or NULL where they fail: what they
            hold is ``$0``, whether the result is used or not.
        zero_tests: calls that are true exactly where something is 0 when they are called, and
            what that is.
        guards: scope-based locks and classes.
        frees: scope-based releases.
    """

    pairs: tuple[Pair, ...] = ()
    noreturn: frozenset[str] = frozenset()
    borrow: frozenset[str] = frozenset()
    escape: frozenset[str] = frozenset()
    nonnull: frozenset[str] = frozenset()
    negative: frozenset[str] = frozenset()
    identity: frozenset[str] = frozenset()
    zero_tests: Mapping[str, str] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()
    frees: tuple[FreeingCall, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that the contracts say; the order in files does not matter."""
        content = {
            "pairs": {pair.name: asdict(pair) for pair in self.pairs},
            "noreturn": self.noreturn,
            "borrow": self.borrow,
            "escape": self.escape,
            "nonnull": self.nonnull,
            "negative": self.negative,
            "identity": self.identity,
            "zero_tests": dict(self.zero_tests),
            "guards": {guard.name: asdict(guard) for guard in self.guards},
            "frees": {free.name: asdict(free) for free in self.frees},
        }
        text = json.dumps(content, sort_keys=True, default=sorted)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def calls(self) -> frozenset[str]:
        """Every call that acquires, releases or does not come back."""
        paired = (
            self.acquires_by_call,
            self.releases_by_call,
            self.consumes_by_call,
            self.downgrades_by_call,
        )
        return self.noreturn.union(_SCOPED, *paired)

    @cached_property
    def borrowing(self) -> Mapping[str, frozenset[str]]:
        """The pairs whose resource a call gets and neither releases nor keeps, by its name."""
        found: dict[str, set[str]] = {}
        for pair in self.pairs:
            for call in pair.borrow:
                found.setdefault(call, set()).add(pair.name)
        return MappingProxyType({call: frozenset(names) for call, names in found.items()})

    @cached_property
    def acquires_by_call(self) -> Mapping[str, tuple[tuple[Pair, Acquire], ...]]:
        """Every acquire with its pair, by the call's name."""
        return _by_call(self.pairs, lambda pair: pair.acquire)

    @cached_property
    def releases_by_call(self) -> Mapping[str, tuple[tuple[Pair, Release], ...]]:
        """Every release with its pair, by the call's name."""
        return _by_call(self.pairs, lambda pair: pair.release)

    @cached_property
    def consumes_by_call(self) -> Mapping[str, tuple[tuple[Pair, Consume], ...]]:
        """Every consume with its pair, by the call's name."""
        return _by_call(self.pairs, lambda pair: pair.consume)

    @cached_property
    def downgrades_by_call(self) -> Mapping[str, tuple[tuple[Pair, Downgrade], ...]]:
        """Every downgrade with its pair, by the call's name."""
        return _by_call(self.pairs, lambda pair: pair.downgrade)


def _by_call(
    pairs: Iterable[Pair], entries: Callable[[Pair], Iterable[_Entry]]
) -> Mapping[str, tuple[tuple[Pair, _Entry], ...]]:
    found: dict[str, list[tuple[Pair, _Entry]]] = {}
    for pair in pairs:
        for entry in entries(pair):
            found.setdefault(entry.call, []).append((pair, entry))
    return MappingProxyType({call: tuple(claims) for call, claims in found.items()})
