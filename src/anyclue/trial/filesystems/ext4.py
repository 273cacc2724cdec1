"""ext4, with its journal jbd2 beside."""

from anyclue.trial.filesystems.file_system import FileSystem, FileSystemCheck

# e2fsck(8): bits. 4 is "errors left uncorrected", the only one that speaks of the file system when
# -n answers every question with no: 8 beside it says that the check gave up on what it found, and
# alone, as 16 and more, that the check itself went wrong.
UNCORRECTED = frozenset(status for status in range(16) if status & 4)

EXT4 = FileSystem(
    name="ext4",
    directory="fs/ext4",
    modules=("ext4",),
    symbols=("CONFIG_EXT4_FS=m", "CONFIG_EXT4_FS_POSIX_ACL=y"),
    packages=("e2fsprogs",),
    programs=("sbin/mkfs.ext4", "sbin/e2fsck"),
    files=("etc/mke2fs.conf",),
    version=("mkfs.ext4", "-V"),
    keep=("-E", "nodiscard"),
    mkfs=("mkfs.ext4", "-q", "-F", "{keep}", "{options}", "{device}", "{mib}M"),
    smallest_mib=8,
    check=FileSystemCheck(command=("e2fsck", "-fn"), damaged=UNCORRECTED),
)
