"""What is said of a recording of a machine, and of two beside each other. Memory is in KiB."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from anyclue.model.machine_recording import (
    MachineRecording,
    TestVerdict,
)
from anyclue.model.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class RecordingVerdicts:
    """All that is said of a recording; ``notes`` is what could not be read, told or finished."""

    recorded: MachineRecording
    ram_kib: float
    tests: tuple[TestVerdict, ...]
    notes: tuple[str, ...]


class Direction(StrEnum):
    """How a figure of one recording stands to that of another."""

    HIGHER = "higher"
    LOWER = "lower"
    SAME = "same"
    UNTOLD = "cannot tell"


@dataclass(frozen=True, kw_only=True)
class FigureDifference:
    """One figure of a test here and there (means over its runs, KiB) and what can be said.

    ``ci95_kib`` is None where a recording has too few runs to know their scatter.
    """

    here_kib: float
    there_kib: float
    ci95_kib: tuple[float, float] | None
    standing: Direction

    @property
    def kib(self) -> float:
        """Return how much more it is here."""
        return self.here_kib - self.there_kib


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
        guilty = {Verdict.LEAK, Verdict.BROKEN}
        return self.here.verdict in guilty and self.there.verdict not in guilty


@dataclass(frozen=True, kw_only=True)
class RecordedComparison:
    """Two recordings, test by test; ``notes`` is what keeps them from being compared well."""

    here: RecordingVerdicts
    there: RecordingVerdicts
    tests: tuple[TestComparison, ...]
    only_here: tuple[str, ...]
    only_there: tuple[str, ...]
    notes: tuple[str, ...]
