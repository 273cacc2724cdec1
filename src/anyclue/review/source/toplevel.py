"""The top level of a file: functions' headers and bodies, and macros that define things.

Where bodies stand is told by indentation: the kernel's style needs no parsing.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from anyclue.review.source.lexer import blank
from anyclue.review.source.model import Span
from anyclue.review.source.vocabulary import BALANCED, MODIFIERS, TYPE_WORDS, WORD, as_declaration

# A body that ends in its first line is no longer than that.
_ONE_LINE: Final = 1000
# So many braces in the first column may close something inside a function.
_FIRST_COLUMN: Final = 8
_OPENS: Final = re.compile(rb"\n\{")
_CLOSES: Final = re.compile(rb"\n\}")
_BODY: Final = re.compile(rb"\n\{|\)[ \t\r\w]*+\{")


def bodies(text: bytearray) -> Iterator[Span]:
    """Yield where function-like bodies stand: from the opening brace to behind the closing one.

    In the kernel's style: the brace that closes stands in the first column, or in the same line.
    """
    opening, closing = ([at.start() for at in edge.finditer(text)] for edge in (_OPENS, _CLOSES))
    at = 0
    while found := _BODY.search(text, at):
        start = found.end() - 1
        at = _one_line(text, start) or _closed(text, start, opening, closing)
        yield start, at


def _one_line(text: bytearray, start: int) -> int:
    """Return the end of a body that ends in its first line, or 0."""
    line = text.find(b"\n", start, start + _ONE_LINE)
    line = start + _ONE_LINE if line < 0 else line
    end = text.rfind(b"}", start, line) + 1
    return end if text.count(b"{", start, line) == text.count(b"}", start, line) else 0


def _closed(text: bytearray, start: int, opening: list[int], closing: list[int]) -> int:
    """Return the end of a body: a brace in the first column, or a later one if some are open.

    A brace in the first column may close something inside; the next function ends the search.
    """
    first = bisect_left(closing, start)
    if first == len(closing):
        return len(text)
    end, depth = start, 0
    inner = bisect_left(opening, start)
    if inner < len(opening) and opening[inner] < closing[first]:
        # Either a block inside, or the brace that closes stands elsewhere.
        end = opening[inner]
        depth = text.count(b"{", start, end) - text.count(b"}", start, end)
        if depth <= 0:
            return text.rfind(b"}", start, end) + 1
    following = bisect_left(opening, closing[first])
    limit = opening[following] if following < len(opening) else len(text)
    for brace in closing[first : first + _FIRST_COLUMN]:
        if brace >= limit:
            break
        depth += text.count(b"{", end, brace + 2) - text.count(b"}", end, brace + 2)
        end = brace + 2
        if depth <= 0:
            return end
    return closing[first] + 2


HEADER: Final = re.compile(
    rb"(?P<before>[\w\s*]*?)\b(?P<name>[A-Za-z_]\w*+)(?P<gap>\s*+)(?P<parameters>" + BALANCED
    + rb")(?P<after>[^=]*+)\Z"
)  # fmt: skip
_TYPED_PAIRS: Final = re.compile(rb"(?:SYSCALL\w*_DEFINE|BPF_CALL_)\d")
# Parameters that a macro adds, with its own comma.
_EXTRA: Final = re.compile(rb"[\w*]\s++([A-Z_]{4}[A-Z0-9_]*+\([^()]*+\))(?=\s*+[,)])")
_TYPE_NAME: Final = re.compile(rb"\w+_t|_*[a-z]+\d+")
_NO_WORD: Final = re.compile(rb"[^\w\n]")
_WORDS: Final = re.compile(rb"\w++|\*")


def normalise_header(
    text: bytearray, start: int, header: re.Match[bytes], macros: dict[int, str]
) -> None:
    """Leave modifiers, one type, the name and the parameters of a function's header."""
    after = header["after"]
    words = list(_WORDS.finditer(header["before"]))
    plain = [word for word in words if word[0] not in MODIFIERS and word[0] != b"*"]
    name_at = start + header.start("name")
    for extra in _EXTRA.finditer(header["parameters"]):
        begin = start + header.start("parameters") + extra.start(1)
        text[begin : begin + len(extra[1])] = blank(extra[1])
    if after.strip().startswith(b"("):
        # Not where a pointer to a function is returned: void (*name(int a))(int b).
        if not header["parameters"][1:].lstrip().startswith(b"*"):
            _generated_name(text, start, header)
        return
    if after.strip():
        text[start + header.start("after") : start + header.end("after")] = blank(after)
    if not plain and header["name"].upper() == header["name"]:
        macros[name_at] = header["name"].decode()
        _macro_function(text, start, header)
        return
    offset = start + header.start("before")
    for word in _surplus(plain):
        text[offset + word.start() : offset + word.end()] = blank(word[0])
    if not plain and words and len(words[-1][0]) > 3:
        begin = offset + words[-1].start()
        text[begin : begin + len(words[-1][0])] = b"int".ljust(len(words[-1][0]))


