"""The full guest: a Debian root for fstests, built, booted, saved and restored."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from anyclue.model.debian import release_of
from anyclue.model.scenario import Arch, DebianKernel, Kernel, Machine
from anyclue.trial.context import Context
from anyclue.trial.filesystems.btrfs import BTRFS
from anyclue.trial.guest.accelerator import blank_disks
from anyclue.trial.guest.channel import pump_telemetry
from anyclue.trial.guest.machine import Boot, Disks, running
from anyclue.trial.kernels.layout import TrialSubject
from anyclue.trial.model import Shape

pytestmark = pytest.mark.slow

NEEDED = ("btrfs", "mkfs.xfs", "mkfs.ext4", "perl", "fio", "getfattr", "setfacl", "xfs_io", "gawk")


@pytest.mark.parametrize("arch", list(Arch))
def test_a_full_guest_is_restored_with_what_fstests_calls(arch: Arch, tmp_path: Path) -> None:
    asyncio.run(look_around(arch, tmp_path))


async def look_around(arch: Arch, directory: Path) -> None:
    context = Context.of_user()
    kernel = Kernel(name="stock", source=DebianKernel(series="6.1"))
    machine = Machine(name="m", arch=arch, ram_mib=1024)
    subject = TrialSubject(file_system=BTRFS)
    prepared = await context.kernels.base(kernel, arch, [arch], subject)
    image = await context.images.prepare(
        prepared, machine, Shape.FULL, subject, userspace=release_of("bookworm"), boot_s=240
    )
    assert image.root is not None
    find = context.store.find
    boot = Boot(
        machine=machine,
        accelerator=image.accelerator,
        kernel=find(image.kernel.kind, image.kernel.key).file("vmlinuz"),
        initramfs=find(image.initramfs.kind, image.initramfs.key).file("initramfs.cpio"),
        disks=with_root(directory, find(image.root.kind, image.root.key).file("root.squashfs")),
    )
    state = find(image.snapshot.kind, image.snapshot.key).file("state")
    async with running(boot, directory, snapshot=state) as guest:
        pump = asyncio.create_task(
            pump_telemetry(guest.ends["telemetry"], directory / "telemetry", lambda _: None)
        )
        for program in NEEDED:
            found = await guest.agent.request("run", payload=f"command -v {program}", deadline_s=60)
            assert found.status == 0, program
        wrote = await guest.agent.request(
            "run", payload="cat /etc/debian_version && echo there >/root/file", deadline_s=60
        )
        assert wrote.status == 0, wrote.output
        bits = await guest.agent.request("run", payload="getconf LONG_BIT", deadline_s=60)
        assert bits.output.strip() == ("32" if arch is Arch.I386 else "64")
        pump.cancel()


def with_root(directory: Path, root: Path) -> Disks:
    return blank_disks(directory, root)
