"""btrfs: of its mount options, compression is what has to be seen at work."""

from __future__ import annotations

from anyclue.trial.filesystems.file_system import FileSystem, MountFeature


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
    mkfs=("mkfs.btrfs", "-q", "-f", "-K", "-b", "{size}", "{options}", "{device}"),
    check=("btrfs", "check"),
    count=("fsload", "extents", "{mnt}"),
    feature=compression,
)
