"""Functions of a merge side by side: which, in which versions, and how much of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anyclue.review.merge.core.alignment import Versions, aligned
from anyclue.review.merge.core.file_versions import FileMerge, Name, Piece, VersionFunctions
from anyclue.review.merge.core.model import EVIL, Dropped, Resolved
from anyclue.review.merge.core.panes import Pane, Panes, Row
from anyclue.review.merge.core.resolution import Views, views

FUNCTIONS = 200
"""So many functions are set side by side, those with something to look at first."""
ROWS = 400
"""So many rows of one function are kept."""
IN_ALL = 15_000
"""So many rows are made altogether."""


def side_by_side(
    files: Sequence[FileMerge],
    sides: Sequence[str],
    functions: Sequence[Resolved],
    dropped: Sequence[Dropped],
    other: Sequence[FileMerge] | None = None,
) -> tuple[Panes, ...]:
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
    names = _Names(files, sides, other)
    chosen: list[tuple[bool, int, Views]] = []
    for one in views(files):
        found = listed.get(names.of(one))
        evil = found is not None and found.taken in EVIL
        if found is not None or names.differs(one):
            chosen.append((not evil and one.at[1] not in lost, len(chosen), one))
    shown: list[Panes] = []
    room = IN_ALL
    for _, _, one in sorted(chosen, key=lambda ranked: ranked[:2])[:FUNCTIONS]:
        if room > 0:
            versions = names.versions(one)
            rows = aligned(versions, sides, dropped)
            shown.append(_panes(versions, names.of(one), rows, min(ROWS, room)))
            room -= len(rows)
    order = {name: number for number, name in enumerate(listed)}
    return tuple(
        sorted(shown, key=lambda one: (order.get((one.path, one.function), len(order)), one.path))
    )


class _Names:
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

    def of(self, one: Views) -> Name:
        """Return the path and the name that a function is listed under."""
        return self._result[one.at[0]], one.at[1]

    def differs(self, one: Views) -> bool:
        """Tell whether the other resolution has a function otherwise."""
        if self._other is None:
            return False
        _, piece = self._against(self._other, one)
        return (piece and piece.solid) != (one.result and one.result.solid)

    def versions(self, one: Views) -> Versions:
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

    def _against(self, other: VersionFunctions, one: Views) -> tuple[Name | None, Piece | None]:
        piece = one.result or next((two for two in one.automatic if two is not None), None)
        there = other.find(one.at, piece, self._home) if piece is not None else None
        return there, other.pieces[there] if there is not None else None


def _pane(version: str, at: Name | None, paths: Mapping[str, str]) -> Pane:
    if at is None:
        return Pane(version=version)
    return Pane(version=version, path=paths[at[0]], function=at[1])


def _panes(versions: Versions, name: Name, rows: Sequence[Row], room: int) -> Panes:
    longest = max(len(piece.lines) for _, piece in versions if piece is not None)
    return Panes(
        path=name[0],
        function=name[1],
        panes=tuple(pane for pane, _ in versions),
        rows=tuple(rows[:room]),
        left_out=sum(row.skipped or 1 for row in rows[room:]) if rows else longest,
    )
