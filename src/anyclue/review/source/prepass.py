"""Kernel C source made parseable, at the same length."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from anyclue.review.source.lexer import blank, strip_source
from anyclue.review.source.macro_arguments import rewrite_arguments
from anyclue.review.source.member_macros import rewrite_automatic, rewrite_members
from anyclue.review.source.model import Choice, Cleanup, Span
from anyclue.review.source.statement_macros import rewrite_statements
from anyclue.review.source.toplevel import rewrite_toplevel
from anyclue.review.source.vocabulary import ANNOTATION, BALANCED

_GUARD: Final = re.compile(
    rb"(?<!\w)(?P<kind>scoped_guard|scoped_cond_guard|guard|CLASS|ACQUIRE)[ \t]*+"
    rb"\(\s*+(?P<name>\w++)"
)

_GUARDED: Final = re.compile(rb"(?:guard|CLASS|ACQUIRE)[ \t]*+\(")
_CALL: Final = re.compile(rb"\w++\s*+" + BALANCED + rb"(?:\s*+" + BALANCED + rb")?")


@dataclass(frozen=True, kw_only=True)
class PreparedSource:
    """A cleaned text and what was found on the way; see `CSource`.

    ``functions`` are the byte where a header begins, and the body, by indentation.
    """

    text: bytes
    macros: dict[int, str]
    cleanups: tuple[Cleanup, ...]
    notes: dict[int, str]
    choices: tuple[Span, ...]
    functions: tuple[tuple[int, Span], ...]


def prepare_source(source: bytes, choice: Choice = Choice.ON) -> PreparedSource:
    """Return the source so that a C parser reads it, of the same length, newlines in place."""
    erased = strip_source(source, choice)
    text = erased.text
    macros: dict[int, str] = {}
    cleanups = _guards(source, bytes(text)) + _annotations(source, text)
    cleanups += rewrite_automatic(source, text)
    rewrite_members(text)
    functions = rewrite_toplevel(text, macros)
    rewrite_arguments(text)
    for _, (start, end) in functions:
        rewrite_statements(text, start, end, macros)
    return PreparedSource(
        text=bytes(text),
        macros=macros,
        cleanups=tuple(sorted(cleanups, key=lambda cleanup: cleanup.offset)),
        notes=erased.notes,
        choices=erased.choices,
        functions=tuple(functions),
    )


def _annotations(source: bytes, text: bytearray) -> list[Cleanup]:
    """Take annotations out; return those that free something."""
    frozen = bytes(text)
    cleanups = []
    for found in ANNOTATION.finditer(frozen):
        start, end = found.span()
        if start and (frozen[start - 1 : start].isalnum() or frozen[start - 1] == 0x5F):
            continue
        text[start:end] = blank(found[0])
        if found["called"] in {b"free", b"cleanup"}:
            name = found["arguments"][1:-1].strip()
            cleanups.append(_cleanup(found["called"], name, source, start, end))
    return cleanups


def _guards(source: bytes, text: bytes) -> list[Cleanup]:
    cleanups: list[Cleanup] = []
    if not _GUARDED.search(text):
        return cleanups
    for found in _GUARD.finditer(text):
        whole = _CALL.match(text, found.start())
        end = whole.end() if whole else found.end()
        kind = found["kind"].replace(b"_cond", b"")
        kind = b"class" if kind.isupper() else kind
        cleanups.append(_cleanup(kind, found["name"], source, found.start(), end))
    return cleanups


def _cleanup(kind: bytes, name: bytes, source: bytes, start: int, end: int) -> Cleanup:
    return Cleanup(
        kind=kind.decode(),
        name=name.decode("utf-8", "replace"),
        offset=start,
        text=source[start:end].decode("utf-8", "replace"),
    )
