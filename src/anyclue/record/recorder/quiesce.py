"""Quiescing between tests: the command is stopped, all is written back, caches are dropped.

Nothing waits here: the recorder goes on sampling, and asks at every tick.
"""

from __future__ import annotations

import os
import signal
import threading
import time

from .command import Command

READINGS = 5
DEADLINE_S = 60.0
DROP_CACHES = "/proc/sys/vm/drop_caches"
STAT_REFRESH = "/proc/sys/vm/stat_refresh"


def _drain() -> None:
    os.sync()
    for path, value in ((DROP_CACHES, "3"), (STAT_REFRESH, "1")):
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write(value)
        except OSError:
            return


class Quiesce:
    """One quiesce: `step` is called at every tick and returns the events that happened."""

    def __init__(self, command: Command | None) -> None:
        self._command = command
        self._thread = threading.Thread(target=_drain, daemon=True)
        self._deadline = time.monotonic() + DEADLINE_S
        self._left = READINGS
        self._draining = True
        if command is not None:
            command.signal(signal.SIGSTOP)
        self._thread.start()

    def step(self) -> tuple[str, bool]:
        """Return the event of this tick ("" for none) and whether it is over.

        "floor-begin" comes with the first reading of the floor, "floor-end" with its last;
        "quiesce-late" says that writing back took too long: then there is no floor.
        """
        if self._draining:
            if self._thread.is_alive():
                if time.monotonic() < self._deadline:
                    return "", False
                self.release()
                return "quiesce-late", True
            self._draining = False
            return "floor-begin", False
        self._left -= 1
        if self._left > 1:
            return "", False
        self.release()
        return "floor-end", True

    def release(self) -> None:
        """Let the command go on."""
        if self._command is not None:
            self._command.signal(signal.SIGCONT)
