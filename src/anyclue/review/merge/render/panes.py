"""Functions of a merge side by side, as a page has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anyclue.report.text import clean, clean_block, counted, safe_path, shorten
from anyclue.review.merge.core.panes import LineMark, Pane, Panes, Row
from anyclue.review.merge.render import words as merge_words

TAB = 4
"""A tab is so wide in panes, which are narrow."""
_COLUMNS = 240


@dataclass(frozen=True, kw_only=True)
class ShownLine:
    """A row: its colour, the word in front, and of each version number and text."""

    mark: str
    word: str
    cells: Sequence[tuple[int, str] | None]
    skipped: str


@dataclass(frozen=True, kw_only=True)
class ShownPanes:
    """A function's panes as a page has them; ``heads`` are its versions, and where they are."""

    title: str
    place: str
    anchor: str
    heads: Sequence[tuple[str, str]]
    lines: Sequence[ShownLine]
    left_out: str


def shown(one: Panes, anchor: str, sides: int) -> ShownPanes:
    """Return a function's panes in words.

    Args:
        one: the function.
        anchor: what links to it.
        sides: how many the merge has.
    """
    return ShownPanes(
        title=merge_words.function_name(one.function),
        place=safe_path(one.path),
        anchor=anchor,
        heads=[_head(pane, one) for pane in one.panes],
        lines=[_line(row, sides) for row in one.rows],
        left_out=counted(one.left_out, "more line" if one.rows else "line") if one.left_out else "",
    )


def _head(pane: Pane, one: Panes) -> tuple[str, str]:
    version = {"base": "merge base", "against": "the other resolution"}.get(pane.version)
    if not pane.there:
        where = "this version has no such function" if one.function else "no such file"
    elif (pane.path, pane.function) == (one.path, one.function):
        where = ""
    elif pane.function == one.function:
        where = safe_path(pane.path)
    else:
        where = f"{safe_path(pane.path)}: {merge_words.function_name(pane.function)}"
    return version or clean(pane.version), where


def _line(row: Row, sides: int) -> ShownLine:
    return ShownLine(
        mark=_colour(row, sides),
        word=merge_words.mark(row, sides),
        cells=[
            (cell[0], code_line(cell[1].expandtabs(TAB))) if cell is not None else None
            for cell in row.lines
        ],
        skipped=counted(row.skipped, "line") if row.skipped else "",
    )


def _colour(row: Row, sides: int) -> str:
    if row.mark is not LineMark.TAKEN:
        return row.mark.value
    if len(row.sides) == sides:
        return "both"
    return "ours" if row.sides == ("ours",) else "theirs"


def code_line(text: str) -> str:
    """Return a line of code on one line, harmless and not too long."""
    return shorten(clean_block(text).replace("\n", " "), _COLUMNS)
