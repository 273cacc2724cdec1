"""How many trials a run has: those that are planned, and more while they prove nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import count
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from anyclue.model.reason import (
    GrowthUndecided,
    OtherCounterGrew,
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


@dataclass(frozen=True, kw_only=True)
class RefusalKey:
    """What trials have in common that are refused for the same reason."""

    reason: EndReason
    parts: tuple[str, ...]


def refusal_key(scenario: Scenario, cell: Cell, reason: EndReason | None) -> RefusalKey | None:
    """Return what a trial of the cell that did not run shares with others that would not.

    None where nothing is known to be refused alike for that reason.
    """
    wanted = _REFUSED_FOR.get(reason) if reason is not None else None
    if reason is None or wanted is None:
        return None
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
    return RefusalKey(reason=reason, parts=tuple(repr(of_part[part]) for part in wanted))


def refusal_keys(scenario: Scenario, cell: Cell) -> list[RefusalKey]:
    """Return all keys that a trial of the cell may be refused by."""
    keys = (refusal_key(scenario, cell, reason) for reason in _REFUSED_FOR)
    return [key for key in keys if key is not None]


class Refusals:
    """What did not run since this process began: what would be refused alike need not begin."""

    def __init__(self) -> None:
        self._cells: dict[RefusalKey, Cell] = {}

    def add(
        self, scenario: Scenario, cell: Cell, outcome: Outcome, reason: EndReason | None
    ) -> None:
        """Note how a trial ended."""
        key = refusal_key(scenario, cell, reason)
        if outcome is Outcome.NOT_RUN and key is not None:
            self._cells.setdefault(key, cell)

    def alike(self, scenario: Scenario, cell: Cell) -> Cell | None:
        """Return a cell that was refused as a trial of this one would be; None where none was."""
        keys = refusal_keys(scenario, cell)
        return next((self._cells[key] for key in keys if key in self._cells), None)


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
