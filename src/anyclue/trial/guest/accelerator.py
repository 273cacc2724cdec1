"""Whether KVM really runs a guest here: found by booting one, remembered for this host and QEMU.

That /dev/kvm is there proves nothing: in some virtual machines an ordinary guest hangs under it.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from anyclue.model.errors import InfrastructureError
from anyclue.model.scenario import Arch
from anyclue.system.files import write_whole
from anyclue.system.processes import run
from anyclue.system.store import locked_file
from anyclue.trial.guest.channel import GuestGoneError, GuestSilentError, kept_telemetry
from anyclue.trial.guest.machine import (
    EMULATORS,
    PAYLOAD_MIB,
    SCRATCH_MIB,
    SUITE_DISKS_MIB,
    Boot,
    Disks,
    running,
)
from anyclue.trial.model import Accelerator

log = logging.getLogger(__name__)

KVM = Path("/dev/kvm")
# TCG, with no help from the processor, boots this guest in 3 to 6 s; KVM needs a fraction of that.
PROBE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Acceleration:
    """What to run guests of one architecture with, and how that is known."""

    accelerator: Accelerator
    because: str


async def choose_accelerator(boot: Boot, cache: Path) -> Acceleration:
    """Return the accelerator for ``boot``'s architecture, probing with that very guest.

    The answer is kept below ``cache`` until the host's kernel, QEMU or access to /dev/kvm changes.
    """
    key = await host_key(boot.machine.arch)
    file = cache / "accelerator.json"
    async with locked_file(cache / "accelerator.lock"):
        known = _read_choices(file)
        if key not in known:
            known[key] = found = await _probe(boot)
            log.info(
                "%s guests run under %s: %s", boot.machine.arch, found.accelerator, found.because
            )
            choices = {name: asdict(choice) for name, choice in known.items()}
            write_whole(file, json.dumps(choices, indent=1))
    return known[key]


async def host_key(arch: Arch) -> str:
    """Return what the choice depends on: host kernel, QEMU, access to /dev/kvm."""
    version = (await run((EMULATORS[arch], "--version"), deadline_s=20)).stdout.split("\n")[0]
    return f"{arch.value} | {platform.release()} | {version} | kvm {_access()}"


def earlier_choice(cache: Path, key: str) -> Acceleration | None:
    """Return an earlier choice without probing."""
    return _read_choices(cache / "accelerator.json").get(key)


def _read_choices(file: Path) -> dict[str, Acceleration]:
    try:
        return {
            str(key): Acceleration(
                accelerator=Accelerator(entry["accelerator"]), because=entry["because"]
            )
            for key, entry in json.loads(file.read_text()).items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # not there, or damaged: it is found out again


def _access() -> str:
    if not KVM.exists():
        return "absent"
    return "usable" if os.access(KVM, os.R_OK | os.W_OK) else "not permitted"


async def _probe(boot: Boot) -> Acceleration:
    access = _access()
    if access != "usable":
        return Acceleration(accelerator=Accelerator.TCG, because=f"/dev/kvm is {access}")
    try:
        await _boot_once(replace(boot, accelerator=Accelerator.KVM))
    except (GuestSilentError, GuestGoneError, InfrastructureError) as error:
        reason = str(error).splitlines()[0]
        return Acceleration(
            accelerator=Accelerator.TCG,
            because=f"/dev/kvm is there, but a guest under it failed: {reason}",
        )
    return Acceleration(accelerator=Accelerator.KVM, because="a guest booted under it")


async def _boot_once(boot: Boot) -> None:
    with tempfile.TemporaryDirectory(prefix="anyclue-probe-") as name:
        directory = Path(name)
        disks = blank_disks(directory)
        async with (
            running(replace(boot, disks=disks), directory) as guest,
            kept_telemetry(guest.ends["telemetry"], directory / "telemetry"),
        ):
            await guest.agent.started(deadline_s=PROBE_S)


def blank_disks(directory: Path, root: Path | None = None) -> Disks:
    """Make sparse disks in the sizes that every guest has, and those that one with a root has."""
    payload, scratch = directory / "payload.img", directory / "scratch.img"
    sizes = {payload: PAYLOAD_MIB, scratch: SCRATCH_MIB}
    suite = {directory / f"{name}.img": mib for name, mib in SUITE_DISKS_MIB.items() if root}
    for path, mib in {**sizes, **suite}.items():
        with path.open("wb") as file:
            file.truncate(mib << 20)
    return Disks(payload=payload, scratch=scratch, root=root, more=tuple(suite))
