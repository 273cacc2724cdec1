"""What a result defines more often than any side does: git merges that without a conflict."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from anyclue.review.merge.core.definitions import Definition, definitions, repetitions
from anyclue.review.merge.core.file_versions import FileMerge
from anyclue.review.merge.core.model import DefinitionPlace, Origin, RepeatedDefinition

_NAMES = re.compile(
    rb"^(?:[A-Za-z_][\w \t*]*?)??\b(?P<called>\w+)[ \t]*\("
    rb"|^[ \t]*#[ \t]*define[ \t]+(?P<macro>\w+)"
    rb"|\b(?:struct|union|enum)[ \t]+(?P<tag>\w+)[^;={}()\n]*(?:\{|$)"
    rb"|^[A-Za-z_][\w \t*]*?\b(?P<variable>\w+)[ \t]*(?:\[[^\]]*\][ \t]*)*[=;]"
    rb"|^\}[ \t]*(?:\w+[ \t]+)*(?P<type>\w+);"
    rb"|^[ \t]+(?P<constant>\w+)[ \t]*(?:\([^;\n]*\))?[ \t]*(?:=[^;\n]*)?(?:,|$)"
    rb"|^[ \t]+[A-Za-z_][\w \t*]*?\b(?P<member>\w+)[ \t]*(?:\[[^\]]*\]|:[ \t]*\d+)*;",
    re.MULTILINE,
)
_COMMENT = re.compile(rb"[ \t]*(?:/\*[^\n]*?\*/[ \t]*|//[^\n]*)$", re.MULTILINE)


@lru_cache(maxsize=1 << 13)
def added_names(base: bytes | None, side: bytes | None) -> frozenset[bytes]:
    """Return the names that lines which a side added may define, quickly and roughly."""
    known = set((base or b"").split(b"\n"))
    added = b"\n".join(line for line in (side or b"").split(b"\n") if line not in known)
    found = _NAMES.finditer(_COMMENT.sub(b"", added))
    return frozenset(one[one.lastgroup] for one in found if one.lastgroup)


def may_repeat(file: FileMerge) -> bool:
    """Return whether a file that git merged may define something twice, quickly and roughly."""
    if file.result in (*file.sides, None):
        return False
    names: set[bytes] = set()
    for side in file.sides:
        added = added_names(file.base, side)
        if names & added:
            return True
        names |= added
    sides = [_heads(one) for one in file.sides]
    return any(
        count > max(one[line] for one in sides) for line, count in _heads(file.result).items()
    )


def _heads(text: bytes | None) -> Counter[bytes]:
    lines = (text or b"").split(b"\n")
    return Counter(line for line in lines if line[:1].isalpha() or line[:1] in {b"_", b"#"})


def repeated_in_file(file: FileMerge, sides: Sequence[str]) -> Iterator[RepeatedDefinition]:
    """Yield what a file defines in the result more often than in the base and on each side."""
    found = repetitions(file.result)
    if not found:
        return
    before = [_counts(file.base), *map(_counts, file.sides)]
    ways = [_counts(one) for one in file.automatic]
    base, *own = (
        Counter(one.key for one in definitions(text)) for text in (file.base, *file.sides)
    )
    for key, one in found.items():
        count = len(one.definitions)
        if count <= max(counts.get(key, 1) for counts in before):
            continue
        merged = all(counts.get(key, 1) >= count for counts in ways)
        yield RepeatedDefinition(
            kind=one.kind,
            name=one.name,
            places=tuple(DefinitionPlace(path=file.path, line=two.line) for two in one.definitions),
            added=tuple(name for name, has in zip(sides, own, strict=True) if has[key] > base[key]),
            origin=Origin.MERGE if merged else Origin.RESOLUTION,
        )


def _counts(text: bytes | None) -> dict[tuple[str, str], int]:
    """Return how often a file defines what it defines more than once."""
    return {key: len(one.definitions) for key, one in repetitions(text).items()}


def defined_in_both(
    one: bytes | None, other: bytes | None, names: Iterable[bytes]
) -> Iterator[tuple[Definition, Definition]]:
    """Yield what two files define alike, unless a condition other than a guard is around it."""
    wanted = {name.decode("utf-8", "replace") for name in names}
    there = {two.key: two for two in definitions(other) if _always(two)}
    for first in definitions(one):
        second = there.get(first.key)
        if second is not None and _always(first) and _plain_name(first) & wanted:
            yield first, second


def _always(one: Definition) -> bool:
    return not one.tentative and all(
        condition == b"__KERNEL__"
        or condition.startswith(b"!_")
        or (condition.startswith(b"!") and condition.endswith(b"_H"))
        for condition in one.conditions
    )


def _plain_name(one: Definition) -> set[str]:
    """Return the words in a name: ``struct x`` is known by ``x``."""
    return set(re.findall(r"\w+", one.name))
