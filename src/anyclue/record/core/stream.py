r"""The stream of ``anyclue record``: gzip of records ``NAME NANOSECONDS LENGTH\n`` and their data.

What is cut short or damaged ends it; only a file that is none from the start is refused.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

HEADER = "record.json"
STREAM = "stream.gz"
SCHEMA = "anyclue.record/1"
_RECORD = re.compile(rb"([a-z-]{1,20}) (\d{1,19}) (\d{1,9})\n")
_MAGIC: Final = b"\x1f\x8b"
_CHUNK = 1 << 18
_MOST = 64 << 20
"""No record is larger; a length beyond it is damage."""

Record: TypeAlias = tuple[str, int, bytes]


def stream_records(path: Path) -> Iterator[Record]:
    """Give the whole records of a stream: name, nanoseconds, data.

    Raises:
        OSError: it cannot be read.
        ValueError: it begins with something else.
    """
    with path.open("rb") as file:
        begin = file.read(len(_MAGIC))
        if not _MAGIC.startswith(begin):
            raise ValueError(f"{path.name} is not in gzip format")
        file.seek(0)
        yield from parse_records(unpacked(iter(lambda: file.read(_CHUNK), b"")))


def unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Give what a gzip stream holds, as far as it is whole."""
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    for chunk in chunks:
        data = chunk
        while data and not unpacker.eof:
            try:
                piece = unpacker.decompress(data, _CHUNK)
            except zlib.error:
                return
            yield piece
            data = unpacker.unconsumed_tail


def parse_records(chunks: Iterable[bytes]) -> Iterator[Record]:
    """Give the whole records among bytes that come in any pieces."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        at = 0
        while True:
            header = _RECORD.match(held, at)
            if header is None:
                break
            end = header.end() + int(header[3])
            if int(header[3]) > _MOST:
                return
            if end > len(held):
                break
            yield header[1].decode(), int(header[2]), bytes(held[header.end() : end])
            at = end
        del held[:at]
        if len(held) > 64 and _RECORD.match(held) is None:
            return
