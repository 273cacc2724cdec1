"""How many trials a run has: those that are planned, and more while they prove nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import TypeAlias, TypeVar

from anyclue.model.reason import (
    GrowthUndecided,
    OtherCounterGrew,
    Settlement,
    SingleSteps,
    TrialsLeftOut,
)
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Cell, Limits
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.verdicts.floors import MIN_GUESTS

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
    most = planned + limits.extra_trials
    wanted = _settlement(verdict, most)
    return wanted is not None and wanted.own > 0 and verdict.trials < most


def extra_trials(verdicts: Sequence[CellVerdict], limits: Limits) -> list[Cell]:
    """Return the cells of a run that get one more trial: the unproven ones, and their references.

    A reference gets it where that is what would tell. ``limits.trials`` were planned of each cell;
    up to ``limits.extra_trials`` more are run.
    """
    most = limits.trials + limits.extra_trials
    wanted = {
        verdict.reference
        for verdict in verdicts
        if (of := _settlement(verdict, most)) is not None and of.reference > 0
    }
    return [
        verdict.cell
        for verdict in verdicts
        if wants_another(verdict, limits, planned=limits.trials)
        or (
            verdict.cell in wanted
            and verdict.outcome in {Outcome.PASSED, Outcome.LOST}
            and verdict.trials < most
        )
    ]


def _settlement(verdict: CellVerdict, most: int) -> Settlement | None:
    """Return the guests that may prove what is unproven, of ``most`` that a cell may have."""
    if verdict.verdict is not Verdict.UNPROVEN or verdict.outcome not in {
        Outcome.PASSED,
        Outcome.LOST,
    }:
        return None
    because = verdict.because
    if isinstance(because, TrialsLeftOut):
        because = because.judged
    match because:
        case GrowthUndecided():
            return because.settlement
        case OtherCounterGrew():
            return None
        case SingleSteps() if most < MIN_GUESTS:
            return None
    return Settlement(own=1)


def next_trial(run: RunDirectory, cell: Cell) -> TrialKey:
    """Return the first trial of a cell that has no outcome."""
    return cell, next(number for number in count(1) if run.outcome(cell, number) is None)
