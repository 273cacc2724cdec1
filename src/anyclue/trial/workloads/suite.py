"""A workload as the suite of a trial."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.model.errors import RequestError
from anyclue.model.recording import Mark, Reading
from anyclue.model.scenario import Cell, Scenario
from anyclue.trial.filesystems.registry import FILE_SYSTEMS
from anyclue.trial.session import GuestSession
from anyclue.trial.workloads.registry import WORKLOADS
from anyclue.trial.workloads.rounds import WorkloadRounds
from anyclue.trial.workloads.workload import WorkloadPlan


@dataclass(frozen=True, kw_only=True)
class WorkloadSuite:
    """A workload on a file system; a `anyclue.trial.suite.Suite`.

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
    )
