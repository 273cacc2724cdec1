"""What contracts and the sources of a tree know of each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from anyclue.review.pairs.contracts.model import Contracts, KernelVersion
from anyclue.review.pairs.contracts.versions import entries

_COMMENT: Final = re.compile(rb"/\*.*?\*/|//[^\n]*", re.DOTALL)
_CALL: Final = re.compile(rb"\b([A-Za-z_]\w*+)[ \t]*+\(")
_NAMED: Final = re.compile(rb"^#[ \t]*+define[ \t]++([A-Za-z_]\w*+)", re.MULTILINE)
# include/linux/cleanup.h. The macros that define these are indented; definitions are not.
_CLEANUP: Final = re.compile(
    rb"^(?P<macro>DEFINE_FREE|DEFINE_CLASS|EXTEND_CLASS(?:_COND)?|DEFINE_GUARD(?:_COND)?"
    rb"|DEFINE_LOCK_GUARD_[01](?:_COND)?)\(\s*+(?P<name>\w++)\s*+,(?:\s*+(?P<extension>_\w++)\s*+,)?",
    re.MULTILINE,
)
_EXTENDING: Final = re.compile(rb"EXTEND_CLASS|_COND\Z")
_USE: Final = re.compile(
    rb"\b(?:__free|guard|scoped_guard|scoped_cond_guard|scoped_class|CLASS|ACQUIRE)\(\s*+(\w++)"
)
_DECLARED: Final = re.compile(
    rb"^(?:#[ \t]*+define[ \t]++|[A-Za-z_][\w \t*]*?)\b([A-Za-z_]\w*+)\(", re.MULTILINE
)
FAMILIES: Final = (("get", "put"), ("acquire", "release"), ("lock", "unlock"))
"""Words of names that go together: ``foo_get`` and ``foo_put``."""


@dataclass(frozen=True, kw_only=True)
class AbsentCall:
    """A call of contracts that a tree does not know; ``pairs`` are those that name it."""

    call: str
    pairs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class UnknownCleanup:
    """A guard, a class or a name of ``__free()`` that no contract knows, and its uses."""

    name: str
    macro: str
    path: str
    line: int
    uses: int


@dataclass(frozen=True, kw_only=True)
class UnknownPair:
    """Two functions whose names say that one takes back the other, and the calls of both."""

    acquire: str
    release: str
    calls: int


@dataclass(frozen=True, kw_only=True)
class ContractCoverage:
    """What contracts and a tree know of each other.

    Attributes:
        version: the tree's version; None where it does not tell.
        files: files read.
        calls: calls that contracts name for a tree of this version.
        absent: those of them that are nowhere in the tree.
        excluded: calls that the tree has, though ``since`` or ``until`` says that it has not.
        cleanups: guards, classes and names of ``__free()`` that the tree defines.
        cleanup_uses: how often these are used.
        unknown_cleanups: those that no contract knows, most used first.
        unknown_pairs: pairs of functions of which contracts know neither, most called first.
    """

    version: KernelVersion | None
    files: int
    calls: int
    absent: tuple[AbsentCall, ...]
    excluded: tuple[AbsentCall, ...]
    cleanups: int
    cleanup_uses: int
    unknown_cleanups: tuple[UnknownCleanup, ...]
    unknown_pairs: tuple[UnknownPair, ...]


@dataclass(kw_only=True)
class TreeNames:
    """The names of a tree that contracts could speak of.

    Attributes:
        called: names in front of a parenthesis, or defined as a macro, and how often.
        declared: functions and macros that are declared at the top level.
        cleanups: the macro, file and line of what cleans up, by its name.
        uses: how often each of these is used.
        files: files read.
    """

    called: Counter[bytes] = field(default_factory=Counter)
    declared: set[bytes] = field(default_factory=set)
    cleanups: dict[bytes, tuple[bytes, str, int]] = field(default_factory=dict)
    uses: Counter[bytes] = field(default_factory=Counter)
    files: int = 0

    def add(self, path: str, text: bytes) -> None:
        """Add the names of a file."""
        self.files += 1
        code = _COMMENT.sub(lambda comment: b"\n" * comment[0].count(b"\n") or b" ", text)
        self.called.update(_CALL.findall(code))
        self.called.update(_NAMED.findall(code))
        self.declared.update(_DECLARED.findall(code))
        self.uses.update(_USE.findall(code))
        for found in _CLEANUP.finditer(code):
            extension = found["extension"] if _EXTENDING.search(found["macro"]) else None
            name = found["name"] + (extension or b"")
            place = found["macro"], path, code.count(b"\n", 0, found.start()) + 1
            self.cleanups.setdefault(name, place)


def coverage(
    contracts: Contracts, names: TreeNames, version: KernelVersion | None
) -> ContractCoverage:
    """Return what contracts and a tree know of each other."""
    wanted: dict[str, set[str]] = {}
    excluded: dict[str, set[str]] = {}
    for pair, entry, counts in entries(contracts, version):
        (wanted if counts else excluded).setdefault(entry.call, set()).add(pair.name)
    known = contracts.calls | contracts.borrow | contracts.escape | contracts.nonnull
    known |= contracts.negative
    known |= {guard.name for guard in contracts.guards} | excluded.keys()
    cleaning = {one.name for one in contracts.guards} | {one.name for one in contracts.frees}
    uses = {name: names.uses[name] for name in names.cleanups}
    unknown = [
        UnknownCleanup(name=_text(name), macro=_text(macro), path=path, line=line, uses=uses[name])
        for name, (macro, path, line) in names.cleanups.items()
        if _text(name) not in cleaning
    ]
    return ContractCoverage(
        version=version,
        files=names.files,
        calls=len(wanted),
        absent=_calls(wanted, names, there=False),
        excluded=_calls(
            {call: of for call, of in excluded.items() if call not in wanted}, names, there=True
        ),
        cleanups=len(names.cleanups),
        cleanup_uses=sum(uses.values()),
        unknown_cleanups=tuple(sorted(unknown, key=lambda one: (-one.uses, one.name))),
        unknown_pairs=tuple(
            sorted(_families(names, known), key=lambda one: (-one.calls, one.acquire))
        ),
    )


def _calls(wanted: dict[str, set[str]], names: TreeNames, *, there: bool) -> tuple[AbsentCall, ...]:
    return tuple(
        AbsentCall(call=call, pairs=tuple(sorted(wanted[call])))
        for call in sorted(wanted)
        if (call.encode() in names.called) is there
    )


def _families(names: TreeNames, known: frozenset[str]) -> Iterator[UnknownPair]:
    taken: set[bytes] = set()
    for acquire, release in FAMILIES:
        word = acquire.encode()
        pattern = re.compile(rb"(?:(?<=_)|\A)" + word + rb"(?=_|\Z)")
        for name in sorted(names.declared):
            back = pattern.sub(release.encode(), name)
            if back == name or back not in names.declared or name in taken:
                continue
            taken.update((name, back))
            if _text(name) not in known and _text(back) not in known:
                calls = names.called[name] + names.called[back]
                yield UnknownPair(acquire=_text(name), release=_text(back), calls=calls)


def _text(name: bytes) -> str:
    return name.decode("ascii", "replace")
