"""What is recorded: a command that we start, a process that runs already, or until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence

from .errors import RecordError

NOT_FOUND, NOT_EXECUTABLE = 127, 126
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command:
    """A command that we started; Ctrl-C reaches it from the terminal, or through us."""

    def __init__(self, argv: Sequence[str], *, own_group: bool) -> None:
        self.own_group = own_group
        try:
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL if own_group else None,
                # Not a new session: a stopped group that loses its parent is woken by the kernel.
                preexec_fn=os.setpgrp if own_group else None,  # noqa: PLW1509 - one system call
            )
        except OSError as error:
            raise RecordError(
                f"{argv[0]}: cannot be started: {error.strerror}",
                "name the command as a shell would find it: anyclue record -- ./check -g quick",
                exit_code=2,
            ) from error

    def status(self) -> int | None:
        """Return its exit status as a shell gives it, None while it runs."""
        code = self._process.poll()
        return code if code is None or code >= 0 else 128 - code

    def signal(self, number: int) -> None:
        """Hand a signal on; the terminal has done that already with SIGINT, in our own group."""
        with contextlib.suppress(ProcessLookupError):
            if self.own_group:
                os.killpg(self._process.pid, number)
            elif number != signal.SIGINT:
                self._process.send_signal(number)


class AttachedProcess:
    """A process of somebody else's, or nothing in particular (None): until Ctrl-C."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._begin = _start_time(pid) if pid is not None else None
        if pid is not None and self._begin is None:
            raise RecordError(
                f"there is no process {pid}",
                "name one that runs, as `pgrep -f check` finds it, or leave --pid out",
                exit_code=2,
            )

    def status(self) -> int | None:
        """Return 0 when it has ended, None while it runs."""
        if self._pid is None or _start_time(self._pid) == self._begin:
            return None
        return 0

    def signal(self, number: int) -> None:
        """Do nothing: it is not ours."""


def _start_time(pid: int) -> str | None:
    """Return when a process began, which tells it from a later one with its number."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]
