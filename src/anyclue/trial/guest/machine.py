"""One QEMU guest: its command line, its life, its sockets.

No network, no host device, QEMU's sandbox on; the guest sees one serial console (to a file), two
virtio-serial ports (agent), a virtio console (for ``anyclue shell``) and virtio disks.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from qemu.qmp import ConnectError, QMPClient, QMPError

from anyclue.model.errors import InfrastructureError
from anyclue.model.scenario import Arch, Machine
from anyclue.system import processes
from anyclue.trial.guest.channel import Agent, GuestGoneError
from anyclue.trial.guest.steal import GuestClock, within
from anyclue.trial.model import Accelerator

EMULATORS: Mapping[Arch, str] = {Arch.I386: "qemu-system-i386", Arch.X86_64: "qemu-system-x86_64"}
PROCESSORS: Mapping[Accelerator, str] = {Accelerator.KVM: "host", Accelerator.TCG: "max"}
SOCKETS = ("qmp", "console", "control", "telemetry", "shell")
CONSOLE_MAX = 4 << 20
QMP_S = 20.0
MIGRATION_S = 60.0
# A sparse disk of this size is there in every guest; a workload makes its file system smaller.
SCRATCH_MIB = 8192
PAYLOAD_MIB = 64
SUITE_DISKS_MIB: Mapping[str, int] = {
    "suite": 512,
    **{f"pool{number}": SCRATCH_MIB for number in range(1, 6)},
    "logwrites": SCRATCH_MIB,
    "results": 2048,
}
"""The disks that only a full guest has, in its order from vdd on; sparse, too."""
COMMAND_LINE = (
    "console=ttyS0 loglevel=5 panic=-1 mitigations=off no_timer_check tsc=reliable rdinit=/init"
)


@dataclass(frozen=True, kw_only=True)
class Disks:
    """The guest's disks, in its order: vda, vdb, and in a full guest vdc and ``more``."""

    payload: Path
    scratch: Path
    root: Path | None = None
    more: tuple[Path, ...] = ()

    @property
    def own(self) -> tuple[Path, ...]:
        """Those that were made for this guest alone."""
        return (self.payload, self.scratch, *self.more)

    def named(self, name: str) -> Path:
        """Return one of ``SUITE_DISKS_MIB``."""
        return self.more[tuple(SUITE_DISKS_MIB).index(name)]


@dataclass(frozen=True, kw_only=True)
class Boot:
    """What a guest starts from."""

    machine: Machine
    accelerator: Accelerator
    kernel: Path
    initramfs: Path
    disks: Disks
    append: str = ""


