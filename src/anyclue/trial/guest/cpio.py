"""The "newc" cpio format of an initramfs (kernel: driver-api/early-userspace/buffer-format).

Written here because device nodes can then be packed without root, and the same entries always give
the same bytes.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, kw_only=True)
class CpioEntry:
    """One file: ``mode`` with its type bits, ``device`` as (major, minor)."""

    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def program(path: Path) -> CpioEntry:
    """Return an executable regular file with the content of ``path``."""
    return CpioEntry(mode=stat.S_IFREG | 0o755, data=path.read_bytes())


def pack(entries: Mapping[str, CpioEntry]) -> bytes:
    """Return an archive of ``entries`` (relative paths), with parent directories added."""
    complete: dict[str, CpioEntry] = {}
    for name, entry in sorted(entries.items()):
        for parent in reversed(PurePosixPath(name).parents[:-1]):
            complete.setdefault(str(parent), CpioEntry(mode=stat.S_IFDIR | 0o755))
        complete[name] = entry
    out = bytearray()
    for number, (name, entry) in enumerate(complete.items(), start=1):
        _append(out, name, entry, number)
    _append(out, "TRAILER!!!", CpioEntry(mode=0), 0)
    return bytes(out)


def _append(out: bytearray, name: str, entry: CpioEntry, inode: int) -> None:
    encoded = name.encode() + b"\0"
    fields = (
        *(inode, entry.mode, 0, 0, 1, 0, len(entry.data)),
        *(0, 0, *entry.device, len(encoded), 0),
    )
    out += b"070701" + b"".join(b"%08X" % field for field in fields)
    for part in (encoded, entry.data):
        out += part
        out += b"\0" * (-len(out) % 4)
