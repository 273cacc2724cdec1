"""The agent channel against agents that are slow, die, lie or talk too much."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.model.errors import InfrastructureError
from anyclue.recordings.telemetry import read_telemetry
from anyclue.trial.guest.channel import (
    MAX_OUTPUT,
    Agent,
    GuestGoneError,
    GuestSilentError,
    Reply,
    pump_telemetry,
)

Guest = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Host = Callable[[Agent], Awaitable[Reply]]


async def _talk(guest: Guest, host: Host) -> Reply:
    ours, theirs = socket.socketpair()
    agent = await Agent.over(ours)
    reader, writer = await asyncio.open_connection(sock=theirs)

    async def play() -> None:
        await guest(reader, writer)
        writer.close()

    playing = asyncio.create_task(play())
    try:
        return await host(agent)
    finally:
        playing.cancel()
        await asyncio.wait({playing})
        agent.close()
        writer.close()


def talk(guest: Guest, host: Host | None = None) -> Reply:
    usual: Host = lambda agent: agent.request("run", payload="true", deadline_s=20)  # noqa: E731
    return asyncio.run(_talk(guest, host or usual))


def says(data: bytes, *, stays: bool = False) -> Guest:
    async def guest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(data)
        await writer.drain()
        if stays:
            await asyncio.sleep(300)

    return guest


def test_a_request_and_its_reply() -> None:
    heard: list[bytes] = []

    async def guest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        header = await reader.readline()
        heard.extend((header, await reader.readexactly(int(header.split()[2]))))
        for piece in (b"out 3\nab", b"\n", b"out 0\n", b"out 2\n", "é".encode(), b"done 42\n"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)  # in pieces

    reply = talk(guest, lambda agent: agent.request("run", 7, "echo é\n", deadline_s=20))
    assert reply == Reply(status=42, output="ab\né")
    assert heard == [b"run 7 8\n", "echo é\n".encode()]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"done",
        b"done \n",
        b"done x\n",
        b"out 5\nab",
        b"out -1\n",
        b"out 99999999999\n",
        b"out x\n",
        b"out 3\nabc",
        b"hello\n",
        b"\xff\xfe\n",
        b"\n",
        b"x" * 200_000,
        b"x" * 200_000 + b"\ndone 0\n",
        b"out " + b"9" * 6000 + b"\n",
    ],
)
def test_what_no_agent_would_say(data: bytes) -> None:
    with pytest.raises(GuestGoneError):
        talk(says(data))
    with pytest.raises(GuestGoneError, match="before its agent started"):
        talk(says(data), _started)


async def _started(agent: Agent) -> Reply:
    agent.sysrq("w")  # wakes the guest of these tests
    await agent.started(deadline_s=20)
    return Reply(status=0, output="")


def test_silence() -> None:
    quiet = says(b"out 2\nab", stays=True)
    with pytest.raises(GuestSilentError, match=r"no answer within 0\.1 s"):
        talk(quiet, lambda agent: agent.request("run", deadline_s=0.1))

    async def boot(agent: Agent) -> Reply:
        await agent.started(deadline_s=0.1)
        return Reply(status=0, output="")

    with pytest.raises(GuestSilentError, match="no agent within"):
        talk(quiet, boot)


def test_a_guest_that_does_not_read_is_silent() -> None:
    async def deaf(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(300)

    with pytest.raises(GuestSilentError):
        talk(deaf, lambda agent: agent.request("run", payload="x" * 5_000_000, deadline_s=0.2))


def test_more_output_than_anybody_needs() -> None:
    piece = b"out 1048576\n" + b"x" * (1 << 20)
    reply = talk(says(piece * 3 + b"done 0\n"))
    assert reply.status == 0
    assert len(reply.output) == MAX_OUTPUT


def test_started() -> None:
    assert talk(says(b"done 0\n"), _started).status == 0


@settings(max_examples=40)
@given(
    st.binary(max_size=60)
    | st.lists(
        st.sampled_from([b"out ", b"done ", b"1", b"-", b"\n", b" ", b"out 1\nx", b"done 0\n"])
    ).map(b"".join)
)
def test_whatever_it_says_it_ends(data: bytes) -> None:
    try:
        reply = talk(says(data))
    except GuestGoneError:
        return
    assert len(reply.output) <= len(data)


async def _pump(data: bytes, into: Path, heard: list[str]) -> None:
    ours, theirs = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=theirs)
    pump = asyncio.create_task(pump_telemetry(ours, into, heard.append))
    writer.write(data)
    writer.close()
    await asyncio.wait_for(pump, 20)


def pump(data: bytes, into: Path) -> list[str]:
    heard: list[str] = []
    asyncio.run(_pump(data, into, heard))
    return heard


KMSG = b"kmsg 5 9\n6,1,5,-;x"
MEMORY = b"meminfo 7 15\nMemFree: 12 kB\n"


@pytest.mark.parametrize("cut", range(len(MEMORY)))
def test_only_whole_records_are_kept(tmp_path: Path, cut: int) -> None:
    into = tmp_path / "telemetry"
    assert pump(KMSG + MEMORY + MEMORY[:cut], into) == ["6,1,5,-;x"]
    assert into.read_bytes() == KMSG + MEMORY


@pytest.mark.parametrize(
    "bad",
    [
        b"x\n",
        b"a b\n",
        b"a b c d\n",
        b"meminfo 1 -1\n",
        b"meminfo 1 999999999\n",
        b"meminfo 1 " + b"9" * 5000 + b"\n",
        b"x" * 3_000_000,
        b"\xff" * 10 + b"\n",
    ],
)
def test_a_hostile_record_ends_the_recording_not_us(tmp_path: Path, bad: bytes) -> None:
    into = tmp_path / "telemetry"
    pump(KMSG + MEMORY + bad + MEMORY, into)
    assert into.read_bytes() == KMSG + MEMORY
    assert len(read_telemetry(into).samples) == 1


@pytest.mark.parametrize("cut", range(1, len(KMSG)))
def test_a_guest_saved_in_the_middle_of_a_record(tmp_path: Path, cut: int) -> None:
    """What it still has to send of that record is passed over, and the recording begins."""
    into = tmp_path / "telemetry"
    pump(KMSG[cut:] + MEMORY + MEMORY, into)
    assert into.read_bytes().endswith(MEMORY + MEMORY)
    assert len(read_telemetry(into).samples) == 1  # both are of one time
    rest_of_a_file = b"ree: 12 kB\nnr_free_pages 12\nslab 1 2 3\n"
    pump(rest_of_a_file + MEMORY, into)
    assert into.read_bytes() == MEMORY


def test_a_hostile_log_line_ends_nothing(tmp_path: Path) -> None:
    data = b"kmsg 1 3\n\xff\n;" + MEMORY
    assert pump(data, tmp_path / "telemetry") == ["\ufffd\n;"]
    assert (tmp_path / "telemetry").read_bytes() == data


def test_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="cannot record"):
        pump(MEMORY, tmp_path / "nowhere" / "telemetry")


def test_a_channel_that_closes_is_told_in_words() -> None:
    with pytest.raises(GuestGoneError, match=r"^the guest ended \(its channel closed\)$"):
        talk(says(b"out 3\nabc"))
