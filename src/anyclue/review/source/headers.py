"""Headers of functions: modifiers, one type, the name and the parameters are left."""

from __future__ import annotations

import re
from typing import Final

from anyclue.review.source.lexer import blank
from anyclue.review.source.vocabulary import BALANCED, MODIFIERS, TYPE_WORDS

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


def straighten(
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
