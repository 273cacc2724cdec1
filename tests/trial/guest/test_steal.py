"""Steal time: what a busy host costs a guest is not counted against its deadlines."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from anyclue.trial.guest import steal
from anyclue.trial.guest.steal import GuestClock, within


class Host:
    """A host that tells of one process, and whose time goes on when it is told to."""

    def __init__(self, proc: Path) -> None:
        self.proc = proc
        self.at = 1000.0
        self.waited: dict[int, float] = {}
        self.state = "S"

    def real(self) -> float:
        return self.at

    def clock(self) -> GuestClock:
        return GuestClock(7, proc=self.proc, real=self.real)

    def passes(self, seconds: float, **waited: float) -> None:
        """Let time pass; ``t1=2`` says that thread 1 waited for a CPU for 2 s of it."""
        self.at += seconds
        for name, more in waited.items():
            tid = int(name.removeprefix("t"))
            self.waited[tid] = self.waited.get(tid, 0.0) + more
        self.write()

    def write(self) -> None:
        for tid, waited in self.waited.items():
            task = self.proc / "7" / "task" / str(tid)
            task.mkdir(parents=True, exist_ok=True)
            (task / "schedstat").write_text(f"5 {round(waited * 1e9)} 3\n")
            (task / "stat").write_text(f"{tid} (CPU 0/TCG) x) {self.state} 1 1\n")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(tmp_path)
    made.passes(0.0, t1=5.0, t2=3.0)
    return made


def test_waiting_for_a_cpu_is_no_time_of_the_guests(host: Host) -> None:
    clock = host.clock()
    assert clock.now() == 0.0  # what it waited before is not counted
    host.passes(10.0)
    assert clock.now() == 10.0
    host.passes(10.0, t1=4.0, t2=1.0)  # the longest of all threads
    assert clock.now() == pytest.approx(16.0)
    host.passes(1.0, t3=2.0)  # a new thread; no more than has passed
    assert clock.now() == pytest.approx(16.0)
    assert clock.real_s == 21.0


def test_a_stopped_guest_has_no_time(host: Host) -> None:
    clock = host.clock()
    host.state = "T"
    host.passes(1.0)
    assert clock.now() == 1.0  # it was seen to run before, so it may have run until now
    host.passes(60.0)
    assert clock.now() == 1.0
    host.state = "S"
    host.passes(2.0)
    assert clock.now() == 3.0


@pytest.mark.parametrize("text", ["", "1 2", "1 x 3\n"])
def test_where_nothing_is_told_it_is_real_time(host: Host, text: str) -> None:
    clock = host.clock()
    (host.proc / "7" / "task" / "1" / "schedstat").write_text(text)
    (host.proc / "7" / "task" / "2" / "stat").write_text(text)
    host.at += 5.0
    assert 0.0 <= clock.now() <= 5.0
    assert GuestClock(8, proc=host.proc, real=host.real).now() == 0.0
    assert GuestClock(real=host.real).now() == 0.0
    host.at += 5.0
    assert GuestClock(None, real=host.real).real_s == 0.0


class Stalling(GuestClock):
    """A guest that can never run."""

    def now(self) -> float:
        return 0.0


async def _forever(clock: GuestClock, seconds: float) -> None:
    async with within(clock, seconds):
        await asyncio.Event().wait()


@pytest.mark.parametrize("clock", [GuestClock(), Stalling()])
def test_a_deadline_ends_at_last(clock: GuestClock) -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(_forever(clock, 0.01))


def test_a_deadline_waits_for_a_guest_that_cannot_run(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer comes after ten times the deadline in real time, when it could run again."""
    monkeypatch.setattr(steal, "POLL_S", 0.001)
    clock = host.clock()

    async def answer() -> str:
        async with within(clock, 5.0):
            for _ in range(20):
                host.passes(2.5, t1=2.4)
                await asyncio.sleep(0.002)
            return "answer"

    assert asyncio.run(answer()) == "answer"

    async def too_late() -> None:
        async with within(clock, 5.0):
            while True:
                host.passes(2.5, t1=1.5)
                await asyncio.sleep(0.002)

    with pytest.raises(TimeoutError):
        asyncio.run(too_late())
