"""The guest's agent as a process of this host, on pseudo-terminals in place of virtio ports.

Never asked here: quiesce, floor and sysrq, which would work on the host's own kernel.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from anyclue.recordings.telemetry import parse_telemetry

PATIENCE_S = 20.0


@dataclass
class Talk:
    """The host's ends of both ports; whoever waits for one reads both, so that nothing blocks."""

    control: int
    telemetry: int
    heard: dict[int, bytearray] = field(default_factory=dict)

    def read(self, seconds: float = 0.05) -> None:
        ready, _, _ = select.select([self.control, self.telemetry], [], [], seconds)
        for end in ready:
            self.heard.setdefault(end, bytearray()).extend(os.read(end, 1 << 16))

    def send(self, verb: str, number: int = 0, payload: str = "", *, length: int = -1) -> None:
        data = payload.encode()
        size = len(data) if length < 0 else length
        rest = f"{verb} {number} {size}\n".encode() + data
        deadline = time.monotonic() + PATIENCE_S
        while rest:
            assert time.monotonic() < deadline
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(self.control, rest[:2048]) :]
            self.read(0)

    def reply(self) -> tuple[str, int]:
        """Wait for the end of an answer; return its output and status."""
        output = bytearray()
        while True:
            word, number = self._line().split()
            if word == b"done":
                return output.decode(), int(number)
            assert word == b"out"
            output += self._bytes(int(number))

    def ask(self, verb: str, number: int = 0, payload: str = "") -> tuple[str, int]:
        self.send(verb, number, payload)
        return self.reply()

    def records(self, name: str) -> list[tuple[int, bytes]]:
        """Return the whole telemetry records of one name; read by hand, not by the parser."""
        data, found = bytes(self.heard.get(self.telemetry, b"")), []
        while match := re.match(rb"(\S+) (\d+) (\d+)\n", data):
            end = match.end() + int(match[3])
            if end > len(data):
                break
            if match[1].decode() == name:
                found.append((int(match[2]), data[match.end() : end]))
            data = data[end:]
        return found

    def wait_for_records(self, name: str, count: int) -> list[tuple[int, bytes]]:
        deadline = time.monotonic() + PATIENCE_S
        while len(found := self.records(name)) < count:
            assert time.monotonic() < deadline
            self.read()
        return found

    def _line(self) -> bytes:
        return self._until(lambda data: data.find(b"\n") + 1)

    def _bytes(self, size: int) -> bytes:
        return self._until(lambda data: size if len(data) >= size else 0) if size else b""

    def _until(self, end_of: Callable[[bytearray], int]) -> bytes:
        deadline = time.monotonic() + PATIENCE_S
        heard = self.heard.setdefault(self.control, bytearray())
        while not (end := end_of(heard)):
            assert time.monotonic() < deadline, bytes(heard)
            self.read()
        found = bytes(heard[:end])
        del heard[:end]
        return found


@pytest.fixture
def talk(agent: Path) -> Iterator[Talk]:
    (control, control_slave), (telemetry, telemetry_slave) = os.openpty(), os.openpty()
    for end in (control_slave, telemetry_slave):
        tty.setraw(end)
    os.set_blocking(control, False)
    argv = [str(agent), os.ttyname(control_slave), os.ttyname(telemetry_slave)]
    with subprocess.Popen(argv) as process:
        talk = Talk(control, telemetry)
        try:
            assert talk.reply() == ("", 0)  # it is there
            yield talk
        finally:
            process.kill()
    for end in (control, control_slave, telemetry, telemetry_slave):
        os.close(end)


def test_a_command(talk: Talk) -> None:
    assert talk.ask("run", 0, "echo out; echo err >&2; exit 3") == ("out\nerr\n", 3)
    assert talk.ask("run", 0, "true") == ("", 0)
    assert talk.ask("run", 0, "kill -9 $$") == ("", 128 + 9)
    assert talk.ask("run", 0, "no-such-program-of-anyclue 2>/dev/null")[1] == 127
    assert talk.ask("run", 0, "cat; [ -t 0 ] || echo none") == ("none\n", 0)
    assert talk.ask("run", 0, "") == ("", 0)


