"""C of the kernel as text: what is code, where functions lie, which calls are statements.

Deliberately not the checker's own reading of C: what that cannot read must still be sampled. It
leans on the kernel's style (a function's braces stand in the first column).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

# Bytes and characters are the same here, so that a text is written back as it was read.
ENCODING = "latin-1"

_NOT_CODE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
    r"""|^[ \t]*\#(?:/\*.*?\*/|\\.|[^\n\\])*""",
    re.DOTALL | re.MULTILINE,
)
_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_LABEL = re.compile(r"(?:^|[;{}])\s*(case\b[^:;{}]*|default|[A-Za-z_]\w*)\s*:\Z", re.MULTILINE)
_VOID = re.compile(r"\(\s*void\s*\)\s*\Z")
_ATTRIBUTE = re.compile(
    r"__\w*printf|__attribute__|__acquires|__releases|__must_hold|__cond_acquires|__\w+_size"
    r"|__\w*aligned|__section|__cold|__alloc_size|__malloc|__no_\w+"
)
_KEYWORDS = frozenset(("if", "while", "for", "switch", "return", "sizeof", "do", "else", "typeof"))


class Place(StrEnum):
    """Where a statement stands, which decides how it can be taken away."""

    PLAIN = "plain"
    BODY = "body"
    """The sole body of an if, an else or a loop."""
    LABELLED = "labelled"


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function definition: offsets of its signature, its ``{`` and behind its ``}``."""

    name: str
    start: int
    body: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call: its offsets (``end`` is behind the parenthesis), and its arguments as text."""

    name: str
    start: int
    end: int
    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement of its own: offsets, ``end`` behind the semicolon."""

    start: int
    end: int
    place: Place


@dataclass(frozen=True)
class Source:
    """A file of C; ``code`` is ``text`` with all that is no code blanked, of the same length."""

    path: str
    text: str

    @classmethod
    def read(cls, root: Path, path: str) -> Source:
        """Read ``path`` below ``root``."""
        return cls(path, (root / path).read_text(encoding=ENCODING))

    @cached_property
    def code(self) -> str:
        """The text with comments, strings' contents and preprocessor lines blanked."""
        return _NOT_CODE.sub(_blank, self.text)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line(self, offset: int) -> int:
        """Return the line of ``offset``, from 1."""
        return bisect_right(self._line_starts, offset)

    def line_start(self, offset: int) -> int:
        """Return the offset where the line of ``offset`` begins."""
        return self._line_starts[self.line(offset) - 1]

    def line_end(self, offset: int) -> int:
        """Return the offset behind the newline of the line of ``offset``."""
        line = self.line(offset)
        return self._line_starts[line] if line < len(self._line_starts) else len(self.text)

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """The function definitions whose braces are balanced, in order."""
        return tuple(self._functions())

    def _functions(self) -> Iterator[Function]:
        end = 0
        for match in re.finditer(r"^\{", self.code, re.MULTILINE):
            close = self.code.find("\n}", match.start())
            if match.start() < end or close < 0:
                continue
            head = self.code[end : match.start()]
            start = end + max(head.rfind(";"), head.rfind("}")) + 1
            start += len(self.code[start : match.start()]) - len(
                self.code[start : match.start()].lstrip()
            )
            name = _name(self.code[start : match.start()])
            body = self.code[match.start() : close + 2]
            if name and body.count("{") == body.count("}"):
                end = close + 2
                yield Function(name=name, start=start, body=match.start(), end=end)

    def calls(self, start: int, end: int) -> Iterator[Call]:
        """Give the calls, of functions and macros, that begin between two offsets."""
        for match in _CALL.finditer(self.code, start, end):
            if match[1] in _KEYWORDS:
                continue
            close = closing(self.code, match.end() - 1)
            if close is not None:
                arguments = split(self.code[match.end() : close])
                yield Call(
                    name=match[1], start=match.start(), end=close + 1, arguments=tuple(arguments)
                )

    def statement(self, start: int, end: int) -> Statement | None:
        """Return the statement that the text between two offsets is alone, if it is one."""
        semicolon = re.compile(r"\s*;").match(self.code, end)
        before = self.code[max(0, start - 400) : start]
        if match := _VOID.search(before):
            start -= len(before) - match.start()
            before = before[: match.start()]
        before = before.rstrip()
        if semicolon is None or not before:
            return None
        place = _place(before)
        return Statement(start=start, end=semicolon.end(), place=place) if place else None

    def blocks(self, function: Function, offset: int) -> tuple[int, ...]:
        """Return the offsets of the opening braces around ``offset``, outermost first."""
        around: list[int] = []
        for match in re.finditer(r"[{}]", self.code[function.body : offset]):
            if match[0] == "{":
                around.append(function.body + match.start())
            elif around:
                around.pop()
        return tuple(around)


def _blank(match: re.Match[str]) -> str:
    text = match[0]
    blank = re.sub(r"[^\n]", " ", text)
    return f"{text[0]}{blank[1:-1]}{text[0]}" if text[0] in "\"'" else blank


def _name(signature: str) -> str | None:
    """Return the name that a signature defines; None when it is none or a macro's."""
    if not signature.rstrip().endswith((")", "__")) and not re.search(r"\)\s*\w+\s*$", signature):
        return None
    flat, depth = [], 0
    for character in signature:
        depth -= character == ")"
        flat.append(character if depth == 0 else " ")
        depth += character == "("
    found = re.findall(r"([A-Za-z_]\w*)\s*\(", "".join(flat))
    names = [name for name in found if not _ATTRIBUTE.fullmatch(name)]
    if not names or names[-1].isupper() or re.match(r"(?:COMPAT_)?SYSCALL_DEFINE", names[-1]):
        return None
    return str(names[-1])


def _place(before: str) -> Place | None:
    """Return how a statement stands behind the text ``before``; None when it is part of one."""
    if before[-1] in ";{}":
        return Place.PLAIN
    if before[-1] == ":":
        return Place.LABELLED if _LABEL.search(before) else None
    if re.search(r"\b(?:else|do)\Z", before):
        return Place.BODY
    if before[-1] == ")":
        depth = 0
        for index in range(len(before) - 1, -1, -1):
            depth += (before[index] == ")") - (before[index] == "(")
            if depth == 0:
                return Place.BODY if re.search(r"\w\s*\Z", before[:index]) else None
    return None


def closing(code: str, opening: int) -> int | None:
    """Return the offset of the parenthesis that closes the one at ``opening``."""
    depth = 0
    for match in re.compile(r"[(){};]").finditer(code, opening):
        depth += (match[0] == "(") - (match[0] == ")")
        if depth == 0:
            return match.start()
        if match[0] == ";":
            return None
    return None


def split(arguments: str) -> list[str]:
    """Split arguments at their commas; the text of none is the empty list."""
    parts, depth, begin = [], 0, 0
    for index, character in enumerate(arguments):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append(arguments[begin:index])
            begin = index + 1
    parts.append(arguments[begin:])
    return [part.strip() for part in parts] if arguments.strip() else []
