"""Run one trial: restore the guest, run the suite, leave a whole recording."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from anyclue.model.errors import InfrastructureError
from anyclue.model.recording import (
    EndReason,
    EndState,
    IncidentSeverity,
    LogLine,
    Outcome,
    Recording,
)
from anyclue.recordings.kernel_log import (
    blocked_incident,
    first_incident,
    kind_of,
    merge_console,
    parse_console,
    parse_kmsg,
)
from anyclue.recordings.rounds import find_rounds
from anyclue.recordings.store import write_recording
from anyclue.recordings.telemetry import raw_pieces, read_telemetry
from anyclue.system.files import disk_errors
from anyclue.system.store import Store
from anyclue.trial.guest.accelerator import blank_disks
from anyclue.trial.guest.channel import Agent, GuestGoneError, GuestSilentError, pump_telemetry
from anyclue.trial.guest.machine import Boot, Guest, running
from anyclue.trial.model import TrialJob, TrialResult
from anyclue.trial.outcome import conclude_ending, movement
from anyclue.trial.session import GuestSession, RoundDuration, TrialEndedError, Watch, blocked_tasks

log = logging.getLogger(__name__)

# After a BUG the kernel still has its stack to print, and the agent to forward it.
LAST_WORDS_S = 3.0
RAW = "raw"


async def run_trial(
    job: TrialJob, store: Store, directory: Path, watch: Watch | None = None
) -> TrialResult:
    """Run ``job``; ``directory`` gets the recording's files.

    What ``watch`` had the guest send is then in ``directory/raw``, by name.

    Raises:
        InfrastructureError: the machine failed in a way that would fail the next trial, too (disk
            full, no QEMU, a damaged artifact): nothing is said about the cell.
    """
    begin = time.monotonic()
    with disk_errors(directory):
        boot = boot_of(job, store, directory)
        ending, overdue = await _in_guest(job, store, boot, directory, watch)
        seconds = time.monotonic() - begin
        result = await asyncio.to_thread(_finish, job, directory, ending, overdue, seconds)
        if watch:
            await asyncio.to_thread(_keep_raw, directory)
        for path in (*boot.disks.own, directory / "telemetry"):
            path.unlink()
    return result


def boot_of(job: TrialJob, store: Store, directory: Path) -> Boot:
    """Return what the guest of ``job`` starts from, with fresh disks in ``directory``."""
    image = job.image
    root = store.get(image.root) if image.root else None
    disks = blank_disks(directory, root.file("root.squashfs") if root else None)
    if job.payload is not None:
        payload = store.get(job.payload).file("payload.tar")
        with payload.open("rb") as source, disks.payload.open("r+b") as target:
            shutil.copyfileobj(source, target)
    if job.suite.disk is not None:
        suite = store.get(job.suite.disk.artifact).file(job.suite.disk.file)
        with suite.open("rb") as source, disks.named("suite").open("r+b") as target:
            shutil.copyfileobj(source, target)
    return Boot(
        machine=image.machine,
        accelerator=image.accelerator,
        kernel=store.get(image.kernel).file("vmlinuz"),
        initramfs=store.get(image.initramfs).file("initramfs.cpio"),
        disks=disks,
    )


async def _in_guest(
    job: TrialJob, store: Store, boot: Boot, directory: Path, watch: Watch | None
) -> tuple[EndState, RoundDuration | None]:
    """Return how the trial ended, as far as it is known without the kernel log.

    And how long the round had taken that was not over in time, where there is one.
    """
    snapshot = store.get(job.image.snapshot).file("state")
    fatal = asyncio.Event()

    def on_kernel_log(record: str) -> None:
        line = parse_kmsg(record)
        kind = kind_of(line) if line else None
        if kind and kind.severity is IncidentSeverity.FATAL:
            fatal.set()

    async with running(boot, directory, snapshot=snapshot) as guest:
        pump = asyncio.create_task(
            pump_telemetry(guest.ends["telemetry"], directory / "telemetry", on_kernel_log)
        )
        try:
            session = session_of(job, guest.agent, watch)
            suite = job.suite.run(session, directory)
            ending = await _until_the_end(job, guest, session, suite, fatal, pump)
            await guest.quit()
            await asyncio.wait({pump}, timeout=LAST_WORDS_S)
        finally:
            pump.cancel()
            # What failed beside the failure that is told has been heard, too.
            await asyncio.gather(pump, return_exceptions=True)
    return ending, session.overdue


def session_of(job: TrialJob, agent: Agent, watch: Watch | None = None) -> GuestSession:
    """Return the session of ``job`` with its guest."""
    return GuestSession(
        agent, job.limits, has_module=job.payload is not None, title=job.cell.id, watch=watch
    )


async def _until_the_end(
    job: TrialJob,
    guest: Guest,
    session: GuestSession,
    suite: Awaitable[None],
    fatal: asyncio.Event,
    pump: asyncio.Task[None],
) -> EndState:
    rounds = asyncio.ensure_future(suite)
    broke = asyncio.create_task(fatal.wait())
    gone = asyncio.create_task(guest.process.wait())
    disk = asyncio.create_task(guest.disk_error())
    tasks: set[asyncio.Task[Any]] = {rounds, broke, gone, disk}
    try:
        await asyncio.wait({*tasks, pump}, return_when=asyncio.FIRST_COMPLETED)
        if disk.done():
            raise InfrastructureError(
                f"a guest's disk cannot be written: {disk.result()}",
                next_step="free some space, then go on with --resume",
            )
        if pump.done() and (failure := pump.exception()):
            raise failure
        if broke.done():
            await asyncio.wait({gone}, timeout=LAST_WORDS_S)
            return _crashed("the kernel reported a bug", EndReason.KERNEL_BUG)
        if gone.done() and not rounds.done():
            return _crashed(f"the guest ended by itself (QEMU status {gone.result()})")
        await rounds
    except TrialEndedError as ended:
        return ended.ending
    except GuestSilentError:
        return await _too_long(job, guest, session.overdue)
    except GuestGoneError as error:
        await asyncio.wait({gone}, timeout=LAST_WORDS_S)
        return _crashed(str(error))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return EndState(outcome=Outcome.PASSED, reason=EndReason.COMPLETED, detail="all rounds ran")


async def _too_long(job: TrialJob, guest: Guest, overdue: RoundDuration | None) -> EndState:
    if overdue is not None and not overdue.is_over:
        return EndState(
            outcome=Outcome.LOST,
            reason=EndReason.HOST_BUSY,
            detail=f"{job.suite.round_name} was not over after {overdue.real_s:.0f} s, of which the"
            f" guest could run for {overdue.own_s:.0f} s: this machine has too much to do",
        )
    await blocked_tasks(guest.agent)
    return EndState(
        outcome=Outcome.HUNG,
        reason=EndReason.GUEST_SILENT,
        detail=f"{job.suite.round_name} was not over after {job.limits.round_seconds:g} s",
    )


def _crashed(detail: str, reason: EndReason = EndReason.GUEST_ENDED) -> EndState:
    return EndState(outcome=Outcome.CRASHED, reason=reason, detail=detail)


def _finish(
    job: TrialJob,
    directory: Path,
    ending: EndState,
    overdue: RoundDuration | None,
    seconds: float,
) -> TrialResult:
    telemetry = read_telemetry(directory / "telemetry")
    console = (directory / "console.log").read_bytes().decode(errors="replace")
    lines = merge_console(telemetry.log, parse_console(console))
    during = _since_restore(lines, telemetry.samples[0].t_s if telemetry.samples else 0.0)
    incident = first_incident(during)
    rounds = find_rounds(telemetry.marks, telemetry.samples)
    # A guest's clock goes on in real time, whatever it may run of it.
    lasted_s = overdue.real_s if overdue else job.limits.round_seconds
    deadline_s = (rounds[-1].begin_s if rounds else 0.0) + lasted_s
    moved = movement(telemetry.samples, deadline_s)
    ending = conclude_ending(ending, incident, during, moved, job.suite.limit_key)
    if ending.outcome is Outcome.HUNG and incident is None:
        incident = blocked_incident(during)
    log.debug("%s trial %d: %s", job.cell.id, job.trial, ending)
    recording = Recording(
        cell=job.cell,
        trial=job.trial,
        outcome=ending.outcome,
        reason=ending.reason,
        detail=ending.detail,
        ram_kib=job.image.machine.ram_mib * 1024,
        rounds=rounds,
        timeline=job.suite.timeline(telemetry.samples, telemetry.marks),
        marks=telemetry.marks,
        kernel_log=lines,
        incident=incident,
        provenance=dict(job.provenance),
        merged_caches=telemetry.merged_caches,
    )
    write_recording(directory, recording, seconds=seconds, lost_log=telemetry.lost_log)
    return TrialResult(
        job=job,
        outcome=ending.outcome,
        detail=ending.detail,
        seconds=seconds,
        reason=ending.reason,
    )


def _keep_raw(directory: Path) -> None:
    """Put what the guest sent of each name into one file."""
    raw = directory / RAW
    raw.mkdir()
    for name, piece in raw_pieces(directory / "telemetry"):
        with (raw / name).open("ab") as file:
            file.write(piece)


def _since_restore(lines: tuple[LogLine, ...], begin_s: float) -> tuple[LogLine, ...]:
    """Leave out what the kernel said while booting: that was before the trial."""
    return tuple(line for line in lines if line.t_s >= begin_s - 10) if begin_s else lines