def test_much_output_arrives_whole(talk: Talk) -> None:
    output, status = talk.ask("run", 0, "seq 40000")
    assert status == 0
    assert output.split() == [str(number) for number in range(1, 40001)]


def test_a_long_script(talk: Talk) -> None:
    script = "".join(f"echo {'x' * 60} >/dev/null\n" for _ in range(500)) + "echo end"
    assert talk.ask("run", 0, script) == ("end\n", 0)


def test_a_job_in_the_background_does_not_hold_the_answer(talk: Talk) -> None:
    output, status = talk.ask("run", 0, "sleep 300 & echo $!")
    assert status == 0
    os.kill(int(output), 15)
    assert talk.ask("run", 0, "echo still here") == ("still here\n", 0)


def test_pipes_break_as_usual(talk: Talk) -> None:
    """A signal that the agent ignores for itself must not be ignored by what it starts."""
    # What reads the pipe prints nothing: of two processes none has to be the first to print.
    assert talk.ask("run", 0, "(yes; echo $? >&2) | :") == ("141\n", 0)


def test_one_command_at_a_time(talk: Talk) -> None:
    talk.send("run", 0, "sleep 3; echo never")
    assert talk.ask("run", 0, "echo second") == ("", 125)
    assert talk.ask("mark", 0, "{}") == ("", 125)
    assert talk.records("mark") == []


def test_requests_that_are_none(talk: Talk) -> None:
    assert talk.ask("dance") == ("", 125)
    assert talk.ask("dance", 0, "with a payload") == ("", 125)
    talk.send("run x", 0)
    assert talk.reply() == ("", 125)
    assert talk.ask("run", 0, "echo fine") == ("fine\n", 0)


