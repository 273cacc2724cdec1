"""The lines of a function's versions in rows, equal ones in one, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby, takewhile
from typing import TypeAlias

from anyclue.review.merge.core.file_versions import Piece
from anyclue.review.merge.core.model import Dropped
from anyclue.review.merge.core.panes import LineMark, Pane, Row

COLUMNS = 240
"""A line is cut after so many characters."""
LONGEST = 1500
"""Texts that differ over more lines than this are not set side by side."""
CONTEXT = 8
"""So many lines that are alike stay on either side of those that are not."""

Versions: TypeAlias = Sequence[tuple[Pane, Piece | None]]
"""The base, each side, the result, and maybe the other resolution."""
_Places: TypeAlias = "list[int | None]"


def aligned(versions: Versions, sides: Sequence[str], dropped: Sequence[Dropped]) -> list[Row]:
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
    rows: list[Row] = []
    whole = []
    for places in _placed(keys):
        key = next(keys[n][at] for n, at in enumerate(places) if at is not None)
        elsewhere = key in (on_sides if places[result] is not None else in_result)
        mark, whose = _mark(places, sides, elsewhere=elsewhere)
        lines = tuple(
            (piece.numbers[at], piece.lines[at][:COLUMNS])
            if piece is not None and at is not None
            else None
            for (_, piece), at in zip(versions, places, strict=True)
        )
        lost = _losers(lines, versions, sides, dropped)
        row = Row(mark=LineMark.LOST if lost else mark, sides=lost or whose, lines=lines)
        rows.append(row)
        there = [at is not None for at, one in zip(places, keys, strict=True) if one]
        whole.append(row.mark is LineMark.SAME and all(there))
    return list(_folded(rows, whole))


def _keys(piece: Piece | None) -> list[str]:
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
    lines: Sequence[tuple[int, str] | None],
    versions: Versions,
    sides: Sequence[str],
    dropped: Sequence[Dropped],
) -> tuple[str, ...]:
    """Return the sides whose change to this line the result lost."""
    base, *on, result = lines[: len(sides) + 2]
    found = []
    for (pane, _), side, own in zip(versions[1:], sides, on, strict=False):
        place = own if result is None else base
        if place is None:
            continue
        wanted = (result is None, place[0])
        found += [
            side
            for one in dropped
            if (one.side, one.path, one.function) == (side, pane.path, pane.function)
            and wanted in [(line.added, line.line) for line in one.lines]
        ]
    return tuple(dict.fromkeys(found))


def _folded(rows: Sequence[Row], alike: Sequence[bool]) -> Iterator[Row]:
    """Yield the rows; of a long run that is alike everywhere only its ends."""
    at = 0
    for same, group in groupby(alike):
        end = at + len(list(group))
        before = CONTEXT if at else 0
        after = CONTEXT if end < len(rows) else 0
        skipped = end - at - before - after
        if same and skipped > 1 and (before or after):
            yield from rows[at : at + before]
            yield Row(mark=LineMark.SAME, skipped=skipped)
            yield from rows[end - after : end]
        else:
            yield from rows[at:end]
        at = end
