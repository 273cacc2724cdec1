"""What one trial needs, all of it by content: another machine could fetch it and run it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from anyclue.model.artifact import ArtifactRef
from anyclue.model.recording import EndReason, Mark, Outcome, Reading
from anyclue.model.scenario import Cell, Limits, Machine
from anyclue.trial.session import GuestSession


@dataclass(frozen=True, kw_only=True)
class PreparedKernel:
    """A kernel ready to boot.

    ``boot`` holds ``vmlinuz`` and the modules that a guest loads before its snapshot is taken;
    ``payload`` (None when the file system is built in) holds ``payload.tar`` with the module
    under test, which goes into the guest after the snapshot is restored. ``provenance`` says
    where both come from: package versions, compiler, edits.
    """

    release: str
    boot: ArtifactRef
    payload: ArtifactRef | None
    provenance: Mapping[str, str] = field(default_factory=dict)


class Accelerator(StrEnum):
    """How QEMU runs the guest."""

    KVM = "kvm"
    TCG = "tcg"


class Shape(StrEnum):
    """The two shapes of guest: an initramfs for the built-in workloads, a root for fstests."""

    LEAN = "lean"
    FULL = "full"


@dataclass(frozen=True, kw_only=True)
class GuestImage:
    """A guest ready to restore: ``snapshot`` was saved by the very machine described here."""

    shape: Shape
    machine: Machine
    accelerator: Accelerator
    kernel: ArtifactRef
    initramfs: ArtifactRef
    root: ArtifactRef | None
    snapshot: ArtifactRef
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SuiteDisk:
    """A file of an artifact that a guest has as a disk of its own."""

    artifact: ArtifactRef
    file: str


class Suite(Protocol):
    """What one trial runs, all of it by content; a frozen dataclass that can be pickled."""

    @property
    def disk(self) -> SuiteDisk | None:
        """What the guest needs on a disk of its own, if anything."""
        ...

    @property
    def round_name(self) -> str:
        """What a round is called, with its article."""
        ...

    @property
    def limit_key(self) -> str:
        """Which key of the scenario limits a round."""
        ...

    @property
    def provenance(self) -> Mapping[str, str]:
        """What a recording says of where it comes from."""
        ...

    def timeline(self, samples: Sequence[Reading], marks: Sequence[Mark], /) -> tuple[Reading, ...]:
        """Return what of the samples a recording keeps."""
        ...

    async def run(self, session: GuestSession, place: Path, /) -> None:
        """Run all rounds; ``place`` has the guest's disks, and gets the suite's own files.

        Raises:
            TrialEndedError: the trial ended early with an outcome of its own.
            GuestSilentError, GuestGoneError: as the agent's requests.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class TrialJob:
    """One guest running one cell by what its workload is: a `Suite`."""

    cell: Cell
    trial: int
    image: GuestImage
    payload: ArtifactRef | None
    suite: Suite
    limits: Limits
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """A trial that ended; its recording is whole and at its place in the run directory."""

    job: TrialJob
    outcome: Outcome
    detail: str
    seconds: float
    reason: EndReason | None = None


def always(_job: TrialJob) -> bool:
    """Want every trial."""
    return True


class TrialExecutor(Protocol):
    """Runs trials, here or elsewhere; yields each as it ends. Order is not promised."""

    def run(
        self, jobs: Sequence[TrialJob], is_wanted: Callable[[TrialJob], bool] = always
    ) -> AsyncGenerator[TrialResult, None]:
        """Run all jobs; closing the generator stops those that are still running.

        ``is_wanted`` is asked when a trial would begin, all results before that being heard.
        """
        ...
