"""The review of a merge as a page: functions side by side; it fetches nothing and runs nothing."""

from __future__ import annotations

from anyclue.report.pages import environment
from anyclue.report.text import clean, clean_block, code_block, counted, safe_path, shorten
from anyclue.review.merge.core.model import EVIL, LineMark, MergeReview, PaneRow
from anyclue.review.merge.render import words
from anyclue.review.pairs.render.words import labels

LISTED = 500
"""So many entries of each list are on the page."""
DIFF_LINES = 200
"""So many lines of one diff are on the page."""
TAB = 4
"""A tab is so wide in panes, which are narrow."""
_COLUMNS = 240


def merge_html(review: MergeReview) -> str:
    """Return a review of a merge as a page; it says what it leaves out for its size."""
    anchors = {(one.path, one.function): f"panes-{n}" for n, one in enumerate(review.panes)}
    listed = {(one.path, one.function) for one in review.result.functions}
    return (
        environment(__package__)
        .get_template("merge.html.j2")
        .render(
            review=review,
            sides=[(clean(one.name), words.short_id(one.commit)) for one in review.sides],
            anchors=anchors,
            without=len(listed - anchors.keys()),
            evil=EVIL,
            listed=LISTED,
            diff_lines=DIFF_LINES,
            tab=TAB,
            words=words,
            labels=labels,
            counted=counted,
            line=clean,
            path=safe_path,
            code=code_line,
            code_lines=lambda text: code_block(text).split("\n"),
            colour=_colour,
        )
    )


def _colour(row: PaneRow, sides: int) -> str:
    if row.mark is not LineMark.TAKEN:
        return row.mark.value
    if len(row.sides) == sides:
        return "both"
    return "ours" if row.sides == ("ours",) else "theirs"


def code_line(text: str) -> str:
    """Return a line of code on one line, harmless and not too long."""
    return shorten(clean_block(text).replace("\n", " "), _COLUMNS)
