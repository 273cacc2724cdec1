"""Changes of names and of how conditions are written; none of them changes what the file does."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from bench.pairs_bench.reading import Function, Source, closing

_LOCAL = re.compile(
    r"^\t(?!return\b|goto\b|else\b|case\b)(?:(?:const|unsigned|struct|enum|long)[ ]+)*"
    r"\w+[ ]+\**(\w+)(?: = [^;]*)?;$",
    re.MULTILINE,
)
_LABEL = re.compile(r"^[ \t]?(?!default\b)([A-Za-z_]\w*):[ \t]*$", re.MULTILINE)
_SUFFIXES = ("_one", "_p", "2", "_tmp")


def _renamed(source: Source, start: int, end: int, names: Mapping[str, str]) -> str:
    """Rename words of the code between two offsets; members and tags keep their names."""
    words = "|".join(re.escape(name) for name in names)
    parts, place = [], 0
    for match in re.compile(
        rf"(?<![\w.>])(?<!struct )(?<!union )(?<!enum )(?:{words})\b|(?<=[^-]>)(?:{words})\b"
    ).finditer(source.code, start, end):
        parts += [source.text[place : match.start()], names[match[0]]]
        place = match.end()
    return "".join((*parts, source.text[place:]))


def local_renamed(source: Source, function: Function, generator: random.Random) -> str | None:
    """Give a local variable another name."""
    names = sorted(set(_LOCAL.findall(source.code[function.body : function.end])))
    generator.shuffle(names)
    for name in names:
        new = name + generator.choice(_SUFFIXES)
        if not re.search(rf"(?:->|\.)\s*{name}\b|\b{new}\b", source.code):
            return _renamed(source, function.body, function.end, {name: new})
    return None


def function_renamed(source: Source, function: Function, generator: random.Random) -> str | None:
    """Give a static function another name, in all of its file."""
    head = source.text[function.start : function.body]
    if not head.startswith("static ") or len(function.name) < 5:
        return None
    new = generator.choice((f"__{function.name}", f"{function.name}_one", f"do_{function.name}"))
    if re.search(rf"\b{new}\b|(?:->|\.)\s*{function.name}\b", source.text):
        return None
    return _renamed(source, 0, len(source.text), {function.name: new})


def labels_renamed(source: Source, function: Function, generator: random.Random) -> str | None:
    """Give all labels of a function other names."""
    labels = set(_LABEL.findall(source.code[function.body : function.end]))
    code = source.code[function.body : function.end]
    # A label may share its name with a variable.
    labels = {
        label
        for label in labels
        if len(re.findall(rf"\b{label}\b", code))
        == 1 + len(re.findall(rf"\bgoto\s+{label}\b", code))
    }
    if not labels:
        return None
    suffix = generator.choice(("_err", "_fail", "_2"))
    names = {label: f"{label}{suffix}" for label in labels}
    return _renamed(source, function.body, function.end, names)


def null_spelled(source: Source, function: Function, _: random.Random) -> str | None:
    """Write tests for NULL in the other way: ``!x`` and ``x == NULL``, ``x`` and ``x != NULL``."""
    code = source.code[function.start : function.end]
    body = source.text[function.body : function.end]
    for name in sorted(set(re.findall(r"\w\s+\*+(\w+)\s*(?=[;,)=])", code))):
        body = re.sub(rf"\b{name} == NULL\b", f"!{name}\0", body)
        body = re.sub(rf"\b{name} != NULL\b", f"{name}\0", body)
        body = re.sub(rf"(?<=[( ])!{name}(?=\)| &&| \|\|)", f"{name} == NULL", body)
        body = re.sub(rf"(?<=\bif \(){name}(?=\)| &&)", f"{name} != NULL", body)
        body = body.replace("\0", "")
    return source.text[: function.body] + body + source.text[function.end :]


def branches_exchanged(source: Source, function: Function, _: random.Random) -> str | None:
    """Turn an ``if`` with an ``else`` round: the condition negated, the branches exchanged."""
    text, code = source.text, source.code
    for match in re.compile(r"\bif\s*\(").finditer(code, function.body, function.end):
        close = closing(code, match.end() - 1)
        begin = close and re.compile(r"\s*\{").match(code, close + 1)
        if close is None or not begin:
            continue
        end = _block_end(code, begin.end() - 1)
        other = re.compile(r"\s*else\s*\{").match(code, end)
        if not other:
            continue
        other_end = _block_end(code, other.end() - 1)
        yes, no = text[begin.end() - 1 : end], text[other.end() - 1 : other_end]
        if "#" in yes + no:
            continue
        condition = text[match.end() : close]
        turned = f"if (!({condition})) {no} else {yes}"
        return text[: match.start()] + turned + text[other_end:]
    return None


def _block_end(code: str, opening: int) -> int:
    """Return the offset behind the brace that closes the one at ``opening``."""
    depth = 0
    for match in re.compile(r"[{}]").finditer(code, opening):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.end()
    return len(code)
