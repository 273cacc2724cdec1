"""The guest of one cell, interactively: restored, module loaded, file system mounted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
import tempfile
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

from anyclue.model.errors import InfrastructureError
from anyclue.model.scenario import Cell, Scenario
from anyclue.report.text import clean
from anyclue.trial.context import Context
from anyclue.trial.guest.channel import GuestGoneError, GuestSilentError, kept_telemetry
from anyclue.trial.guest.machine import Guest, running
from anyclue.trial.preparation import prepare_one
from anyclue.trial.run import boot_of, session_of
from anyclue.trial.session import TrialEndedError
from anyclue.trial.workloads.suite import MOUNT_POINT, workload_suite

LEAVE = b"\x1d"  # Ctrl-]
SHELL = f"cd {MOUNT_POINT}; exec sh -i </dev/hvc0 >/dev/hvc0 2>&1"
SESSION_S = 7 * 24 * 3600.0
LAST_OUTPUT_S = 0.3


async def shell(scenario: Scenario, cell: Cell, context: Context) -> None:
    """Connect the terminal to a shell in the guest of ``cell`` until it ends or Ctrl-] is typed."""
    suite = workload_suite(scenario, cell)
    job = await prepare_one(scenario, cell, context, suite=suite)
    with tempfile.TemporaryDirectory(prefix="anyclue-shell-") as name:
        directory = Path(name)
        snapshot = context.store.get(job.image.snapshot)
        boot = boot_of(job, context.store, directory)
        async with (
            running(boot, directory, snapshot=snapshot.file("state")) as guest,
            kept_telemetry(guest.ends["telemetry"], directory / "telemetry"),
        ):
            try:
                await suite.rounds(session_of(job, guest.agent)).set_up()
                sys.stderr.write(f"{cell.id}: {MOUNT_POINT} is mounted. Ctrl-] leaves.\n")
                await _connect(guest)
            except (TrialEndedError, GuestGoneError, GuestSilentError) as error:
                raise InfrastructureError(clean(str(error)), where=cell.id) from error


async def _connect(guest: Guest) -> None:
    """Join terminal and guest until the shell ends, Ctrl-] is typed, or the guest is gone."""
    reader, writer = await asyncio.open_connection(sock=guest.ends["shell"])
    loop = asyncio.get_running_loop()
    left = asyncio.Event()
    handle = sys.stdin.fileno()

    def typed() -> None:
        data = os.read(handle, 1024)
        if LEAVE in data:
            left.set()
        elif data:
            writer.write(data)
        else:
            # The end of a script: the shell ends after the last command.
            loop.remove_reader(handle)
            writer.write(b"\nexit\n")

    async def show() -> None:
        while data := await reader.read(4096):
            os.write(sys.stdout.fileno(), data)

    with _raw_terminal():
        kind = os.fstat(handle).st_mode
        if stat.S_ISREG(kind) or (stat.S_ISCHR(kind) and not os.isatty(handle)):
            # Files and /dev/null are always ready, so they cannot be waited for.
            writer.write(sys.stdin.buffer.read() + b"\nexit\n")
        else:
            loop.add_reader(handle, typed)
        shown = asyncio.ensure_future(show())
        session = guest.agent.request("run", payload=SHELL, deadline_s=SESSION_S)
        ends = {shown, asyncio.ensure_future(session), asyncio.ensure_future(left.wait())}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({shown}, timeout=LAST_OUTPUT_S)
        finally:
            loop.remove_reader(handle)
            for end in ends:
                end.cancel()
            await asyncio.wait(ends)
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
