"""What a resolution did: by function where its text comes from, and which changes it lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from anyclue.review.merge.core.departures import Departure, departure
from anyclue.review.merge.core.file_versions import FileMerge, Fragment, Placement, VersionFunctions
from anyclue.review.merge.core.lost_changes import lost_lines, surplus
from anyclue.review.merge.core.model import (
    OUTSIDE,
    DroppedChange,
    FormerPlace,
    FunctionKey,
    FunctionResolution,
    SourceLine,
    TextSource,
)


@dataclass(frozen=True, kw_only=True)
class FunctionVersions:
    """One function in every version, as far as it is there.

    Attributes:
        at: where it is in the result, or, when it is not there, where git merges it to.
        origin: where it is in the merge base.
        base: in the merge base.
        sides: of each parent: where it is there, and its text.
        automatic: as git merges it, each conflict decided for one side in turn.
        result: as it was resolved.
    """

    at: FunctionKey
    origin: FunctionKey | None
    base: Fragment | None
    sides: tuple[Placement, ...]
    automatic: tuple[Fragment | None, ...]
    result: Fragment | None

    @property
    def conflict(self) -> bool:
        """Whether git left a conflict in it."""
        return len({one.lines if one is not None else None for one in self.automatic}) > 1

    def with_automatic(self, number: int, piece: Fragment) -> FunctionVersions:
        """Return the same with its text as git merges it for one side, where it was before."""
        ways = tuple(piece if n == number else one for n, one in enumerate(self.automatic))
        return replace(self, automatic=ways)

    @property
    def as_merged(self) -> bool:
        """Whether it is what git merges by itself."""
        return not self.conflict and _same(self.result, self.automatic[0])


@dataclass(frozen=True, kw_only=True)
class TextReview:
    """What a resolution did to texts.

    Attributes:
        functions: those in conflict, or other than git merges them, by file and line.
        dropped: changes of a side that it lost.
        homes: for each side, where the result has functions that are elsewhere on that side.
    """

    functions: tuple[FunctionResolution, ...]
    dropped: tuple[DroppedChange, ...]
    homes: tuple[Mapping[FunctionKey, FunctionKey], ...]


def match_functions(files: Sequence[FileMerge]) -> list[FunctionVersions]:
    """Return the functions of the files, each found in all versions, moved or renamed maybe."""
    result = VersionFunctions({one.key: one.result for one in files})
    base = VersionFunctions({one.key: one.base for one in files})
    count = max((len(one.sides) for one in files), default=0)
    ways = max((len(one.automatic) for one in files), default=0)
    sides = [VersionFunctions({one.key: one.sides[n] for one in files}) for n in range(count)]
    automatic = [VersionFunctions({one.key: _way(one, n) for one in files}) for n in range(ways)]
    found: list[FunctionVersions] = []
    merged: list[set[FunctionKey]] = [set() for _ in automatic]

    def add(at: FunctionKey, piece: Fragment, home: VersionFunctions) -> None:
        ways_there = [one.placement(at, piece, home) for one in automatic]
        for known, (there, _) in zip(merged, ways_there, strict=True):
            if there is not None:
                known.add(there)
        origin, old = base.placement(at, piece, home)
        found.append(
            FunctionVersions(
                at=at,
                origin=origin,
                base=old,
                sides=tuple(one.placement(at, piece, home) for one in sides),
                automatic=tuple(text for _, text in ways_there),
                result=piece if home is result else None,
            )
        )

    for at, piece in result.pieces.items():
        add(at, piece, result)
    moved = _moves(base, sides)
    places = {one.at: number for number, one in enumerate(found)}
    for number, version in enumerate(automatic):
        for at, piece in version.pieces.items():
            if at in merged[number] or at in result.pieces:
                continue
            home = places.get(moved.get(at, at))
            if home is None:
                add(at, piece, version)
            else:
                found[home] = found[home].with_automatic(number, piece)
    return found


def _moves(
    base: VersionFunctions, sides: Sequence[VersionFunctions]
) -> dict[FunctionKey, FunctionKey]:
    """Return where a side has the functions of the base that are not where they were."""
    return {
        at: there
        for side in sides
        for at, piece in base.pieces.items()
        if at not in side.pieces and (there := side.find(at, piece, base)) is not None
    }


def review_texts(files: Sequence[FileMerge], sides: Sequence[str]) -> TextReview:
    """Return what a resolution did to files.

    Args:
        files: the files in every version.
        sides: the names of the parents.
    """
    every = match_functions(files)
    by_key = {one.key: one for one in files}
    spare = surplus((one.base, [two.text for two in one.sides], one.result) for one in every)
    functions = [_resolved(one, by_key, sides, spare) for one in every if not _untouched(one)]
    return TextReview(
        functions=tuple(sorted(functions, key=lambda one: (one.path, one.line, one.function))),
        dropped=tuple(_lost(every, by_key, sides, spare)),
        homes=tuple(
            {
                there: one.at
                for one in every
                if (there := one.sides[number].at) is not None and there != one.at
            }
            for number, _ in enumerate(sides)
        ),
    )


def _lost(
    every: Sequence[FunctionVersions],
    files: Mapping[str, FileMerge],
    sides: Sequence[str],
    spare: Counter[str],
) -> Iterator[DroppedChange]:
    """Yield the changes of a side that the result lost, by file, function and side."""
    for one in every:
        if _untouched(one) or files[one.at.path].chosen:
            continue
        for number, side in enumerate(sides):
            others = [two.text for n, two in enumerate(one.sides) if n != number]
            at, own = one.sides[number]
            merged = one.automatic[0] if not one.conflict else None
            lines = lost_lines(one.base, own, others, one.result, automatic=merged, elsewhere=spare)
            if lines:
                key, name = at or one.at
                yield DroppedChange(
                    path=files[key].paths[number],
                    function=name,
                    side=side,
                    conflict=one.conflict,
                    lines=lines,
                )


def _untouched(one: FunctionVersions) -> bool:
    return one.as_merged or (one.at.function == OUTSIDE and not _says_something(one))


def _says_something(one: FunctionVersions) -> bool:
    def differ(texts: Iterable[Fragment | None]) -> bool:
        return len({frozenset(two.counts.items()) if two else None for two in texts}) > 1

    # A conflict that is decided for one side may leave braces open: then code seems to be outside.
    own = (one.base, one.result, *(two.text for two in one.sides))
    return differ(own) and differ((one.result, *one.automatic))


def _resolved(
    one: FunctionVersions, files: Mapping[str, FileMerge], sides: Sequence[str], spare: Counter[str]
) -> FunctionResolution:
    key, name = one.at
    own = [two.text for two in one.sides]
    found = departure(one.base, own, one.automatic, one.result, spare)
    taken, side = _taken(one, sides, found)
    return FunctionResolution(
        path=files[key].path,
        function=name,
        line=one.result.numbers[0] if one.result and one.result.numbers else 0,
        conflict=one.conflict,
        taken=taken,
        side=side,
        new_lines=_lines(one.result, found.new),
        cut_lines=found.cut,
        moved_lines=_lines(one.result, found.moved),
        moved_from=_former_place(one, files, sides),
    )


def _taken(one: FunctionVersions, sides: Sequence[str], found: Departure) -> tuple[TextSource, str]:
    text = _solid(one.result)
    if one.conflict:
        for name, automatic in zip(sides, one.automatic, strict=False):
            if text == _solid(automatic):
                return TextSource.SIDE, name
    elif text == _solid(one.automatic[0]):
        return TextSource.AUTOMATIC, ""
    for name, (_, piece) in zip(sides, one.sides, strict=True):
        if text == _solid(piece):
            return TextSource.SIDE, name
    if one.result is None:
        return TextSource.REMOVED, ""
    kinds = (
        (TextSource.NEW_TEXT, found.new),
        (TextSource.CUT, found.cut),
        (TextSource.REORDERED, found.moved),
    )
    return next((taken for taken, lines in kinds if lines), TextSource.COMBINED), ""


def _lines(piece: Fragment | None, numbers: Sequence[int]) -> tuple[SourceLine, ...]:
    if piece is None:
        return ()
    return tuple(SourceLine(line=piece.numbers[n], text=piece.lines[n]) for n in numbers)


def _former_place(
    one: FunctionVersions, files: Mapping[str, FileMerge], sides: Sequence[str]
) -> FormerPlace | None:
    for number, side in enumerate(sides):
        at = one.sides[number].at
        if at is not None and at != one.at:
            path = files[at.path].paths[number] if at.path != one.at.path else ""
            return FormerPlace(function=at.function, path=path, side=side)
    return None


def _way(file: FileMerge, number: int) -> bytes | None:
    return file.automatic[min(number, len(file.automatic) - 1)]


def _same(one: Fragment | None, other: Fragment | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.lines == other.lines or one.solid == other.solid


def _solid(piece: Fragment | None) -> tuple[str, ...] | None:
    return piece.solid if piece is not None else None
