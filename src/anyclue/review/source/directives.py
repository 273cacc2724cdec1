"""Which lines of a file are read, given its ``#if`` directives and a choice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from anyclue.review.source.conditions import holds
from anyclue.review.source.lines import Span
from anyclue.review.source.model import Choice

_OPENING: Final = frozenset((b"if", b"ifdef", b"ifndef"))
_TURNING: Final = frozenset((b"elif", b"elifdef", b"elifndef", b"else"))
_NAME: Final = re.compile(rb"\w++")
_GUARD: Final = re.compile(rb"!\s*+defined\s*+\(?\s*+(\w++)\s*+\)?")


@dataclass(frozen=True, kw_only=True)
class Directive:
    """``#word rest`` at the bytes from ``start`` to ``end``."""

    word: bytes
    rest: bytes
    start: int
    end: int


@dataclass(kw_only=True)
class _Group:
    """An open ``#if``; each pair is for the choice made, and for the other one."""

    start: int
    outer: tuple[bool, bool]
    taken: tuple[bool, bool]
    live: tuple[bool, bool]
    since: int
    differs: bool


def divide(
    directives: Sequence[Directive], choice: Choice, size: int
) -> tuple[list[Span], list[Span]]:
    """Return the bytes that are not read, and those that the choice is about, each in order."""
    dead: list[Span] = []
    chosen: list[Span] = []
    groups: list[_Group] = []
    guard = _guard(directives)
    for directive in directives:
        if directive.word in _OPENING:
            groups.append(_open(directive, groups, choice, guarded=directive is guard))
        elif not groups:
            continue
        elif directive.word in _TURNING:
            _turn(groups[-1], directive, choice, dead)
        elif directive.word == b"endif":
            _close(groups.pop(), directive.start, directive.end, dead, chosen)
    while groups:
        _close(groups.pop(), size, size, dead, chosen)
    return _joined(dead), _joined(chosen)


def _guard(directives: Sequence[Directive]) -> Directive | None:
    """Return the directive that opens an include guard, if the file begins with one."""
    if len(directives) < 2 or directives[1].word != b"define":
        return None
    first, second = directives[:2]
    symbol = _NAME.match(first.rest) if first.word == b"ifndef" else None
    if first.word == b"if" and (negated := _GUARD.fullmatch(first.rest)):
        symbol = _NAME.match(negated[1])
    defined = _NAME.match(second.rest)
    return first if symbol and defined and symbol[0] == defined[0] else None


def _open(
    directive: Directive, groups: Sequence[_Group], choice: Choice, *, guarded: bool
) -> _Group:
    outer = groups[-1].live if groups else (True, True)
    met = (True, True) if guarded else _met(directive, choice)
    return _Group(
        start=directive.start,
        outer=outer,
        taken=met,
        live=(outer[0] and met[0], outer[1] and met[1]),
        since=directive.end,
        differs=met[0] != met[1] and any(outer),
    )


def _turn(group: _Group, directive: Directive, choice: Choice, dead: list[Span]) -> None:
    if not group.live[0]:
        dead.append((group.since, directive.start))
    met = _met(directive, choice)
    group.differs |= any(group.outer) and met[0] != met[1]
    group.live = (
        group.outer[0] and met[0] and not group.taken[0],
        group.outer[1] and met[1] and not group.taken[1],
    )
    group.taken = (group.taken[0] or met[0], group.taken[1] or met[1])
    group.since = directive.end


def _close(group: _Group, start: int, end: int, dead: list[Span], chosen: list[Span]) -> None:
    if not group.live[0]:
        dead.append((group.since, start))
    if group.differs:
        chosen.append((group.start, end))


def _met(directive: Directive, choice: Choice) -> tuple[bool, bool]:
    """Tell whether the condition holds, and whether it would under the other choice."""
    word, rest = directive.word, directive.rest
    if word == b"else":
        return True, True
    if word in {b"if", b"elif"}:
        condition = rest
    else:
        name = _NAME.match(rest)
        condition = (b"!" if word.endswith(b"ndef") else b"") + (name[0] if name else b"")
    on = choice is Choice.ON
    return holds(condition, symbols=on), holds(condition, symbols=not on)


def _joined(spans: list[Span]) -> list[Span]:
    """Return the spans in order, those that lie in or touch each other as one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
