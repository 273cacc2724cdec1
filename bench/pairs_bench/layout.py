"""Changes of how a file is laid out; none of them changes what it does."""

from __future__ import annotations

import itertools
import random
import re

from bench.pairs_bench.reading import Function, Source, closing

_SIMPLE_DECLARATION = re.compile(
    r"^\t(?!return\b|goto\b|else\b|case\b|break\b|continue\b)"
    r"(?:(?:const|unsigned|struct|enum|union|long|static)[ ]+)*\w+[ ]+\**(\w+)(?: = ([^;(]*))?;\n",
    re.MULTILINE,
)
_STATEMENT_LINE = re.compile(r"(?<=[;{}]\n)(\t+)(?=(?!case\b|default\b)\w[^:\n]*;\n)")
_BEFORE = "/* put_page(page); goto out; is not done here, see below */"
_BEHIND = "/* { return 0; } */"


def reindented(source: Source, function: Function, generator: random.Random) -> str | None:
    """Indent a function with spaces."""
    width = generator.choice((2, 4, 8))
    text = re.sub(
        r"^\t+",
        lambda match: " " * width * len(match[0]),
        source.text[function.body : function.end],
        flags=re.MULTILINE,
    )
    return source.text[: function.body] + text + source.text[function.end :]


def joined(source: Source, function: Function, _: random.Random) -> str | None:
    """Put every expression that goes over several lines on one."""
    text = source.text[function.body : function.end]
    if re.search(r"^[ \t]*#|//|/\*", text, re.MULTILINE):
        return None
    parts, depth = [], 0
    for piece in re.split(r"([()]|\s*\n\s*)", text):
        depth += (piece == "(") - (piece == ")")
        parts.append(" " if depth > 0 and "\n" in piece else piece)
    return source.text[: function.body] + "".join(parts) + source.text[function.end :]


def split_lines(source: Source, function: Function, generator: random.Random) -> str | None:
    """Break lines behind commas and operators, not all of them."""
    code = source.code[function.body : function.end]
    if "#" in source.text[function.body : function.end]:
        return None
    text, depth, breaks = source.text[function.body : function.end], 0, []
    for match in re.finditer(r"[()]|, |&& |\|\| |\? ", code):
        depth += (match[0] == "(") - (match[0] == ")")
        if depth > 0 and match[0] not in "()" and generator.random() < 0.7:
            breaks.append(match.end())
    for place in reversed(breaks):
        text = f"{text[: place - 1]}\n\t\t\t{text[place:]}"
    return source.text[: function.body] + text + source.text[function.end :]


def commented(source: Source, function: Function, generator: random.Random) -> str | None:
    """Write comments, with code in them, and empty lines between and behind statements."""

    def comment(match: re.Match[str]) -> str:
        choice = generator.random()
        if choice < 0.3:
            return f"{match[1]}{_BEFORE}\n{match[1]}"
        return f"\n{match[1]}{_BEHIND} " if choice < 0.5 else match[1]

    if "#" in source.text[function.body : function.end]:
        return None
    text = _STATEMENT_LINE.sub(comment, source.text[function.body : function.end])
    return source.text[: function.body] + text + source.text[function.end :]


def braced(source: Source, function: Function, _: random.Random) -> str | None:
    """Put braces around the single statements of ifs."""
    text = source.text
    for match in reversed(list(re.finditer(r"\bif\s*\(", text[: function.end]))):
        if match.start() < function.body:
            break
        close = closing(source.code, match.end() - 1)
        if close is None or source.code[match.start() : match.end()] != match[0]:
            continue
        body = re.compile(r"\s*\n(\s*)(?!if\b|for\b|while\b|do\b|switch\b|\w*for_each)[^{};#]*;")
        found = body.match(source.code, close + 1)
        if found:
            indent = found[1][:-1]
            end = found.end()
            inner = text[close + 1 : end]
            text = f"{text[: close + 1]} {{{inner}\n{indent}}}{text[end:]}"
    return text


def moved_to_end(source: Source, function: Function, _: random.Random) -> str | None:
    """Move a function behind all others; a declaration stays in its place."""
    before, text = source.text[: function.start], source.text[function.start : function.end]
    opened = len(re.findall(r"^[ \t]*#[ \t]*if", before, re.MULTILINE))
    closed = len(re.findall(r"^[ \t]*#[ \t]*endif", before, re.MULTILINE))
    if opened != closed:
        return None
    signature = source.text[function.start : function.body].rstrip()
    rest = source.text[function.end :].rstrip("\n")
    return f"{before}{signature};\n{rest}\n\n{text}\n"


def exchanged(source: Source, function: Function, _: random.Random) -> str | None:
    """Exchange a function with the next one, when that does not need it."""
    behind = next((f for f in source.functions if f.start >= function.end), None)
    if behind is None or source.code[function.end : behind.start].strip():
        return None
    text = source.text
    between = text[function.end : behind.start]
    later = text[behind.start : behind.end]
    if "#" in between or re.search(rf"\b{function.name}\b", later):
        return None
    own = text[function.start : function.end]
    return text[: function.start] + later + between + own + text[behind.end :]


def declarations(source: Source, function: Function, _: random.Random) -> str | None:
    """Exchange two declarations of locals, neither of which needs the other."""
    found = list(_SIMPLE_DECLARATION.finditer(source.text, function.body, function.end))
    for one, two in itertools.pairwise(found):
        alone = one[1] not in (two[2] or "") and two[1] not in (one[2] or "")
        if one.end() == two.start() and alone:
            text = source.text
            return text[: one.start()] + two[0] + one[0] + text[two.end() :]
    return None
