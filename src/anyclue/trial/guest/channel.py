"""The agent channel: requests to the guest's agent, and the telemetry that it sends back.

The protocol is described at the top of ``agent/agent.c``. Everything that arrives is hostile:
lengths are bounded, and text is never taken for more than bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from anyclue.model.errors import AnyclueError, InfrastructureError
from anyclue.trial.guest.steal import GuestClock, within

MAX_RECORD = 8 << 20
MAX_OUTPUT = 1 << 20
TELEMETRY_MAX = 2 << 30
MOST_LINES_BEFORE = 5000
_HEADER = re.compile(
    rb"(?:meminfo|zoneinfo|vmstat|slabinfo|vmallocinfo|pools|mounts|threads|caches|floor|mark|raw"
    rb"|kmsg(?:-lost)?) \d{1,19} \d{1,9}\n$"
)
NOT_THE_PROTOCOL = (EOFError, ValueError, asyncio.LimitOverrunError)


class GuestSilentError(AnyclueError):
    """The guest did not answer before its deadline."""


class GuestGoneError(AnyclueError):
    """The guest ended (QEMU exited, or closed the port) while an answer was due."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a request gave: the command's exit status and its output, cut at 1 MiB."""

    status: int
    output: str


class Agent:
    """The host's end of the control port. Deadlines are in seconds of ``clock``, the guest's."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: GuestClock
    ) -> None:
        self.clock = clock
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket, clock: GuestClock | None = None) -> Agent:
        """Speak over a connected socket."""
        reader, writer = await asyncio.open_connection(sock=end)
        return cls(reader, writer, clock or GuestClock())

    async def request(
        self, verb: str, number: int = 0, payload: str = "", *, deadline_s: float
    ) -> Reply:
        """Send a request and wait for its end.

        Raises:
            GuestSilentError: no end within ``deadline_s`` seconds.
            GuestGoneError: the guest is gone, or answers what no agent would.
        """
        data = payload.encode()
        try:
            async with within(self.clock, deadline_s):
                self._writer.write(f"{verb} {number} {len(data)}\n".encode() + data)
                await self._writer.drain()
                return await self._reply()
        except TimeoutError as error:
            raise GuestSilentError(f"no answer within {deadline_s:g} s") from error
        except (OSError, *NOT_THE_PROTOCOL) as error:
            closed = isinstance(error, EOFError)  # whose own words are about bytes
            why = "its channel closed" if closed else error or type(error).__name__
            raise GuestGoneError(f"the guest ended ({why})") from error

    async def started(self, *, deadline_s: float) -> None:
        """Wait for a booting guest's agent to say that it is there."""
        try:
            async with within(self.clock, deadline_s):
                await self._reply()
        except TimeoutError as error:
            raise GuestSilentError(f"no agent within {deadline_s:g} s of booting") from error
        except (OSError, *NOT_THE_PROTOCOL) as error:
            raise GuestGoneError("the guest ended before its agent started") from error

    def sysrq(self, key: str) -> None:
        """Press a magic SysRq key, also while a request is under way (it has no answer)."""
        with contextlib.suppress(OSError):
            self._writer.write(f"sysrq {ord(key)} 0\n".encode())

    async def _reply(self) -> Reply:
        output = bytearray()
        while True:
            word, _, number = (await self._reader.readuntil(b"\n")).decode().partition(" ")
            if word == "done":
                return Reply(status=int(number), output=output.decode(errors="replace"))
            if word != "out" or not 0 <= int(number) <= MAX_RECORD:
                raise ValueError("not the agent's protocol")
            output += await self._reader.readexactly(int(number))
            del output[MAX_OUTPUT:]

    def close(self) -> None:
        """Close the host's end."""
        self._writer.close()


async def pump_telemetry(
    end: socket.socket, into: Path, on_kernel_log: Callable[[str], None]
) -> None:
    """Copy whole telemetry records to a file until the guest ends.

    A record that was cut short by the guest's death is left out, and so is the rest of one that
    was under way when the guest was saved.

    Raises:
        InfrastructureError: the disk is full, or the guest sends more than a trial ever needs.
    """
    reader, writer = await asyncio.open_connection(sock=end, limit=1 << 20)
    written = 0
    try:
        with into.open("wb") as file:
            header = await _first_header(reader)
            while True:
                name, _, length = header.split(b" ")
                size = int(length)
                written += size
                if not 0 <= size <= MAX_RECORD:
                    return
                if written > TELEMETRY_MAX:
                    raise InfrastructureError(
                        f"the guest sent more than {TELEMETRY_MAX >> 20} MiB of telemetry",
                        where=str(into),
                        next_step="lower limits.sample_hz or limits.rounds",
                    )
                data = await reader.readexactly(size)
                file.write(header)
                file.write(data)
                if name == b"kmsg":
                    on_kernel_log(data.decode(errors="replace"))
                    file.flush()
                header = await reader.readuntil(b"\n")
    except (ConnectionError, *NOT_THE_PROTOCOL):
        return  # the guest is gone: what is whole is in the file
    except OSError as error:
        raise InfrastructureError(
            f"cannot record: {error.strerror}", where=str(into), next_step="free some space"
        ) from error
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def kept_telemetry(end: socket.socket, into: Path) -> AsyncIterator[None]:
    """Do what `pump_telemetry` does for as long as the context lasts."""
    pump = asyncio.create_task(pump_telemetry(end, into, lambda _: None))
    try:
        yield
    finally:
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)


async def _first_header(reader: asyncio.StreamReader) -> bytes:
    for _ in range(MOST_LINES_BEFORE):
        line = await reader.readuntil(b"\n")
        # The rest of a log record ends without a line's end: the header is what follows it.
        if header := _HEADER.search(line):
            return header[0]
    raise ValueError("not the agent's protocol")
