"""What a trial must know of a file system: modules, programs, commands, how a feature is seen."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

FROM_SHELL: Final = 126
"""From here on a status is the shell's: a program was not started, or was ended by a signal."""


@dataclass(frozen=True, kw_only=True)
class MountFeature:
    """What mount options ask for, and how a trial proves that it was exercised.

    Attributes:
        option: as /proc/self/mountinfo shows it when it is in force, or how that begins.
        fact: the fact of a round that counts what was stored by it; none where being in force is
            all that there is to see.
        unseen: what was found where that fact is 0, in words.
    """

    option: str
    fact: str = ""
    unseen: str = ""


@dataclass(frozen=True, kw_only=True)
class FileSystemCheck:
    """What says whether an unmounted file system is whole.

    Attributes:
        command: an argv without the device.
        damaged: the exit statuses that say that it is not; None: every one of its own but 0. Any
            other says nothing of the file system: the check itself failed, or was killed.
    """

    command: tuple[str, ...]
    damaged: frozenset[int] | None = None

    def finds_damage(self, status: int) -> bool:
        """Return whether an exit status other than 0 speaks of the file system."""
        return status < FROM_SHELL and (self.damaged is None or status in self.damaged)


def no_feature(_mount: str) -> MountFeature | None:
    """Return None: no mount option is passed over in silence."""
    return None


@dataclass(frozen=True, kw_only=True)
class FileSystem:
    """One file system.

    Attributes:
        name: its type, as ``mount -t`` has it.
        directory: where the kernel's tree has it.
        modules: what the kernel needs for it, as modprobe has it; what these depend on is asked of
            the kernel. They are the modules under test.
        symbols: what a kernel that is built for it has in its configuration.
        packages: the packages of Debian's with its programs; the first makes it.
        programs: paths in these packages of what runs in the guest.
        files: and of what those read.
        version: what shows that the programs run.
        keep: the options with which mkfs does not discard what is on the device, which takes time.
        mkfs: what makes it, whatever was on the device. ``{keep}``, ``{options}`` and ``{device}``
            are where these go; in other words ``{mib}`` and ``{sectors}`` (of 512 bytes) stand for
            its size.
        smallest_mib: the smallest that mkfs makes; a smaller one that is asked for is as large.
        check: what says whether an unmounted one is whole.
        count: what prints facts of all its files, below the mount point ``{mnt}``; may be nothing.
        feature: finds in mount options what has to be seen at work; None when nothing has.
    """

    name: str
    directory: str
    modules: tuple[str, ...]
    symbols: tuple[str, ...]
    packages: tuple[str, ...]
    programs: tuple[str, ...]
    files: tuple[str, ...] = ()
    version: tuple[str, ...]
    keep: tuple[str, ...] = ()
    mkfs: tuple[str, ...]
    smallest_mib: int
    check: FileSystemCheck
    count: tuple[str, ...] = ()
    feature: Callable[[str], MountFeature | None] = no_feature

    def size_mib(self, wanted: int) -> int:
        """Return the size of one for which ``wanted`` was asked."""
        return max(wanted, self.smallest_mib)

    def mkfs_command(self, device: str, size_mib: int, options: Sequence[str]) -> str:
        """Return the command that makes one of ``size_mib`` on ``device``."""
        return shlex.join(self._mkfs(device, size_mib, options, self.keep))

    def mkfs_line(self, device: str, size_mib: int, options: Sequence[str]) -> str:
        """Return the same for a shell, for a reader: ``device`` stands there as it is."""
        words = self._mkfs("{device}", size_mib, options, ())
        return " ".join(device if word == "{device}" else shlex.quote(word) for word in words)

    def _mkfs(
        self, device: str, size_mib: int, options: Sequence[str], keep: Sequence[str]
    ) -> list[str]:
        lists = {"{options}": options, "{keep}": keep, "{device}": [device]}
        return [
            part
            for word in self.mkfs
            for part in lists.get(
                word,
                [word.replace("{mib}", str(size_mib)).replace("{sectors}", str(size_mib * 2048))],
            )
        ]

    def mount_command(self, device: str, mount_point: str, options: str) -> str:
        """Return the command that mounts one with ``options`` (none when empty)."""
        given = ("-o", options) if options else ()
        return shlex.join(("mount", "-t", self.name, *given, device, mount_point))
