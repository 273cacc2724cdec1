"""What a C file defines, and under which conditions: to find what is defined twice.

Read are tokens, roughly: the bodies of functions are skipped. Every arm of ``#if`` is read; braces
count in the first arm of each.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from anyclue.review.source.directives import Directive
from anyclue.review.source.lexer import lex_source


class DefinitionKind(StrEnum):
    """What a definition defines."""

    FUNCTION = "function"
    VARIABLE = "variable"
    MACRO = "macro"
    TAG = "tag"
    """The members of a struct or union, or the constants of an enum."""
    TYPEDEF = "typedef"
    ENUM_CONSTANT = "enum-constant"
    MEMBER = "member"
    """A member of a struct or union: ``struct name.member``."""
    INVOCATION = "invocation"
    """A macro that defines something: ``DEFINE_MUTEX(lock)``."""


_ORDINARY: Final = frozenset(
    {
        DefinitionKind.FUNCTION,
        DefinitionKind.VARIABLE,
        DefinitionKind.TYPEDEF,
        DefinitionKind.ENUM_CONSTANT,
    }
)
"""What shares one name space in C."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A definition at the top level of a file.

    Attributes:
        kind: what it defines.
        name: its name.
        line: where it stands, from 1.
        conditions: what has to hold so that it is read: each ``#if``, or that of its arm.
        arms: by the ``#if`` that it is in, the number of its arm.
        tentative: it is a variable without an initialiser: one with it may follow.
        undefined: how often ``#undef`` of that name stood before it.
    """

    kind: DefinitionKind
    name: str
    line: int
    conditions: frozenset[bytes] = frozenset()
    arms: tuple[tuple[int, int], ...] = ()
    tentative: bool = False
    undefined: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """What only one definition may have."""
        if self.tentative:
            return "tentative", self.name
        return "ordinary" if self.kind in _ORDINARY else self.kind.value, self.name

    def clashes(self, other: Definition) -> bool:
        """Return whether two of one name are read together, whenever one of both is."""
        groups = dict(self.arms)
        if any(groups.get(group, arm) != arm for group, arm in other.arms):
            return False
        mine, theirs = self.conditions, other.conditions
        return (mine <= theirs or theirs <= mine) and self.undefined == other.undefined


class ClashingDefinitions(NamedTuple):
    """Definitions of one name that are read together."""

    kind: DefinitionKind
    name: str
    definitions: tuple[Definition, ...]


@lru_cache(maxsize=1 << 10)
def definitions(text: bytes | None) -> tuple[Definition, ...]:
    """Return what a file defines, in its order; what guards itself by ``#ifndef`` is left out."""
    if text is None:
        return ()
    reader = _DefinitionReader(text)
    reader.read()
    return tuple(reader.found)


def repetitions(text: bytes | None) -> dict[tuple[str, str], ClashingDefinitions]:
    """Return what a file defines more than once."""
    by_key: dict[tuple[str, str], list[Definition]] = {}
    for one in definitions(text):
        by_key.setdefault(one.key, []).append(one)
    found = {}
    for key, every in by_key.items():
        together = tuple(
            one for one in every if any(one is not two and one.clashes(two) for two in every)
        )
        if together:
            found[key] = ClashingDefinitions(together[0].kind, together[0].name, together)
    return found


class _Token(NamedTuple):
    text: bytes
    at: int
    depth: int


_BRACES = b"{}"
"""What stands for a block in a statement."""


@dataclass(kw_only=True)
class _Block:
    """An open brace: what is in it, and the statement that it is part of."""

    kind: str
    tag: str | None = None
    statement: list[_Token] = field(default_factory=list)
    depth: int = 0


@dataclass(kw_only=True)
class _Place:
    """How far the braces and the statement are."""

    blocks: list[_Block] = field(default_factory=list)
    statement: list[_Token] = field(default_factory=list)
    depth: int = 0

    def copy(self) -> _Place:
        return _Place(blocks=list(self.blocks), statement=list(self.statement), depth=self.depth)


