"""Running the recorder as its users do, and a file system of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zipapp, where every user can read it."""
    path = tmp_path_factory.mktemp("zipapp") / "anyclue-record.pyz"
    subprocess.run([ROOT / "tools" / "build-zipapp", path], check=True, capture_output=True)
    for parent in (path.parent, path.parent.parent):
        parent.chmod(0o755)
    return path


@pytest.fixture
def recorder(archive: Path) -> Run:
    """Run the zipapp with these arguments."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(archive), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture
def btrfs(tmp_path: Path) -> Iterator[Path]:
    """A Btrfs on a loop device, mounted; skipped where that cannot be had."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    if shutil.which("mkfs.btrfs") is None:
        pytest.skip("mkfs.btrfs is not installed")
    if "btrfs" not in Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has no Btrfs")
    image, mount = tmp_path / "image", tmp_path / "mnt"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(300 << 20)
    subprocess.run(["mkfs.btrfs", "-q", image], check=True, capture_output=True)
    mounted = subprocess.run(
        ["mount", "-o", "loop,compress=lzo", image, mount], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no loop device: {mounted.stderr.decode().strip()}")
    yield mount
    subprocess.run(["umount", mount], check=True)


@pytest.fixture
def kmsg() -> Path:
    """The kernel log, where this user can read and write it; skipped elsewhere."""
    path = Path("/dev/kmsg")
    try:
        with path.open("rb+", buffering=0):
            return path
    except OSError as error:
        pytest.skip(f"/dev/kmsg cannot be used: {error.strerror}")
