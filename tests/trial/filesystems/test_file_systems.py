"""Every file system of the table: its commands, its check, its place in scenarios."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from anyclue.scenarios.schema import FileSystemName
from anyclue.trial.filesystems.f2fs import compression
from anyclue.trial.filesystems.file_system import FileSystem
from anyclue.trial.filesystems.registry import FILE_SYSTEMS
from anyclue.trial.filesystems.xfs import direct_access

MADE = {
    "btrfs": "mkfs.btrfs -q -f -K -b 400M -L 'a {mib}' /dev/vdb",
    "ext4": "mkfs.ext4 -q -F -E nodiscard -L 'a {mib}' /dev/vdb 400M",
    "xfs": "mkfs.xfs -q -f -K -d size=400m -L 'a {mib}' /dev/vdb",
    "exfat": "mkfs.exfat -L 'a {mib}' /dev/vdb",
    "f2fs": "mkfs.f2fs -q -f -t 0 -L 'a {mib}' /dev/vdb 819200",
}
DAMAGED = {
    "btrfs": list(range(1, 126)),  # 137 is one that the OOM killer ended, 127 one not there
    "ext4": [4, 5, 6, 7, 12, 13, 14, 15],
    "xfs": [1],
    "f2fs": [1, 4, 5],
    "exfat": [1, 3, 4, 5, 6, 7],
}
DAMAGE = {"f2fs": (range(8 << 20, 64 << 20, 1 << 12), 1)}
"""Where, and how many bytes: more than that, and fsck.f2fs cannot open it, or aborts."""
ALL = pytest.mark.parametrize("fs", FILE_SYSTEMS.values(), ids=lambda fs: fs.name)
PATH = "/usr/sbin:/sbin:/usr/bin:/bin"


def test_a_scenario_knows_them_all() -> None:
    assert get_args(FileSystemName) == tuple(FILE_SYSTEMS)


@ALL
def test_its_commands(fs: FileSystem) -> None:
    assert fs.mkfs_command("/dev/vdb", 400, ("-L", "a {mib}")) == MADE[fs.name]
    mounted = fs.mount_command("/dev/vdb", "/mnt", "ro,x=$(y)")
    assert shlex.split(mounted) == ["mount", "-t", fs.name, "-o", "ro,x=$(y)", "/dev/vdb", "/mnt"]
    line = fs.mkfs_line('"$DEV"', 400, ("-L", "a b"))
    assert '"$DEV"' in line
    assert "-L 'a b'" in line
    assert not set(fs.keep) & set(shlex.split(line))


@ALL
def test_its_smallest_size(fs: FileSystem) -> None:
    assert fs.size_mib(1) == fs.smallest_mib
    assert fs.size_mib(8192) == 8192


@ALL
def test_which_statuses_of_its_check_speak_of_the_file_system(fs: FileSystem) -> None:
    assert [status for status in range(1, 256) if fs.check.finds_damage(status)] == DAMAGED[fs.name]


@ALL
def test_what_its_check_says(fs: FileSystem, tmp_path: Path) -> None:
    """The programs themselves, where this machine has them: whole at first, then damaged."""
    if not all(shutil.which(one, path=PATH) for one in (fs.mkfs[0], fs.check.command[0])):
        pytest.skip(f"no {fs.mkfs[0]} or {fs.check.command[0]}")
    device = tmp_path / "device"
    size = fs.smallest_mib
    with device.open("wb") as file:
        file.truncate(size << 20)
    made = shlex.split(fs.mkfs_command(str(device), size, ()))
    subprocess.run(made, check=True, env={"PATH": PATH}, capture_output=True)
    assert device.stat().st_size == size << 20

    def status() -> int:
        argv = [*fs.check.command, str(device)]
        return subprocess.run(argv, check=False, env={"PATH": PATH}, capture_output=True).returncode

    assert status() == 0
    with device.open("r+b") as damaged:
        places, length = DAMAGE.get(fs.name, (range(1 << 12, size << 20, 1 << 16), 1024))
        for at in places:
            damaged.seek(at)
            if any(damaged.read(4096)):
                damaged.seek(at + 12)
                damaged.write(b"\xa5" * length)
    assert fs.check.finds_damage(status())


@pytest.mark.parametrize(
    ("mount", "asked"),
    [("", None), ("dax", "dax=always"), ("noatime,dax=always", "dax=always"), ("dax=inode", None)],
)
def test_xfs_leaves_out_direct_access_in_silence(mount: str, asked: str | None) -> None:
    feature = direct_access(mount)
    assert (feature and feature.option) == asked


@pytest.mark.parametrize(
    ("mount", "asked"),
    [
        ("compress_extension=*", None),
        ("compress_algorithm=lz4,compress_extension=*", "compress_algorithm=lz4"),
        ("compress_algorithm=zstd:3", "compress_algorithm=zstd"),
    ],
)
def test_f2fs_leaves_out_compression_in_silence(mount: str, asked: str | None) -> None:
    feature = compression(mount)
    assert (feature and feature.option) == asked