def _surplus(plain: list[re.Match[bytes]]) -> list[re.Match[bytes]]:
    """Return the words that are no part of the type."""
    tags = [i for i, word in enumerate(plain) if word[0] in {b"struct", b"union", b"enum"}]
    if tags:
        return [word for i, word in enumerate(plain) if not 0 <= i - tags[0] <= 1]
    if any(word[0] in TYPE_WORDS for word in plain):
        return [word for word in plain if word[0] not in TYPE_WORDS]
    if len(plain) < 2:
        return []
    typed = (word for word in plain if _TYPE_NAME.fullmatch(word[0]))
    lower = (word for word in plain if not word[0].isupper() and b"inline" not in word[0])
    kept = next(typed, None) or next(lower, None) or plain[-1]
    return [word for word in plain if word is not kept]


def _generated_name(text: bytearray, start: int, header: re.Match[bytes]) -> None:
    """Make ``FNAME(walk)(int a)`` a function ``walk``."""
    begin, end = start + header.start("name"), start + header.end("parameters")
    inner = header["parameters"][1:-1]
    text[begin : end - len(inner) - 1] = blank(text[begin : end - len(inner) - 1])
    text[end - len(inner) - 1 : end] = _NO_WORD.sub(b"_", inner) + b" "


def _macro_function(text: bytearray, start: int, header: re.Match[bytes]) -> None:
    """Make ``SYSCALL_DEFINE1(name, int, a)`` a function with parameters, others without."""
    begin = start + header.start("name")
    width = len(header["name"])
    parameters = bytearray(header["parameters"])
    commas = _top_commas(parameters)
    kind = b"long" if _TYPED_PAIRS.match(header["name"].removeprefix(b"COMPAT_")) else b"void"
    if not commas:
        whole = header.string[header.start("name") : header.end("parameters")]
        name = parameters[1:-1].strip()
        if b"\n" not in whole:
            made = kind[: width - 2] + b" " + name + b"()"
            text[begin : begin + len(whole)] = made.ljust(len(whole))[: len(whole)]
        return
    parameters[:1] = b" "
    if kind == b"long":
        for at in _pairs(parameters, commas):
            parameters[at : at + 1] = b" "
    else:
        parameters[commas[0] : -1] = blank(parameters[commas[0] : -1])
    parameters[commas[0] : commas[0] + 1] = b"("
    text[begin : begin + width] = kind.ljust(width)[:width]
    at = start + header.start("parameters")
    text[at : at + len(parameters)] = parameters


def _pairs(parameters: bytearray, commas: list[int]) -> list[int]:
    """Return the commas between a type and its name; a macro in the list stands for both."""
    between, at = [], 1
    while at < len(commas):
        if b"(" in parameters[commas[at - 1] : commas[at]]:
            at += 1
        else:
            between.append(commas[at])
            at += 2
    return between


def _top_commas(parameters: bytearray) -> list[int]:
    depth, commas = 0, []
    for at, character in enumerate(parameters):
        if character == 0x28:
            depth += 1
        elif character == 0x29:
            depth -= 1
        elif character == 0x2C and depth == 1:
            commas.append(at)
    return commas


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


def rewrite_toplevel(text: bytearray, macros: dict[int, str]) -> list[tuple[int, Span]]:
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
    normalise_header(text, start, header, macros)
    return start + begins + len(chunk[begins:]) - len(chunk[begins:].lstrip())


def _top_call(text: bytearray, start: int, call: re.Match[bytes]) -> None:
    whole = call[0]
    if call["value"]:
        begin, end = call.start("name"), call.start("value")
        text[start + begin : start + end] = as_declaration(call["name"], call.string[begin:end])
    elif call["end"] is None or _HELD.search(whole):
        text[start + call.start() : start + call.end()] = blank(whole)
    elif call["before"]:
        begin, end = call.span("before")
        text[start + begin : start + end] = blank(call["before"])
