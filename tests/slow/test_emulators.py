"""A guest saved and restored by the QEMU of each release of Debian."""

from __future__ import annotations

import asyncio
import os
import shlex
from pathlib import Path

import pytest

from anyclue.model.debian import RELEASES, DebianRelease, release_of
from anyclue.model.scenario import Arch, DebianKernel, Kernel, Machine
from anyclue.trial.context import Context
from anyclue.trial.filesystems.btrfs import BTRFS
from anyclue.trial.guest.accelerator import blank_disks
from anyclue.trial.guest.machine import EMULATORS, Boot, running
from anyclue.trial.kernels.layout import TrialSubject
from anyclue.trial.model import Shape

pytestmark = pytest.mark.slow

SUBJECT = TrialSubject(file_system=BTRFS)
MACHINE = Machine(name="m", arch=Arch.X86_64, ram_mib=512)
WRAPPER = """#!/bin/sh
libraries={tree}/usr/lib/x86_64-linux-gnu
export QEMU_MODULE_DIR=$libraries/qemu
exec $libraries/ld-linux-x86-64.so.2 --library-path $libraries:$libraries/pulseaudio \\
	{tree}/usr/bin/{name} -L {tree}/usr/share/qemu -L {tree}/usr/share/seabios "$@"
"""


async def emulator(context: Context, release: DebianRelease, into: Path) -> None:
    """Put the QEMU of a release into a directory, run by that release's loader and libraries."""
    apt = await context.archive.apt(release, "amd64")
    tree = (await apt.closure(("qemu-system-x86",))).file("tree")
    for name in EMULATORS.values():
        (into / name).write_text(WRAPPER.format(tree=shlex.quote(str(tree)), name=name))
        (into / name).chmod(0o755)


async def restored(context: Context, directory: Path) -> str:
    """Return which QEMU ran a guest that was saved, restored, and did something then."""
    kernel = Kernel(name="stock", source=DebianKernel(series="6.1"))
    prepared = await context.kernels.base(kernel, MACHINE.arch, [MACHINE.arch], SUBJECT)
    image = await context.images.prepare(
        prepared, MACHINE, Shape.LEAN, subject=SUBJECT, userspace=release_of("bookworm"), boot_s=300
    )
    boot = Boot(
        machine=MACHINE,
        accelerator=image.accelerator,
        kernel=context.store.get(image.kernel).file("vmlinuz"),
        initramfs=context.store.get(image.initramfs).file("initramfs.cpio"),
        disks=blank_disks(directory),
    )
    state = context.store.get(image.snapshot).file("state")
    async with running(boot, directory, snapshot=state) as guest:
        done = await guest.agent.request("run", payload="mkfs.btrfs /dev/vdb", deadline_s=120)
        assert done.status == 0, done.output
    assert (directory / "qemu.log").read_text() == ""
    return image.provenance["qemu"]


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_a_guest_is_restored(
    release: DebianRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = Context.of_user()
    programs = tmp_path / "bin"
    programs.mkdir()
    asyncio.run(emulator(context, release, programs))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    # Its package's version is in what it says, and so in the key of what it saves.
    assert "(Debian " in asyncio.run(restored(Context.of_user(), tmp_path))
