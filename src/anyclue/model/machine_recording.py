"""What ``anyclue record`` leaves, read back, and what is said of it test by test.

Times are seconds of the recorder's monotonic clock; memory is in KiB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from anyclue.model.recording import Incident, LogLine, Reading
from anyclue.model.verdict import MemoryClass, Signature, Verdict

WHOLE_COMMAND = "(the whole command)"
"""Stands for the test where no test could be told apart."""


@dataclass(frozen=True, kw_only=True)
class RecordedMachine:
    """The header of a recording: what was recorded, where, how, and what could not be read."""

    command: tuple[str, ...]
    hz: float
    quiesce: bool
    root: bool
    release: str
    machine: str
    host: str
    cpus: int
    begin: str
    every_s: Mapping[str, float]
    unread: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Span:
    """One run of one test: ``end_s`` is None where the recording ended before the test did.

    ``joined`` says that it had begun before the recording; ``log_lines`` are the first of its
    lines in the kernel log and the first that is not.
    """

    test: str
    number: int
    begin_s: float
    end_s: float | None
    joined: bool = False
    log_lines: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class MachineRecording:
    """A recording of ``anyclue record``, read back.

    ``timeline`` has the counters of meminfo and ``pcp.total`` of every sample; ``details`` the
    slab and vmalloc counters at the boundaries; ``floors`` the quiesced intervals. ``ended`` is
    None where the recorder was killed.
    """

    machine: RecordedMachine
    spans: tuple[Span, ...]
    timeline: tuple[Reading, ...]
    details: tuple[Reading, ...] = ()
    floors: tuple[tuple[float, float], ...] = ()
    kernel_log: tuple[LogLine, ...] = ()
    lost_log: int = 0
    ended: str | None = None
    status: int | None = None
    command_s: tuple[float, float | None] | None = None


@dataclass(frozen=True, kw_only=True)
class TestRun:
    """One run of a test with what memory did.

    ``peak_kib`` and the floors are memory that the kernel holds and that is no cache; ``classes``
    is what each class rose by from floor to floor, ``top`` what rose most inside them.
    """

    __test__ = False  # pytest takes the name for a test of its own

    span: Span
    peak_kib: float | None
    before_kib: float | None
    after_kib: float | None
    classes: Mapping[MemoryClass, float] = field(default_factory=dict)
    top: tuple[tuple[str, float], ...] = ()
    quiesced: bool = False
    incident: Incident | None = None

    @property
    def step_kib(self) -> float | None:
        """Return how much higher the floor was after it."""
        if self.before_kib is None or self.after_kib is None:
            return None
        return self.after_kib - self.before_kib


@dataclass(frozen=True, kw_only=True)
class TestVerdict:
    """What is said of one test, from all its runs in a recording."""

    __test__ = False

    test: str
    runs: tuple[TestRun, ...]
    verdict: Verdict
    because: str
    rate_kib_per_run: float | None = None
    rate_ci95_kib: tuple[float, float] | None = None
    signature: Signature | None = None


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
