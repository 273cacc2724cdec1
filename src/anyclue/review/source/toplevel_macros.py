"""What stands between functions: headers, and macros that define things."""

from __future__ import annotations

import re
from typing import Final

from anyclue.review.source.bodies import bodies
from anyclue.review.source.headers import HEADER, straighten
from anyclue.review.source.lexer import blank
from anyclue.review.source.lines import Span
from anyclue.review.source.vocabulary import BALANCED, WORD, declared

_CALL: Final = re.compile(
    rb"(?:\A|(?<=[;})]))(?P<gap>\s*+)(?P<before>(?:(?:static|extern|const|inline)\s++)*+)"
    rb"(?P<name>[A-Za-z_]\w*+)[ \t]*+"
    + BALANCED
    + rb"(?!\s*+\()(?:(?P<end>\s*+;)|(?P<value>\s*+=))?"
)
# Parameters declared between the name and the body.
_OLD_STYLE: Final = re.compile(
    rb"(?:\A|\n)[A-Za-z_][\w \t*]*+\([\w\s,]*+\)\s*+(?:[A-Za-z_][\w\s,*\[\]]*+;\s*+)++\Z"
)
# Statements as arguments, blocks.
_HELD: Final = re.compile(rb"\{|;\s*+[^\s;]|\bif\b")
# Definitions whose arguments hold statements, as trace events have them.
_DEFINITION: Final = re.compile(rb"\n[A-Z][A-Z0-9_]{3,}+[ \t]*+" + BALANCED + rb"[ \t]*+;?")
# A macro without arguments among others.
_BARE: Final = re.compile(
    rb"\n[A-Z][A-Z0-9_]{3,}+[ \t\r]*+(?=\n[A-Z][A-Z0-9_]{3,}+" + BALANCED + rb"(?!\s*+\{))"
)
# Braces that open no function: an initialiser, a type.
_HEADLESS: Final = re.compile(rb"=\s*+(?:\([^()]*+\)\s*+)?\Z|\b(?:struct|union|enum)\s++\w*+\s*+\Z")


def rewrite_outside(text: bytearray, macros: dict[int, str]) -> list[tuple[int, Span]]:
    """Straighten headers, remove macros without semicolons.

    Returns:
        The functions: where the header begins, and the body.
    """
    for definition in _DEFINITION.finditer(bytes(text)):
        if b"{" in definition[0]:
            text[definition.start() : definition.end()] = blank(definition[0])
    for bare in _BARE.finditer(bytes(text)):
        text[bare.start() : bare.end()] = blank(bare[0])
    functions = []
    at = 0
    for start, end in bodies(text):
        if _HEADLESS.search(text, max(at, start - 200), start):
            continue
        header = _between(text, at, start, macros)
        if header is not None:
            functions.append((header, (start, end)))
        at = end
    _between(text, at, len(text), macros, last=True)
    return functions


def _between(
    text: bytearray, start: int, end: int, macros: dict[int, str], *, last: bool = False
) -> int | None:
    """Treat what stands before a body; return where its header begins."""
    chunk = bytes(text[start:end])
    solid = len(chunk.rstrip())
    for call in _CALL.finditer(chunk):
        inner = call["gap"].rpartition(b"\n")[2] or (b"\n" not in call["gap"] and call.start())
        if inner and not call["name"].isupper():
            continue
        if not last and not call["value"] and call.end() >= solid:
            break
        _top_call(text, start, call)
    for word in WORD.finditer(chunk):
        at = start + word.start()
        text[at : start + word.end()] = b"static" if word[0] == b"STATIC" else blank(word[0])
    chunk = bytes(text[start:end])
    begins = max(chunk.rfind(b";"), chunk.rfind(b"}")) + 1
    header = HEADER.match(chunk, begins)
    if last:
        return None
    if header is None:
        old = _OLD_STYLE.search(chunk)
        return start + old.start() + 1 if old else None
    straighten(text, start, header, macros)
    return start + begins + len(chunk[begins:]) - len(chunk[begins:].lstrip())


def _top_call(text: bytearray, start: int, call: re.Match[bytes]) -> None:
    whole = call[0]
    if call["value"]:
        begin, end = call.start("name"), call.start("value")
        text[start + begin : start + end] = declared(call["name"], call.string[begin:end])
    elif call["end"] is None or _HELD.search(whole):
        text[start + call.start() : start + call.end()] = blank(whole)
    elif call["before"]:
        begin, end = call.span("before")
        text[start + begin : start + end] = blank(call["before"])
