"""F2FS."""

from __future__ import annotations

from anyclue.trial.filesystems.file_system import FileSystem, FileSystemCheck, MountFeature

# fsck.f2fs says 4, "errors left uncorrected"; with -f and --dry-run together it says 1, "errors
# corrected", and corrects nothing (findings/f2fs_dry_run_says_corrected.sh). Without -f it looks
# only at what the superblock says of itself. 255 is that it could not open the file system.
LEFT_UNCORRECTED = frozenset({1, 4, 5})


def compression(mount: str) -> MountFeature | None:
    """Return what ``compress_algorithm`` asks for.

    A file system that was made without compression is mounted without, and only files that are
    told to be are compressed.
    """
    asked = [one for one in mount.split(",") if one.startswith("compress_algorithm=")]
    if not asked:
        return None
    return MountFeature(
        option=asked[-1].partition(":")[0],
        fact="compressed_blocks_saved",
        unseen="no block was saved by it",
    )


F2FS = FileSystem(
    name="f2fs",
    directory="fs/f2fs",
    modules=("f2fs",),
    symbols=("CONFIG_F2FS_FS=m", "CONFIG_F2FS_FS_XATTR=y", "CONFIG_F2FS_FS_POSIX_ACL=y"),
    packages=("f2fs-tools",),
    programs=("sbin/mkfs.f2fs", "sbin/fsck.f2fs"),
    version=("mkfs.f2fs", "-V"),
    keep=("-t", "0"),
    mkfs=("mkfs.f2fs", "-q", "-f", "{keep}", "{options}", "{device}", "{sectors}"),
    smallest_mib=64,
    check=FileSystemCheck(command=("fsck.f2fs", "-f", "--dry-run"), damaged=LEFT_UNCORRECTED),
    count=(
        *("sh", "-c"),
        "cat /sys/fs/f2fs/*/compr_saved_block 2>/dev/null | sed 's/^/compressed_blocks_saved /'",
    ),
    feature=compression,
)