@dataclass(kw_only=True)
class _Conditional:
    """An open ``#if``: its arms so far, and what was open before it and after its first arm."""

    number: int
    arm: int
    literals: frozenset[bytes]
    before: tuple[bytes, ...]
    start: _Place
    first_end: _Place | None = None


_TOKEN: Final = re.compile(rb"[A-Za-z_]\w*+|[0-9][\w.]*+|[{}()\[\];,=*:#]|\"[^\"\n]*+\"")
_EDGE: Final = re.compile(rb"[{}#]")
_WORD: Final = re.compile(rb"[A-Za-z_]\w*+")
_LOUD: Final = re.compile(rb"[A-Z_]*[A-Z][A-Z0-9_]*")
_OPENING: Final = frozenset((b"if", b"ifdef", b"ifndef"))
_AGGREGATES: Final = frozenset((b"struct", b"union", b"enum"))
_ATTRIBUTES: Final = re.compile(
    rb"__attribute__|__declspec|asm|__asm__|_Alignas|alignas|__(?:cond_)?(?:acquires|releases)"
    rb"\w*|__must_hold\w*|__(?:printf|scanf|aligned|section|alloc_size|nonnull|no_sanitize"
    rb"|counted_by\w*|malloc|assume_aligned|deprecated|alias|cleanup|guarded_by|ref|diagnose_as)"
)
_TYPE_WORDS: Final = re.compile(
    rb"void|bool|char|short|int|long|float|double|signed|unsigned|const|volatile|static|register"
    rb"|inline|__\w*inline\w*|typeof|auto|_Bool|\w+_t|[us]\d+|__[usbl]e?\d+|__u?int\w*"
)
_LAYOUT: Final = re.compile(rb"__(?:packed|randomize_layout|aligned\w*)|____cacheline\w*")
_DEFINING: Final = re.compile(
    rb"DEFINE_\w+|H?LIST_HEAD|EXPORT_SYMBOL\w*|module_init|module_exit|\w*_?initcall\w*"
    rb"|module_param\w*|DEVICE_ATTR\w*|ATTRIBUTE_GROUPS|TRACE_EVENT\w*|DECLARE_EVENT_CLASS"
    rb"|DECLARE_(?:WORK|DELAYED_WORK|WAIT_QUEUE_HEAD|BITMAP|COMPLETION|RWSEM|TASKLET\w*)"
    rb"|MODULE_LICENSE|\w*SYSCALL\w*_DEFINE\d"
)


