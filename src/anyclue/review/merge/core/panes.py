"""A function of a merge in all its versions, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LineMark(StrEnum):
    """What became of a line in the result."""

    SAME = "same"
    """It is in the merge base, on every side and in the result."""
    TAKEN = "taken"
    """Sides added it, and the result has it."""
    NEW = "new"
    """The result has it, and no side has."""
    MOVED = "moved"
    """It stands elsewhere in the function: in the result, or on a side."""
    BACK = "back"
    """Sides removed it, and the result has it."""
    REMOVED = "removed"
    """Sides removed it, and so did the result."""
    CUT = "cut"
    """Every side has it as the base has, and the result has not."""
    LEFT = "left"
    """Sides added it, and the result has not."""
    LOST = "lost"
    """It is part of a change that the result dropped."""
    OTHER = "other"
    """Only the other resolution has it."""


@dataclass(frozen=True, kw_only=True)
class Pane:
    """One version of a function.

    Attributes:
        version: ``base``, the name of a side, ``result`` or ``against``.
        path: its file there; empty when it is not there.
        function: its name there.
    """

    version: str
    path: str = ""
    function: str = ""

    @property
    def there(self) -> bool:
        """Whether this version has the function."""
        return bool(self.path)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line, in the versions that have it.

    Attributes:
        mark: what became of it.
        sides: whose line it is, or who removed it.
        lines: of each pane its number and text; None where it is not.
        skipped: this one stands for so many that are alike in every version, and has no lines.
    """

    mark: LineMark
    sides: tuple[str, ...] = ()
    lines: tuple[tuple[int, str] | None, ...] = ()
    skipped: int = 0


@dataclass(frozen=True, kw_only=True)
class Panes:
    """One function, its versions beside each other.

    Attributes:
        path: its file in the result, or where it was last.
        function: its name; empty for what is in no function.
        panes: the versions.
        rows: the lines of all of them, equal ones in one row.
        left_out: so many rows follow that are not here.
    """

    path: str
    function: str
    panes: tuple[Pane, ...]
    rows: tuple[Row, ...]
    left_out: int = 0
