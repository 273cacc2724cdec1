"""Macros that are statements: loops, and calls without a semicolon."""

from __future__ import annotations

import re
from typing import Final

from anyclue.review.source.lexing import blank
from anyclue.review.source.words import BALANCED, KEYWORDS

_STATEMENT: Final = re.compile(
    rb"\n(?P<indent>[ \t]++)(?:\}?[ \t]*+else[ \t]++)?(?!" + KEYWORDS + rb")"
    rb"(?P<name>[A-Za-z_]\w*+)[ \t]*+(?P<arguments>" + BALANCED + rb")"
    rb"(?P<gap>\s*+)(?P<next>[{A-Za-z_}*+-])"
)  # fmt: skip
_LOOP: Final = re.compile(rb"for_each|foreach|FOR_EACH|each_entry|_iter|while_|loop", re.IGNORECASE)


def rewrite_inside(text: bytearray, start: int, end: int, macros: dict[int, str]) -> None:
    """Make loop macros in a body ``while``, and end other macros with a semicolon."""
    frozen = bytes(text[start:end])
    at = 0
    while found := _STATEMENT.search(frozen, at):
        at = found.end("gap") - 1
        if not _statement_begins(frozen, found.start()):
            continue
        if found["next"] == b"{" or _looped(found):
            _loop(text, start, found, macros)
        elif found["next"] not in b"*+-":
            _end(text, start, found)


def _statement_begins(text: bytes, at: int) -> bool:
    before = text[:at].rstrip()[-4:]
    return before[-1:] in b";{}:)" or before == b"else" or before[-2:] == b"do"


def _looped(found: re.Match[bytes]) -> bool:
    """Tell whether what follows is the macro's body: a loop's name, or deeper indentation."""
    if found["next"] == b"}":
        return False
    if _LOOP.search(found["name"]):
        return True
    if b"\n" not in found["gap"]:
        return found["next"].isalpha()
    inner = found["gap"].rpartition(b"\n")[2].expandtabs(8)
    return len(inner) > len(found["indent"].expandtabs(8))


def _loop(text: bytearray, start: int, found: re.Match[bytes], macros: dict[int, str]) -> None:
    name = found["name"]
    begin, end = found.span("name")
    width = found.start("arguments") - begin
    word = b"while" if width >= 5 and not name.startswith((b"if", b"IF_")) else b"if"
    if width < 2:
        return
    macros[start + begin] = name.decode()
    text[start + begin : start + begin + width] = word.ljust(width)
    del end


def _end(text: bytearray, start: int, found: re.Match[bytes]) -> None:
    gap = found["gap"]
    at = next((i for i, c in enumerate(gap) if c in b" \t\r"), None)
    if at is not None:
        text[start + found.start("gap") + at] = 0x3B
        return
    begin, end = found.span("arguments")
    text[start + begin : start + end] = b";" + blank(found["arguments"][1:])
