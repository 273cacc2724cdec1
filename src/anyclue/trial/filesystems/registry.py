"""The file systems that workloads run on, by name."""

from collections.abc import Mapping

from anyclue.trial.filesystems.btrfs import BTRFS
from anyclue.trial.filesystems.exfat import EXFAT
from anyclue.trial.filesystems.ext4 import EXT4
from anyclue.trial.filesystems.f2fs import F2FS
from anyclue.trial.filesystems.file_system import FileSystem
from anyclue.trial.filesystems.xfs import XFS

FILE_SYSTEMS: Mapping[str, FileSystem] = {fs.name: fs for fs in (BTRFS, EXT4, XFS, F2FS, EXFAT)}
