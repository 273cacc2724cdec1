"""What a trial leaves behind, as the later stages see it.

All memory is in KiB, all times are seconds of the guest's monotonic clock (the clock of its
kernel log), so that samples, marks and log lines share one axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from anyclue.model.scenario import Cell, Scalar


class Outcome(StrEnum):
    """How a trial ended; ``LOST`` means that the infrastructure failed, never a verdict."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not-run"
    OOM = "oom"
    HUNG = "hung"
    CRASHED = "crashed"
    CORRUPT = "corrupt"
    LOST = "lost"


class EndReason(StrEnum):
    """Why a trial ended as it did, for programs; in words that is an ending's ``detail``."""

    COMPLETED = "completed"
    COMMAND_FAILED = "command-failed"
    WRONG_CONTENTS = "wrong-contents"
    CHECK_FAILED = "check-failed"
    CHECK_NOT_RUN = "check-not-run"  # what says whether the file system is whole went wrong itself
    MODULE_NOT_LOADED = "module-not-loaded"
    MKFS_FAILED = "mkfs-failed"
    MOUNT_FAILED = "mount-failed"
    OPTION_NOT_IN_FORCE = "option-not-in-force"
    OPTION_NOT_EXERCISED = "option-not-exercised"
    NO_SPACE = "no-space"
    SUITE_UNUSABLE = "suite-unusable"  # fstests cannot be mounted, or has nothing to run
    PROBE_UNUSABLE = "probe-unusable"
    OUT_OF_MEMORY = "out-of-memory"
    KERNEL_BUG = "kernel-bug"
    GUEST_ENDED = "guest-ended"  # and its kernel reported nothing
    GUEST_SILENT = "guest-silent"  # a round was too long, and not even a sample came
    TASKS_STUCK = "tasks-stuck"  # a round was too long, and nothing moved
    NO_TASK_STUCK = "no-task-stuck"  # a round was too long, and nothing moved or was stuck
    HOST_BUSY = "host-busy"  # a round was too long, and the guest could not run for most of it
    STILL_AT_WORK = "still-at-work"  # a round was too long, and would be again


@dataclass(frozen=True, kw_only=True)
class EndState:
    """How and why a trial ended; ``reason`` is None in recordings that have none."""

    outcome: Outcome
    reason: EndReason | None
    detail: str

    def __str__(self) -> str:
        return f"{self.outcome}: {self.detail}"


EXACT_OBJECTS: Final = "exact_objects"
"""The datum of a floor's end: 1 when its counts of slab objects are of those in use alone."""


