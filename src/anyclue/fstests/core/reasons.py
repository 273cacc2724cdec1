"""Why a verdict on a test of fstests was given, as facts; ``render/reasons.py`` words them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from anyclue.fstests.core.model import TestId
from anyclue.model.recording import EndState, Incident
from anyclue.model.verdict import MemoryClass, SignatureDetail, VerdictReason


class Caveat(Enum):
    """Why growth from run to run proves no leak."""

    OTHER_WORK = auto()  # it is memory of processes, and the machine does other work
    NOT_QUIESCED = auto()  # no caches were dropped between the runs


class FloorGap(Enum):
    """Why there are no floors on both sides of a test."""

    BEGUN_BEFORE = auto()  # it had begun before the recording
    CUT_SHORT = auto()  # the recorder was killed before it ended
    RECORDING_ENDED = auto()  # the recording ended before it
    NOT_ENDED = auto()  # it did not come to its end
    TOO_FEW_SAMPLES = auto()


@dataclass(frozen=True, kw_only=True)
class KernelReport(VerdictReason):
    """The kernel reported something fatal during the test."""

    incident: Incident


@dataclass(frozen=True, kw_only=True)
class RepeatedRuns(VerdictReason):
    """The statistics over the floors between runs of the test; ``caveat`` voids a leak."""

    statistics: VerdictReason
    caveat: Caveat | None = None


@dataclass(frozen=True, kw_only=True)
class NoFloors(VerdictReason):
    """There are no floors on both sides of the test."""

    gap: FloorGap


@dataclass(frozen=True, kw_only=True)
class TooFewRuns(VerdictReason):
    """Too few ``runs`` of the test, over which floors rose by ``step_kib`` each in the mean.

    The step is 0 where it is not worth a word. ``memory_class`` grew most; ``enough`` runs tell.
    """

    runs: int
    enough: int
    step_kib: float
    memory_class: MemoryClass | None = None


@dataclass(frozen=True, kw_only=True)
class ClassFell(VerdictReason):
    """A class fell over the one run, by which it may hide a leak."""

    memory_class: MemoryClass
    kib: float


@dataclass(frozen=True, kw_only=True)
class NoClassRose(VerdictReason):
    """No class rose by ``limit_kib`` over the one run; all together rose by ``step_kib``."""

    limit_kib: float
    step_kib: float


@dataclass(frozen=True, kw_only=True)
class RoseOnce(VerdictReason):
    """Kernel memory rose over the one run, ``memory_class`` most."""

    kib: float
    memory_class: MemoryClass | None = None


@dataclass(frozen=True, kw_only=True)
class RoseBehindOthers(VerdictReason):
    """Kernel memory rose more over a run behind other tests than over one alone."""

    behind_others_kib: float
    alone_kib: float


@dataclass(frozen=True, kw_only=True)
class CleanAlone(VerdictReason):
    """It leaks among other tests, and is clean without them."""

    among: VerdictReason


@dataclass(frozen=True, kw_only=True)
class EndUnknown(VerdictReason):
    """Nothing says that the test came to its end, so that what its memory did proves nothing."""

    memory: VerdictReason


@dataclass(frozen=True, kw_only=True)
class LeakingTest(SignatureDetail):
    """The test that leaks, and those before it without which it does not."""

    test: TestId
    after: tuple[TestId, ...] = ()
    rate_kib: float | None = None


@dataclass(frozen=True, kw_only=True)
class BrokenTest:
    """A test that broke its cell: it ended its guest, or broke the kernel, or check failed it."""

    test: TestId
    killed: EndState | None = None
    memory: VerdictReason | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class TestsOfCell(VerdictReason):
    """What the tests of a cell say; ``counted`` of them count."""

    __test__ = False  # pytest takes the name for a test of its own

    counted: int
    leaking: tuple[LeakingTest, ...] = ()
    broken: tuple[BrokenTest, ...] = ()
    clean: int = 0
    unproven: tuple[TestId, ...] = ()
    not_run: tuple[TestId, ...] = ()
    expunged: tuple[TestId, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NoTestRan(VerdictReason):
    """No test of the cell ran; ``details`` say how its trials ended."""

    details: tuple[str, ...] = ()
