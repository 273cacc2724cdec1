"""Guests ready to restore: initramfs, root image, accelerator, warm snapshot."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from anyclue.model.debian import DebianRelease
from anyclue.model.errors import InfrastructureError
from anyclue.model.scenario import Arch, Machine
from anyclue.system.apt import Apt
from anyclue.system.debian_archive import DebianArchive
from anyclue.system.debian_roots import make_root, squash
from anyclue.system.processes import run
from anyclue.system.store import Artifact, Recipe, Store
from anyclue.trial.filesystems.file_system import FileSystem
from anyclue.trial.guest.accelerator import blank_disks, choose_accelerator
from anyclue.trial.guest.channel import GuestGoneError, GuestSilentError, kept_telemetry
from anyclue.trial.guest.initramfs import (
    DEBIAN_ARCH,
    Tool,
    build_initramfs,
    lean_packages,
)
from anyclue.trial.guest.machine import COMMAND_LINE, EMULATORS, Boot, Guest, running
from anyclue.trial.kernels.layout import TrialSubject
from anyclue.trial.model import Accelerator, GuestImage, PreparedKernel, Shape

QUIESCE_MS = 5000
FULL_ROOT = "anyclue.root=1"
CONSOLE_LINES = 12
DEVICES = ("/dev/vda", "/dev/vdb")

# What upstream fstests runs with; its own programs are built elsewhere.
ROOT_PACKAGES = (
    *("acl", "attr", "bc", "bsdextrautils", "btrfs-progs", "dbench", "dmsetup", "dump"),
    *("duperemove", "e2fsprogs", "f2fs-tools", "file", "fio", "fsverity", "gawk", "gettext-base"),
    *("hostname", "indent", "keyutils", "kmod", "libbtrfs0", "libbtrfsutil1", "libcap2-bin"),
    *("libgdbm6", "libaio1", "liburing2", "lvm2", "mount", "openssl", "parted", "perl", "procps"),
    *("psmisc", "python3-minimal", "quota", "stress-ng", "thin-provisioning-tools", "util-linux"),
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


class Images:
    """Makes guest images; everything stays in the cache."""

    def __init__(
        self, store: Store, archive: DebianArchive, cache: Path, tools: Sequence[Tool]
    ) -> None:
        self._store = store
        self._archive = archive
        self._cache = cache
        self._tools = tuple(tools)

    async def root(self, arch: Arch, userspace: DebianRelease) -> Artifact:
        """Return the root image that full guests of an architecture boot with."""
        return await build_root(self._store, await self._of(userspace, arch), arch)

    async def _of(self, userspace: DebianRelease, arch: Arch) -> Apt:
        return await self._archive.apt(userspace, DEBIAN_ARCH[arch])

    async def prepare(
        self,
        kernel: PreparedKernel,
        machine: Machine,
        shape: Shape,
        subject: TrialSubject,
        *,
        userspace: DebianRelease,
        boot_s: float,
        arguments: str = "",
    ) -> GuestImage:
        """Return a warm guest: booted, dependencies of the module under test loaded, at rest.

        One snapshot serves every variant of the module, which is loaded after the restore.
        ``arguments`` are added to the kernel's command line; its programs are from ``userspace``.

        Raises:
            InfrastructureError: the guest does not boot within ``boot_s`` seconds.
        """
        apt = await self._of(userspace, machine.arch)
        initramfs = await build_initramfs(
            self._store,
            apt,
            machine.arch,
            kernel.boot,
            self._tools,
            subject,
            more=shape is Shape.FULL,
        )
        root = await self.root(machine.arch, userspace) if shape is Shape.FULL else None
        append = f"{FULL_ROOT if root else ''} {arguments}".strip()
        with tempfile.TemporaryDirectory(prefix="anyclue-") as name:
            root_image = root.file("root.squashfs") if root else None
            boot = Boot(
                machine=machine,
                accelerator=Accelerator.TCG,
                kernel=self._store.get(kernel.boot).file("vmlinuz"),
                initramfs=initramfs.file("initramfs.cpio"),
                disks=blank_disks(Path(name), root_image),
                append=append,
            )
            chosen = await choose_accelerator(boot, self._cache)
        emulator = (await run((EMULATORS[machine.arch], "--version"), deadline_s=20)).stdout
        recipe = Recipe(
            kind="snapshot",
            inputs={
                "kernel": kernel.boot.key,
                "initramfs": initramfs.key,
                "root": root.key if root else None,
                "arch": machine.arch.value,
                "ram_mib": machine.ram_mib,
                "cpus": machine.cpus,
                "accelerator": chosen.accelerator.value,
                "emulator": emulator.splitlines()[0],
                "command_line": f"{COMMAND_LINE} {arguments}".strip(),
                "format": 2,
            },
        )

        async def build(directory: Path) -> None:
            disks = blank_disks(directory, root_image)
            warm = replace(boot, accelerator=chosen.accelerator, disks=disks)
            await _save_warm(warm, directory, boot_s, subject.file_system)
            for path in (*disks.own, directory / "telemetry"):
                path.unlink()

        snapshot = await self._store.make(recipe, build)
        return GuestImage(
            shape=shape,
            machine=machine,
            accelerator=chosen.accelerator,
            kernel=kernel.boot,
            initramfs=initramfs.ref,
            root=root.ref if root else None,
            snapshot=snapshot.ref,
            provenance={
                "qemu": emulator.splitlines()[0],
                "accelerator_because": chosen.because,
                "userspace": await _userspace(apt, subject.file_system),
            },
        )


async def _userspace(apt: Apt, file_system: FileSystem) -> str:
    """Return, for a reader, which release the programs are from, and the version that matters."""
    versions = (await apt.resolved(lean_packages(file_system))).versions
    maker = file_system.packages[0]
    return f"{apt.release.name}, {maker} {versions.get(maker, 'missing')}"


async def _check_devices(guest: Guest) -> None:
    """Make sure that the disks are there: a guest without them could not run any trial."""
    found = await guest.agent.request("run", payload=f"ls {' '.join(DEVICES)}", deadline_s=30)
    if found.status != 0:
        raise InfrastructureError(
            f"the guest booted without its disks: {found.output.strip()}",
            next_step="its kernel did not set them up in time: try again with less load",
        )


async def check_maker(guest: Guest, file_system: FileSystem) -> None:
    """Make sure that mkfs runs: no trial could without it, and all would say so of the kernel."""
    shown = shlex.join(file_system.version)
    tried = await guest.agent.request("run", payload=shown, deadline_s=30)
    if tried.status != 0:
        raise InfrastructureError(
            f"{file_system.mkfs[0]} does not run in the guest: {tried.output.strip()}",
            next_step="please report it, with the release of Debian that its programs are from",
        )


async def _save_warm(boot: Boot, directory: Path, boot_s: float, file_system: FileSystem) -> None:
    async with (
        running(boot, directory) as guest,
        kept_telemetry(guest.ends["telemetry"], directory / "telemetry"),
    ):
        try:
            await guest.agent.started(deadline_s=boot_s)
            # Run once what every trial runs, so that its first use is not measured later.
            await _check_devices(guest)
            await check_maker(guest, file_system)
            await guest.agent.request("sample", 3, deadline_s=30)
            await guest.agent.request("quiesce", QUIESCE_MS, deadline_s=30)
            # The agent forwards what the kernel logged before it answers: a guest that is stopped
            # in the middle of a telemetry record would begin every trial with the rest of it.
            await guest.agent.request("rate", 0, deadline_s=30)
            await guest.save(directory / "state")
        except (GuestSilentError, GuestGoneError) as error:
            console = (directory / "console.log").read_text(errors="replace").splitlines()
            said = "\n".join(f"    {line}" for line in console[-CONSOLE_LINES:])
            raise InfrastructureError(
                f"the guest did not boot: {error}\n{said or '    (nothing on its console)'}",
                where=f"kernel {boot.kernel}",
                next_step="check that the kernel is for this architecture, or raise "
                "limits.boot_seconds",
            ) from error


async def build_root(store: Store, apt: Apt, arch: Arch) -> Artifact:
    """Return an artifact with ``root.squashfs``; without root, user namespaces are used.

    Raises:
        CommandError: mmdebstrap or mksquashfs failed (its last lines are in the message).
    """
    inputs = {
        "arch": arch.value,
        "suite": apt.release.name,
        "packages": sorted(ROOT_PACKAGES),
        "users": USERS,
        "format": 3,
    }

    async def build(directory: Path) -> None:
        tarball = directory / "root.tar"
        await make_root(apt, ROOT_PACKAGES, tarball, hooks=USERS)
        await squash(tarball, directory / "root.squashfs")
        tarball.unlink()

    return await store.make(Recipe(kind="root", inputs=inputs), build)