class MarkName(StrEnum):
    """The marks of a trial, in the order in which a round makes them."""

    TRIAL_BEGIN = "trial-begin"
    ROUND_BEGIN = "round-begin"
    FULL = "full"  # everything is written and synced, the file system still mounted
    SETTLED = "settled"  # the workload is over, nothing has been reclaimed yet
    FLOOR_BEGIN = "floor-begin"  # quiesced: unmounted, caches dropped, per-CPU lists drained
    FLOOR_END = "floor-end"
    ROUND_END = "round-end"
    TRIAL_END = "trial-end"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A moment in a trial; ``round`` is 0 outside rounds, and counts from 1 inside."""

    t_s: float
    name: MarkName
    round: int = 0
    data: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """All counters at one moment (or the median of a few readings at one floor).

    ``counters`` maps ``SOURCE.NAME`` to a value: ``meminfo.MemFree`` (KiB), ``pcp.total`` (KiB
    on per-CPU page lists), ``vmstat.NAME`` (the kernel's own unit), ``slab_objects.CACHE``
    (active objects), ``slab_kib.CACHE``, ``vmalloc_kib.CALLER``, ``vmalloc_areas.CALLER``; at
    floors also ``slab_grain.CACHE`` (objects of a slab, where all of a cache are active),
    ``mounts.FSTYPE`` and ``threads.NAME``.
    """

    t_s: float
    counters: Mapping[str, float]


MOST: Final = 2.0**53
"""A float counts in ones up to here, and no machine has so many KiB, objects or files."""


def is_count(value: float) -> bool:
    """Say whether a number can be one that a kernel counted.

    What went below zero is shown as almost 2**64. Sums of counters may be negative.
    """
    return -MOST <= value <= MOST


@dataclass(frozen=True, kw_only=True)
class Round:
    """One repetition of the workload; ``floor`` is None when the round did not reach it.

    ``facts`` is what the workload reported of itself: ``files``, ``bytes``, ``enospc``,
    ``extents_lzo`` and the like.
    """

    number: int
    begin_s: float
    end_s: float | None
    settled: Reading | None
    floor: Reading | None
    facts: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One record of the guest's kernel log; ``level`` is 0 (emergency) to 7 (debug).

    ``facility`` is that of syslog: 0 is the kernel, any other a process that wrote to /dev/kmsg.
    """

    t_s: float
    level: int
    text: str
    facility: int = 0


class IncidentSeverity(IntEnum):
    """How much it says against a kernel that it reported something, the gravest first."""

    FATAL = 0  # the kernel cannot be trusted any more: a trial ends
    ERROR = 1  # the kernel found something wrong and went on: a test is broken by it
    DELAY = 2  # something waits too long: what becomes of it tells
    WARNING = 3


class IncidentKind(StrEnum):
    """The kinds of incident."""

    BUG = "bug"
    OOPS = "oops"
    PANIC = "panic"
    KASAN = "kasan"
    KFENCE = "kfence"
    KMSAN = "kmsan"
    LOCKDEP = "lockdep"
    LEAK = "leak"  # the kernel itself says that something was never freed
    KCSAN = "kcsan"
    UBSAN = "ubsan"
    OOM = "oom"
    STALL = "stall"
    HUNG_TASK = "hung-task"
    WARNING = "warning"

    @property
    def severity(self) -> IncidentSeverity:
        """How grave it is."""
        if self in _FATAL:
            return IncidentSeverity.FATAL
        if self in (IncidentKind.STALL, IncidentKind.HUNG_TASK):
            return IncidentSeverity.DELAY
        warning = self is IncidentKind.WARNING
        return IncidentSeverity.WARNING if warning else IncidentSeverity.ERROR


_FATAL = frozenset(
    (
        *(IncidentKind.BUG, IncidentKind.OOPS, IncidentKind.PANIC, IncidentKind.LOCKDEP),
        *(IncidentKind.KASAN, IncidentKind.KFENCE, IncidentKind.KMSAN),
    )
)


class LeakedObject(StrEnum):
    """What a kernel can say was never freed."""

    SLAB_CACHE = "slab-cache"  # objects of one
    INODES = "inodes"
    DENTRIES = "dentries"
    JOURNAL_HEADS = "journal-heads"
    EXTENT_BUFFERS = "extent-buffers"
    EXTENT_STATES = "extent-states"
    ROOTS = "roots"
    LAYOUT_SEGMENTS = "layout-segments"
    REFERENCES = "references"
    ALLOCATIONS = "allocations"  # of kmemleak: slab, vmalloc or per-CPU


@dataclass(frozen=True, kw_only=True)
class Incident:
    """The first thing that broke in a trial: its kind, function when one is named, whole text.

    Attributes:
        kind: what kind of report it is.
        t_s: when.
        title: the line that names it.
        function: the function that it names.
        text: the whole of it.
        leaked: what the kernel itself says was never freed.
        subject: its name or number, as the kernel gives it: a slab cache, a file system, a dentry.
    """

    kind: IncidentKind
    t_s: float | None
    title: str
    function: str | None
    text: str
    leaked: LeakedObject | None = None
    subject: str | None = None

    @property
    def breaks(self) -> bool:
        """Whether a test in which it came is broken, whatever its memory did."""
        return self.kind.severity <= IncidentSeverity.ERROR


def gravest_incident(incidents: Iterable[Incident | None]) -> Incident | None:
    """Return the gravest one, the first of those that are equally grave."""
    known = (incident for incident in incidents if incident is not None)
    return min(known, key=lambda incident: incident.kind.severity, default=None)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A trial, read back. ``timeline`` holds every sample in time order."""

    cell: Cell
    trial: int
    outcome: Outcome
    reason: EndReason | None = None
    detail: str
    ram_kib: int
    rounds: tuple[Round, ...] = ()
    timeline: tuple[Reading, ...] = ()
    marks: tuple[Mark, ...] = ()
    kernel_log: tuple[LogLine, ...] = ()
    incident: Incident | None = None
    provenance: Mapping[str, Scalar] = field(default_factory=dict)
    merged_caches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By slab cache, the other names under which the kernel keeps objects in it (SLUB merges)."""

    @property
    def ending(self) -> EndState:
        """How and why it ended."""
        return EndState(outcome=self.outcome, reason=self.reason, detail=self.detail)
