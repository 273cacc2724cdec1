"""A bisection for a terminal; all text out of a repository is made harmless here."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.bisect.core.model import BisectionStatus, BisectTerm
from anyclue.bisect.core.result import (
    BisectionResult,
    NamedCommit,
    RevertProof,
    StrategyResult,
)
from anyclue.hunt.clue.model import Place
from anyclue.hunt.render import clue_text
from anyclue.report.text import ascii_line, counted, shorten, table
from anyclue.report.words import probability_words

_DIGITS = 12
_COLUMNS = 100
_PLACES = 3
_CONCLUSIONS = {
    BisectionStatus.BAD_IS_CLEAN: "the bad end is clean here: nothing to bisect with this cell",
    BisectionStatus.GOOD_IS_BAD: "the good end is bad too: name an older one",
    BisectionStatus.NO_ONE_COMMIT: "the runs fit no single first bad commit",
    BisectionStatus.STUCK: "what has to be run next cannot be run",
    BisectionStatus.SEARCHING: "not ended",
}


def bisect_text(result: BisectionResult) -> str:
    """Return a bisection, ended by a line end; the last line is what came out."""
    runs = counted(len(result.runs), "run")
    failure = ascii_line(result.failure) or "not known"
    lines = [
        f"bisection of {counted(result.commits, 'commit')}: {ascii_line(result.cell)}",
        f"{runs}; bad is: {failure}; run directory {result.run}",
        "",
    ]
    rows = [
        (one.commit[:_DIGITS], one.term.value, shorten(ascii_line(one.because), _COLUMNS))
        for one in (run.observation for run in result.runs)
    ]
    lines += [*table([("commit", "shown", "because"), *rows]), ""]
    if skipped := dict.fromkeys(_skipped(result)):
        lines += [f"skipped: {', '.join(skipped)}", ""]
    if len(result.accused) > 1:
        lines += [*(f"    {_commit(one)}" for one in result.accused), ""]
    if result.proof is not None:
        lines.append(_proof(result.proof))
    lines += [f"place: {_place(one)}" for one in result.places[:_PLACES]]
    return "\n".join([*lines, conclusion(result)]) + "\n"


def conclusion(result: BisectionResult) -> str:
    """Return the end in one sentence."""
    sure = f"by {100 * result.confidence:.1f} %"
    if result.status is BisectionStatus.FOUND:
        return f"the first bad commit is {_commit(result.accused[0])}, {sure}"
    if result.status is BisectionStatus.RANGE:
        several = counted(len(result.accused), "commit")
        return f"the first bad commit is one of {several} that runs cannot tell apart, {sure}"
    if result.status is BisectionStatus.STUCK and (skipped := _skipped(result)):
        return f"{_CONCLUSIONS[result.status]}: {skipped[-1]} was skipped"
    return _CONCLUSIONS[result.status]


def conflict(proof: RevertProof) -> str:
    """Return why there is nothing to run for a proof."""
    return "it does not apply" if proof.fix else "its change cannot be taken back by itself"


def simulated_text(rows: Sequence[StrategyResult]) -> str:
    """Return how strategies do in simulation, ended by a line end."""
    cells = [(one.strategy, f"{one.runs:.1f}", f"{100 * one.right:.0f} %") for one in rows]
    return "\n".join(table([("strategy", "guest runs, mean", "right"), *cells])) + "\n"


def _skipped(result: BisectionResult) -> list[str]:
    """Return the commit of each run that was skipped, as it is printed."""
    every = (run.observation for run in result.runs)
    return [one.commit[:_DIGITS] for one in every if one.term is BisectTerm.SKIP]


def _commit(one: NamedCommit) -> str:
    """Return a commit as kernel developers write it."""
    return f'{one.commit[:_DIGITS]} ("{ascii_line(one.subject)}")'


def _proof(proof: RevertProof) -> str:
    """Return what the proof by taking the commit back, or by the fix, showed."""
    if proof.worst is None:
        return f"not proven by {'the fix' if proof.fix else 'a revert'}: {conflict(proof)}"
    came_to = {
        BisectTerm.GOOD: "clean: proven",
        BisectTerm.BAD: "still bad: not proven"
        if proof.fix
        else "still bad: something else has a part in it",
        BisectTerm.SKIP: "not to be judged",
    }[proof.worst]
    made = f"with the fix {ascii_line(proof.fix)}" if proof.fix else "without it"
    return f"the bad end {made}, {counted(len(proof.terms), 'run')}: {came_to}"


def _place(one: Place) -> str:
    missing = clue_text.missing_release(one)
    likely = probability_words(one.probability)
    return f"{clue_text.place_line(one)}{f': missing {missing}' if missing else ''} ({likely})"
