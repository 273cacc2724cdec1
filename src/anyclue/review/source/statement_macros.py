"""Macros that are statements: loops, calls without a semicolon, statements as arguments."""

from __future__ import annotations

import re
from typing import Final

from anyclue.review.source.lexer import blank
from anyclue.review.source.vocabulary import BALANCED, KEYWORDS, as_declaration

_CALL: Final = (
    rb"(?!" + KEYWORDS + rb")(?P<name>[A-Za-z_]\w*+)[ \t]*+(?P<arguments>" + BALANCED + rb")"
)
_STATEMENT: Final = re.compile(
    rb"\n(?P<indent>[ \t]++)(?P<closed>\}[ \t]*+)?(?:(?P<chained>else[ \t]++)|\{)?" + _CALL
    + rb"(?P<gap>\s*+)(?P<next>\{|=\s*+\{|else\b|[A-Za-z_}]|(?:\+\+|--)(?=[\w(*])|[*(])"
)  # fmt: skip
_NAME: Final = re.compile(rb"\w++\s*+[;=,\[]")
_LOOP: Final = re.compile(rb"for_?each|each_entry|iterate|scoped|\Awith_", re.IGNORECASE)
_WHILE: Final = re.compile(
    rb"\}\s*+(while_(?:for_)?each\w*+|for_each\w*+(?=[ \t]*+" + BALANCED + rb"[ \t]*+;))"
    rb"(\s*+\()(\s*+\))?"
)
_DECLARATION: Final = (
    rb"(?:struct|union|enum|unsigned|int|char|long|u\d+)\s[\w\s*]*+(?:\[\w*+\]\s*+)?"
)
_BARE: Final = re.compile(
    rb"\n[ \t]++(?P<name>[A-Z][A-Z0-9_]{3,}+)(?P<gap>[ \t\r]*+\n\s*+)(?=[A-Za-z_}])"
)
_SUSPECT: Final = re.compile(
    rb";\s*+\}?\s*+[,)]|\(\s*+(?:(?:if|for|while|do|switch)\b|" + _DECLARATION + rb"[);])"
)
_ENDED: Final = re.compile(rb"(?<=[\n\t {;])" + _CALL + rb"[ \t]*+;?")
_STATEMENTS: Final = re.compile(
    rb"\(\s*+(?:(?:if|for|while|do|switch)\b|" + _DECLARATION + rb"[);])|[^;]*+;"
)
_COMMA: Final = re.compile(rb"([;}]\s*+),|,(?=\s*+\)\Z)")
_STATIC: Final = re.compile(rb"static(?=\s++[A-Z][A-Z0-9_]*+\s*+\()")


def rewrite_statements(text: bytearray, start: int, end: int, macros: dict[int, str]) -> None:
    """Make loop macros in a body ``while``, and other macros calls or blocks that end."""
    frozen = bytes(text[start:end])
    if _STATIC.search(frozen):
        frozen = _STATIC.sub(b" " * 6, frozen)
        text[start:end] = frozen
    if _SUSPECT.search(frozen):
        _blocks(text, start, frozen)
        frozen = bytes(text[start:end])
    at = 0
    while found := _STATEMENT.search(frozen, at):
        at = max(found.start() + 1, found.end("arguments") - 1)
        if found["next"] == b"{" or _statement_begins(frozen, found.start()):
            _statement(text, start, found, macros)
    for loop in _WHILE.finditer(frozen):
        _loop_end(text, start, loop, macros)
    for bare in _BARE.finditer(frozen):
        if _text_before(frozen, bare.start())[-1:] in {b";", b"}"}:
            _end(text, start, bare)


def _statement(text: bytearray, start: int, found: re.Match[bytes], macros: dict[int, str]) -> None:
    """Rewrite a macro by what follows it: a block, a statement, an initialiser."""
    following = found["next"]
    if following.startswith(b"="):
        begin, end = found.start("name"), found.end("arguments")
        text[start + begin : start + end] = as_declaration(found["name"], found.string[begin:end])
    elif _is_loop(found):
        _loop(text, start, found, macros)
    elif following == b"else" and (
        found["chained"] or not _text_before(found.string, found.start()).endswith(b")")
    ):
        macros[start + found.start("name")] = found["name"].decode()
        _word(text, start, found, b"if")
        _end(text, start, found)
    elif b"\n" not in found["gap"] and _NAME.match(found.string, found.end("gap")):
        # A macro that is a type.
        begin, end = found.span("arguments")
        text[start + begin : start + end] = blank(found["arguments"])
    elif following not in {b"*", b"("}:
        _end(text, start, found)


