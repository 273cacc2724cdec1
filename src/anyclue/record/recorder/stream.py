r"""The recording on disk: a header that is whole, and a stream that is only appended to.

The stream is gzip, flushed after every sample, so that ``kill -9`` loses the last sample at most.
Inside are records ``NAME NANOSECONDS LENGTH\n`` and LENGTH bytes; the time is CLOCK_MONOTONIC.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib

SCHEMA = "anyclue.record/1"
HEADER = "record.json"
STREAM = "stream.gz"
_GZIP = 16 + zlib.MAX_WBITS
_FASTEST = 1


class Stream:
    """Appends records to ``stream.gz``."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._packer = zlib.compressobj(_FASTEST, zlib.DEFLATED, _GZIP)
        self._pending: list[bytes] = []

    def add(self, name: str, time_ns: int, data: bytes) -> None:
        """Hold a record for the next `flush`."""
        self._pending.append(b"%s %d %d\n" % (name.encode(), time_ns, len(data)))
        self._pending.append(data)

    def event(self, time_ns: int, what: str, **fields: object) -> None:
        """Hold an event: JSON with what happened to the command or to the recorder."""
        self.add("event", time_ns, json.dumps({"what": what, **fields}).encode())

    def flush(self) -> None:
        """Hand everything held to the kernel.

        Raises:
            OSError: the disk is full, or gone.
        """
        if self._pending:
            data = self._packer.compress(b"".join(self._pending))
            self._pending.clear()
            self._write(data + self._packer.flush(zlib.Z_SYNC_FLUSH))

    def close(self) -> None:
        """End the stream; what is on the way goes to the disk."""
        with contextlib.suppress(OSError):
            self._write(self._packer.flush(zlib.Z_FINISH))
            os.fsync(self._fd)
        os.close(self._fd)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._fd, data) :]


def write_header(path: str, fields: dict[str, object]) -> None:
    """Write the header so that it is never seen half-written."""
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
        json.dump({"schema": SCHEMA, **fields}, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{path}.tmp", path)
