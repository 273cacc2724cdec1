"""Functions of a merge side by side: which, how much of them, and what became of each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import groupby, takewhile
from typing import TypeAlias

from anyclue.review.merge.core.file_versions import FileMerge, Fragment, Placement, VersionFunctions
from anyclue.review.merge.core.model import (
    EVIL,
    DroppedChange,
    FunctionKey,
    FunctionPanes,
    FunctionResolution,
    LineMark,
    Pane,
    PaneRow,
    SourceLine,
)
from anyclue.review.merge.core.resolution import FunctionVersions, match_functions

FUNCTIONS = 200
"""So many functions are set side by side, those with something to look at first."""
ROWS = 400
"""So many rows of one function are kept."""
IN_ALL = 15_000
"""So many rows are made altogether."""
COLUMNS = 240
"""A line is cut after so many characters."""
LONGEST = 1500
"""Texts that differ over more lines than this are not set side by side."""
CONTEXT = 8
"""So many lines that are alike stay on either side of those that are not."""

Versions: TypeAlias = Sequence[tuple[Pane, Fragment | None]]
"""The base, each side, the result, and maybe the other resolution."""
_Places: TypeAlias = "list[int | None]"


def side_by_side(
    files: Sequence[FileMerge],
    sides: Sequence[str],
    functions: Sequence[FunctionResolution],
    dropped: Sequence[DroppedChange],
    other: Sequence[FileMerge] | None = None,
) -> tuple[FunctionPanes, ...]:
    """Return functions in every version: those listed, and those another resolution has otherwise.

    Args:
        files: the files in question.
        sides: the names of the parents.
        functions: what is listed.
        dropped: what the result lost.
        other: the same files with the other resolution as their result.
    """
    listed = {(one.path, one.function): one for one in functions}
    lost = {one.function for one in dropped}
    names = _Locations(files, sides, other)
    chosen: list[tuple[bool, int, FunctionVersions]] = []
    for one in match_functions(files):
        known = listed.get(names.of(one))
        evil = known is not None and known.taken in EVIL
        if known is not None or names.differs(one):
            chosen.append((not evil and one.at.function not in lost, len(chosen), one))
    panes: list[FunctionPanes] = []
    room = IN_ALL
    for _, _, one in sorted(chosen, key=lambda ranked: ranked[:2])[:FUNCTIONS]:
        if room > 0:
            versions = names.versions(one)
            rows = align_versions(versions, sides, dropped)
            panes.append(_panes(versions, names.of(one), rows, min(ROWS, room)))
            room -= len(rows)
    order = {name: number for number, name in enumerate(listed)}
    return tuple(
        sorted(panes, key=lambda one: (order.get((one.path, one.function), len(order)), one.path))
    )


class _Locations:
    """Where functions are in each version.

    Args:
        files: the files in question.
        sides: the names of the parents.
        other: the same files with the other resolution as their result.
    """

    def __init__(
        self, files: Sequence[FileMerge], sides: Sequence[str], other: Sequence[FileMerge] | None
    ) -> None:
        self._sides = sides
        self._base = {one.key: one.key for one in files}
        self._paths = [{one.key: one.paths[n] for one in files} for n in range(len(sides))]
        self._result = {one.key: one.path for one in files}
        self._home = VersionFunctions({one.key: one.result for one in files})
        self._other = (
            VersionFunctions({one.key: one.result for one in other}) if other is not None else None
        )
        self._other_paths = {one.key: one.path for one in other or ()}

    def of(self, one: FunctionVersions) -> FunctionKey:
        """Return the path and the name that a function is listed under."""
        return FunctionKey(self._result[one.at.path], one.at.function)

    def differs(self, one: FunctionVersions) -> bool:
        """Tell whether the other resolution has a function otherwise."""
        if self._other is None:
            return False
        _, piece = self._against(self._other, one)
        return (piece and piece.solid) != (one.result and one.result.solid)

    def versions(self, one: FunctionVersions) -> Versions:
        """Return a function's versions, each with where it is."""
        at = one.at if one.result is not None else None
        found = [(_pane("base", one.origin, self._base), one.base)]
        for side, (there, piece), paths in zip(self._sides, one.sides, self._paths, strict=True):
            found.append((_pane(side, there, paths), piece))
        found.append((_pane("result", at, self._result), one.result))
        if self._other is not None:
            there, piece = self._against(self._other, one)
            found.append((_pane("against", there, self._other_paths), piece))
        return found

    def _against(self, other: VersionFunctions, one: FunctionVersions) -> Placement:
        piece = one.result or next((two for two in one.automatic if two is not None), None)
        if piece is None:
            return Placement(None, None)
        return other.placement(one.at, piece, self._home)


def _pane(version: str, at: FunctionKey | None, paths: Mapping[str, str]) -> Pane:
    if at is None:
        return Pane(version=version)
    return Pane(version=version, path=paths[at.path], function=at.function)


def _panes(
    versions: Versions, name: FunctionKey, rows: Sequence[PaneRow], room: int
) -> FunctionPanes:
    longest = max(len(piece.lines) for _, piece in versions if piece is not None)
    return FunctionPanes(
        path=name.path,
        function=name.function,
        panes=tuple(pane for pane, _ in versions),
        rows=tuple(rows[:room]),
        left_out=sum(row.skipped or 1 for row in rows[room:]) if rows else longest,
    )


