"""Really captured texts: a 6.1 guest's telemetry (i386, without marks), a 6.18 host's /proc."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"
AT_FLOORS = ("mounts", "threads")
SOURCES = ("meminfo", "zoneinfo", "vmstat", "slabinfo", "vmallocinfo")


@pytest.fixture(scope="session")
def stream() -> bytes:
    """Three records of the kernel log, then two whole samples."""
    return (DATA / "telemetry-i386.bin").read_bytes()


@pytest.fixture(scope="session")
def guest_proc(stream: bytes) -> Mapping[str, str]:
    """The first sample's /proc files; read with no help from the parser under test.

    What is read at floors alone is of another trial, pools of one of 6.12.
    """
    texts = {name: (DATA / f"{name}-6.1.txt").read_text() for name in AT_FLOORS}
    texts["pools"] = "btrfs_compr 172\n"
    rest = stream
    while rest:
        header, _, rest = rest.partition(b"\n")
        name, _, length = header.split(b" ")
        texts.setdefault(name.decode(), rest[: int(length)].decode())
        rest = rest[int(length) :]
    return texts


@pytest.fixture(scope="session")
def slab_links() -> str:
    """The links in /sys/kernel/slab of a 6.1 guest (i386), as the agent sends them."""
    return (DATA / "caches-6.1.txt").read_text()


@pytest.fixture(scope="session")
def host_proc() -> Mapping[str, str]:
    return {name: (DATA / f"{name}-6.18.txt").read_text() for name in SOURCES}
