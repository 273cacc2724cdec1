"""What is read: files of /proc, kept open, and the kernel's log. Nothing is parsed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

EVERY_TICK = ("meminfo", "zoneinfo")
SLOWER = {"vmstat": 1.0, "slabinfo": 2.0, "vmallocinfo": 10.0}
"""Files read less often: seconds between two readings, unless reading is dear (`affordable`)."""

SHARE = 1.0 / 1000
"""The share of one core that reading one of the slower files may take."""

NEXT_STEPS = {
    "slabinfo": "only root can read it: leaks in slab are seen, but not in which cache",
    "vmallocinfo": "only root can read it: vmalloc memory is seen, but not who asked for it",
    "zoneinfo": "free memory moves in steps of the per-CPU lists without it",
}
CHUNK = 1 << 16
RECORD = 8192
"""A record of /dev/kmsg is never longer."""

TEST_LINE = b";run fstests "
"""How `check` of fstests begins a test in the kernel log (after the prefix of /dev/kmsg)."""


class ProcFile:
    """One file of /proc, kept open."""

    def __init__(self, name: str, root: str) -> None:
        self.name = name
        self._fd = os.open(f"{root}/{name}", os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> bytes:
        """Return all of it; the kernel hands it out in pieces."""
        pieces: list[bytes] = []
        at = 0
        while True:
            piece = os.pread(self._fd, CHUNK, at)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            at += len(piece)

    def affordable(self, seconds: float) -> float:
        """Return ``seconds`` or, where reading is dear, the seconds after which it may be again."""
        begin = time.process_time()
        self.read()
        return max(seconds, (time.process_time() - begin) / SHARE)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def open_files(root: str = "/proc") -> tuple[list[ProcFile], dict[str, str]]:
    """Open what can be read; return the files, and of the rest why not."""
    files = []
    unread = {}
    for name in (*EVERY_TICK, *SLOWER):
        try:
            file = ProcFile(name, root)
            file.read()
            files.append(file)
        except OSError as error:
            why = NEXT_STEPS.get(name, "")
            unread[name] = f"{error.strerror}; {why}" if why else str(error.strerror)
    return files, unread


class KernelLog:
    """/dev/kmsg, from now on."""

    def __init__(self, path: str = "/dev/kmsg") -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def last_test(self) -> bytes | None:
        """Return the newest record that is still there of a test's begin, and go to the end."""
        found = None
        for record in self.records():
            if record and TEST_LINE in record:
                found = record
        return found

    def to_the_end(self) -> None:
        """Leave out what was logged so far."""
        os.lseek(self._fd, 0, os.SEEK_END)

    def records(self) -> Iterator[bytes | None]:
        """Give the records that wait; None where the kernel has overwritten some."""
        while True:
            try:
                record = os.read(self._fd, RECORD)
            except BlockingIOError:
                return
            except BrokenPipeError:
                yield None
                continue
            if not record:
                return
            yield record

    def close(self) -> None:
        """Close it."""
        os.close(self._fd)


def open_log(path: str = "/dev/kmsg") -> tuple[KernelLog | None, str]:
    """Open the kernel log, or return why it cannot be followed."""
    try:
        return KernelLog(path), ""
    except OSError as error:
        return None, (
            f"{error.strerror}; tests cannot be told apart without it:"
            " run as root, or set kernel.dmesg_restrict to 0"
        )
