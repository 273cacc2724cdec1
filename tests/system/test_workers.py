"""Worker processes: answers in order, failures told, none outlives its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from anyclue.model.errors import InfrastructureError
from anyclue.system.workers import Workers


class Counter:
    """What a worker keeps."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, number: int) -> int:
        self.total += number
        return self.total

    def pid(self) -> int:
        return os.getpid()

    def fail(self, text: str) -> None:
        raise ValueError(text)

    def die(self, number: int) -> None:
        os.kill(os.getpid(), number)

    def sleep(self, seconds: float) -> str:
        time.sleep(seconds)
        return "slept"

    def much(self, size: int, data: bytes) -> bytes:
        return data * size

    def strange(self) -> Callable[[], None]:
        return lambda: None


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_each_keeps_its_own() -> None:
    with Workers(3, Counter) as workers:
        assert len(workers) == 3
        assert workers.each("add", [(1,), (2,), (3,)]) == [1, 2, 3]
        assert workers.each("add", [(1,), (2,), (3,)]) == [2, 4, 6]
        pids = workers.each("pid", [()] * 3)
        assert len({*pids, os.getpid()}) == 4
    assert all(gone(pid) for pid in pids)
    assert not multiprocessing.active_children()


def test_what_is_made_is_made_in_the_worker() -> None:
    with Workers(2, lambda: [os.getpid()]) as workers:
        first, second = workers.each("copy", [(), ()])
    assert first != second != [os.getpid()]


def test_large_arguments_and_answers() -> None:
    with Workers(2, Counter) as workers:
        found = workers.each("much", [(8, b"x" * (1 << 20))] * 2)
    assert [len(one) for one in found] == [8 << 20] * 2


def test_large_arguments_while_answers_are_large() -> None:
    # Both directions are full at once: nobody may wait for the other.
    with Workers(2, Counter) as workers:
        for _ in range(3):
            workers.each("much", [(4, b"x" * (4 << 20))] * 2)


def test_a_failure_is_told_with_its_place() -> None:
    with Workers(2, Counter) as workers, pytest.raises(InfrastructureError) as caught:
        workers.each("fail", [("too bad",), ("too",)])
    assert "ValueError: too bad" in str(caught.value)
    assert "please report it" in str(caught.value)
    assert not multiprocessing.active_children()


def test_an_answer_that_cannot_be_sent_is_told() -> None:
    with Workers(2, Counter) as workers, pytest.raises(InfrastructureError):
        workers.each("strange", [(), ()])
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_dies_is_one_clear_error(number: int) -> None:
    begin = time.monotonic()
    with Workers(2, Counter) as workers, pytest.raises(InfrastructureError) as caught:
        workers.each("die", [(number,), (0,)])
    assert "a worker process died" in str(caught.value)
    assert "--jobs 1" in str(caught.value)
    assert not multiprocessing.active_children()
    assert time.monotonic() - begin < 3


def test_a_worker_that_is_dead_already() -> None:
    with Workers(2, Counter) as workers:
        pids = workers.each("pid", [(), ()])
        os.kill(pids[0], signal.SIGKILL)
        wait_until(lambda: gone(pids[0]))
        with pytest.raises(InfrastructureError, match="died"):
            workers.each("add", [(1,), (1,)])


def test_an_error_here_waits_for_nobody() -> None:
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - begin < 3
    assert not multiprocessing.active_children()


def interrupted() -> None:
    with Workers(2, Counter) as workers:
        assert len(workers) == 2
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            workers.each("sleep", [(60.0,), (60.0,)])
        finally:
            signal.signal(signal.SIGALRM, before)


PARENT = """
import os, sys, time
sys.path.insert(0, {here!r})
from test_workers import Counter
from anyclue.system.workers import Workers
workers = Workers(2, Counter)
print(*workers.each("pid", [(), ()]), flush=True)
time.sleep(60)
"""


def test_none_outlives_its_parent() -> None:
    script = PARENT.format(here=str(Path(__file__).parent))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
    wait_until(lambda: all(gone(pid) for pid in pids))


def test_ctrl_c_is_the_parents_matter() -> None:
    with Workers(2, Counter) as workers:
        for pid in workers.each("pid", [(), ()]):
            os.kill(pid, signal.SIGINT)
        assert workers.each("add", [(1,), (1,)]) == [1, 1]
