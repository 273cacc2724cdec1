"""What to record, checked before anything is made."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from dataclasses import dataclass

from .command import Attached
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


def default_out() -> str:
    """Return the run directory's name when none is given."""
    return time.strftime("runs/record-%Y%m%d-%H%M%S")


def say(text: str) -> None:
    """Write a line of progress to stderr."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"anyclue record: {text}\n")
            sys.stderr.flush()


def check(request: Request) -> None:
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
        Attached(request.pid)
    if not sys.platform.startswith("linux"):
        raise RecordError("only Linux has what is recorded here")
