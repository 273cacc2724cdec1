"""What to record: the command line of the recorder alone, and checks before anything is made."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .command import AttachedProcess
from .errors import RecordError

HZ_BOUNDS = (0.5, 50.0)


@dataclass(frozen=True)
class Request:
    """What to record: ``command``, or with none the process ``pid``, or with neither until Ctrl-C.

    ``quiesce`` stops the command at each test's begin to write back and drop caches.
    """

    out: str
    command: tuple[str, ...] = ()
    pid: int | None = None
    hz: float = 5.0
    quiesce: bool = False


def log(text: str) -> None:
    """Write a line of progress to stderr."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"anyclue record: {text}\n")
            sys.stderr.flush()


def check_request(request: Request) -> None:
    """Check what can be checked before.

    Raises:
        RecordError: the request is wrong.
    """
    low, high = HZ_BOUNDS
    if not low <= request.hz <= high:
        raise RecordError(f"--hz {request.hz:g}: must be {low:g} to {high:g}", exit_code=2)
    if request.quiesce and not (request.command and os.geteuid() == 0):
        raise RecordError(
            "--quiesce needs root and a command that it may stop for a moment",
            "leave --quiesce out, or: sudo anyclue record --quiesce -- ./check -g quick",
            exit_code=2,
        )
    if request.command and shutil.which(request.command[0]) is None:
        raise RecordError(
            f"{request.command[0]}: there is no such command",
            "name it as a shell would find it: anyclue record -- ./check -g quick",
            exit_code=2,
        )
    if not request.command:
        AttachedProcess(request.pid)
    if not sys.platform.startswith("linux"):
        raise RecordError("only Linux has what is recorded here")


def parse_arguments(arguments: Sequence[str] | None) -> Request:
    """Return what is asked for; argparse exits with 2 on a wrong option.

    Raises:
        RecordError: neither a command nor ``--attach``, or both.
    """
    parser = argparse.ArgumentParser(
        prog="anyclue-record",
        description="Record the memory of this machine while a command runs.",
        epilog="Examples: anyclue-record -- ./check -g quick; anyclue-record --attach --pid 4711",
    )
    parser.add_argument("--out", metavar="RUN", help="run directory to make")
    parser.add_argument("--hz", type=float, default=5.0, help="samples a second [default: 5]")
    parser.add_argument("--attach", action="store_true", help="until Ctrl-C, without a command")
    parser.add_argument("--pid", type=int, help="with --attach: until this process ends")
    parser.add_argument("--quiesce", action="store_true", help="drop caches between tests (root)")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    given = parser.parse_args(arguments)
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    return request_of(given.out, command, given.attach, given.pid, given.hz, given.quiesce)


def request_of(
    out: str | None,
    command: Sequence[str],
    attach: bool,
    pid: int | None,
    hz: float,
    quiesce: bool,
) -> Request:
    """Check that the options fit together, and return them.

    Raises:
        RecordError: they do not.
    """
    if attach == bool(command):
        raise RecordError(
            "name a command, or --attach, not both" if attach else "there is nothing to record",
            "as in: anyclue record -- ./check -g quick, or: anyclue record --attach",
            exit_code=2,
        )
    if pid is not None and not attach:
        raise RecordError("--pid goes with --attach", "add --attach", exit_code=2)
    out = out or time.strftime("runs/record-%Y%m%d-%H%M%S")
    return Request(out=out, command=tuple(command), pid=pid, hz=hz, quiesce=quiesce)
