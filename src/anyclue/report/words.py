"""The words and figures that all reports share: each is defined here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from anyclue.model.recording import LeakedObject, Outcome, is_count
from anyclue.model.scenario import Scalar
from anyclue.model.verdict import MemoryClass, ObjectKind, ObjectSeries, Signature, Verdict

SEVERITY: Final = (
    Verdict.BROKEN,
    Verdict.LEAK,
    Verdict.SURGE,
    Verdict.CACHE,
    Verdict.UNPROVEN,
    Verdict.CLEAN,
)
"""Verdicts, the worst first."""

OUTCOMES: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        Outcome.PASSED: "the workload passed",
        Outcome.FAILED: "the test failed",
        Outcome.NOT_RUN: "the test did not run",
        Outcome.OOM: "the guest ran out of memory",
        Outcome.HUNG: "the guest hung",
        Outcome.CRASHED: "the kernel crashed",
        Outcome.CORRUPT: "the file system was corrupt",
        Outcome.LOST: "the guest was lost by the infrastructure",
    }
)
"""How a trial ended, as part of a sentence."""

CLASSES: Final[Mapping[MemoryClass, str]] = MappingProxyType(
    {
        MemoryClass.USED: "used memory",
        MemoryClass.ORPHANED_FILE_PAGES: "page-cache pages that are in no file",
        MemoryClass.UNACCOUNTED: "memory that no counter counts",
        MemoryClass.SLAB_UNRECLAIMABLE: "unreclaimable slab",
        MemoryClass.SLAB_RECLAIMABLE: "reclaimable slab",
        MemoryClass.VMALLOC: "vmalloc memory",
        MemoryClass.KERNEL_STACKS: "kernel stacks",
        MemoryClass.PAGE_TABLES: "page tables",
        MemoryClass.PERCPU: "per-CPU memory",
        MemoryClass.ANON: "memory of processes",
        MemoryClass.SHMEM: "tmpfs and shared memory",
        MemoryClass.FILE_CACHE: "page cache",
        MemoryClass.OTHER_COUNTED: "other memory that /proc/meminfo counts",
    }
)
"""What a class of memory is called."""

LEAKED: Final[Mapping[LeakedObject, str]] = MappingProxyType(
    {
        LeakedObject.SLAB_CACHE: "objects left in a slab cache",
        LeakedObject.INODES: "busy inodes after unmount",
        LeakedObject.DENTRIES: "a dentry in use after unmount",
        LeakedObject.JOURNAL_HEADS: "leaked journal heads",
        LeakedObject.EXTENT_BUFFERS: "leaked extent buffers",
        LeakedObject.EXTENT_STATES: "leaked extent states",
        LeakedObject.ROOTS: "a leaked root",
        LeakedObject.LAYOUT_SEGMENTS: "unfreed layout segments",
        LeakedObject.REFERENCES: "leaked references",
        LeakedObject.ALLOCATIONS: "allocations that nothing points to",
    }
)
"""What a kernel can say was never freed."""


OBJECT_KINDS: Final[Mapping[ObjectKind, str]] = MappingProxyType(
    {
        ObjectKind.SLAB: "slab cache",
        ObjectKind.THREADS: "kernel threads named",
        ObjectKind.MOUNTS: "mounts of",
        ObjectKind.VMALLOC_AREAS: "vmalloc areas of",
    }
)
"""What comes before the name of a count of objects."""


@dataclass(frozen=True, kw_only=True)
class SignatureWords:
    """What leaked, and what to look for in the code."""

    leaked: str
    look_for: str


SIGNATURES: Final[Mapping[Signature, SignatureWords]] = MappingProxyType(
    {
        Signature.PAGE_CACHE_REFERENCE: SignatureWords(
            leaked="page-cache references never put",
            look_for="a page-cache page that was got and never put: find_get_page, find_lock_page, "
            "grab_cache_page or a folio equivalent without put_page on some path",
        ),
        Signature.RAW_PAGES: SignatureWords(
            leaked="raw pages never freed",
            look_for="alloc_page or folio_alloc without __free_page on some path",
        ),
        Signature.OBJECT: SignatureWords(
            leaked="slab objects never freed",
            look_for="an object of the named slab cache that is never freed",
        ),
        Signature.VMALLOC: SignatureWords(
            leaked="vmalloc memory never freed",
            look_for="vmalloc or kvmalloc without vfree or kvfree",
        ),
        Signature.KERNEL_STACKS: SignatureWords(
            leaked="threads that never end", look_for="threads that are created and never end"
        ),
        Signature.PAGE_TABLES: SignatureWords(
            leaked="page tables never torn down",
            look_for="mappings that are made and never torn down",
        ),
        Signature.PERCPU: SignatureWords(
            leaked="per-CPU memory never freed",
            look_for="alloc_percpu or percpu_counter_init without its release",
        ),
        Signature.USER_SPACE: SignatureWords(
            leaked="memory of user space or tmpfs, not the file system",
            look_for="user space or tmpfs, not the file system",
        ),
        Signature.KMAP_SLOTS: SignatureWords(
            leaked="kmap and kunmap that do not pair",
            look_for="kmap and kunmap that are unbalanced or out of order",
        ),
    }
)


def series_name(series: ObjectSeries) -> str:
    """Return what a count of objects counts: ``slab cache dentry``, ``mounts of btrfs``."""
    return f"{OBJECT_KINDS[series.kind]} {series.name}"


def objects(count: float) -> str:
    """Return how many objects, with a decimal where it is no whole number.

    >>> objects(1.0), objects(14.04), objects(0.5), objects(1270.3)
    ('1 object', '14 objects', '0.5 objects', '1270 objects')
    """
    text = count_number(count)
    return f"{text} object{'' if text == '1' else 's'}"


def objects_each(count: float) -> str:
    """Return how many objects one operation leaks: two digits at least, however few.

    >>> objects_each(1.0), objects_each(0.05), objects_each(2.02)
    ('1 object', '0.05 objects', '2 objects')
    """
    return objects(count) if abs(count) >= 0.95 else f"{count:.2g} objects"


def count_number(count: float) -> str:
    """Return a count as a number, with a decimal where it is small and not whole."""
    text = f"{count:.1f}"
    text = text.removesuffix(".0") if abs(count) < 99.95 else f"{count:.0f}"
    return "0" if text == "-0" else text


def count_interval(ci95: tuple[float, float]) -> str:
    """Return the 95 % interval of a count in brackets: ``[0.8, 1.2]``."""
    return f"[{ci95[0]:.1f}, {ci95[1]:.1f}]"


def kind_label(verdict: Verdict, signature: Signature | None) -> str:
    """Return a verdict with its signature, if it has one: ``leak (object)``."""
    return f"{verdict.value} ({signature.value})" if signature is not None else verdict.value


def finite(value: float | None) -> float | None:
    """Return ``value``, or None where it is no finite number, or larger than any count."""
    return value if value is not None and is_count(value) else None


def number(value: float | None) -> str:
    """Return KiB as a reader needs them: whole, one decimal below ten, ``-`` for none.

    >>> number(2400.4), number(9.97), number(-0.04), number(None)
    ('2400', '10', '0.0', '-')
    """
    known = finite(value)
    if known is None:
        return "-"
    text = f"{known:.0f}" if abs(known) >= 9.95 else f"{known:.1f}"
    return "0.0" if text == "-0.0" else text


def per_operation(kib: float) -> str:
    """Return what one operation leaks, in KiB: two digits at least, however little it is.

    >>> per_operation(4.0), per_operation(0.0395), per_operation(-0.0), per_operation(256.2)
    ('4.0', '0.04', '0.0', '256')
    """
    if abs(kib) >= 0.95 or abs(kib) < 0.001:
        text = f"{kib:.0f}" if abs(kib) >= 10 else f"{kib:.1f}"
        return "0.0" if text == "-0.0" else text
    return f"{kib:.2g}"


def probability_words(value: float) -> str:
    """Return a probability as a reader needs it: never 0 or 1 where it is not.

    >>> probability_words(0.99997), probability_words(0.25), probability_words(0.0001)
    ('> 0.99', '0.25', '< 0.01')
    """
    if value >= 0.995:
        return "> 0.99"
    return "< 0.01" if value < 0.005 else f"{value:.2f}"


def mib(kib: float) -> str:
    """Return KiB as MiB."""
    return f"{kib / 1024.0:.0f} MiB"


def interval(ci: tuple[float, float] | None) -> str:
    """Return a 95 % interval in brackets, or nothing where there is none."""
    if ci is None or finite(ci[0]) is None or finite(ci[1]) is None:
        return ""
    return f"[{number(ci[0])}, {number(ci[1])}]"


def rate(value: float | None, ci: tuple[float, float] | None) -> str:
    """Return a rate with its interval: ``2400 [2388, 2413]``."""
    return f"{number(value)} {interval(ci)}".rstrip()


def listed(names: Sequence[str]) -> str:
    """Join names as a sentence does: ``a, b and c``."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def first_few(names: Sequence[str], most: int) -> str:
    """Return at most so many names, and how many there are besides: ``a, b and 3 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def scalar(value: Scalar) -> str:
    """Return a value of a workload's parameters or facts; truth in words, floats short."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
