"""Comments, strings and directives out of a C file, at the same length.

Comments become spaces, the content of strings a filler, directives and the arms of ``#if`` that are
not taken spaces. Newlines stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from anyclue.review.source.directives import Directive, excluded_spans
from anyclue.review.source.model import Choice, Span

_COMMENT: Final = (
    rb"/\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/)?|//[^\n\\]*+(?:\\(?:\r?\n|[^\n])?[^\n\\]*+)*+"
)
# Unterminated ones end with the line.
_STRING: Final = rb'"[^"\\\n]*+(?:\\(?:\r\n|.)[^"\\\n]*+)*+"?+'
_CHARACTER: Final = rb"'[^'\\\n]*+(?:\\(?:\r\n|.)[^'\\\n]*+)*+'?+"
_LEXEME: Final = re.compile(
    rb"(?P<comment>" + _COMMENT + rb")|(?P<quoted>" + _STRING + rb"|" + _CHARACTER + rb")"
    rb"|\n[ \t]*+(?P<directive>#(?:[^\n\\/\"']++|\\(?:\r?\n|[^\n])?|" + _COMMENT + rb"|"
    + _STRING + rb"|" + _CHARACTER + rb"|/)*+)",
    re.DOTALL,
)  # fmt: skip
_COMMENTS: Final = re.compile(_COMMENT, re.DOTALL)
_SPLICE: Final = re.compile(rb"\\\r?\n")
_DIRECTIVE: Final = re.compile(rb"#\s*+(\w*+)\s*+(.*+)", re.DOTALL)
_NOTE: Final = re.compile(rb"anyclue:[ \t]*+([^\n]*+)")
_BLANK: Final = bytes(c if c == 0x0A else 0x20 for c in range(256))
# No C token has an @, so that nothing is found in strings.
_FILLER: Final = bytes(c if c == 0x0A else 0x40 for c in range(256))


@dataclass(frozen=True, kw_only=True)
class StrippedSource:
    """A file's text without comments and directives.

    ``notes`` are by line; ``choices`` are the bytes that the choice of arms is about.
    """

    text: bytearray
    notes: dict[int, str]
    choices: tuple[Span, ...]


def blank(text: bytes | bytearray) -> bytes:
    """Return spaces, and newlines where ``text`` has them."""
    return bytes(text.translate(_BLANK))


@dataclass(frozen=True, kw_only=True)
class LexedSource:
    """A file's text with spaces for comments and directives, and the directives in order."""

    text: bytearray
    notes: dict[int, str]
    directives: tuple[Directive, ...]


def lex_source(source: bytes) -> LexedSource:
    """Take comments, the content of strings and directives out; every arm of ``#if`` stays."""
    text = bytearray(source)
    notes: list[tuple[int, bytes]] = []
    directives: list[Directive] = []
    # The newline in front makes a directive in the first line one like the others.
    for lexeme in _LEXEME.finditer(b"\n" + source):
        kind = lexeme.lastgroup or ""
        start, end = lexeme.start(kind) - 1, lexeme.end() - 1
        found = lexeme[kind]
        if kind == "quoted":
            text[start:end] = _filled(found)
            continue
        text[start:end] = found.translate(_BLANK)
        if kind == "directive":
            directives.append(_directive(found, start, end))
        if b"anyclue:" in found:
            notes += _notes(start, found)
    return LexedSource(text=text, notes=_by_line(source, notes), directives=tuple(directives))


def strip_source(source: bytes, choice: Choice) -> StrippedSource:
    """Take comments, the content of strings, directives and arms that are not taken out."""
    lexed = lex_source(source)
    text = lexed.text
    dead, chosen = excluded_spans(lexed.directives, choice, len(source))
    for start, end in dead:
        text[start:end] = blank(text[start:end])
    return StrippedSource(text=text, notes=lexed.notes, choices=tuple(chosen))


def _filled(quoted: bytes) -> bytes:
    """Return a string with filler for content; a newline in it stays escaped."""
    if len(quoted) < 2 or quoted[0] != quoted[-1]:
        return quoted.translate(_BLANK)
    content = quoted[1:-1].translate(_FILLER)
    if b"\n" in content:
        content = content.replace(b"@\n", b"\\\n")
    return quoted[:1] + content + quoted[-1:]


def _directive(found: bytes, start: int, end: int) -> Directive:
    plain = _SPLICE.sub(b" ", _COMMENTS.sub(b" ", found))
    match = _DIRECTIVE.match(plain)
    word, rest = (match[1], match[2].strip()) if match else (b"", b"")
    return Directive(word=word, rest=rest, start=start, end=end)


def _notes(start: int, found: bytes) -> list[tuple[int, bytes]]:
    """Return the notes in a comment, or in the comments of a directive, each with its place."""
    return [
        (start + comment.start() + note.start(), note[1])
        for comment in _LEXEME.finditer(found)
        if comment["comment"]
        for note in _NOTE.finditer(comment[0].removesuffix(b"*/"))
    ]


def _by_line(source: bytes, notes: list[tuple[int, bytes]]) -> dict[int, str]:
    lines: dict[int, str] = {}
    line, counted = 1, 0
    for at, text in notes:
        line += source.count(b"\n", counted, at)
        counted = at
        lines[line] = text.decode("utf-8", "replace").strip()
    return lines
