"""The guest of one cell, interactively: restored, module loaded, file system mounted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import sys
import tempfile
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

from anyclue.guests import Guest, pump_telemetry, running
from anyclue.hunts.context import Context
from anyclue.hunts.prepare import prepare_one
from anyclue.hunts.trial import boot_of
from anyclue.model.scenario import Cell, Scenario

LEAVE = b"\x1d"  # Ctrl-]
SET_UP_S = 60.0


async def shell(scenario: Scenario, cell: Cell, context: Context) -> None:
    """Connect the terminal to a shell in the guest of ``cell`` until it ends or Ctrl-] is typed."""
    job = await prepare_one(scenario, cell, context)
    with tempfile.TemporaryDirectory(prefix="anyclue-shell-") as name:
        directory = Path(name)
        snapshot = context.store.find(job.image.snapshot.kind, job.image.snapshot.key)
        boot = boot_of(job, context.store, directory)
        async with running(boot, directory, snapshot=snapshot.file("state")) as guest:
            pump = asyncio.create_task(
                pump_telemetry(guest.ends["telemetry"], directory / "telemetry", lambda _: None)
            )
            mount = shlex.join(("mount", "-o", job.mount or "rw", "/dev/vdb", "/mnt"))
            mkfs = shlex.join(("mkfs.btrfs", "-q", "-f", "-K", *job.mkfs, "/dev/vdb"))
            set_up = await guest.agent.request(
                "run",
                payload=f"cd /tmp && tar xf /dev/vda && insmod under-test.ko; {mkfs} && {mount}\n"
                "setsid sh -c 'cd /mnt; exec sh -i </dev/hvc0 >/dev/hvc0 2>&1; ' &\n",
                deadline_s=SET_UP_S,
            )
            sys.stderr.write(set_up.output)
            sys.stderr.write(f"{cell.id}: /mnt is mounted. Ctrl-] leaves.\r\n")
            try:
                await _connect(guest)
            finally:
                pump.cancel()


async def _connect(guest: Guest) -> None:
    reader, writer = await asyncio.open_connection(sock=guest.ends["shell"])
    loop = asyncio.get_running_loop()
    left = asyncio.Event()

    def typed() -> None:
        data = os.read(sys.stdin.fileno(), 1024)
        if not data or LEAVE in data:
            left.set()
        else:
            writer.write(data)

    async def show() -> None:
        while data := await reader.read(4096):
            os.write(sys.stdout.fileno(), data)

    with _raw_terminal():
        loop.add_reader(sys.stdin.fileno(), typed)
        try:
            ends = {asyncio.ensure_future(task) for task in (show(), left.wait())}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
        finally:
            loop.remove_reader(sys.stdin.fileno())
            writer.close()


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    handle = sys.stdin.fileno()
    if not os.isatty(handle):
        yield
        return
    before = termios.tcgetattr(handle)
    tty.setraw(handle)
    try:
        yield
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)
