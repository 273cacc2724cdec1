"""The executor of this machine: guests side by side, as many as it can hold."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from anyclue.recordings.run_directory import RunDirectory
from anyclue.system.files import move_whole, staging
from anyclue.system.store import Store
from anyclue.system.time_limit import TimeLimit, TimeLimitReachedError
from anyclue.system.workers import processors
from anyclue.trial.model import TrialJob, TrialResult, always
from anyclue.trial.run import run_trial

QEMU_OVERHEAD_MIB = 256
MEMORY_SHARE = 0.8


class LocalExecutor:
    """Runs trials as local QEMU processes; a `anyclue.trial.model.TrialExecutor`."""

    def __init__(
        self,
        store: Store,
        run: RunDirectory,
        jobs: int | None = None,
        time_limit: TimeLimit | None = None,
    ) -> None:
        self._store = store
        self._run = run
        self._jobs = jobs
        self._time = time_limit or TimeLimit()

    async def run(
        self, jobs: Sequence[TrialJob], is_wanted: Callable[[TrialJob], bool] = always
    ) -> AsyncGenerator[TrialResult, None]:
        """Run all wanted jobs, yielding each as it ends; leaving early stops the rest.

        Raises:
            TimeLimitReachedError: some did not begin; those that did have ended.
        """
        if not jobs:
            return
        limit = self._jobs or fitting_jobs(jobs)
        waiting = iter(jobs)
        running: set[asyncio.Task[TrialResult]] = set()
        tasks: list[asyncio.Task[TrialResult]] = []
        late = False
        try:
            while True:
                while len(running) < limit and (job := next(waiting, None)) is not None:
                    wanted = is_wanted(job)
                    late = late or (wanted and self._time.is_reached)
                    if wanted and not late:
                        tasks.append(asyncio.create_task(self._deliver(job)))
                        running.add(tasks[-1])
                if not running and late:
                    raise TimeLimitReachedError
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(self, job: TrialJob) -> TrialResult:
        place = self._run.trial(job.cell, job.trial)
        with staging(place.parent, place.name) as directory:
            result = await run_trial(job, self._store, directory)
            await move_whole(directory, place)
        return result


def fitting_jobs(jobs: Sequence[TrialJob]) -> int:
    """Return how many of these guests this machine holds at once: by cores and free memory."""
    largest = max(job.image.machine.ram_mib for job in jobs) + QEMU_OVERHEAD_MIB
    available = re.search(
        r"^MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE
    )
    by_memory = int(int(available[1]) / 1024 * MEMORY_SHARE // largest) if available else 1
    return max(1, min(processors(), by_memory))
