"""A workload as the suite of a trial, and its rounds.

Each round has a fresh file system: everything is written, exercised, removed; then comes a floor.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.model.errors import RequestError
from anyclue.model.recording import EndReason, Mark, MarkName, Outcome, Reading
from anyclue.model.scenario import Cell, Scalar, Scenario
from anyclue.recordings.procfs import facts
from anyclue.trial.filesystems.file_system import FileSystem
from anyclue.trial.filesystems.registry import FILE_SYSTEMS
from anyclue.trial.kernels.modules import LOAD_MODULES
from anyclue.trial.session import DEVICE, GuestSession, TrialEndedError, last_lines
from anyclue.trial.workloads.registry import WORKLOADS
from anyclue.trial.workloads.workload import MNT, MOUNT, WorkloadPlan

MOUNT_POINT = "/mnt"
LOAD = f"{LOAD_MODULES} && rm *.ko"
WRONG_CONTENTS = "wrong contents"


@dataclass(frozen=True, kw_only=True)
class WorkloadSuite:
    """A workload on a file system; a `anyclue.trial.model.Suite`.

    ``mkfs`` and ``mount`` are the cell's options, ``file_system`` is a name of `FILE_SYSTEMS`.
    """

    workload: WorkloadPlan
    mkfs: tuple[str, ...]
    mount: str
    file_system: str = "btrfs"

    disk = None
    round_name = "a round"
    limit_key = "limits.round_seconds"

    @property
    def provenance(self) -> Mapping[str, str]:
        """Nothing: a workload is of this anyclue."""
        return {}

    def timeline(self, samples: Sequence[Reading], _marks: Sequence[Mark]) -> tuple[Reading, ...]:
        """Return all samples."""
        return tuple(samples)

    async def run(self, session: GuestSession, _place: Path) -> None:
        """Run all rounds; raises what `WorkloadRounds.run` does."""
        await self.rounds(session).run()

    def rounds(self, session: GuestSession) -> WorkloadRounds:
        """Return what runs it in a guest."""
        return WorkloadRounds(
            session,
            workload=self.workload,
            file_system=FILE_SYSTEMS[self.file_system],
            mkfs=self.mkfs,
            mount=self.mount,
        )


def workload_suite(scenario: Scenario, cell: Cell) -> WorkloadSuite:
    """Return the suite of a cell.

    Raises:
        RequestError: its workload is no built-in one, but tests of fstests.
    """
    choice = scenario.workloads[cell.workload]
    if choice.tests is not None:
        raise RequestError.of(
            "this verb cannot run tests of fstests, only built-in workloads",
            where=cell.id,
            next_step="name a cell with a workload; `anyclue hunt` runs fstests",
        )
    return WorkloadSuite(
        workload=WORKLOADS[choice.use].planned(choice),
        mkfs=tuple(shlex.split(scenario.mkfs[cell.mkfs])),
        mount=scenario.mount[cell.mount],
        file_system=scenario.filesystem,
    )


class WorkloadRounds:
    """Runs the rounds of a workload in a guest.

    Args:
        session: with the guest.
        workload: what runs in each round.
        file_system: what it runs on.
        mkfs: the cell's options for making it.
        mount: and for mounting it.
    """

    def __init__(
        self,
        session: GuestSession,
        *,
        workload: WorkloadPlan,
        file_system: FileSystem,
        mkfs: Sequence[str],
        mount: str,
    ) -> None:
        self._session = session
        self._workload = workload
        self._file_system = file_system
        self._size_mib = file_system.size_mib(workload.size_mib)
        self._make = file_system.mkfs_command(DEVICE, self._size_mib, mkfs)
        self._mount_it = file_system.mount_command(DEVICE, MOUNT_POINT, mount)
        self._feature = file_system.feature(mount)
        self._facts: dict[str, Scalar] = {}
        self._seen = 0

    async def run(self) -> None:
        """Run all rounds.

        Raises:
            TrialEndedError: the workload failed, could not run, or found corruption.
            GuestSilentError, GuestGoneError: as the agent's requests.
        """
        session = self._session
        session.begin_round(0)
        await session.load_module(LOAD)
        await session.loaded()
        await session.mark(MarkName.TRIAL_BEGIN)
        await session.start_sampling()
        for number in range(1, session.limits.rounds + 1):
            session.begin_round(number)
            await self._one_round()
        await session.end()
        self._check_exercised()

    async def set_up(self) -> None:
        """Load the module under test and mount its file system, as the first round does.

        Raises:
            TrialEndedError, GuestSilentError, GuestGoneError: as `run`.
        """
        self._session.begin_round(1)
        await self._session.load_module(LOAD)
        await self._mount()

    async def _one_round(self) -> None:
        session, workload = self._session, self._workload
        self._facts = {}
        await session.mark(MarkName.ROUND_BEGIN)
        await self._mount()
        await self._phase(workload.write)
        await session.must("sync")
        await self._count()
        await session.mark(MarkName.FULL)
        await self._phase(workload.exercise)
        await self._phase(workload.remove)
        await session.mark(MarkName.SETTLED)
        await session.request("sample", 1)
        await session.settled()
        await session.must(f"umount {MOUNT_POINT}")
        if session.round == session.limits.rounds:
            await self._check()
        self._facts["quiesced"] = await session.floor()
        await session.end_round(self._facts)

    async def _mount(self) -> None:
        made = await self._session.shell(self._make)
        if made.status != 0:
            detail = f"{self._make}: {last_lines(made.output)}"
            raise TrialEndedError(Outcome.NOT_RUN, EndReason.MKFS_FAILED, detail)
        mounted = await self._session.shell(
            f"{self._mount_it} && grep ' {MOUNT_POINT} ' /proc/self/mountinfo"
        )
        if mounted.status != 0:
            # Refused at first: the kernel does not know the option. Later: it broke.
            outcome = Outcome.NOT_RUN if self._session.round == 1 else Outcome.FAILED
            detail = f"{self._mount_it}: {last_lines(mounted.output)}"
            raise TrialEndedError(outcome, EndReason.MOUNT_FAILED, detail)
        in_force = mounted.output.split()[-1]
        if self._feature and not any(
            option.startswith(self._feature.option) for option in in_force.split(",")
        ):
            raise TrialEndedError(
                Outcome.NOT_RUN,
                EndReason.OPTION_NOT_IN_FORCE,
                f"mounted, but {self._feature.option} is not in force: {in_force}",
            )
        self._facts["mount_options"] = in_force

    async def _check(self) -> None:
        check = self._file_system.check
        checked = await self._session.shell(shlex.join((*check.command, DEVICE)))
        if checked.status == 0:
            return
        detail = f"{shlex.join(check.command)}: {last_lines(checked.output)}"
        if check.finds_damage(checked.status):
            raise TrialEndedError(Outcome.CORRUPT, EndReason.CHECK_FAILED, detail)
        detail = f"exit status {checked.status}, which says nothing of it: {detail}"
        raise TrialEndedError(Outcome.NOT_RUN, EndReason.CHECK_NOT_RUN, detail)

    async def _count(self) -> None:
        if not self._file_system.count:
            return
        counted = await self._session.must(self._command(self._file_system.count))
        for name, count in facts(counted.output):
            self._facts[name] = count
            if self._feature and name == self._feature.fact:
                self._seen += count

    def _check_exercised(self) -> None:
        """A cell that asked for compression and compressed nothing has not been tested."""
        if self._feature and self._feature.fact and not self._seen:
            detail = f"{self._feature.option} was in force, but {self._feature.unseen}"
            raise TrialEndedError(Outcome.NOT_RUN, EndReason.OPTION_NOT_EXERCISED, detail)

    async def _phase(self, commands: Sequence[Sequence[str]]) -> None:
        for argv in commands:
            command = self._command(argv)
            ran = await self._session.shell(command)
            for name, value in facts(ran.output):
                before = self._facts.get(name, 0)
                self._facts[name] = (before if isinstance(before, int) else 0) + value
            if ran.status != 0:
                detail = f"{command}: exit status {ran.status}: {last_lines(ran.output)}"
                if WRONG_CONTENTS in ran.output:
                    raise TrialEndedError(Outcome.CORRUPT, EndReason.WRONG_CONTENTS, detail)
                raise TrialEndedError(Outcome.FAILED, EndReason.COMMAND_FAILED, detail)
            self._check_space()

    def _check_space(self) -> None:
        """What space ran out for cannot be verified: that is no fault of the kernel."""
        if self._facts.get("enospc") and self._workload.exercise:
            raise TrialEndedError(
                Outcome.NOT_RUN,
                EndReason.NO_SPACE,
                f"{self._size_mib} MiB do not hold what {self._workload.name} "
                "writes and verifies: raise size_mib, or write less",
            )

    def _command(self, argv: Sequence[str]) -> str:
        return shlex.join(
            word.replace(MNT, MOUNT_POINT).replace(MOUNT, self._mount_it) for word in argv
        )
