"""What a trial must know of a file system: the commands, and how a feature is seen at work."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MountFeature:
    """What mount options ask for, and how a trial proves that it was exercised.

    Attributes:
        option: as /proc/self/mountinfo shows it when it is in force, or how that begins.
        fact: the fact of a round that counts what was stored by it.
        unseen: what was found where that fact is 0, in words.
    """

    option: str
    fact: str
    unseen: str


@dataclass(frozen=True, kw_only=True)
class FileSystem:
    """One file system; ``check`` is an argv without the device.

    Attributes:
        name: its type, as ``mount -t`` has it.
        mkfs: what makes it, whatever was on the device; ``{size}`` (``256M``), ``{options}`` and
            ``{device}`` stand where this mkfs has them.
        check: what says whether an unmounted one is whole.
        count: what prints facts of all its files, below the mount point ``{mnt}``.
        feature: finds in mount options what has to be seen at work; None when nothing has.
    """

    name: str
    mkfs: tuple[str, ...]
    check: tuple[str, ...]
    count: tuple[str, ...]
    feature: Callable[[str], MountFeature | None]

    def mkfs_command(self, device: str, size_mib: int, options: Sequence[str]) -> str:
        """Return the command that makes one of ``size_mib`` on ``device``."""
        given = {"{size}": [f"{size_mib}M"], "{options}": options, "{device}": [device]}
        return shlex.join(part for word in self.mkfs for part in given.get(word, [word]))

    def mount_command(self, device: str, mount_point: str, options: str) -> str:
        """Return the command that mounts one with ``options`` (none when empty)."""
        given = ("-o", options) if options else ()
        return shlex.join(("mount", "-t", self.name, *given, device, mount_point))
