"""Run commands: argv lists, logged quoted before they run, always with a deadline.

Every child dies with us, even when we are killed with SIGKILL: it is started through util-linux'
``setpriv --pdeathsig``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.model.errors import InfrastructureError

log = logging.getLogger(__name__)

TAIL_LINES = 15
SOFT_STOP_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Completed:
    """What a finished command left: exit status (negative: the signal) and its output."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str


class CommandError(InfrastructureError):
    """A command failed, ran out of time, or could not be started."""

    def __init__(self, argv: Sequence[str], reason: str, output: str = "") -> None:
        tail = "\n".join(f"    {line}" for line in output.strip().splitlines()[-TAIL_LINES:])
        what = f"{reason}: {shlex.join(argv)}"
        super().__init__(what + (f"\n{tail}" if tail else ""))
        self.argv = tuple(argv)
        self.output = output


def ended_with_parent(argv: Sequence[str]) -> tuple[str, ...]:
    """Wrap ``argv`` so that the kernel kills it when its parent is gone."""
    return ("setpriv", "--pdeathsig", "KILL", *argv)


async def start(
    argv: Sequence[str],
    *,
    stdout: int | None,
    stderr: int | None,
    stdin: int = asyncio.subprocess.DEVNULL,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> asyncio.subprocess.Process:
    """Start a long-lived command in a session of its own; the caller stops it with `stop`.

    Raises:
        CommandError: the command cannot be started.
    """
    log.debug("+ %s", shlex.join(argv))
    try:
        return await asyncio.create_subprocess_exec(
            *ended_with_parent(argv),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd,
            env={**os.environ, **(env or {}), "LC_ALL": "C.UTF-8"},
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
    except OSError as error:
        raise CommandError(argv, f"cannot start ({error.strerror})") from error


async def stop(process: asyncio.subprocess.Process) -> None:
    """Stop a command and all of its session: softly, then hard."""
    if process.returncode is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), SOFT_STOP_S)
            return


async def run(
    argv: Sequence[str],
    *,
    deadline_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: Path | None = None,
    check: bool = True,
) -> Completed:
    """Run a command to its end; it reads ``stdin`` (nothing, when None).

    Raises:
        CommandError: it cannot be started, takes longer than ``deadline_s`` seconds, or (with
            ``check``) exits with a status other than 0.
    """
    with (stdin or Path(os.devnull)).open("rb") as source:
        process = await start(
            argv,
            stdin=source.fileno(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=cwd,
            env=env,
        )
    try:
        out, err = await asyncio.wait_for(process.communicate(), deadline_s)
    except TimeoutError as error:
        await stop(process)
        # It may have ended itself, and left a background job that holds its output.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.communicate(), SOFT_STOP_S)
        raise CommandError(argv, f"still running after {deadline_s:g} s") from error
    finally:
        await stop(process)
    status = process.returncode
    assert status is not None  # noqa: S101 - communicate() has returned
    completed = Completed(
        argv=tuple(argv),
        status=status,
        stdout=out.decode(errors="replace"),
        stderr=err.decode(errors="replace"),
    )
    if check and status != 0:
        output = completed.stdout + completed.stderr
        raise CommandError(argv, f"exit status {status}", output)
    return completed