def command(boot: Boot, *, fds: Mapping[str, int], incoming: bool) -> list[str]:
    """Return QEMU's argv; ``fds`` are inherited sockets."""
    argv = [
        EMULATORS[boot.machine.arch],
        *("-name", "anyclue", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        "-sandbox",
        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        *("-machine", "pc,usb=off,vmport=off", "-accel", boot.accelerator.value),
        *(
            "-cpu",
            PROCESSORS[boot.accelerator],
            "-smp",
            str(boot.machine.cpus),
            "-m",
            str(boot.machine.ram_mib),
            "-nic",
            "none",
        ),
        *("-kernel", str(boot.kernel), "-initrd", str(boot.initramfs)),
        *("-append", f"{COMMAND_LINE} {boot.append}".strip()),
        *("-chardev", f"socket,id=console,fd={fds['console']}", "-serial", "chardev:console"),
        *("-chardev", f"socket,id=qmp,fd={fds['qmp']}", "-qmp", "chardev:qmp"),
        *("-device", "virtio-serial-pci,id=ports,addr=0x4"),
    ]
    for number, name in enumerate(("control", "telemetry"), start=1):
        argv += [
            *("-chardev", f"socket,id={name},fd={fds[name]}"),
            "-device",
            f"virtserialport,bus=ports.0,nr={number},chardev={name},name=org.anyclue.{name}",
        ]
    argv += [
        *("-chardev", f"socket,id=shell,fd={fds['shell']}"),
        *("-device", "virtconsole,bus=ports.0,nr=3,chardev=shell"),
    ]
    disks = (boot.disks.payload, boot.disks.scratch, boot.disks.root, *boot.disks.more)
    for number, path in enumerate(path for path in disks if path is not None):
        read_only = "on" if path in {boot.disks.payload, boot.disks.root} else "off"
        node = f"driver=raw,node-name=disk{number},read-only={read_only}"
        argv += [
            "-blockdev",
            f"{node},file.driver=file,file.filename={_escaped(path)},cache.direct=off,cache.no-flush=on,"
            "discard=unmap",
            "-device",
            f"virtio-blk-pci,drive=disk{number},addr={0x5 + number:#x},werror=stop,rerror=stop",
        ]
    if incoming:
        argv += ["-incoming", "defer"]
    return argv


def _escaped(path: Path) -> str:
    """Return a path as a value in QEMU's option syntax, where a comma ends a value."""
    return str(path).replace(",", ",,")


class Guest:
    """A running guest. Made by `running`, which also ends it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        qmp: QMPClient,
        ends: Mapping[str, socket.socket],
        clock: GuestClock,
    ) -> None:
        self.process = process
        self.clock = clock
        self._qmp = qmp
        self.ends = ends
        self.agent: Agent

    async def qmp(self, verb: str, **arguments: object) -> object:
        """Execute a QMP command.

        Raises:
            InfrastructureError: QEMU refuses or does not answer.
            GuestGoneError: QEMU is gone.
        """
        try:
            async with within(self.clock, QMP_S):
                answer: object = await self._qmp.execute(verb.replace("_", "-"), arguments)
                return answer
        except TimeoutError as error:
            raise InfrastructureError(f"QEMU does not answer {verb} within {QMP_S:g} s") from error
        except QMPError as error:
            if self.process.returncode is not None:
                raise GuestGoneError("QEMU ended") from error
            raise InfrastructureError(f"QEMU refuses {verb}: {error}") from error

    async def disk_error(self) -> str:
        """Wait until QEMU cannot read or write one of the guest's disks (host disk full); say why.

        The guest is stopped then: it must not take the host's trouble for its own.
        """
        with self._qmp.listener(("BLOCK_IO_ERROR",)) as listener:
            event = await listener.get()
        data = event["data"]
        reason = data.get("reason", "input/output error") if isinstance(data, dict) else ""
        return str(reason)

    async def quit(self) -> None:
        """End QEMU at once; what it had received from the guest is delivered."""
        with contextlib.suppress(InfrastructureError, GuestGoneError):
            await self.qmp("quit")

    async def save(self, path: Path) -> None:
        """Save the guest's whole state to a file; the guest stays stopped."""
        await self.qmp("stop")
        await self.qmp("migrate_set_parameters", **{"max-bandwidth": 1 << 40})
        await self._migrate("migrate", path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        await self._migrated("saving a guest")

    async def restore(self, path: Path) -> None:
        """Load a state that `save` wrote, and let the guest go on."""
        await self._migrate("migrate_incoming", path, os.O_RDONLY)
        await self._migrated("restoring a guest")
        await self.qmp("cont")

    async def _migrate(self, verb: str, path: Path, flags: int) -> None:
        """Start to migrate to or from a file, as a set of descriptors or else as a descriptor.

        QEMU 11.1 takes no file by ``fd:``; before 8.2 there was no ``file:``, which is then refused
        at once.
        """
        # QEMU's sandbox may not open files for this: it gets open ones over the QMP socket.
        handle = os.open(path, flags, 0o644)
        try:
            self._qmp.send_fd_scm(handle)
            added = await self.qmp("add_fd")
            number = added.get("fdset-id") if isinstance(added, dict) else None
            try:
                await self.qmp(verb, uri=f"file:/dev/fdset/{number}")
            except InfrastructureError as refused:
                self._qmp.send_fd_scm(handle)
                await self.qmp("getfd", fdname="state")
                try:
                    await self.qmp(verb, uri="fd:state")
                except InfrastructureError as error:
                    both = f"{refused.problem.what}; {error.problem.what}"
                    raise InfrastructureError(both) from error
        finally:
            os.close(handle)

    async def _migrated(self, what: str) -> None:
        try:
            async with within(self.clock, MIGRATION_S):
                while True:
                    state = await self.qmp("query_migrate")
                    status = state.get("status") if isinstance(state, dict) else None
                    if status == "completed":
                        return
                    if status in ("failed", "cancelled"):
                        raise InfrastructureError(f"{what} failed: {state}")
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise InfrastructureError(f"{what} was not over after {MIGRATION_S:g} s") from error


async def _keep_console(end: socket.socket, path: Path) -> None:
    """Copy the console to a file, up to a size: the guest decides how much it prints."""
    reader, writer = await asyncio.open_connection(sock=end)
    left = CONSOLE_MAX
    try:
        with path.open("wb") as file:
            while data := await reader.read(1 << 16):
                file.write(data[:left])
                file.flush()
                left -= len(data[:left])
    except ConnectionError:
        return
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def running(
    boot: Boot, directory: Path, *, snapshot: Path | None = None
) -> AsyncIterator[Guest]:
    """Start a guest, from cold or from ``snapshot``; end it whatever happens.

    ``directory`` gets ``console.log`` and ``qemu.log``. Its agent is connected but may not have
    answered yet.

    Raises:
        InfrastructureError: QEMU cannot start or cannot load the snapshot.
    """
    pairs = {name: socket.socketpair() for name in SOCKETS}
    async with contextlib.AsyncExitStack() as stack:
        for ours, theirs in pairs.values():
            stack.callback(ours.close)
            stack.callback(theirs.close)
        inherited = {name: pair[1].fileno() for name, pair in pairs.items()}
        argv = command(
            boot,
            fds=inherited,
            incoming=snapshot is not None,
        )
        with (directory / "qemu.log").open("wb") as log:
            process = await processes.start(
                argv,
                stdout=log.fileno(),
                stderr=log.fileno(),
                pass_fds=tuple(inherited.values()),
            )
        console = asyncio.create_task(_keep_console(pairs["console"][0], directory / "console.log"))
        stack.push_async_callback(_finished, console)
        stack.push_async_callback(processes.stop, process)
        for _, theirs in pairs.values():
            theirs.close()
        qmp, clock = QMPClient("anyclue"), GuestClock(process.pid)
        try:
            async with within(clock, QMP_S):
                await qmp.connect(pairs["qmp"][0])
        except (TimeoutError, ConnectError) as error:
            said = (directory / "qemu.log").read_text(errors="replace").strip()[-1500:]
            raise InfrastructureError(
                f"QEMU did not start: {said or error}",
                where=argv[0],
                next_step="check that the kernel image is one; `anyclue doctor` checks the rest",
            ) from error
        stack.push_async_callback(_disconnect, qmp)
        guest = Guest(process, qmp, {name: pair[0] for name, pair in pairs.items()}, clock)
        guest.agent = await Agent.over(pairs["control"][0], clock)
        stack.callback(guest.agent.close)
        if snapshot is not None:
            await guest.restore(snapshot)
        yield guest


async def _finished(console: asyncio.Task[None]) -> None:
    """Wait for the last that an ended QEMU had for its console."""
    await asyncio.wait({console}, timeout=QMP_S)
    console.cancel()


async def _disconnect(qmp: QMPClient) -> None:
    with contextlib.suppress(QMPError, EOFError, OSError):
        await qmp.disconnect()
