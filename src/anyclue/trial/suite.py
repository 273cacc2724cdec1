"""What a trial runs in its guest: the protocol of workloads and of tests of fstests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from anyclue.model.artifact import ArtifactRef
from anyclue.model.recording import Mark, Reading
from anyclue.trial.session import GuestSession


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