def align_versions(
    versions: Versions, sides: Sequence[str], dropped: Sequence[DroppedChange]
) -> list[PaneRow]:
    """Return the lines of all versions; long runs that are alike everywhere are one row.

    Nothing is returned when they differ over more than `LONGEST` lines.

    Args:
        versions: the function's.
        sides: the names of the parents.
        dropped: what the result lost.
    """
    keys = [_keys(piece) for _, piece in versions]
    result = len(sides) + 1
    on_sides = {key for one in keys[1:result] for key in one}
    in_result = set(keys[result])
    rows: list[PaneRow] = []
    whole = []
    for places in _placed(keys):
        key = next(keys[n][at] for n, at in enumerate(places) if at is not None)
        elsewhere = key in (on_sides if places[result] is not None else in_result)
        mark, whose = _mark(places, sides, elsewhere=elsewhere)
        lines = tuple(
            SourceLine(line=piece.numbers[at], text=piece.lines[at][:COLUMNS])
            if piece is not None and at is not None
            else None
            for (_, piece), at in zip(versions, places, strict=True)
        )
        lost = _losers(lines, versions, sides, dropped)
        row = PaneRow(mark=LineMark.LOST if lost else mark, sides=lost or whose, lines=lines)
        rows.append(row)
        there = [at is not None for at, one in zip(places, keys, strict=True) if one]
        whole.append(row.mark is LineMark.SAME and all(there))
    return list(_folded(rows, whole))


def _keys(piece: Fragment | None) -> list[str]:
    if piece is None:
        return []
    return [
        folded or " ".join(text.split())
        for folded, text in zip(piece.folded, piece.lines, strict=True)
    ]


def _placed(versions: Sequence[Sequence[str]]) -> list[_Places]:
    """Return rows that hold, of each version, the index of its line."""
    there = [one for one in versions if one]
    least = min(map(len, there))
    head = _alike(there, range(least))
    tail = _alike(there, range(-1, head - least - 1, -1))
    middle = [one[head : len(one) - tail] for one in versions]
    if max(map(len, middle)) > LONGEST:
        return []
    return [
        *([at if one else None for one in versions] for at in range(head)),
        *([None if at is None else at + head for at in row] for row in _matched(middle)),
        *([len(one) - at if one else None for one in versions] for at in range(tail, 0, -1)),
    ]


def _alike(versions: Sequence[Sequence[str]], places: Iterable[int]) -> int:
    """Return at how many places, from the first on, all versions have the same line."""
    return sum(1 for _ in takewhile(lambda at: len({one[at] for one in versions}) == 1, places))


def _matched(versions: Sequence[Sequence[str]]) -> list[_Places]:
    known: list[str] = []
    rows: list[_Places] = []
    for number, own in enumerate(versions):
        more_known: list[str] = []
        more_rows: list[_Places] = []
        matcher = SequenceMatcher(None, known, own, autojunk=False)
        for tag, first, end, low, high in matcher.get_opcodes():
            more_known += known[first:end]
            more_rows += rows[first:end]
            if tag == "equal":
                for row, at in zip(rows[first:end], range(low, high), strict=True):
                    row[number] = at
                continue
            more_known += own[low:high]
            more_rows += [
                [at if n == number else None for n in range(len(versions))]
                for at in range(low, high)
            ]
        known, rows = more_known, more_rows
    return rows


def _mark(
    places: Sequence[int | None], sides: Sequence[str], *, elsewhere: bool
) -> tuple[LineMark, tuple[str, ...]]:
    base, *on, result = places[: len(sides) + 2]
    having = tuple(side for side, at in zip(sides, on, strict=True) if at is not None)
    missing = tuple(side for side in sides if side not in having)
    if base is not None:
        if result is not None:
            return (LineMark.BACK, missing) if missing else (LineMark.SAME, ())
        return (LineMark.REMOVED, missing) if missing else (LineMark.CUT, ())
    if result is not None and having:
        return LineMark.TAKEN, having
    if elsewhere:
        return LineMark.MOVED, having
    if having:
        return LineMark.LEFT, having
    return (LineMark.NEW if result is not None else LineMark.OTHER), ()


def _losers(
    lines: Sequence[SourceLine | None],
    versions: Versions,
    sides: Sequence[str],
    dropped: Sequence[DroppedChange],
) -> tuple[str, ...]:
    """Return the sides whose change to this line the result lost."""
    base, *on, result = lines[: len(sides) + 2]
    found = []
    for (pane, _), side, own in zip(versions[1:], sides, on, strict=False):
        place = own if result is None else base
        if place is None:
            continue
        wanted = (result is None, place.line)
        found += [
            side
            for one in dropped
            if (one.side, one.path, one.function) == (side, pane.path, pane.function)
            and wanted in [(line.added, line.line) for line in one.lines]
        ]
    return tuple(dict.fromkeys(found))


def _folded(rows: Sequence[PaneRow], alike: Sequence[bool]) -> Iterator[PaneRow]:
    """Yield the rows; of a long run that is alike everywhere only its ends."""
    at = 0
    for same, group in groupby(alike):
        end = at + len(list(group))
        before = CONTEXT if at else 0
        after = CONTEXT if end < len(rows) else 0
        skipped = end - at - before - after
        if same and skipped > 1 and (before or after):
            yield from rows[at : at + before]
            yield PaneRow(mark=LineMark.SAME, skipped=skipped)
            yield from rows[end - after : end]
        else:
            yield from rows[at:end]
        at = end
