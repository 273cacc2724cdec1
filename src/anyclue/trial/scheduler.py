"""How many trials a run has: those that are planned, and more while they prove nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto
from itertools import count
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from anyclue.model.reason import (
    GrowthUndecided,
    ObjectEvidence,
    ObjectsSuspected,
    OtherCounterGrew,
    RefusedAlike,
    Settlement,
    SingleSteps,
    TrialsLeftOut,
)
from anyclue.model.recording import EndReason, Outcome
from anyclue.model.scenario import Cell, Limits, Scenario
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.verdicts.floors import MIN_GUESTS

T = TypeVar("T")
TrialKey: TypeAlias = tuple[Cell, int]
"""A cell, and the number of its trial from 1."""


class _Part(Enum):
    """What a trial is made of, as far as it may be refused for it."""

    IMAGE = auto()
    MODULE = auto()
    MKFS = auto()
    SIZE = auto()
    MOUNT = auto()
    WORKLOAD = auto()


_MADE: Final = (_Part.IMAGE, _Part.MKFS, _Part.SIZE)
_MOUNTED: Final = (*_MADE, _Part.MODULE, _Part.MOUNT)
_REFUSED_FOR: Final[Mapping[EndReason, tuple[_Part, ...]]] = MappingProxyType(
    {
        EndReason.MODULE_NOT_LOADED: (_Part.IMAGE, _Part.MODULE),
        EndReason.MKFS_FAILED: _MADE,
        EndReason.MOUNT_FAILED: _MOUNTED,
        EndReason.OPTION_NOT_IN_FORCE: _MOUNTED,
        EndReason.OPTION_NOT_EXERCISED: (*_MOUNTED, _Part.WORKLOAD),
    }
)
"""What another trial must have in common to be refused in the same way; others may yet run."""


class Refusals:
    """What did not run in some trials, and so would not run in others."""

    def __init__(self) -> None:
        self._refused: dict[tuple[str, ...], RefusedAlike] = {}
        self._ran: set[tuple[str, ...]] = set()

    def add(
        self,
        scenario: Scenario,
        cell: Cell,
        outcome: Outcome,
        reason: EndReason | None,
        detail: str,
    ) -> None:
        """Note how a trial ended."""
        if outcome is Outcome.NOT_RUN:
            if reason is not None and reason in _REFUSED_FOR:
                key = _refusal_key(scenario, cell, reason)
                self._refused.setdefault(key, RefusedAlike(cell=cell, detail=detail))
        elif outcome is not Outcome.LOST:
            self._ran.update(_refusal_key(scenario, cell, one) for one in _REFUSED_FOR)

    def alike(self, scenario: Scenario, cell: Cell) -> RefusedAlike | None:
        """Return what was refused as a trial of the cell would be; None where none was.

        What ran once may run again, whatever another trial was refused for.
        """
        keys = [_refusal_key(scenario, cell, reason) for reason in _REFUSED_FOR]
        known = (self._refused.get(key) for key in keys if key not in self._ran)
        return next((one for one in known if one is not None), None)


def _refusal_key(scenario: Scenario, cell: Cell, reason: EndReason) -> tuple[str, ...]:
    """Return what a trial of the cell has in common with those refused alike for that reason."""
    kernel, machine = scenario.kernels[cell.kernel], scenario.machines[cell.machine]
    choice = replace(scenario.workloads[cell.workload], name="")
    size = choice.parameters.get("size_mib") if choice.tests is None else choice
    of_part = {
        # Guests of fstests have another root.
        _Part.IMAGE: (kernel.source, replace(machine, name=""), choice.tests is not None),
        _Part.MODULE: kernel.variant,
        _Part.MKFS: scenario.mkfs[cell.mkfs],
        _Part.SIZE: size,
        _Part.MOUNT: scenario.mount[cell.mount],
        _Part.WORKLOAD: choice,
    }
    return reason, scenario.filesystem, *(repr(of_part[part]) for part in _REFUSED_FOR[reason])


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
        execute: runs the trials that have none, and may leave some out; its second argument counts
            all that were wanted.
        judge: judges what is recorded, and says which trials are still wanted.
    """
    total = 0
    left_out: set[TrialKey] = set()
    while True:
        total += len(wanted)
        if missing := [one for one in wanted if run.outcome(*one) is None]:
            await execute(missing, total)
            left_out.update(one for one in missing if run.outcome(*one) is None)
        judgement, more = judge()
        wanted = [one for one in more if one not in left_out]
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
        case ObjectsSuspected():
            return _of_objects(because, verdict.trials, most)
        case OtherCounterGrew():
            return None
        case SingleSteps() if most < MIN_GUESTS:
            return None
    return Settlement(own=1)


def _of_objects(because: ObjectsSuspected, trials: int, most: int) -> Settlement | None:
    """Return the guests that may prove that a count of objects grows."""
    slabs = because.slabs
    match because.lacking:
        case ObjectEvidence.REFERENCE:
            return None
        case ObjectEvidence.SLABS if slabs and slabs.seen * most < slabs.needed * trials:
            return None  # even the most guests that there may be are too few
        case ObjectEvidence.ROUNDS | ObjectEvidence.SLABS:
            return Settlement(own=1, reference=1)
    return Settlement(own=1)


def next_trial(run: RunDirectory, cell: Cell) -> TrialKey:
    """Return the first trial of a cell that has no outcome."""
    return cell, next(number for number in count(1) if run.outcome(cell, number) is None)
