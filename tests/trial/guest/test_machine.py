"""QEMU's command line: what a guest can reach, and what it cannot."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from qemu.qmp import QMPClient, QMPError

from anyclue.model.errors import InfrastructureError
from anyclue.model.scenario import Arch, Machine
from anyclue.trial.guest.machine import SOCKETS, Boot, Disks, Guest, command
from anyclue.trial.guest.steal import GuestClock
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


class FakeMonitor:
    """QEMU's monitor, as far as a migration to a file goes; ``refused`` are kinds of addresses."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.received: list[int] = []
        self.named: set[str] = set()
        self.migrated: list[tuple[str, str]] = []

    def send_fd_scm(self, handle: int) -> None:
        self.received.append(os.fstat(handle).st_ino)

    async def execute(self, verb: str, arguments: Mapping[str, str]) -> object:
        if verb == "add-fd":
            return {"fdset-id": 3, "fd": 12}
        if verb == "getfd":
            self.named.add(arguments["fdname"])
            return {}
        if verb == "query-migrate":
            return {"status": "completed" if self.migrated else "failed"}
        if verb in ("migrate", "migrate-incoming"):
            kind = arguments["uri"].partition(":")[0]
            if kind in self.refused:
                raise QMPError(f"no {kind}: here")
            self.migrated.append((verb, arguments["uri"]))
        return {}


def guest_under(monitor: FakeMonitor) -> Guest:
    process = cast(asyncio.subprocess.Process, SimpleNamespace(returncode=None))
    return Guest(process, cast(QMPClient, monitor), {}, GuestClock())


@pytest.mark.parametrize(
    ("refused", "address"),
    [((), "file:/dev/fdset/3"), (("fd",), "file:/dev/fdset/3"), (("file",), "fd:state")],
)
def test_a_state_goes_to_a_file_in_the_way_that_qemu_has(
    refused: tuple[str, ...], address: str, tmp_path: Path
) -> None:
    monitor = FakeMonitor(*refused)
    asyncio.run(guest_under(monitor).save(tmp_path / "state"))
    asyncio.run(guest_under(monitor).restore(tmp_path / "state"))
    assert monitor.migrated == [("migrate", address), ("migrate-incoming", address)]
    assert set(monitor.received) == {(tmp_path / "state").stat().st_ino}
    assert monitor.named == ({"state"} if address == "fd:state" else set())


def test_a_state_that_goes_nowhere_is_an_error_with_all_reasons(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError) as caught:
        asyncio.run(guest_under(FakeMonitor("fd", "file")).save(tmp_path / "state"))
    assert "no file: here" in str(caught.value)
    assert "no fd: here" in str(caught.value)
