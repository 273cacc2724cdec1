"""Which trials are run: those wanted that have no outcome, then those that judging still wants."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from anyclue.model.reason import NotRun
from anyclue.model.recording import Outcome, Recording
from anyclue.model.scenario import Cell, Limits
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import write_recording
from anyclue.trial.scheduler import TrialKey, next_trial, run_until_proven, wants_another

CELL = Cell(kernel="k", machine="m", mkfs="d", mount="d", workload="w")


def test_what_is_wanted_is_run_once_and_more_while_it_is_wanted(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    executed: list[tuple[list[int], int]] = []

    def record(number: int) -> None:
        place = run.trial(CELL, number)
        place.mkdir(parents=True)
        recording = Recording(cell=CELL, trial=number, outcome=Outcome.PASSED, detail="", ram_kib=1)
        write_recording(place, recording, seconds=1, lost_log=0)

    async def execute(missing: Sequence[TrialKey], total: int) -> None:
        executed.append(([number for _, number in missing], total))
        for _, number in missing:
            record(number)

    def judge() -> tuple[int, Sequence[TrialKey]]:
        key = next_trial(run, CELL)
        return key[1], [key] if key[1] <= 4 else []

    record(1)
    wanted = [(CELL, 1), (CELL, 2)]
    assert asyncio.run(run_until_proven(run, wanted, execute, judge)) == 5
    assert executed == [([2], 2), ([3], 3), ([4], 4)]


@pytest.mark.parametrize(
    ("verdict", "outcome", "trials", "wanted"),
    [
        (Verdict.UNPROVEN, Outcome.PASSED, 2, True),
        (Verdict.UNPROVEN, Outcome.LOST, 3, True),
        (Verdict.UNPROVEN, Outcome.LOST, 4, False),
        (Verdict.UNPROVEN, Outcome.NOT_RUN, 2, False),
        (Verdict.LEAK, Outcome.PASSED, 2, False),
    ],
)
def test_more_trials_of_a_cell(
    verdict: Verdict, outcome: Outcome, trials: int, *, wanted: bool
) -> None:
    found = CellVerdict(
        cell=CELL,
        outcome=outcome,
        verdict=verdict,
        because=NotRun(),
        rate_kib_per_round=None,
        rate_ci95_kib=None,
        signature=None,
        signature_detail=None,
        classes={},
        rounds=0,
        warm_up=0,
        trials=trials,
        reference=None,
    )
    assert wants_another(found, Limits(extra_trials=2), planned=2) is wanted
