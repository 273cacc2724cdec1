"""The root image of a full guest: Debian by mmdebstrap, as a squashfs. For fstests."""

from __future__ import annotations

import os
from pathlib import Path

from anyclue.guests.initramfs import DEBIAN_ARCH
from anyclue.model.scenario import Arch
from anyclue.system.apt import Apt
from anyclue.system.processes import run
from anyclue.system.store import Artifact, Recipe, Store

# What upstream fstests runs with; its own programs are built elsewhere.
PACKAGES = (
    *("acl", "attr", "bc", "btrfs-progs", "dbench", "dmsetup", "dump", "e2fsprogs", "fio", "gawk"),
    *("hostname", "indent", "kmod", "libgdbm6", "libaio1", "libcap2-bin", "liburing2", "lvm2"),
    *("mount", "parted", "perl", "procps", "psmisc", "python3-minimal", "quota", "stress-ng"),
    *("thin-provisioning-tools", "util-linux", "uuid-runtime", "xfsprogs", "xfsdump"),
)
UNNEEDED = ("doc", "man", "locale", "info")
BUILD_S = 1800


async def build_root(store: Store, apt: Apt, arch: Arch) -> Artifact:
    """Return an artifact with ``root.squashfs``; without root, user namespaces are used.

    Raises:
        CommandError: mmdebstrap or mksquashfs failed (its last lines are in the message).
    """
    await apt.refresh()
    suite = await apt.suite()
    mode = "root" if os.geteuid() == 0 else "unshare"
    inputs = {
        "arch": arch.value,
        "suite": suite.name,
        "packages": sorted(PACKAGES),
        "format": 1,
    }

    async def build(directory: Path) -> None:
        tarball = directory / "root.tar"
        await run(
            (
                *("mmdebstrap", f"--mode={mode}", "--variant=apt", "--quiet"),
                f"--architectures={DEBIAN_ARCH[arch]}",
                f"--include={','.join(PACKAGES)}",
                *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNNEEDED),
                *(suite.name, str(tarball), *suite.sources),
            ),
            deadline_s=BUILD_S,
        )
        # By way of a tarball, so that owners and devices are right without root.
        await run(
            (
                "sqfstar",
                "-comp",
                "zstd",
                "-quiet",
                "-no-progress",
                str(directory / "root.squashfs"),
            ),
            deadline_s=BUILD_S,
            stdin=tarball,
        )
        tarball.unlink()

    return await store.make(Recipe(kind="root", inputs=inputs), build)
