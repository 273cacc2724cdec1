"""The executor of this machine: who begins, and when that is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anyclue.model.errors import InfrastructureError
from anyclue.model.recording import EndReason, Outcome
from anyclue.recordings.run_directory import RunDirectory
from anyclue.system.store import Store
from anyclue.system.time_limit import TimeLimit, TimeLimitReachedError
from anyclue.trial import executor
from anyclue.trial.executor import LocalExecutor
from anyclue.trial.model import TrialJob, TrialResult

if TYPE_CHECKING:
    from collections.abc import Callable


class Jobs:
    """Jobs by number, and trials that end in the order in which they are told to."""

    def __init__(self, count: int) -> None:
        self.all = [self._job(number) for number in range(1, count + 1)]
        self.began: list[int] = []
        self.fails: int | None = None

    def _job(self, number: int) -> TrialJob:
        job: Any = type("Job", (), {"trial": number})()
        return job  # type: ignore[no-any-return]

    async def deliver(self, _executor: LocalExecutor, job: TrialJob) -> TrialResult:
        self.began.append(job.trial)
        await asyncio.sleep(0)
        if job.trial == self.fails:
            raise InfrastructureError("the disk is full", where="", next_step="")
        return TrialResult(
            job=job, outcome=Outcome.NOT_RUN, detail="", seconds=0, reason=EndReason.MKFS_FAILED
        )


async def results(
    tmp_path: Path, jobs: Jobs, width: int, is_wanted: Callable[[TrialJob, list[int]], bool]
) -> list[int]:
    ended: list[int] = []
    local = LocalExecutor(Store(tmp_path), RunDirectory(tmp_path), width)
    async for result in local.run(jobs.all, lambda job: is_wanted(job, ended)):
        ended.append(result.job.trial)  # noqa: PERF401 - ``is_wanted`` looks at it meanwhile
    return ended


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    made = Jobs(8)

    async def deliver(self: LocalExecutor, job: TrialJob) -> TrialResult:
        return await made.deliver(self, job)

    monkeypatch.setattr(executor.LocalExecutor, "_deliver", deliver)
    return made


@pytest.mark.parametrize("width", [1, 3, 20])
def test_all_wanted_jobs_run(tmp_path: Path, jobs: Jobs, width: int) -> None:
    ended = asyncio.run(results(tmp_path, jobs, width, lambda job, _: job.trial % 2 == 0))
    assert sorted(ended) == sorted(jobs.began) == [2, 4, 6, 8]


@pytest.mark.parametrize("width", [1, 3])
def test_what_ended_is_heard_before_the_next_begins(tmp_path: Path, jobs: Jobs, width: int) -> None:
    """Once one trial ended as refused, none begins that would be, too."""
    asyncio.run(results(tmp_path, jobs, width, lambda _, ended: not ended))
    assert jobs.began == list(range(1, width + 1)), "those that ran already are left alone"


def test_a_failure_ends_all(tmp_path: Path, jobs: Jobs) -> None:
    jobs.fails = 2
    with pytest.raises(InfrastructureError, match="disk is full"):
        asyncio.run(results(tmp_path, jobs, 2, lambda *_: True))
    assert jobs.began == [1, 2]
    assert asyncio.run(results(tmp_path, Jobs(0), 2, lambda *_: True)) == []


def test_once_the_time_is_up_none_begins_and_those_that_run_end(tmp_path: Path, jobs: Jobs) -> None:
    class TwoLooks(TimeLimit):
        looks = 0

        @property
        def is_reached(self) -> bool:
            self.looks += 1
            return self.looks > 2

    async def run(limit: TimeLimit) -> list[int]:
        local = LocalExecutor(Store(tmp_path), RunDirectory(tmp_path), 2, limit)
        ended: list[int] = []
        try:
            async for result in local.run(jobs.all):
                ended.append(result.job.trial)  # noqa: PERF401 - it raises on the way
        except TimeLimitReachedError:
            return ended
        raise AssertionError("all began")

    assert sorted(asyncio.run(run(TwoLooks()))) == jobs.began == [1, 2]
    assert asyncio.run(run(TimeLimit(0))) == []
    assert jobs.began == [1, 2]
