"""Which functions a merge is about, found quickly and roughly, and files without the others.

Files in question have functions by the thousand, and a merge is about a few of them: those of a
file that somebody resolved, those that more than one side has a part in, and the callers of these.
Where few functions changed at all, those are of interest too. They are kept with all that they call
in turn; of the others only the head stays, so that every line keeps its number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

FEW = 400
"""So many changed functions, and fewer, are kept whoever changed them."""

_DEFINED = re.compile(
    rb"^[A-Za-z_][^\n;={}()]*?\b(\w+)\s*\([^;{}]*\)\s*(\{.*?^\})", re.MULTILINE | re.DOTALL
)
_CALLED = re.compile(rb"\b([A-Za-z_]\w*)\s*\(")
_DECIDES = re.compile(rb"\b(?:if|else|for|while|switch|case|goto|return|break|continue)\b|^\w+:")
_SAID = re.compile(rb"[^\n]")

_Pair = tuple[bytes, int, bytes | None, bytes | None]
Texts = Mapping[str, bytes | None]


@lru_cache(maxsize=1 << 12)
def function_bodies(text: bytes | None) -> Mapping[bytes, bytes]:
    """Return the functions that begin in a file's first column; of one name, all together."""
    found: dict[bytes, bytes] = {}
    for one in _DEFINED.finditer(text or b""):
        found[one[1]] = found.get(one[1], b"") + one[0]
    return found


def called_names(text: bytes) -> set[bytes]:
    """Return the names that are followed by a parenthesis."""
    return set(_CALLED.findall(text))


@dataclass(frozen=True, kw_only=True)
class FilesInQuestion:
    """The files in question, by what they are known by; None where a version has no such file.

    Attributes:
        base: in the merge base.
        sides: in each parent.
        results: in the result, and in the other resolution.
        edited: those that a result has otherwise than git merges them, or could.
    """

    base: Texts
    sides: Sequence[Texts]
    results: Sequence[Texts]
    edited: Set[str]


def relevant_functions(
    question: FilesInQuestion, around: Iterable[bytes], paired: Set[bytes]
) -> tuple[frozenset[bytes], int]:
    """Return the names of the functions that a merge is about, and of what they call.

    The number is that of changed functions that are not among them: one side alone changed each,
    in a file that git merged by itself.

    Args:
        question: the files in question.
        around: contents of other files, which the functions may call into.
        paired: calls that acquire or release something.
    """
    texts: dict[bytes, set[bytes]] = {}
    pairs: list[_Pair] = []
    roots: set[bytes] = set()
    for key in question.base:
        base = function_bodies(question.base[key])
        sides = [function_bodies(one.get(key)) for one in question.sides]
        results = [function_bodies(one.get(key)) for one in question.results]
        for name in base.keys() | set().union(*sides, *results):
            before = base.get(name)
            pairs += [
                (name, number, before, one.get(name))
                for number, one in enumerate((*sides, *results))
                if one.get(name) != before
            ]
            known = {before, *(one.get(name) for one in sides)}
            bodies = known | {one.get(name) for one in results}
            texts.setdefault(name, set()).update(body for body in bodies if body is not None)
            if bodies != known or (key in question.edited and len(bodies) > 1):
                roots.add(name)
    calls = {name: set().union(*map(called_names, bodies)) for name, bodies in texts.items()}
    changed = {name for name, *_ in pairs}
    if len(changed) <= FEW:
        roots |= changed
        roots |= {name for name, callees in calls.items() if callees & roots}
    else:
        behaving = _behaving(pairs, paired | calls.keys())
        roots |= _meeting(pairs, calls, behaving, len(question.sides))
        acting = roots & behaving.keys()
        roots |= {name for name, callees in calls.items() if callees & acting}
    for one in around:
        for name, body in function_bodies(one).items():
            calls.setdefault(name, set()).update(called_names(body))
    found = frozenset(_reached(roots, calls))
    return found, len(changed - found)


def has_relevant(path: str, text: bytes, names: Set[bytes]) -> bool:
    """Return whether a file has one of these functions, or is a header."""
    return path.endswith(".h") or not names.isdisjoint(function_bodies(text))


def focus(text: bytes, names: Set[bytes]) -> bytes:
    """Return a file without the bodies of functions that have other names, at the same length."""
    seen = Counter(one[1] for one in _DEFINED.finditer(text))

    def head(one: re.Match[bytes]) -> bytes:
        if one[1] in names or seen[one[1]] > 1:
            return one[0]
        whole, begin = one[0], one.start(2) - one.start()
        return whole[:begin] + b";" + _SAID.sub(b" ", whole[begin + 1 :])

    return _DEFINED.sub(head, text)


def _behaving(pairs: Iterable[_Pair], matters: Set[bytes]) -> dict[bytes, set[int]]:
    """Return the functions that may do something else to a caller now, with the versions.

    Args:
        pairs: name, version, and text before and after, of what changed.
        matters: calls that make a difference to a caller.
    """
    found: dict[bytes, set[int]] = {}
    for name, version, old, new in pairs:
        if _skeleton(old, matters) != _skeleton(new, matters):
            found.setdefault(name, set()).add(version)
    return found


def _meeting(
    pairs: Iterable[_Pair],
    calls: Mapping[bytes, Set[bytes]],
    behaving: Mapping[bytes, Set[int]],
    sides: int,
) -> set[bytes]:
    """Return the functions in which more than one side has a part, by itself or by what is called.

    Args:
        pairs: name, version, and text before and after, of what changed.
        calls: what each function calls.
        behaving: functions that do something else, with the versions.
        sides: so many versions, the first, are the sides'.
    """
    parts: dict[bytes, set[int]] = {}
    for name, version, _, _ in pairs:
        parts.setdefault(name, set()).add(version)
    every = set(range(sides))
    return {
        name
        for name, callees in calls.items()
        if len(
            every & parts.get(name, set()).union(*(behaving[o] for o in callees if o in behaving))
        )
        > 1
    }


def _skeleton(text: bytes | None, names: Set[bytes]) -> list[bytes]:
    """Return the lines of a function that decide, jump, or call one of these names."""
    return [
        line.strip()
        for line in (text or b"").split(b"\n")
        if _DECIDES.search(line) or not names.isdisjoint(_CALLED.findall(line))
    ]


def _reached(roots: Iterable[bytes], calls: Mapping[bytes, Iterable[bytes]]) -> set[bytes]:
    found = set(roots)
    left = list(found)
    while left:
        new = {name for name in calls.get(left.pop(), ()) if name in calls} - found
        found |= new
        left += new
    return found
