"""exFAT."""

from anyclue.trial.filesystems.file_system import FileSystem, FileSystemCheck

# fsck.exfat(8): bits. 1 is "errors corrected", 4 "errors left"; 8 and more say that the check went
# wrong. It does not compare the bitmap of clusters with what is in use
# (findings/exfat_bitmap_not_checked.sh): that it finds nothing proves less than e2fsck does.
ERRORS = frozenset(status for status in range(8) if status & 5)

EXFAT = FileSystem(
    name="exfat",
    directory="fs/exfat",
    modules=("exfat",),
    symbols=("CONFIG_EXFAT_FS=m",),
    packages=("exfatprogs",),
    programs=("sbin/mkfs.exfat", "sbin/fsck.exfat"),
    version=("sh", "-c", "mkfs.exfat -V | grep version"),  # -V exits with 1
    mkfs=("mkfs.exfat", "{options}", "{device}"),
    smallest_mib=8192,  # it takes no size: it is as large as the disk
    check=FileSystemCheck(command=("fsck.exfat", "-n"), damaged=ERRORS),
)
