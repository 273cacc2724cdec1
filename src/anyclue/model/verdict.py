"""What the statistics say of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from anyclue.model.recording import Incident, Outcome
from anyclue.model.scenario import Cell


class Verdict(StrEnum):
    """The verdict of a cell; ``UNPROVEN`` covers all that could not be judged."""

    CLEAN = "clean"
    LEAK = "leak"
    CACHE = "cache"
    SURGE = "surge"
    BROKEN = "broken"
    UNPROVEN = "unproven"

    @property
    def is_guilty(self) -> bool:
        """Say whether it is a regression: what decides the exit code and what is followed up."""
        return self in (Verdict.LEAK, Verdict.SURGE, Verdict.BROKEN)


class Signature(StrEnum):
    """Which kind of release is missing, by the class of memory that grew."""

    PAGE_CACHE_REFERENCE = "page-cache-reference"
    RAW_PAGES = "raw-pages"
    OBJECT = "object"
    VMALLOC = "vmalloc"
    KERNEL_STACKS = "kernel-stacks"
    PAGE_TABLES = "page-tables"
    PERCPU = "percpu"
    USER_SPACE = "user-space"
    KMAP_SLOTS = "kmap-slots"


class MemoryClass(StrEnum):
    """The classes of memory that a floor is split into (KiB); see ``verdicts/classes.py``."""

    USED = "used"  # MemTotal - (MemFree + per-CPU lists): what no reclaim gave back
    ORPHANED_FILE_PAGES = "orphaned-file-pages"
    UNACCOUNTED = "unaccounted"
    SLAB_UNRECLAIMABLE = "slab-unreclaimable"
    SLAB_RECLAIMABLE = "slab-reclaimable"
    VMALLOC = "vmalloc"
    KERNEL_STACKS = "kernel-stacks"
    PAGE_TABLES = "page-tables"
    PERCPU = "percpu"
    ANON = "anon"
    SHMEM = "shmem"
    FILE_CACHE = "file-cache"
    OTHER_COUNTED = "other-counted"


class ObjectKind(StrEnum):
    """What a kernel counts in things, whatever their size."""

    SLAB = "slab"  # objects in use of a slab cache
    THREADS = "threads"  # of the kernel, by name
    MOUNTS = "mounts"  # by type of file system
    VMALLOC_AREAS = "vmalloc-areas"  # by the function that asked


@dataclass(frozen=True, kw_only=True, order=True)
class ObjectSeries:
    """One count of objects from floor to floor: a slab cache, threads of one name, ..."""

    kind: ObjectKind
    name: str


@dataclass(frozen=True, kw_only=True)
class VerdictReason:
    """Why a verdict was given: facts, no words. Those of the statistics are in ``reason.py``."""


@dataclass(frozen=True, kw_only=True)
class SignatureDetail:
    """What a signature adds: facts, no words. Those of the statistics are in ``reason.py``."""


@dataclass(frozen=True, kw_only=True)
class ClassRate:
    """How one class of memory moved over rounds: KiB per round with its 95 % interval.

    ``grew`` is the decision after correction for the number of classes looked at; ``top`` names
    what inside the class grew most (a slab cache, a vmalloc caller), with KiB per round.
    """

    rate_kib: float | None
    ci95_kib: tuple[float, float] | None
    grew: bool
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ObjectRate:
    """How a count of objects moved over rounds: objects a round with their 95 % interval.

    Attributes:
        rate: objects a round.
        ci95: its 95 % interval.
        at_most: what a leak may be: the upper end, or that of the excess over the reference.
        grew: the decision, corrected for the number of series looked at.
        kib: what its cache grew by, in KiB a round; None where that is not known.
        merged: the other names under which the kernel keeps objects in that cache.
    """

    rate: float
    ci95: tuple[float, float]
    at_most: float
    grew: bool
    kib: float | None = None
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ObjectBound:
    """What exact counts of objects exclude.

    Of all ``series`` those that are ``excluded`` gain less than ``limit`` objects a round. Of the
    others ``CellVerdict.objects`` holds all but those of which too few floors could be read.
    """

    series: int
    excluded: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class CellVerdict:
    """The verdict of one cell and all it rests on.

    ``rate_kib_per_round`` is the rate of the class that carries the verdict: the class that grew
    for a leak, ``MemoryClass.USED`` otherwise. ``rounds`` counts the floors used after the
    ``warm_up`` rounds were set aside.
    """

    cell: Cell
    outcome: Outcome
    verdict: Verdict
    because: VerdictReason
    rate_kib_per_round: float | None
    rate_ci95_kib: tuple[float, float] | None
    signature: Signature | None
    signature_detail: SignatureDetail | None
    classes: Mapping[MemoryClass, ClassRate]
    rounds: int
    warm_up: int
    trials: int
    reference: Cell | None
    incident: Incident | None = None
    floors: Mapping[MemoryClass, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    """Floors in KiB by class, then by trial, then by round: what the rates were computed from."""
    objects: Mapping[ObjectSeries, ObjectRate] = field(default_factory=dict)
    """Counts of objects that grew, or of which growth could not be excluded."""
    object_bound: ObjectBound | None = None
    """What is excluded of all others; None where objects were not counted exactly."""
