"""The root image of a full guest: Debian by mmdebstrap, as a squashfs. For fstests."""

from __future__ import annotations

from pathlib import Path

from anyclue.model.scenario import Arch
from anyclue.system.apt import Apt
from anyclue.system.debian_roots import make_root, squash
from anyclue.system.store import Artifact, Recipe, Store
from anyclue.trial.guest.initramfs import DEBIAN_ARCH

# What upstream fstests runs with; its own programs are built elsewhere.
PACKAGES = (
    *(
        "acl",
        "attr",
        "bc",
        "bsdextrautils",
        "btrfs-progs",
        "dbench",
        "dmsetup",
        "dump",
        "duperemove",
    ),
    *("e2fsprogs", "f2fs-tools", "file", "fio", "fsverity", "gawk", "gettext-base", "hostname"),
    *("indent", "keyutils", "kmod", "libbtrfs0", "libbtrfsutil1", "libcap2-bin", "libgdbm6"),
    *("libaio1", "liburing2", "lvm2", "mount", "openssl", "parted", "perl", "procps", "psmisc"),
    *("python3-minimal", "quota", "stress-ng", "thin-provisioning-tools", "util-linux"),
    *("uuid-runtime", "xfsdump", "xfsprogs", "xz-utils"),
)
USERS = (
    "groupadd -f fsgqa && useradd -m -g fsgqa fsgqa",
    "useradd -m fsgqa2",
    "useradd -m --badname 123456-fsgqa",
    "ln -sf /proc/self/mounts /etc/mtab && mkdir -p /mnt/test /mnt/scratch",
    "echo 127.0.0.1 localhost guest >/etc/hosts",
)
"""The users that tests act as, and what a minimal root lacks."""


async def build_root(store: Store, apt: Apt, arch: Arch) -> Artifact:
    """Return an artifact with ``root.squashfs``; without root, user namespaces are used.

    Raises:
        CommandError: mmdebstrap or mksquashfs failed (its last lines are in the message).
    """
    await apt.refresh()
    suite = await apt.suite()
    inputs = {
        "arch": arch.value,
        "suite": suite.name,
        "packages": sorted(PACKAGES),
        "users": USERS,
        "format": 3,
    }

    async def build(directory: Path) -> None:
        tarball = directory / "root.tar"
        await make_root(apt, DEBIAN_ARCH[arch], PACKAGES, tarball, hooks=USERS)
        await squash(tarball, directory / "root.squashfs")
        tarball.unlink()

    return await store.make(Recipe(kind="root", inputs=inputs), build)
