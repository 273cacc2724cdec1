"""Two resolutions side by side: which functions are the same, and where the others differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import groupby

from anyclue.review.merge.core.file_versions import Fragment, VersionFunctions
from anyclue.review.merge.core.model import FunctionComparison, Similarity
from anyclue.review.merge.core.tokens import calls, is_declaration, names, tokens

CONTEXT = 2


def compare_resolutions(
    other: Mapping[str, bytes | None],
    result: Mapping[str, bytes | None],
    paths: Mapping[str, str],
) -> tuple[FunctionComparison, ...]:
    """Return the functions of two resolutions, beside each other.

    Args:
        other: the other resolution's files, by key.
        result: the result's.
        paths: where each file lies, by key.
    """
    old, new = VersionFunctions(other), VersionFunctions(result)
    found: list[FunctionComparison] = []
    met = set()
    for at, piece in new.pieces.items():
        there = old.find(at, piece, new)
        if there is not None:
            met.add(there)
        found.append(
            _compared(paths[at.path], at.function, old.pieces[there] if there else None, piece)
        )
    for at, piece in old.pieces.items():
        if at not in met and at not in new.pieces:
            found.append(_compared(paths[at.path], at.function, piece, None))
    return tuple(sorted(found, key=lambda one: (one.path, one.function)))


def _compared(
    path: str, name: str, old: Fragment | None, new: Fragment | None
) -> FunctionComparison:
    before, after = old.lines if old else (), new.lines if new else ()
    if before == after:
        return FunctionComparison(path=path, function=name, similarity=Similarity.SAME)
    if _normal(before) == _normal(after):
        return FunctionComparison(path=path, function=name, similarity=Similarity.EQUIVALENT)
    diff = "\n".join(_diff(old, new))
    return FunctionComparison(path=path, function=name, similarity=Similarity.DIFFERENT, diff=diff)


def _normal(lines: Sequence[str]) -> list[str]:
    """Return statements without comments and white space, independent declarations sorted."""
    statements = _statements(tokens("\n".join(lines)))
    normal: list[str] = []
    for declaring, group in groupby(statements, is_declaration):
        run = list(group)
        normal += sorted(run) if declaring and _independent(run) else run
    return normal


def _statements(words: Sequence[str]) -> Iterator[str]:
    held: list[str] = []
    for word in words:
        held.append(word)
        if word in (";", "{", "}"):
            yield " ".join(held)
            held = []
    if held:
        yield " ".join(held)


def _independent(run: Sequence[str]) -> bool:
    """Tell whether declarations may change places: none needs another, at most one calls."""
    if sum(bool(calls([one])) for one in run) > 1:
        return False
    sides = [one.partition(" = ") for one in run]
    declared = [names(left) for left, _, _ in sides]
    return not any(
        names(right) & left
        for number, (_, _, right) in enumerate(sides)
        for other, left in enumerate(declared)
        if other != number
    )


def _diff(old: Fragment | None, new: Fragment | None) -> Iterator[str]:
    """Yield a unified diff that leaves out what differs in white space and comments alone."""
    before = old.folded if old else ()
    after = new.folded if new else ()
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for group in matcher.get_grouped_opcodes(CONTEXT):
        low, high = _numbers(old, group[0][1]), _numbers(new, group[0][3])
        gone, come = group[-1][2] - group[0][1], group[-1][4] - group[0][3]
        yield f"@@ -{low},{gone} +{high},{come} @@"
        for tag, first, end, start, stop in group:
            if tag == "equal":
                yield from (f" {line}" for line in (new.lines[start:stop] if new else ()))
                continue
            yield from (f"-{line}" for line in (old.lines[first:end] if old else ()))
            yield from (f"+{line}" for line in (new.lines[start:stop] if new else ()))


def _numbers(piece: Fragment | None, at: int) -> int:
    if piece is None or not piece.numbers:
        return 0
    return piece.numbers[min(at, len(piece.numbers) - 1)]
