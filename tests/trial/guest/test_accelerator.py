"""Which accelerator: /dev/kvm absent, not permitted, there but broken, working; earlier_choice."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from anyclue.model.errors import InfrastructureError
from anyclue.model.scenario import Arch, Machine
from anyclue.trial.guest import accelerator
from anyclue.trial.guest.accelerator import (
    Acceleration,
    choose_accelerator,
    earlier_choice,
    host_key,
)
from anyclue.trial.guest.channel import GuestSilentError
from anyclue.trial.guest.machine import Boot, Disks
from anyclue.trial.model import Accelerator

NOTHING = Path("/nowhere")
BOOT = Boot(
    machine=Machine(name="m", arch=Arch.X86_64, ram_mib=512),
    accelerator=Accelerator.TCG,
    kernel=NOTHING,
    initramfs=NOTHING,
    disks=Disks(payload=NOTHING, scratch=NOTHING),
)


class Probe:
    """Stands in for booting a guest."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.boots: list[Boot] = []

    async def __call__(self, boot: Boot) -> None:
        self.boots.append(boot)
        if self.failure:
            raise self.failure


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with a QEMU that only knows its version, and a /dev/kvm that is a file."""
    programs = tmp_path / "bin"
    programs.mkdir()
    emulator = programs / "qemu-system-x86_64"
    emulator.write_text("#!/bin/sh\necho QEMU emulator version 7.2\n")
    emulator.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    kvm = tmp_path / "kvm"
    kvm.touch()
    monkeypatch.setattr(accelerator, "KVM", kvm)
    return tmp_path


def chosen(host: Path, probe: Probe, monkeypatch: pytest.MonkeyPatch) -> Acceleration:
    monkeypatch.setattr(accelerator, "_boot_once", probe)
    return asyncio.run(choose_accelerator(BOOT, host / "cache"))


def test_kvm_is_used_after_a_guest_booted(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Probe()
    found = chosen(host, probe, monkeypatch)
    assert found.accelerator is Accelerator.KVM
    assert [boot.accelerator for boot in probe.boots] == [Accelerator.KVM]
    assert chosen(host, probe, monkeypatch) == found
    assert len(probe.boots) == 1
    key = asyncio.run(host_key(Arch.X86_64))
    assert earlier_choice(host / "cache", key) == found
    assert earlier_choice(host / "cache", "another host") is None


@pytest.mark.parametrize(
    "failure", [GuestSilentError("no agent within 10 s\nmore"), InfrastructureError("no MSR")]
)
def test_a_guest_that_fails(
    host: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    found = chosen(host, Probe(failure), monkeypatch)
    assert found.accelerator is Accelerator.TCG
    assert found.because.endswith(str(failure).splitlines()[0])


def test_no_kvm(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (host / "kvm").unlink()
    probe = Probe()
    found = chosen(host, probe, monkeypatch)
    assert (found.accelerator, found.because) == (Accelerator.TCG, "/dev/kvm is absent")
    assert probe.boots == []
    (host / "kvm").touch()  # another host, as far as this is concerned
    assert chosen(host, probe, monkeypatch).accelerator is Accelerator.KVM


def test_kvm_of_somebody_else(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = chosen(host, Probe(), monkeypatch)
    assert found.because == "/dev/kvm is not permitted"


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"KEY": 1}', '{"KEY": {}}'])
def test_a_damaged_memory_is_no_memory(
    host: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    key = json.dumps(asyncio.run(host_key(Arch.X86_64)))[1:-1]
    (host / "cache").mkdir()
    (host / "cache/accelerator.json").write_text(content.replace("KEY", key))
    assert chosen(host, Probe(), monkeypatch).accelerator is Accelerator.KVM
