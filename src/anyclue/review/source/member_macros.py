"""Macros that declare: members of a structure, variables that free themselves."""

from __future__ import annotations

import re
from typing import Final

from anyclue.review.source.lexer import blank
from anyclue.review.source.model import Cleanup
from anyclue.review.source.vocabulary import BALANCED

# include/linux/stddef.h; how many arguments stand in front of the members.
_HEADS: Final = {
    b"struct_group": 1,
    b"struct_group_attr": 2,
    b"struct_group_tagged": 2,
    b"__struct_group": 3,
}
_GROUP: Final = re.compile(
    rb"\b(?P<macro>__struct_group|struct_group(?:_attr|_tagged)?)[ \t]*+"
    rb"(?P<members>" + BALANCED + rb")\s*+;"
)
_FLEXIBLE: Final = re.compile(
    rb"\b(?:__)?DECLARE_FLEX_ARRAY[ \t]*+\((?P<type>[\w\s*]++),(?P<name>\s*+\w++\s*+)\)(?=\s*+;)"
)
# AUTO_KFREE(name), BTRFS_PATH_AUTO_FREE(path): a declaration with __free() in it. What stands in
# front is the type; where nothing does, the macro brings it.
_AUTOMATIC: Final = re.compile(
    rb"(?<=[\s{};])(?P<macro>[A-Z0-9_]*?AUTO_(?P<does>[A-Z0-9_]++))"
    rb"\(\s*+(?P<stars>\**+)\s*+(?P<name>[a-z_]\w*+)\s*+\)(?=\s*+[;=,])"
)
_FREES: Final = re.compile(rb"(?:^|_)K?V?(?:FREE|PUT|RELEASE|DESTROY)\Z")
_TYPED: Final = re.compile(rb"(?:\w|\*)\s*+\Z")
_CALLS: Final = {
    b"AUTO_KFREE": b"kfree",
    b"AUTO_KVFREE": b"kvfree",
    b"BTRFS_PATH_AUTO_FREE": b"btrfs_free_path",
}


def rewrite_members(text: bytearray) -> None:
    """Leave the members of groups, and flexible arrays as members with a type and a name."""
    frozen = bytes(text)
    if b"struct_group" not in frozen and b"FLEX_ARRAY" not in frozen:
        return
    at = 0
    # A group may stand in another one: only its own words and its last parenthesis go.
    while found := _GROUP.search(frozen, at):
        at = found.start("members") + 1
        commas = _commas(found["members"], _HEADS[found["macro"]])
        if commas is None:
            continue
        begin, members, end = found.start(), found.start("members"), found.end()
        text[begin : members + commas] = blank(frozen[begin : members + commas])
        text[found.end("members") - 1 : end] = blank(frozen[found.end("members") - 1 : end])
    for flexible in _FLEXIBLE.finditer(bytes(text)):
        begin, end = flexible.span()
        made = bytearray(blank(flexible[0]))
        for group in ("type", "name"):
            low, high = (at - begin for at in flexible.span(group))
            made[low:high] = flexible[group]
        text[begin:end] = made


def _commas(arguments: bytes, number: int) -> int | None:
    """Return where the text behind so many commas begins; None when there are less."""
    depth = 0
    for at, character in enumerate(arguments):
        depth += (character in b"([{") - (character in b")]}")
        if depth == 1 and character == 0x2C:
            number -= 1
            if not number:
                return at + 1
    return None


def rewrite_automatic(source: bytes, text: bytearray) -> list[Cleanup]:
    """Make ``struct foo AUTO_KFREE(p);`` a pointer that is 0; return what is freed."""
    cleanups: list[Cleanup] = []
    if b"AUTO_" not in text:
        return cleanups
    for found in _AUTOMATIC.finditer(bytes(text)):
        if not _FREES.search(found["does"]):
            continue
        begin, end = found.span()
        typed = _TYPED.search(found.string, max(0, begin - 80), begin) is not None
        name = found["stars"] + found["name"]
        made = b"*" + name + b"=0" if typed else b"void *" + name + b"=0"
        if found["does"].endswith(b"RELEASE"):
            made = (b"" if typed else b"int ") + name
        if len(made) > end - begin:
            continue
        text[begin:end] = made.ljust(end - begin)
        freed = _CALLS.get(found["macro"], found["macro"])
        cleanups.append(
            Cleanup(
                kind="free",
                name=freed.decode(),
                offset=begin,
                text=source[begin:end].decode("utf-8", "replace"),
            )
        )
    return cleanups
