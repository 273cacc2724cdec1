"""QEMU's command line: what a guest can reach, and what it cannot."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from anyclue.model.scenario import Arch, Machine
from anyclue.trial.guest.machine import SOCKETS, Boot, Disks, command
from anyclue.trial.model import Accelerator

FDS = {name: 100 + number for number, name in enumerate(SOCKETS)}


def argv_of(
    arch: Arch = Arch.I386,
    accelerator: Accelerator = Accelerator.TCG,
    *,
    root: Path | None = None,
    directory: Path = Path("/run/trial"),
    incoming: bool = False,
) -> list[str]:
    boot = Boot(
        machine=Machine(name="m", arch=arch, ram_mib=768, cpus=3),
        accelerator=accelerator,
        kernel=Path("/store/vmlinuz"),
        initramfs=Path("/store/initramfs.cpio"),
        disks=Disks(payload=directory / "payload", scratch=directory / "scratch", root=root),
        append="extra=1",
    )
    return command(boot, fds=FDS, incoming=incoming)


def values(argv: list[str], option: str) -> list[str]:
    return [value for name, value in itertools.pairwise(argv) if name == option]


@pytest.mark.parametrize("arch", Arch)
@pytest.mark.parametrize("accelerator", Accelerator)
def test_the_machine(arch: Arch, accelerator: Accelerator) -> None:
    argv = argv_of(arch, accelerator)
    assert argv[0] == f"qemu-system-{arch}"
    assert values(argv, "-accel") == [accelerator.value]
    assert "-enable-kvm" not in argv
    assert any("kvm" in word for word in argv) == (accelerator is Accelerator.KVM)
    assert (values(argv, "-m"), values(argv, "-smp")) == (["768"], ["3"])
    assert values(argv, "-append")[0].endswith(" rdinit=/init extra=1")


def test_confinement() -> None:
    argv = argv_of()
    (sandbox,) = values(argv, "-sandbox")
    assert sandbox.split(",")[0] == "on"
    assert {"spawn=deny", "elevateprivileges=deny"} <= set(sandbox.split(","))
    assert values(argv, "-nic") == ["none"]
    assert {"-nodefaults", "-no-user-config"} <= set(argv)
    assert not {"-netdev", "-net", "-usb", "-virtfs", "-fsdev", "-drive", "-hda"} & set(argv)
    kinds = {value.split(",")[0] for value in values(argv, "-device")}
    assert kinds == {"virtio-serial-pci", "virtserialport", "virtconsole", "virtio-blk-pci"}


def test_only_the_given_files_and_sockets() -> None:
    argv = argv_of(root=Path("/store/root.squashfs"))
    disks = values(argv, "-blockdev")
    given = ["/run/trial/payload", "/run/trial/scratch", "/store/root.squashfs"]
    assert [disk.split("file.filename=")[1].split(",")[0] for disk in disks] == given
    assert ["read-only=off" in disk.split(",") for disk in disks] == [False, True, False]
    assert len(values(argv_of(), "-blockdev")) == 2
    for chardev in values(argv, "-chardev"):
        kind, name, handle = chardev.split(",")
        assert (kind, handle) == ("socket", f"fd={FDS[name.removeprefix('id=')]}")


def test_a_comma_in_a_path_adds_no_option() -> None:
    first, _ = values(argv_of(directory=Path("/run/a,read-only=off")), "-blockdev")
    assert "file.filename=/run/a,,read-only=off/payload," in first


def test_incoming() -> None:
    assert values(argv_of(incoming=True), "-incoming") == ["defer"]
    assert "-incoming" not in argv_of()
