"""Conditional compilation: which lines of a file are read, given its directives and a choice."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from anyclue.review.source.model import Choice, Span

_TOKEN: Final = re.compile(
    rb"\s*+(?:(?P<number>0[xX][0-9a-fA-F]++|[0-9]++)[uUlL]*+"
    rb"|(?P<name>[A-Za-z_]\w*+)"
    rb"|(?P<operator>&&|\|\||<<|>>|[<>=!]=|.))",
    re.DOTALL,
)
_DEFINED: Final = re.compile(rb"\bdefined\b\s*+(?:\(\s*+(\w++)\s*+\)|(\w++))")
# Symbols that are as they are, whatever the configuration.
_FIXED: Final = {
    b"__KERNEL__": True,
    b"__GNUC__": True,
    b"__cplusplus": False,
    b"__ASSEMBLY__": False,
    b"__ASSEMBLER__": False,
}
_RANKS: Final = {
    **dict.fromkeys((b"*", b"/", b"%"), 10),
    **dict.fromkeys((b"+", b"-"), 9),
    **dict.fromkeys((b"<<", b">>"), 8),
    **dict.fromkeys((b"<", b">", b"<=", b">="), 7),
    **dict.fromkeys((b"==", b"!="), 6),
    b"&": 5,
    b"^": 4,
    b"|": 3,
    b"&&": 2,
    b"||": 1,
}
_COMPARED: Final[Mapping[bytes, Callable[[int, int], bool]]] = {
    b"==": operator.eq,
    b"!=": operator.ne,
    b"<": operator.lt,
    b">": operator.gt,
    b"<=": operator.le,
    b">=": operator.ge,
}
_UNARY: Final = 11
_LONGEST: Final = 4096

# A symbol's value nobody knows: true or false by choice.
_Value = int | None


def condition_holds(condition: bytes, *, symbols: bool) -> bool:
    """Tell whether a condition holds when each symbol in it is set (or is not).

    A comparison with a symbol in it holds as the symbol would. Never raises: what is no condition
    counts as a symbol.
    """
    if len(condition) > _LONGEST:
        return symbols
    return _condition_holds(condition, symbols)


@lru_cache(maxsize=4096)
def _condition_holds(condition: bytes, symbols: bool) -> bool:
    try:
        return _truth(_ConditionEvaluator(symbols=symbols).evaluate(condition), symbols=symbols)
    except IndexError:
        return symbols


def _truth(value: _Value, *, symbols: bool) -> bool:
    return symbols if value is None else value != 0


class _ConditionEvaluator:
    """Shunting-yard, as deep parentheses must not be deep recursion."""

    def __init__(self, *, symbols: bool) -> None:
        self._symbols = symbols
        self._values: list[_Value] = []
        self._operators: list[bytes] = []

    def evaluate(self, condition: bytes) -> _Value:
        """Return the value; IndexError when operands are missing."""
        operand = False
        tokens = list(_TOKEN.finditer(_DEFINED.sub(rb" \1\2 ", condition)))
        at = 0
        while at < len(tokens):
            token = tokens[at]
            at += 1
            if token["number"]:
                self._values.append(_number(token["number"]))
                operand = True
            elif token["name"]:
                value, at = self._symbol(tokens, at)
                self._values.append(value)
                operand = True
            else:
                operand = self._operator(token["operator"], after_operand=operand)
                if token["operator"] == b"?":
                    return None
        while self._operators:
            self._apply(self._operators.pop())
        return self._values[-1]

    def _symbol(self, tokens: list[re.Match[bytes]], at: int) -> tuple[_Value, int]:
        name = tokens[at - 1]["name"]
        if at < len(tokens) and tokens[at]["operator"] == b"(":
            at = _closed(tokens, at)
        fixed = _FIXED.get(name)
        return (None if fixed is None else int(fixed)), at

    def _operator(self, sign: bytes, *, after_operand: bool) -> bool:
        """Take an operator in; return whether an operand has just ended."""
        if sign == b"(":
            self._operators.append(sign)
            return False
        if sign == b")":
            while self._operators and self._operators[-1] != b"(":
                self._apply(self._operators.pop())
            if self._operators:
                self._operators.pop()
            return True
        if not after_operand:
            self._operators.append(b"u" + sign)
            return False
        rank = _RANKS.get(sign, 0)
        while self._operators and _rank(self._operators[-1]) >= rank:
            self._apply(self._operators.pop())
        self._operators.append(sign)
        return False

    def _apply(self, sign: bytes) -> None:
        if sign == b"(":
            return
        right = self._values.pop()
        if sign.startswith(b"u"):
            self._values.append(self._unary(sign[1:], right))
        else:
            self._values.append(self._binary(sign, self._values.pop(), right))

    def _unary(self, sign: bytes, value: _Value) -> _Value:
        if sign == b"!":
            return int(not _truth(value, symbols=self._symbols))
        if value is None:
            return None
        return {b"-": -value, b"~": ~value}.get(sign, value)

    def _binary(self, sign: bytes, left: _Value, right: _Value) -> _Value:
        if sign in {b"&&", b"||"}:
            truths = [_truth(value, symbols=self._symbols) for value in (left, right)]
            return int(all(truths) if sign == b"&&" else any(truths))
        if left is None or right is None:
            return None
        compare = _COMPARED.get(sign)
        return None if compare is None else int(compare(left, right))


def _rank(sign: bytes) -> int:
    if sign == b"(":
        return -1
    return _UNARY if sign.startswith(b"u") else _RANKS.get(sign, 0)


def _number(digits: bytes) -> int:
    if digits[:2].lower() == b"0x":
        return int(digits[2:66], 16)
    return int(digits[:64])


def _closed(tokens: list[re.Match[bytes]], at: int) -> int:
    """Return the place behind the parenthesis that opens at ``at``."""
    depth = 0
    while at < len(tokens):
        depth += (tokens[at]["operator"] == b"(") - (tokens[at]["operator"] == b")")
        at += 1
        if depth == 0:
            break
    return at


_OPENING: Final = frozenset((b"if", b"ifdef", b"ifndef"))
_ALTERNATIVES: Final = frozenset((b"elif", b"elifdef", b"elifndef", b"else"))
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


def excluded_spans(
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
        elif directive.word in _ALTERNATIVES:
            _next_arm(groups[-1], directive, choice, dead)
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


def _next_arm(group: _Group, directive: Directive, choice: Choice, dead: list[Span]) -> None:
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
    return condition_holds(condition, symbols=on), condition_holds(condition, symbols=not on)


def _joined(spans: list[Span]) -> list[Span]:
    """Return the spans in order, those that lie in or touch each other as one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
