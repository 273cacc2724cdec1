"""What is said of a recording of a machine, and of two beside each other. Memory is in KiB."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from anyclue.model.machine_recording import MachineRecording, TestVerdict


@dataclass(frozen=True, kw_only=True)
class RecordingVerdicts:
    """A verdict on each test of a recording."""

    recorded: MachineRecording
    tests: tuple[TestVerdict, ...]


class Direction(StrEnum):
    """Whether a figure of one recording is higher than that of another."""

    HIGHER = "higher"
    LOWER = "lower"
    SAME = "same"
    UNDECIDED = "cannot tell"


class Mismatch(StrEnum):
    """What differs between two recordings so that nothing can be laid to the kernel."""

    RAM = "ram"
    ARCHITECTURE = "architecture"
    QUIESCE = "quiesce"


@dataclass(frozen=True, kw_only=True)
class FigureDifference:
    """One figure of a test here and there (means over its runs, KiB) and what can be said.

    ``ci95_kib`` is None where a recording has too few runs to know their scatter.
    """

    here_kib: float
    there_kib: float
    ci95_kib: tuple[float, float] | None
    direction: Direction


@dataclass(frozen=True, kw_only=True)
class TestComparison:
    """One test in two recordings: ``peak`` above the floor before it, and ``step`` of the floor.

    None where a recording has no floors around the test.
    """

    __test__ = False

    here: TestVerdict
    there: TestVerdict
    peak: FigureDifference | None
    step: FigureDifference | None

    @property
    def newly_guilty(self) -> bool:
        """Say whether it leaks or breaks here and does not there."""
        return self.here.verdict.is_guilty and not self.there.verdict.is_guilty


@dataclass(frozen=True, kw_only=True)
class RecordedComparison:
    """Two recordings, test by test; with ``mismatches`` no figure is called higher or lower."""

    here: RecordingVerdicts
    there: RecordingVerdicts
    tests: tuple[TestComparison, ...]
    only_here: tuple[str, ...]
    only_there: tuple[str, ...]
    mismatches: tuple[Mismatch, ...]
