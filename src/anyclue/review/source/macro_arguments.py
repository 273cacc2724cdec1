"""Macro arguments that are no expressions: types, statements, members, assembler."""

from __future__ import annotations

import re
from typing import Final

from anyclue.review.source.lexer import blank
from anyclue.review.source.vocabulary import BALANCED, TYPE

_SOLID_ONES: Final = (
    rb"(?P<solid>(?:" + TYPE + rb"|continue|break|return|goto[ \t]++\w++)(?=\s*+[,)])"
    rb"|return[ \t]++)|(?P<empty>)(?=[,)])"
)
_OPERATOR: Final = rb"|(?P<operator>[=!<>&|+*/%^~-]{1,3}+(?=\s*+[,)])|;(?=\s*+,))"
_PIECE: Final = rb"|(?P<piece>(?:[A-Z][A-Z0-9_]++\s++(?=[A-Z]))++)(?=[A-Z][A-Z0-9_]++\s*+[,)}&\"])"
_LATER: Final = re.compile(rb",\s*+(?:" + _SOLID_ONES + _OPERATOR + _PIECE + rb")")
_FIRST: Final = re.compile(rb"\(\s*+(?:" + _SOLID_ONES + _PIECE + rb")")
_BEFORE: Final = re.compile(rb"(\w++)\s*+\Z")
_LEVEL: Final = re.compile(rb"KERN_[A-Z]++(?=\s++[A-Za-z_])")
_STRINGIFIED: Final = re.compile(rb"__stringify(\s*+" + BALANCED + rb")")
_AUTO: Final = re.compile(rb"\bauto(?=\s++\*?\w++\s*+=)")
_COMPUTED: Final = re.compile(rb"goto(?<=\bgoto)([ \t]++\*[^;{}]{0,200}+);")
_BETWEEN: Final = re.compile(rb"\"\s*+([A-Za-z_]\w*+\s*+\([^()]*+\))")
# What may stand before a parenthesis that is a cast, or takes a type.
_TYPED: Final = frozenset(
    b"return sizeof case else do goto typeof __typeof__ __typeof if while for switch in".split()
)
_TYPEOF: Final = re.compile(rb"typeof(?:_\w{1,40}+)?(\s*+" + BALANCED + rb")")
_KEYWORD: Final = re.compile(rb"((?:offset|align|Align)of)(?:__)?\b")
_ASSEMBLER: Final = re.compile(
    rb"asm(?:__|_inline|_volatile|_volatile_goto|_goto)?\b\s*+"
    rb"(?:(?:volatile|__volatile__|__volatile|goto|inline|__inline__|__inline)\b\s*+)*+" + BALANCED
)
_RANGE: Final = re.compile(rb"\bcase\b[^\n:;]{0,200}?(\.\.\.)")
# kzalloc_obj(*p) is told a type: nothing is read through p.
_SIZED: Final = re.compile(
    rb"\bkv?[mz]alloc_(?:obj|objs|flex)\s*+\(\s*+(?P<object>[^,()]++(?:\([^()]*+\))?[^,()]*+)(?=[,)])"
)
_SOLID: Final = bytes(
    c if c in b"\n" or (chr(c).isalnum() and c < 128) else 0x5F for c in range(256)
)


def rewrite_arguments(text: bytearray) -> None:
    """Make type and jump arguments identifiers, ``typeof`` a plain name, assembler nothing."""
    _assembler(text)
    _keywords(text)
    _strings(text)
    _arguments(text)


def _keywords(text: bytearray) -> None:
    """Rewrite what the grammar has no words for, or words that take less than in the kernel."""
    frozen = bytes(text)
    for found in _TYPEOF.finditer(frozen):
        if _free(frozen, found.start()):
            text[found.start(1) : found.end()] = blank(found[1])
    # A word that is looked for first is found quicker than a pattern.
    for found in _KEYWORD.finditer(frozen) if b"setof" in frozen or b"lignof" in frozen else ():
        if _free(frozen, found.start()):
            text[found.end(1) - 1 : found.end(1)] = b"F"
    for found in _RANGE.finditer(frozen) if b"..." in frozen else ():
        text[found.start(1) : found.end(1)] = b" | "
    for found in _AUTO.finditer(frozen) if b"auto" in frozen else ():
        text[found.start()] = 0x41
    for found in _COMPUTED.finditer(frozen):
        text[found.start(1) : found.end(1)] = blank(found[1])
        text[found.start(1) + 1] = 0x5F


def _strings(text: bytearray) -> None:
    """Leave a string where strings and macros stand in a row."""
    frozen = bytes(text)
    for pattern in (_LEVEL, _BETWEEN):
        for found in pattern.finditer(frozen):
            text[found.start(pattern.groups) : found.end()] = blank(found[pattern.groups])
    for found in _STRINGIFIED.finditer(frozen):
        text[found.start() : found.end()] = b'""' + blank(found[0][2:])


def _arguments(text: bytearray) -> None:
    frozen = bytes(text)
    for sized in _SIZED.finditer(frozen):
        start, end = sized.span("object")
        text[start:end] = b"T" + _solid(sized["object"])[1:]
    frozen = bytes(text)
    for found in _FIRST.finditer(frozen):
        start = found.start()
        if found["solid"] == b"void" and frozen[found.end() : found.end() + 1] != b",":
            continue
        before = _BEFORE.search(frozen, max(0, start - 80), start)
        if before is not None and before[1] not in _TYPED:
            _argument(text, found, comma=found.end())
    for found in _LATER.finditer(frozen):
        _argument(text, found, comma=found.start())


def _argument(text: bytearray, found: re.Match[bytes], comma: int) -> None:
    kind = found.lastgroup or ""
    start, end = found.span(kind)
    if kind == "empty":
        # The comma goes, unless it is the parenthesis of a call without arguments.
        if text[comma] == 0x2C:
            text[comma] = 0x20
    else:
        text[start:end] = blank(found[kind]) if kind == "piece" else _solid(found[kind])


def _solid(words: bytes) -> bytes:
    """Return an identifier as long as the words, blank from the first newline on."""
    head, newline, rest = words.partition(b"\n")
    solid = head.translate(_SOLID)
    if solid == head or newline:
        solid = solid[:1].upper() + solid[1:]
    return solid + newline + blank(rest)


def _assembler(text: bytearray) -> None:
    frozen = bytes(text)
    for found in _ASSEMBLER.finditer(frozen):
        start = found.start()
        while start and frozen[start - 1] == 0x5F:
            start -= 1
        if _free(frozen, start):
            text[start : found.end()] = blank(frozen[start : found.end()])


def _free(text: bytes, at: int) -> bool:
    """Tell whether a word begins here, underscores aside."""
    while at and text[at - 1] == 0x5F:
        at -= 1
    return not (at and (text[at - 1 : at].isalnum()))
