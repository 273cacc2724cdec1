"""XFS."""

from __future__ import annotations

from anyclue.trial.filesystems.file_system import FileSystem, FileSystemCheck, MountFeature

# xfs_repair(8): with -n 1 is "corruption was detected". 2, a dirty log, is said without -n only:
# with it a log that waits to be replayed gives 1, too (findings/xfs_repair_n_dirty_log.sh), which
# after a clean unmount there is not.
CORRUPTION = frozenset({1})


def direct_access(mount: str) -> MountFeature | None:
    """Return what ``dax`` asks for: a device that cannot do it is mounted without it."""
    asked = [option for option in mount.split(",") if option in ("dax", "dax=always")]
    return MountFeature(option="dax=always") if asked else None


XFS = FileSystem(
    name="xfs",
    directory="fs/xfs",
    modules=("xfs",),
    symbols=("CONFIG_XFS_FS=m", "CONFIG_XFS_POSIX_ACL=y", "CONFIG_XFS_QUOTA=y"),
    packages=("xfsprogs",),
    programs=("sbin/mkfs.xfs", "sbin/xfs_repair"),
    version=("mkfs.xfs", "-V"),
    keep=("-K",),
    mkfs=("mkfs.xfs", "-q", "-f", "{keep}", "-d", "size={mib}m", "{options}", "{device}"),
    smallest_mib=300,
    check=FileSystemCheck(command=("xfs_repair", "-n"), damaged=CORRUPTION),
    feature=direct_access,
)
