"""A bisection for a terminal."""

from __future__ import annotations

from anyclue.model.bisection import Bisected, Shown
from anyclue.reports import bisect_words
from anyclue.reports.review_words import counted
from anyclue.reports.text import ascii_line, shorten, table

_COLUMNS = 100


def bisect_text(one: Bisected) -> str:
    """Return a bisection, ended by a line end; the last line is what came out."""
    runs = counted(len(one.runs), "run")
    lines = [
        f"bisection of {counted(one.commits, 'commit')}: {ascii_line(one.cell)}",
        f"{runs}; bad is: {ascii_line(one.wanted) or 'not known'}; run directory {one.run}",
        "",
    ]
    rows = [
        (
            run.commit[: bisect_words.DIGITS],
            run.shown.value,
            shorten(ascii_line(run.because), _COLUMNS),
        )
        for run in one.runs
    ]
    lines += [*table([("commit", "shown", "because"), *rows]), ""]
    skipped = dict.fromkeys(run.commit for run in one.runs if run.shown is Shown.SKIP)
    if skipped:
        lines += [f"skipped: {', '.join(c[: bisect_words.DIGITS] for c in skipped)}", ""]
    if len(one.accused) > 1:
        lines += [*(f"    {bisect_words.commit(two)}" for two in one.accused), ""]
    proof = [line for line in (bisect_words.reverted(one),) if line]
    return "\n".join([*lines, *proof, bisect_words.standing(one)]) + "\n"
