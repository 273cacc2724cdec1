"""A bisection for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.bisect.core.model import Bisected, Shown, Simulated
from anyclue.bisect.render import words as bisect_words
from anyclue.hunt.clue.model import Place
from anyclue.hunt.render import clue_words
from anyclue.report.text import ascii_line, counted, shorten, table

_COLUMNS = 100
_PLACES = 3


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
            run.seen.commit[: bisect_words.DIGITS],
            run.seen.shown.value,
            shorten(ascii_line(run.seen.because), _COLUMNS),
        )
        for run in one.runs
    ]
    lines += [*table([("commit", "shown", "because"), *rows]), ""]
    skipped = dict.fromkeys(run.seen.commit for run in one.runs if run.seen.shown is Shown.SKIP)
    if skipped:
        lines += [f"skipped: {', '.join(c[: bisect_words.DIGITS] for c in skipped)}", ""]
    if len(one.accused) > 1:
        lines += [*(f"    {bisect_words.commit(two)}" for two in one.accused), ""]
    proof = [line for line in (bisect_words.reverted(one),) if line]
    proof += [f"place: {_place(two)}" for two in one.places[:_PLACES]]
    return "\n".join([*lines, *proof, bisect_words.standing(one)]) + "\n"


def _place(one: Place) -> str:
    missing = clue_words.release(one)
    likely = clue_words.probability(one.probability)
    return f"{clue_words.place(one)}{f': missing {missing}' if missing else ''} ({likely})"


def simulated_text(rows: Sequence[Simulated]) -> str:
    """Return how strategies do in simulation, ended by a line end."""
    cells = [(one.strategy, f"{one.runs:.1f}", f"{100 * one.right:.0f} %") for one in rows]
    return "\n".join(table([("strategy", "guest runs, mean", "right"), *cells])) + "\n"
