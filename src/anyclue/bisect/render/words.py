"""How reports word a bisection; all text out of a repository is made harmless here."""

from __future__ import annotations

from anyclue.bisect.core.model import Bisected, BisectionStatus, Named, Shown
from anyclue.report.text import ascii_line, counted

DIGITS = 12


def commit(one: Named) -> str:
    """Return a commit as kernel developers write it."""
    return f'{one.commit[:DIGITS]} ("{ascii_line(one.subject)}")'


def standing(one: Bisected) -> str:
    """Return the end in one sentence."""
    sure = f"{100 * one.confidence:.1f} %"
    if one.standing is BisectionStatus.FOUND:
        return f"the first bad commit is {commit(one.accused[0])}, by {sure}"
    if one.standing is BisectionStatus.RANGE:
        return (
            f"the first bad commit is one of {counted(len(one.accused), 'commit')} that runs "
            f"cannot tell apart, by {sure}"
        )
    skipped = [run.seen.commit[:DIGITS] for run in one.runs if run.seen.shown is Shown.SKIP]
    return {
        BisectionStatus.BAD_IS_CLEAN: "the bad end is clean here: nothing to bisect with this cell",
        BisectionStatus.GOOD_IS_BAD: "the good end is bad too: name an older one",
        BisectionStatus.NO_ONE_COMMIT: "the runs fit no single first bad commit",
        BisectionStatus.STUCK: f"what has to be run next cannot be run: {skipped[-1]} was skipped"
        if skipped
        else "what has to be run next cannot be run",
        BisectionStatus.SEARCHING: "not ended",
    }[one.standing]


def reverted(one: Bisected) -> str:
    """Return what the proof by taking the commit back, or by the fix, showed."""
    proof = one.reverted
    if proof is None:
        return ""
    if proof.shown is None:
        by = "the fix" if proof.fix else "a revert"
        return f"not proven by {by}: {ascii_line(proof.because)}"
    said = {
        Shown.GOOD: "clean: proven",
        Shown.BAD: "still bad: not proven"
        if proof.fix
        else "still bad: something else has a part in it",
        Shown.SKIP: "not to be judged",
    }[proof.shown]
    made = f"with the fix {ascii_line(proof.fix)}" if proof.fix else "without it"
    return f"the bad end {made}, {counted(proof.runs, 'run')}: {said}"
