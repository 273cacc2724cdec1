"""What ``anyclue record`` leaves, read back, and what is said of it test by test.

Times are seconds of the recorder's monotonic clock; memory is in KiB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anyclue.model.recording import Incident, LogLine, Reading
from anyclue.model.verdict import MemoryClass, Signature, Verdict, VerdictReason

WHOLE_COMMAND = "(the whole command)"
"""Stands for the test where no test could be told apart."""


@dataclass(frozen=True, kw_only=True)
class RecordedMachine:
    """The header of a recording: what was recorded, where, how, and what could not be read."""

    command: tuple[str, ...]
    hz: float
    quiesce: bool
    release: str
    machine: str
    host: str
    cpus: int
    begin: str
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

    @property
    def ram_kib(self) -> float:
        """Return the machine's memory; 0 where nothing was sampled."""
        return self.timeline[0].counters.get("meminfo.MemTotal", 0.0) if self.timeline else 0.0


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
    because: VerdictReason
    rate_kib_per_run: float | None = None
    rate_ci95_kib: tuple[float, float] | None = None
    signature: Signature | None = None

    @property
    def steps_kib(self) -> tuple[float, ...]:
        """Return the steps of the runs that have floors."""
        return tuple(step for run in self.runs if (step := run.step_kib) is not None)
