"""How many trials a run has: those that are planned, and more while they prove nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import TypeAlias, TypeVar

from anyclue.model.recording import Outcome
from anyclue.model.scenario import Cell, Limits
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.recordings.run_directory import RunDirectory

T = TypeVar("T")
TrialKey: TypeAlias = tuple[Cell, int]
"""A cell, and the number of its trial from 1."""


async def run_until_proven(
    run: RunDirectory,
    wanted: Sequence[TrialKey],
    execute: Callable[[Sequence[TrialKey], int], Awaitable[None]],
    judge: Callable[[], tuple[T, Sequence[TrialKey]]],
) -> T:
    """Run the wanted trials, and more until none is wanted; return the last judgement.

    Args:
        run: what says which trials have an outcome: they are not run again.
        wanted: the trials to begin with.
        execute: runs the trials that have none; its second argument counts all that were wanted.
        judge: judges what is recorded, and says which trials are still wanted.
    """
    total = 0
    while True:
        total += len(wanted)
        if missing := [one for one in wanted if run.outcome(*one) is None]:
            await execute(missing, total)
        judgement, wanted = judge()
        if not wanted:
            return judgement


def wants_another(verdict: CellVerdict, limits: Limits, *, planned: int) -> bool:
    """Return whether one more trial may prove what is unproven, or stand in for one that was lost.

    ``planned`` trials were planned; up to ``limits.extra_trials`` more are run.
    """
    return (
        verdict.verdict is Verdict.UNPROVEN
        and verdict.outcome in {Outcome.PASSED, Outcome.LOST}
        and verdict.trials < planned + limits.extra_trials
    )


def next_trial(run: RunDirectory, cell: Cell) -> TrialKey:
    """Return the first trial of a cell that has no outcome."""
    return cell, next(number for number in count(1) if run.outcome(cell, number) is None)
