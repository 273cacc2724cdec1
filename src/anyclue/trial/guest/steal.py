"""Steal time: how long the host kept a guest from running, and deadlines that leave it out.

A machine with much else to do gives a guest less than it asks for, and a guest that somebody
stopped gets nothing. That says nothing of its kernel, so its deadlines are in the time in which it
could run: real time less steal time (``/proc/PID/task/TID/schedstat``, whose second number is the
nanoseconds spent waiting for a CPU: Documentation/scheduler/sched-stats.rst; state ``T`` in
``/proc/PID/task/TID/stat``: proc_pid_stat(5)).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

POLL_S: Final = 1.0
SHORTEST_S: Final = 0.02
PATIENCE: Final = 10.0
"""So many times a deadline is waited for in real time, whatever the guest could run of it."""


class GuestClock:
    """The seconds in which a guest could run, since its clock was made.

    Where the kernel does not tell what the process waited for, that is real time.

    Args:
        pid: the process that runs the guest; None for a clock of real time.
        proc: where ``/proc`` is mounted.
        real: the clock of real time, in seconds.
    """

    def __init__(
        self,
        pid: int | None = None,
        *,
        proc: Path = Path("/proc"),
        real: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tasks = None if pid is None else proc / str(pid) / "task"
        self._real = real
        self._begin = self._seen = real()
        self._waited: dict[str, float] = {}
        self._was_stopped = False
        self._stolen = 0.0
        self.now()

    def now(self) -> float:
        """Return how long the guest could run, in seconds; to be asked every `POLL_S`."""
        at = self._real()
        elapsed, self._seen = at - self._seen, at
        before, was_stopped = self._waited, self._was_stopped
        self._waited, self._was_stopped = self._read()
        if was_stopped and self._was_stopped:
            self._stolen += elapsed
        else:
            # A thread that began since then waited no longer than it lived.
            waits = [after - before.get(tid, 0.0) for tid, after in self._waited.items()]
            self._stolen += min(max(waits, default=0.0), elapsed)
        return at - self._begin - self._stolen

    @property
    def real_s(self) -> float:
        """Return the seconds of real time since the clock was made."""
        return self._real() - self._begin

    def _read(self) -> tuple[dict[str, float], bool]:
        """Return how long each thread has waited for a CPU, and whether all are stopped."""
        waited, states = {}, []
        with contextlib.suppress(OSError, ValueError, IndexError):  # it is gone, or not told
            for task in self._tasks.iterdir() if self._tasks else ():
                waited[task.name] = int((task / "schedstat").read_text().split()[1]) / 1e9
                states.append((task / "stat").read_text().rpartition(")")[2].split()[0])
        return waited, bool(states) and set(states) <= {"T", "t"}


@contextlib.asynccontextmanager
async def within(clock: GuestClock, seconds: float) -> AsyncIterator[None]:
    """Give what is done in this context so many seconds of the guest's time.

    Raises:
        TimeoutError: they are over, or `PATIENCE` times as many of real time.
    """
    begin, loop = clock.now(), asyncio.get_running_loop()

    async def watch(timeout: asyncio.Timeout) -> None:
        while (left := seconds - (clock.now() - begin)) > 0:
            await asyncio.sleep(min(POLL_S, max(left, SHORTEST_S)))
        timeout.reschedule(loop.time())

    async with asyncio.timeout(PATIENCE * seconds) as timeout:
        watching = asyncio.create_task(watch(timeout))
        try:
            yield
        finally:
            watching.cancel()
