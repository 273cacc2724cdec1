"""The reports of a bisection, with the place in the source when one commit is accused."""

from __future__ import annotations

from anyclue.bisect.core.model import BisectionStatus, Status
from anyclue.bisect.request import Bisection
from anyclue.bisect.run.observer import DIGITS
from anyclue.git import repository as git
from anyclue.hunt.clue.driver import clue_of, remake_clue
from anyclue.hunt.clue.model import Clue
from anyclue.hunt.judge import JudgedRun, judge, write_reports
from anyclue.hunt.localise.commits import AccusedCommit, write_accused
from anyclue.trial.context import Context


async def report(bisection: Bisection, status: Status, context: Context) -> Clue:
    """Write the run's reports; return the clue at their head."""
    judged = judge(bisection.run)
    accused = _accused(bisection, status, judged)
    if accused is None:
        clue = clue_of(judged)
    else:
        write_accused(bisection.run, accused)
        clue = await remake_clue(judged, context)
    write_reports(judged, clue)
    return clue


def _accused(bisection: Bisection, status: Status, judged: JudgedRun) -> AccusedCommit | None:
    """Return the accused commit beside the first of its parents that ran; None without one."""
    if status.standing is not BisectionStatus.FOUND:
        return None
    kernels = {one.cell.kernel for one in judged.findings.cells}
    commit = status.accused[0]
    parents = [p for p in git.parents(bisection.repo, commit) if p[:DIGITS] in kernels]
    if not parents or commit[:DIGITS] not in kernels:
        return None
    return AccusedCommit(
        repository=str(bisection.repo.at),
        commit=commit,
        kernel=commit[:DIGITS],
        parent=parents[0],
        innocent=parents[0][:DIGITS],
    )
