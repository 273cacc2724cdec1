"""btrfs: of its mount options, compression is what has to be seen at work."""

from __future__ import annotations

from anyclue.trial.filesystems.file_system import (
    FileSystem,
    FileSystemCheck,
    MountFeature,
)


def compression(mount: str) -> MountFeature | None:
    """Return what the last ``compress`` option among mount options asks for, if any."""
    asked = None
    for option in mount.split(","):
        name, _, value = option.partition("=")
        if name in ("compress", "compress-force"):
            kind = value.partition(":")[0] or "zlib"
            asked = None if kind in ("no", "none") else (name, kind)
    if asked is None:
        return None
    name, kind = asked
    return MountFeature(
        option=f"{name}={kind}", fact=f"extents_{kind}", unseen=f"no extent on disk is {kind}"
    )


BTRFS = FileSystem(
    name="btrfs",
    directory="fs/btrfs",
    modules=("btrfs",),
    symbols=("CONFIG_BTRFS_FS=m", "CONFIG_BTRFS_FS_POSIX_ACL=y"),
    packages=("btrfs-progs",),
    programs=("bin/btrfs", "sbin/mkfs.btrfs"),
    version=("mkfs.btrfs", "--version"),
    keep=("-K",),
    mkfs=("mkfs.btrfs", "-q", "-f", "{keep}", "-b", "{mib}M", "{options}", "{device}"),
    smallest_mib=128,
    check=FileSystemCheck(command=("btrfs", "check")),
    count=("fsload", "extents", "{mnt}"),
    feature=compression,
)
