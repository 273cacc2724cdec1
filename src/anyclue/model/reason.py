"""Why a verdict was given, as facts; ``report/reasons.py`` words them.

Reasons that only tests of fstests have stand in ``fstests/core/reasons.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from anyclue.model.recording import Incident, LeakedObject, Outcome
from anyclue.model.scenario import Cell
from anyclue.model.verdict import (
    ClassRate,
    MemoryClass,
    ObjectBound,
    ObjectSeries,
    Signature,
    SignatureDetail,
    Verdict,
    VerdictReason,
)


@dataclass(frozen=True, kw_only=True)
class SlabCache(SignatureDetail):
    """The slab cache that grew most: its objects and its KiB per round, where they are known.

    ``merged`` are the other names under which the kernel keeps objects in it.
    """

    name: str
    objects: float = 0.0
    kib: float | None = None
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CountedObjects(SignatureDetail):
    """What is no slab cache and grew, by ``rate`` a round: threads, mounts, ..."""

    series: ObjectSeries
    rate: float


@dataclass(frozen=True, kw_only=True)
class LargeKmalloc(SignatureDetail):
    """No slab cache explains the growth: ``kmalloc`` of more than two pages is in none."""


@dataclass(frozen=True, kw_only=True)
class VmallocCaller(SignatureDetail):
    """Who allocated what grew most in vmalloc, and its KiB per round."""

    function: str
    kib: float


@dataclass(frozen=True, kw_only=True)
class PerFile(SignatureDetail):
    """How much it is for each file that a round made, in KiB."""

    kib: float


@dataclass(frozen=True, kw_only=True)
class BrokenFunction(SignatureDetail):
    """The function that the kernel named when it broke."""

    name: str


@dataclass(frozen=True, kw_only=True)
class NeverFreed(SignatureDetail):
    """What the kernel itself says was never freed, and its name or number where it gives one."""

    leaked: LeakedObject
    subject: str | None = None


@dataclass(frozen=True, kw_only=True)
class FloorSample:
    """What a rate rests on: floors of all ``trials`` together, ``warm_up`` rounds set aside."""

    floors: int
    trials: int
    warm_up: int


@dataclass(frozen=True, kw_only=True)
class ReferenceRate:
    """The same class in the reference: its rate (None without floors), and whether it grew too."""

    cell: Cell
    rate_kib: float | None = None
    grew: bool = False


@dataclass(frozen=True, kw_only=True)
class ReferenceObjects:
    """How many objects the same series gained a round in the reference."""

    cell: Cell
    rate: float


@dataclass(frozen=True, kw_only=True)
class ExcludedObjects:
    """What counts of objects exclude: ``highest`` may gain most of those that are not excluded.

    Each with the upper end of the 95 % interval of what a leak of it may be, in objects a round.
    """

    bound: ObjectBound
    highest: tuple[tuple[ObjectSeries, float], ...] = ()

    @property
    def unread(self) -> int:
        """How many are not excluded since too few floors could be read of them."""
        return self.bound.series - self.bound.excluded - len(self.highest)


@dataclass(frozen=True, kw_only=True)
class TrialEnd:
    """How the worst trial of a cell ended: the first thing that broke, or else a detail."""

    outcome: Outcome
    incident: Incident | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class NotRun(VerdictReason):
    """No trial of it was run."""


@dataclass(frozen=True, kw_only=True)
class RefusedAlike(VerdictReason):
    """No trial of it was run, since one of ``cell`` could not run for what this one has, too."""

    cell: Cell
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class NotJudged(VerdictReason):
    """No trial of it says anything of the kernel."""

    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class GrowthProven(VerdictReason):
    """A class of memory grew from floor to floor.

    ``steps`` counts the late steps that were set aside; ``others`` are the other classes that grew,
    with KiB per round; ``in_all_kib`` is what all that leak lose in a round. ``perhaps`` are those
    that grew by their interval, which is not proven; ``more_used`` is how used memory grew, where
    that is more than all of these that are proven. ``objects`` are counts of objects that grew and
    are not in the detail, with objects a round. ``end`` is how the worst trial ended, where it did
    not pass.
    """

    memory_class: MemoryClass
    rate_kib: float
    ci95_kib: tuple[float, float]
    sample: FloorSample
    detail: SignatureDetail | None = None
    steps: int = 0
    reference: ReferenceRate | None = None
    others: tuple[tuple[MemoryClass, float], ...] = ()
    in_all_kib: float | None = None
    perhaps: tuple[tuple[MemoryClass, ClassRate], ...] = ()
    more_used: ClassRate | None = None
    objects: tuple[tuple[ObjectSeries, float], ...] = ()
    end: TrialEnd | None = None


@dataclass(frozen=True, kw_only=True)
class SlabSteps:
    """A count that moves in whole slabs of so many ``objects``: how often it went up by some.

    So many steps are ``needed`` for proof, as many rounds of the reference beside them as now.
    """

    objects: float
    seen: int
    needed: int


@dataclass(frozen=True, kw_only=True)
class ObjectsGrew(VerdictReason):
    """A count of objects grew from floor to floor, in every guest and beyond the reference.

    No class of memory is known to have grown. ``others`` are counts that grew too, with objects a
    round; ``end`` is how the worst trial ended, where it did not pass. ``slabs``: it did in steps.
    """

    series: ObjectSeries
    rate: float
    ci95: tuple[float, float]
    sample: FloorSample
    detail: SignatureDetail
    reference: ReferenceObjects | None = None
    others: tuple[tuple[ObjectSeries, float], ...] = ()
    end: TrialEnd | None = None
    slabs: SlabSteps | None = None

    @property
    def counts(self) -> tuple[ObjectSeries, ...]:
        """All counts that grew, the most first."""
        return (self.series, *(series for series, _ in self.others))


class ObjectEvidence(Enum):
    """What would tell whether a count of objects leaks."""

    GUEST = auto()  # another one that shows it, too
    ROUNDS = auto()
    REFERENCE = auto()
    SLABS = auto()  # more steps of a count that moves in whole slabs


@dataclass(frozen=True, kw_only=True)
class ObjectsSuspected(VerdictReason):
    """A count of objects grew in every guest, which is not yet proof; ``lacking`` would tell.

    ``others`` counts the other series of which the same is true. ``slabs``: it did in steps.
    """

    series: ObjectSeries
    rate: float
    ci95: tuple[float, float]
    sample: FloorSample
    lacking: ObjectEvidence
    reference: ReferenceObjects | None = None
    others: int = 0
    slabs: SlabSteps | None = None


@dataclass(frozen=True, kw_only=True)
class PinnedPageCache(VerdictReason):
    """Memory ran out while clean page cache could not be reclaimed."""

    kib: float
    ram_kib: float


@dataclass(frozen=True, kw_only=True)
class MemoryExhausted(VerdictReason):
    """Memory ran out while one class grew; ``reference_kib`` is its growth in the reference."""

    memory_class: MemoryClass
    kib: float
    ram_kib: float
    reference_kib: float | None = None


@dataclass(frozen=True, kw_only=True)
class TrialBroke(VerdictReason):
    """A trial ended badly; ``floors_flat`` says that no leak was proven before."""

    end: TrialEnd
    floors_flat: bool = False


@dataclass(frozen=True, kw_only=True)
class KernelError(VerdictReason):
    """The kernel reported an error and went on; ``floors_flat`` as above."""

    incident: Incident
    floors_flat: bool = False


@dataclass(frozen=True, kw_only=True)
class TooFewFloors(VerdictReason):
    """Fewer floors than the ``needed`` ones are left after the warm-up; of a class, or of all."""

    floors: int
    needed: int
    memory_class: MemoryClass | None = None


@dataclass(frozen=True, kw_only=True)
class SingleSteps(VerdictReason):
    """Nothing but late steps is in doubt: (round, KiB) each; of a class, or of all (None).

    Without them ``at_most_kib`` a round is the upper end of the rate's 95 % interval.
    """

    memory_class: MemoryClass | None
    steps: tuple[tuple[int, float], ...]
    at_most_kib: float


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """So many more guests of a cell, and of its reference, would settle its verdict.

    They do with a probability of ``chance``.
    """

    own: int = 0
    reference: int = 0
    chance: float = 1.0


@dataclass(frozen=True, kw_only=True)
class GrowthUndecided(VerdictReason):
    """A leak of ``limit_kib`` a round is neither proven nor excluded, of a class or of all (None).

    ``settlement`` would tell; None: it is unlikely that any number of guests would.
    """

    memory_class: MemoryClass | None
    rate_kib: float
    ci95_kib: tuple[float, float]
    limit_kib: float
    settlement: Settlement | None


@dataclass(frozen=True, kw_only=True)
class OtherCounterGrew(VerdictReason):
    """Memory grew that /proc/meminfo counts apart, and that is no file system's as far as we know.

    ``counters`` are the lines that grew most, with KiB a round.
    """

    counters: tuple[tuple[str, float], ...]
    rate_kib: float
    ci95_kib: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class PeakAboveReference(VerdictReason):
    """Between flat floors memory that is no cache peaked far above the reference (KiB)."""

    kib: float
    reference_kib: float


@dataclass(frozen=True, kw_only=True)
class LeftToReclaim(VerdictReason):
    """A round left far more behind than in the reference (KiB), and reclaim gave it back."""

    kib: float
    reference_kib: float
    memory_class: MemoryClass | None = None


@dataclass(frozen=True, kw_only=True)
class CachePeak(VerdictReason):
    """Use peaked far above the reference (KiB), all of it cache that was given back."""

    kib: float
    reference_kib: float


@dataclass(frozen=True, kw_only=True)
class GrowthExcluded(VerdictReason):
    """Leaks of ``limit_kib`` a round and more are excluded.

    ``memory_class`` is excluded least well, by ``at_most_kib``; ``steps`` (KiB) were found to be
    one-time costs. ``objects`` is what counts of objects exclude, where they are exact.
    """

    limit_kib: float
    sample: FloorSample
    memory_class: MemoryClass
    at_most_kib: float
    steps: tuple[float, ...] = ()
    objects: ExcludedObjects | None = None


@dataclass(frozen=True, kw_only=True)
class OtherFault(VerdictReason):
    """The cell is guilty of something else: what that is."""

    verdict: Verdict
    signature: Signature | None


@dataclass(frozen=True, kw_only=True)
class TrialsLeftOut(VerdictReason):
    """What the ``judged`` trials say; of all ``trials`` some are ``left_out``, by their outcome."""

    judged: VerdictReason
    trials: int
    left_out: tuple[tuple[Outcome, int], ...]


def judged_reason(because: VerdictReason) -> VerdictReason:
    """Return what the trials say that were judged, whatever was left out."""
    return because.judged if isinstance(because, TrialsLeftOut) else because


def grown_objects(because: VerdictReason) -> ObjectsGrew | None:
    """Return the counts of objects that alone show a leak; None where KiB do, or nothing leaks."""
    judged = judged_reason(because)
    return judged if isinstance(judged, ObjectsGrew) else None