class _DefinitionReader:
    """Reads the definitions of one file."""

    def __init__(self, text: bytes) -> None:
        lexed = lex_source(text)
        self.found: list[Definition] = []
        self._text = lexed.text
        self._directives = {one.start: one for one in lexed.directives}
        for at in self._directives:
            self._text[at : at + 1] = b"#"
        self._lines = [0, *(at.end() for at in re.finditer(rb"\n", text))]
        self._place = _Place()
        self._conditionals: list[_Conditional] = []
        self._conditions = 0
        self._undefined: dict[bytes, int] = {}

    def read(self) -> None:
        """Go through the whole file."""
        at = 0
        while True:
            blocks = self._place.blocks
            skipped = bool(blocks) and blocks[-1].kind == "skipped"
            token = (_EDGE if skipped else _TOKEN).search(self._text, at)
            if token is None:
                break
            at = token.end()
            if token[0] == b"#":
                directive = self._directives.get(token.start())
                if directive is not None:
                    self._directive(directive)
                    at = max(at, directive.end)
            elif token[0] == b"{":
                self._open(skipped=skipped)
            elif token[0] == b"}":
                self._close(token.start())
            else:
                self._take(bytes(token[0]), token.start())

    def _take(self, text: bytes, at: int) -> None:
        place = self._place
        if text in {b")", b"]"}:
            place.depth = max(0, place.depth - 1)
        within = place.blocks[-1] if place.blocks else None
        if place.depth == 0 and text == b"," and within and within.kind == "enum":
            self._constant()
            return
        if place.depth == 0 and text == b";":
            self._declare(within)
            place.statement = []
            return
        place.statement.append(_Token(text, at, place.depth))
        if text in {b"(", b"["}:
            place.depth += 1

    def _open(self, *, skipped: bool) -> None:
        place = self._place
        block = _Block(kind="skipped", statement=place.statement, depth=place.depth)
        if not skipped and place.depth == 0:
            self._begin(block, place.statement)
        place.blocks = [*place.blocks, block]
        place.statement, place.depth = [], 0

    def _begin(self, block: _Block, statement: list[_Token]) -> None:
        """Find out what a block at the top level, or among members, is."""
        words = [one for one in _without_attributes(statement) if one.depth == 0]
        if any(one.text == b"=" for one in words):
            return
        if not words or (words[0].text == b"extern" and words[-1].text[:1] == b'"'):
            block.kind = "transparent"
            return
        for number, one in enumerate(words[-3:], max(0, len(words) - 3)):
            if one.text in _AGGREGATES and all(_WORD.fullmatch(two.text) for two in words[number:]):
                tag = next((two for two in words[number + 1 :] if not _is_attribute(two)), None)
                block.kind = "enum" if one.text == b"enum" else "members"
                if tag is not None:
                    block.tag = f"{one.text.decode()} {_text(tag.text)}"
                    self._add(DefinitionKind.TAG, block.tag, tag.at)
                return
        if any(one.text == b"(" for one in words):
            block.kind = "skipped"
            block.tag = "()"
            self._function(statement)

    def _close(self, at: int) -> None:
        place = self._place
        if not place.blocks:
            place.statement, place.depth = [], 0
            return
        *place.blocks, block = place.blocks
        if block.kind == "enum":
            self._constant()
        if block.kind == "transparent" or block.tag == "()":
            place.statement, place.depth = [], 0
            return
        place.statement = [*block.statement, _Token(_BRACES, at, block.depth)]
        place.depth = block.depth

    def _constant(self) -> None:
        statement = self._place.statement
        if statement and _WORD.fullmatch(statement[0].text):
            end = _group_end(statement, 1) or 1
            name = b"".join(one.text for one in statement[:end])
            self._add(DefinitionKind.ENUM_CONSTANT, _text(name), statement[0].at)
        self._place.statement = []

    def _function(self, statement: list[_Token]) -> None:
        rest = self._without_invocation(statement)
        calls = list(_calls(rest, 0))
        named = next((one for one in calls if not _TYPE_WORDS.fullmatch(one.text)), None)
        if named is None:
            named = next(_calls(rest, 1), None)
        if named is None:
            return
        if _LOUD.fullmatch(named.text):
            name = self._invocation(rest[rest.index(named) :])
            self._add(DefinitionKind.INVOCATION, name, named.at)
        else:
            self._add(DefinitionKind.FUNCTION, _text(named.text), named.at)

    def _without_invocation(self, statement: list[_Token]) -> list[_Token]:
        """Take a macro off that stands without a semicolon in front of something else."""
        while len(statement) > 2 and _LOUD.fullmatch(statement[0].text):
            end = _group_end(statement, 1)
            if end is None or not any(one.text == b"(" for one in statement[end:]):
                break
            if _is_attribute(statement[0]):
                break
            self._invoked(statement[:end])
            statement = statement[end:]
        return statement

    def _invoked(self, statement: Sequence[_Token]) -> None:
        if _DEFINING.fullmatch(statement[0].text):
            name = self._invocation(statement)
            self._add(DefinitionKind.INVOCATION, name, statement[0].at)

    def _invocation(self, statement: Sequence[_Token]) -> str:
        name = statement[0].text
        end = _group_end(statement, 1) or len(statement)
        first = next((n for n in range(2, end) if statement[n].text == b","), end - 1)
        whole = b"SYSCALL" not in name and b"TRACE_" not in name and b"ATTR" not in name
        inner = statement[2 : (end - 1 if whole else first)]
        return _text(name + b"(" + b" ".join(one.text for one in inner) + b")")

    def _declare(self, within: _Block | None) -> None:
        if within is not None and within.kind not in {"members", "transparent"}:
            return
        member = within is not None and within.kind == "members"
        statement = self._place.statement
        while statement and statement[0].text == b"static":
            statement = statement[1:]
        if not member and len(statement) > 1 and statement[1].text == b"(":
            if _group_end(statement, 1) == len(statement):
                self._invoked(statement)
                return
            statement = self._without_invocation(statement)
        words = {one.text for one in statement if one.depth == 0}
        if not statement or (b"extern" in words and not member):
            return
        typedef = statement[0].text == b"typedef"
        for name, initialised in _declared(statement, typedef=typedef):
            if member:
                if within is not None and within.tag is not None:
                    self._add(DefinitionKind.MEMBER, f"{within.tag}.{_text(name.text)}", name.at)
            elif typedef:
                self._add(DefinitionKind.TYPEDEF, _text(name.text), name.at)
            else:
                text = _text(name.text)
                self._add(DefinitionKind.VARIABLE, text, name.at, tentative=not initialised)

    def _directive(self, one: Directive) -> None:
        if one.word in _OPENING:
            self._conditions += 1
            literal = _literal(one)
            self._conditionals.append(
                _Conditional(
                    number=self._conditions,
                    arm=0,
                    literals=frozenset({literal}),
                    before=(literal,),
                    start=self._place.copy(),
                )
            )
        elif one.word == b"define":
            if name := _WORD.match(one.rest):
                self._add(DefinitionKind.MACRO, _text(name[0]), one.start, name[0])
        elif one.word == b"undef":
            if name := _WORD.match(one.rest):
                self._undefined[name[0]] = self._undefined.get(name[0], 0) + 1
        elif self._conditionals and one.word.startswith(b"el"):
            self._next_arm(self._conditionals[-1], one)
        elif self._conditionals and one.word == b"endif":
            done = self._conditionals.pop()
            self._place = done.first_end or self._place

    def _next_arm(self, group: _Conditional, one: Directive) -> None:
        if group.first_end is None:
            group.first_end = self._place
        self._place = group.start.copy()
        group.arm += 1
        group.literals = frozenset(map(_negated, group.before))
        if one.word != b"else":
            literal = _literal(one)
            group.literals |= {literal}
            group.before = (*group.before, literal)

    def _add(
        self,
        kind: DefinitionKind,
        name: str,
        at: int,
        undefined: bytes = b"",
        *,
        tentative: bool = False,
    ) -> None:
        conditions = frozenset().union(*(one.literals for one in self._conditionals))
        own = name.rpartition(".")[2].encode("utf-8", "surrogateescape")
        if conditions & {b"0", b"!1", b"!" + own}:
            return
        self.found.append(
            Definition(
                kind=kind,
                name=name,
                line=bisect_right(self._lines, at),
                conditions=conditions,
                arms=tuple((one.number, one.arm) for one in self._conditionals),
                tentative=tentative,
                undefined=self._undefined.get(undefined, 0),
            )
        )


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