def _loop_end(text: bytearray, start: int, found: re.Match[bytes], macros: dict[int, str]) -> None:
    """Make ``} while_each_foo(...)`` the end of a ``do``."""
    begin, end = (start + at for at in found.span(1))
    macros[begin] = found[1].decode()
    if found[3] is None:
        text[begin:end] = b"while".ljust(end - begin)
        return
    # Without arguments, the rest of its name becomes the condition.
    text[begin + 5] = 0x28
    text[end : start + found.end(2)] = blank(found[2])


def _blocks(text: bytearray, start: int, frozen: bytes) -> None:
    """Make calls whose arguments hold statements blocks of these."""
    at = 0
    while found := _ENDED.search(frozen, at):
        arguments = found["arguments"]
        at = found.end()
        if b"({" in arguments or not _STATEMENTS.match(arguments):
            continue
        if not _statement_begins(frozen, found.start()):
            continue
        block = bytearray(b"{" + arguments[1:-1] + b"}")
        for comma in _COMMA.finditer(arguments):
            block[comma.end() - 1 : comma.end()] = b" "
        begin, stop = start + found.start("arguments"), start + found.end("arguments")
        text[start + found.start() : begin] = blank(
            frozen[found.start() : found.start("arguments")]
        )
        text[begin:stop] = block
        if found[0].endswith(b";"):
            text[stop - 1 : start + found.end()] = b";" + b"}".rjust(start + found.end() - stop)
        at = found.start("arguments") + 1


def _text_before(text: bytes, at: int) -> bytes:
    """Return the last characters before a place that are not blank."""
    width = 64
    while not (before := text[max(0, at - width) : at].rstrip()) and width < at:
        width *= 8
    return before[-4:]


def _statement_begins(text: bytes, at: int) -> bool:
    before = _text_before(text, at)
    return before[-1:] in b";{}:)" or before == b"else" or before[-2:] == b"do"


def _is_loop(found: re.Match[bytes]) -> bool:
    """Tell whether what follows is the macro's body: a loop's name, or deeper indentation."""
    following = found["next"]
    if following in {b"}", b"else"}:
        return False
    if _LOOP.search(found["name"]):
        return True
    if b"\n" not in found["gap"] or following in {b"*", b"(", b"{"}:
        return following == b"{" and b"\n" not in found["gap"]
    inner = found["gap"].rpartition(b"\n")[2].expandtabs(8)
    return len(inner) > len(found["indent"].expandtabs(8))


def _loop(text: bytearray, start: int, found: re.Match[bytes], macros: dict[int, str]) -> None:
    name = found["name"]
    macros[start + found.start("name")] = name.decode()
    if name.startswith(b"do_"):
        _word(text, start, found, b"do")
        begin, end = found.span("arguments")
        text[start + begin : start + end] = blank(found["arguments"])
    elif name.startswith((b"if", b"IF_")):
        _word(text, start, found, b"if")
    else:
        _word(text, start, found, b"while")


def _word(text: bytearray, start: int, found: re.Match[bytes], word: bytes) -> None:
    """Put a keyword in the place of the macro's name; a shorter one where it is too short."""
    begin, end = start + found.start("name"), start + found.start("arguments")
    word = word if end - begin >= len(word) else b"if" if end - begin >= 2 else b""
    if found["arguments"][1:-1].strip() or end - begin < len(word) + 2 or word == b"do":
        text[begin:end] = word.ljust(end - begin)
        return
    # Without arguments, the rest of the name becomes the condition.
    text[begin : begin + len(word) + 1] = word + b"("
    text[end] = 0x20


def _end(text: bytearray, start: int, found: re.Match[bytes]) -> None:
    """Put a semicolon behind the macro: in the gap, else in the place of its arguments."""
    gap = found["gap"]
    at = next((i for i, character in enumerate(gap) if character in b" \t\r"), None)
    if at is not None:
        text[start + found.start("gap") + at] = 0x3B
    elif "arguments" in found.re.groupindex:
        begin, end = found.span("arguments")
        text[start + begin : start + end] = b";" + blank(found["arguments"][1:])
    else:
        text[start + found.end("name") - 1] = 0x3B
