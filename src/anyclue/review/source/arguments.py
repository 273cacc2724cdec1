"""Macro arguments that are no expressions: types, statements, members, assembler."""

from __future__ import annotations

import re
from typing import Final

from anyclue.review.source.lexing import blank
from anyclue.review.source.words import BALANCED, TYPE

_JUMP: Final = rb"return(?:[ \t]++[^,()\n]*+)?|goto[ \t]++\w++|continue|break"
_ENDS: Final = rb"(?=\s*+[,)])"
_LATER: Final = re.compile(rb",\s*+(" + TYPE + rb"|" + _JUMP + rb")" + _ENDS)
_FIRST: Final = re.compile(rb"\(\s*+(" + TYPE + rb"|" + _JUMP + rb")" + _ENDS)
_BEFORE: Final = re.compile(rb"(\w++)[ \t]*\Z")
# What may stand before a parenthesis that is a cast, or takes a type.
_TYPED: Final = frozenset(
    b"return sizeof case else do goto typeof __typeof__ __typeof _Alignof alignof __alignof__ "
    b"__alignof if while for switch in".split()
)
_TYPEOF: Final = re.compile(rb"typeof(?:__)?(\s*+" + BALANCED + rb")")
_OFFSETOF: Final = re.compile(rb"offsetof\b")
_ASSEMBLER: Final = re.compile(
    rb"asm(?:__|_inline|_volatile|_volatile_goto|_goto)?\b\s*+"
    rb"(?:(?:volatile|__volatile__|__volatile|goto|inline|__inline__|__inline)\b\s*+)*+" + BALANCED
)
_RANGE: Final = re.compile(rb"\.\.\.")
_SOLID: Final = bytes(
    c if c in b"\n" or (chr(c).isalnum() and c < 128) else 0x5F for c in range(256)
)


def rewrite_arguments(text: bytearray) -> None:
    """Make type and jump arguments identifiers, ``typeof`` a plain name, assembler nothing."""
    _assembler(text)
    frozen = bytes(text)
    for found in _TYPEOF.finditer(frozen):
        if _free(frozen, found.start()):
            text[found.start(1) : found.end()] = blank(found[1])
    for found in _OFFSETOF.finditer(frozen):
        if _free(frozen, found.start()):
            text[found.start() : found.start() + 1] = b"O"
    for found in _RANGE.finditer(frozen):
        line = frozen[frozen.rfind(b"\n", 0, found.start()) + 1 : found.start()].lstrip()
        if line.startswith(b"case"):
            text[found.start() : found.end()] = b" | "
    _types(text)


def _types(text: bytearray) -> None:
    frozen = bytes(text)
    for found in _FIRST.finditer(frozen):
        start = found.start()
        before = _BEFORE.search(frozen, max(0, start - 80), start)
        if before and before[1] not in _TYPED and found[1] != b"void":
            text[found.start(1) : found.end(1)] = _solid(found[1])
    # A type takes no comma with it, so that types in a row are all found.
    for found in _LATER.finditer(frozen):
        text[found.start(1) : found.end(1)] = _solid(found[1])


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