def test_a_request_that_is_too_long_is_passed_over(talk: Talk) -> None:
    """Its payload must not be taken for requests."""
    line = "mark 0 2\n{}"
    payload = line * ((1 << 20) // len(line) + 1)
    assert talk.ask("run", 0, payload) == ("", 125)
    assert talk.ask("run", 0, "echo fine") == ("fine\n", 0)
    assert talk.records("mark") == []


def test_samples(talk: Talk) -> None:
    assert talk.ask("sample", 2) == ("", 0)
    talk.wait_for_records("vmstat", 2)
    first, second = talk.wait_for_records("meminfo", 2)
    assert first[0] < second[0]
    assert first[1].startswith(b"MemTotal:")
    assert b"nr_free_pages " in talk.records("vmstat")[0][1]
    assert {at for at, _ in talk.records("vmstat")} == {first[0], second[0]}
    readings = parse_telemetry(bytes(talk.heard[talk.telemetry])).samples
    assert len(readings) >= 2
    assert {"meminfo.MemFree", "pcp.total", "vmstat.nr_free_pages"} <= readings[0].counters.keys()


def test_names_of_slab_caches(talk: Talk) -> None:
    assert talk.ask("caches") == ("", 0)
    assert talk.ask("mark", 0, "x") == ("", 0)
    talk.wait_for_records("mark", 1)
    slab = Path("/sys/kernel/slab")
    links = {file for file in slab.glob("*") if file.is_symlink()} if slab.is_dir() else set()
    sent = b"".join(data for _, data in talk.records("caches")).decode().splitlines()
    assert set(sent) == {f"{file.name} {file.readlink()}" for file in links}


def test_the_rate(talk: Talk) -> None:
    assert talk.ask("rate", 50_000) == ("", 0)
    times = [at for at, _ in talk.wait_for_records("meminfo", 5)]
    assert times == sorted(set(times))
    assert talk.ask("rate", 0) == ("", 0)
    assert talk.ask("mark", 0, "x") == ("", 0)
    talk.wait_for_records("mark", 1)
    count = len(talk.records("meminfo"))
    for _ in range(5):
        talk.read()
    assert len(talk.records("meminfo")) == count


def test_sampling_goes_on_while_a_command_runs(talk: Talk) -> None:
    talk.ask("rate", 50_000)
    talk.send("run", 0, "sleep 3")
    assert len(talk.wait_for_records("meminfo", 3)) >= 3


def test_marks(talk: Talk) -> None:
    text = json.dumps({"name": "full", "round": 3, "data": {"files": 7, "é": "x"}})
    before = time.monotonic_ns()
    assert talk.ask("mark", 0, text) == ("", 0)
    ((at, payload),) = talk.wait_for_records("mark", 1)
    assert payload.decode() == text
    assert before <= at <= time.monotonic_ns()
    (mark,) = parse_telemetry(bytes(talk.heard[talk.telemetry])).marks
    assert (mark.round, mark.data) == (3, {"files": 7, "é": "x"})


def test_the_killer_of_processes_takes_the_command_first(talk: Talk) -> None:
    assert talk.ask("run", 0, "cat /proc/self/oom_score_adj") == ("500\n", 0)


def test_the_agent_has_no_huge_pages_and_what_it_runs_may(talk: Talk) -> None:
    """6.12 and 7.3 split a huge page and make it anew, between floors: 2 MiB each."""
    command = 'grep -h "^THP_enabled" /proc/$PPID/status /proc/$$/status'
    assert talk.ask("run", 0, command) == ("THP_enabled:\t0\nTHP_enabled:\t1\n", 0)


def test_usage(agent: Path) -> None:
    for argv, status in (([], 2), (["/nowhere", "/nowhere"], 1)):
        done = subprocess.run([str(agent), *argv], capture_output=True, check=False, timeout=20)
        assert (done.returncode, bool(done.stderr)) == (status, True)


def raw(talk: Talk, count: int) -> list[tuple[str, bytes]]:
    """The pieces of files that came, with their names."""
    pieces = (data.partition(b"\n") for _, data in talk.wait_for_records("raw", count))
    return [(name.decode(), piece) for name, _, piece in pieces]


def test_a_file_is_sent_whole(talk: Talk, tmp_path: Path) -> None:
    content = os.urandom(700_000)
    (tmp_path / "with spaces").write_bytes(content)
    assert talk.ask("send", 1 << 20, f"some-name {tmp_path}/with spaces") == ("", 0)
    talk.ask("mark", 0, "x")
    talk.wait_for_records("mark", 1)
    pieces = raw(talk, 1)
    assert {name for name, _ in pieces} == {"some-name"}
    assert b"".join(piece for _, piece in pieces) == content


def test_a_file_is_sent_up_to_its_limit(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(5000))
    assert talk.ask("send", 1000, f"n {tmp_path}/file") == ("", 2)
    assert raw(talk, 1) == [("n", bytes(1000))]


@pytest.mark.parametrize("payload", ["n /no/such/file", "nothing", f"{'n' * 41} /dev/null", ""])
@pytest.mark.parametrize("verb", ["send", "follow"])
def test_what_cannot_be_sent(talk: Talk, verb: str, payload: str) -> None:
    assert talk.ask(verb, 1000, payload) == ("", 1)
    assert talk.records("raw") == []


def test_a_followed_file_is_sent_as_it_grows(talk: Talk, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR)
    try:
        assert talk.ask("follow", 0, f"pipe {pipe}") == ("", 0)
        os.write(end, b"one")
        assert talk.ask("drain") == ("", 0)
        assert raw(talk, 1) == [("pipe", b"one")]
        os.write(end, b"two")
        assert talk.ask("rate", 20_000) == ("", 0)
        assert raw(talk, 2)[1] == ("pipe", b"two")
    finally:
        os.close(end)


def test_no_more_files_are_followed_than_there_is_room_for(talk: Talk) -> None:
    answers = [talk.ask("follow", 0, f"n{n} /dev/null") for n in range(20)]
    assert answers == [("", 0)] * 16 + [("", 1)] * 4