_DEFINED: Final = re.compile(rb"defined\s*\(?\s*(\w+)\s*\)?")
_SPACE: Final = re.compile(rb"\s+")


def _literal(one: Directive) -> bytes:
    """Return a condition in one form: ``defined(A)`` and ``#ifdef A`` are ``A``."""
    rest = one.rest
    if one.word in {b"if", b"elif"}:
        return _SPACE.sub(b"", _DEFINED.sub(rb"\1", rest))
    name = _WORD.match(rest)
    return (b"!" if one.word.endswith(b"ndef") else b"") + (name[0] if name else rest)


def _negated(literal: bytes) -> bytes:
    if literal.startswith(b"!") and _WORD.fullmatch(literal, 1):
        return literal[1:]
    return b"!" + literal


def _is_attribute(one: _Token) -> bool:
    return _ATTRIBUTES.fullmatch(one.text) is not None or one.text.startswith(b"__")


def _without_attributes(statement: Sequence[_Token]) -> list[_Token]:
    """Return a statement without attributes that have arguments."""
    kept: list[_Token] = []
    at = 0
    while at < len(statement):
        end = None
        if _ATTRIBUTES.fullmatch(statement[at].text):
            end = _group_end(statement, at + 1)
        if end is None:
            kept.append(statement[at])
            end = at + 1
        at = end
    return kept


def _group_end(statement: Sequence[_Token], at: int) -> int | None:
    """Return the place behind the parentheses that open at a place; None where none do."""
    if at >= len(statement) or statement[at].text != b"(":
        return None
    depth = statement[at].depth
    for number in range(at + 1, len(statement)):
        if statement[number].text == b")" and statement[number].depth == depth:
            return number + 1
    return None


def _calls(statement: Sequence[_Token], depth: int) -> Iterator[_Token]:
    """Yield the words before parentheses at a depth, without attributes."""
    for one, after in pairwise(_without_attributes(statement)):
        if after.text == b"(" and one.depth == after.depth == depth and _WORD.fullmatch(one.text):
            yield one


def _declared(statement: Sequence[_Token], *, typedef: bool) -> Iterator[tuple[_Token, bool]]:
    """Yield the names that a declaration declares, with whether each has an initialiser."""
    tokens = _without_attributes(statement)
    typed = False
    declarator: list[_Token] = []
    for one in [*tokens, _Token(b",", 0, 0)]:
        if one.text != b"," or one.depth:
            declarator.append(one)
            continue
        cut = next(
            (n for n, two in enumerate(declarator) if two.text == b"=" and not two.depth), -1
        )
        name = _declarator(declarator[:cut] if cut >= 0 else declarator, typed, typedef=typedef)
        if name is not None:
            yield name, cut >= 0
        typed, declarator = True, []


def _declarator(tokens: list[_Token], typed: bool, *, typedef: bool) -> _Token | None:
    """Return the name in a declarator; None in a prototype, or where there is none."""
    for number, one in enumerate(tokens[:-1]):
        if one.text == b"(" and one.depth == 0:
            return _before_parameters(tokens, number, typedef=typedef)
    words: list[_Token] = []
    after_tag = block = False
    end = next((n for n, one in enumerate(tokens) if one.text == b":"), len(tokens))
    for one in (two for two in tokens[:end] if two.depth == 0):
        if one.text == _BRACES:
            typed = block = True
        elif one.text not in _AGGREGATES and _WORD.fullmatch(one.text) and not after_tag:
            words.append(one)
        after_tag = one.text in _AGGREGATES
        typed = typed or after_tag
    return _last_name(words, typed=typed or typedef, block=block, typedef=typedef)


def _before_parameters(tokens: list[_Token], at: int, *, typedef: bool) -> _Token | None:
    """Return the name of a pointer to a function, or of a function's type."""
    inner = [one for one in tokens[at:] if one.depth == 1 and _WORD.fullmatch(one.text)]
    if tokens[at + 1].text == b"*":
        return next((one for one in inner if not _TYPE_WORDS.fullmatch(one.text)), None)
    if not typedef:
        return None
    before = tokens[at - 1] if at else None
    if before is None or _TYPE_WORDS.fullmatch(before.text):
        return next(iter(inner), None)
    return before if _WORD.fullmatch(before.text) else None


def _last_name(words: list[_Token], *, typed: bool, block: bool, typedef: bool) -> _Token | None:
    """Return the word that is the name: the last that is no attribute."""
    while words and words[-1].text.startswith(b"__"):
        *before, last = words
        if typedef and not _LAYOUT.fullmatch(last.text):
            break
        if (before and _TYPE_WORDS.fullmatch(before[-1].text)) or not (before or block):
            break
        words = before
    if not words or (_TYPE_WORDS.fullmatch(words[-1].text) and not typedef):
        return None
    if block and _LOUD.fullmatch(words[-1].text) and not typedef:
        return None
    return words[-1] if typed or len(words) > 1 else None
