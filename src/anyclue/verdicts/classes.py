"""Split a reading into classes of memory (KiB), and say what growth of each class means.

The formulas follow ``Documentation/filesystems/proc.rst`` and what the counters count in
``mm/`` (``fs/proc/meminfo.c``). Only slopes are used later, so constant offsets do not matter:
reserved boot memory, the files of an initramfs, the first per-CPU chunk.

No page may be counted twice, else a leak of one class would make ``UNACCOUNTED`` fall:

* ``VmallocUsed`` holds the pages that ``vmalloc`` allocated. With ``CONFIG_VMAP_STACK`` (x86_64,
  not i386) thread stacks are among them and are counted again by ``KernelStack``; a stack caller
  in ``/proc/vmallocinfo`` shows that, and then the stacks are taken out of the class VMALLOC.
* ``Percpu`` maps pages that it allocates itself: they are not in ``VmallocUsed``.
* ``Cached`` includes ``Shmem``; ``Buffers`` is the page cache of block devices. Pages of ramfs
  (an initramfs that is not tmpfs) are ``Cached`` but on no file LRU: they are ``Unevictable``.
  ``Mlocked`` pages are unevictable too and have an owner, so they are taken off again.
* Free is ``MemFree``, what the per-CPU lists hold, and ``pool.NAME``: pages that a module has on a
  free list of its own. Btrfs (6.12 and 7.3, not 6.1) keeps up to 1 MiB of them for compressed data,
  and dropping caches frees all of them or none.
* ``KReclaimable`` includes ``SReclaimable``. ``AnonHugePages``, ``Dirty``, ``Writeback``,
  ``Mapped``, ``NFS_Unstable`` and ``CmaFree`` are parts of other lines.
* ``GPUActive`` and ``GPUReclaim`` (7.x) are pages of no other line, and no file system's. A line
  that we do not know, and that is named like no part of another one, is taken to be such, too.
* Large ``kmalloc`` (over two pages) is in ``SUnreclaim`` and in no cache of slabinfo.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from anyclue.model.recording import Reading, is_count
from anyclue.model.verdict import MemoryClass, Signature

PAGE_KIB: Final = 4.0
"""The smallest piece that an allocator of pages gives out, on i386 and x86_64."""


class GrowthKind(StrEnum):
    """What it means when a class grows from floor to floor."""

    TOTAL = "total"  # the sum; says that something grew, not what
    KERNEL = "kernel"  # the kernel allocated it and did not give it back: a leak
    USER = "user"  # files in tmpfs, memory of processes: only a comparison can accuse it
    RECLAIMABLE = "reclaimable"  # caches: never called a leak
    OTHER = "other"  # counted apart, and no file system's as far as we know: never called a leak


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What growth of a class means, and which kind of release is missing then."""

    kind: GrowthKind
    signature: Signature | None = None


TRAITS: Final[Mapping[MemoryClass, Traits]] = MappingProxyType(
    {
        MemoryClass.USED: Traits(kind=GrowthKind.TOTAL),
        MemoryClass.ORPHANED_FILE_PAGES: Traits(
            kind=GrowthKind.KERNEL, signature=Signature.PAGE_CACHE_REFERENCE
        ),
        MemoryClass.UNACCOUNTED: Traits(kind=GrowthKind.KERNEL, signature=Signature.RAW_PAGES),
        MemoryClass.SLAB_UNRECLAIMABLE: Traits(kind=GrowthKind.KERNEL, signature=Signature.OBJECT),
        MemoryClass.SLAB_RECLAIMABLE: Traits(kind=GrowthKind.RECLAIMABLE),
        MemoryClass.VMALLOC: Traits(kind=GrowthKind.KERNEL, signature=Signature.VMALLOC),
        MemoryClass.KERNEL_STACKS: Traits(
            kind=GrowthKind.KERNEL, signature=Signature.KERNEL_STACKS
        ),
        MemoryClass.PAGE_TABLES: Traits(kind=GrowthKind.KERNEL, signature=Signature.PAGE_TABLES),
        MemoryClass.PERCPU: Traits(kind=GrowthKind.KERNEL, signature=Signature.PERCPU),
        MemoryClass.ANON: Traits(kind=GrowthKind.USER, signature=Signature.USER_SPACE),
        MemoryClass.SHMEM: Traits(kind=GrowthKind.USER, signature=Signature.USER_SPACE),
        MemoryClass.FILE_CACHE: Traits(kind=GrowthKind.RECLAIMABLE),
        MemoryClass.OTHER_COUNTED: Traits(kind=GrowthKind.OTHER),
    }
)
"""Every class of memory, in the order of :class:`MemoryClass`."""

VMAP_STACK_CALLERS: Final = frozenset(
    {"alloc_thread_stack_node", "dup_task_struct", "copy_process", "kernel_clone", "_do_fork"}
)
"""Callers under which /proc/vmallocinfo lists thread stacks (the name moved with inlining)."""


@dataclass(frozen=True, kw_only=True)
class _Formula:
    """A sum of counters; ``plus`` and ``minus`` are required."""

    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()

    def of(self, counters: Mapping[str, float]) -> float | None:
        """Return the sum, or None when a counter is missing."""
        if not all(name in counters for name in (*self.plus, *self.minus)):
            return None
        return sum(counters[n] for n in self.plus) - sum(counters[n] for n in self.minus)


_FORMULAS: Final[Mapping[MemoryClass, _Formula]] = MappingProxyType(
    {
        MemoryClass.USED: _Formula(
            plus=("meminfo.MemTotal",), minus=("meminfo.MemFree", "pcp.total")
        ),
        MemoryClass.ORPHANED_FILE_PAGES: _Formula(
            plus=("meminfo.Active(file)", "meminfo.Inactive(file)", "meminfo.Shmem"),
            minus=("meminfo.Cached", "meminfo.Buffers"),
        ),
        MemoryClass.SLAB_UNRECLAIMABLE: _Formula(plus=("meminfo.SUnreclaim",)),
        MemoryClass.SLAB_RECLAIMABLE: _Formula(plus=("meminfo.SReclaimable",)),
        MemoryClass.VMALLOC: _Formula(plus=("meminfo.VmallocUsed",)),
        MemoryClass.KERNEL_STACKS: _Formula(plus=("meminfo.KernelStack",)),
        MemoryClass.PAGE_TABLES: _Formula(plus=("meminfo.PageTables",)),
        MemoryClass.PERCPU: _Formula(plus=("meminfo.Percpu",)),
        MemoryClass.ANON: _Formula(plus=("meminfo.AnonPages",)),
        MemoryClass.SHMEM: _Formula(plus=("meminfo.Shmem",)),
        MemoryClass.FILE_CACHE: _Formula(
            plus=("meminfo.Cached", "meminfo.Buffers"), minus=("meminfo.Shmem",)
        ),
    }
)

_POOL: Final = "pool."
"""How the counters begin that are free lists of modules; a guest without such a pool has none."""

_UNEVICTABLE: Final = _Formula(plus=("meminfo.Unevictable",), minus=("meminfo.Mlocked",))
"""Pages of ramfs: in the page cache, on no file LRU (see the module's text)."""

_ALSO_COUNTED: Final = (
    _Formula(plus=("meminfo.SecPageTables",)),
    _Formula(plus=("meminfo.KReclaimable",), minus=("meminfo.SReclaimable",)),
    _Formula(plus=("meminfo.Bounce",)),
    _Formula(plus=("meminfo.WritebackTmp",)),
    _Formula(plus=("meminfo.Hugetlb",)),
    _Formula(plus=("meminfo.Zswap",)),
    _Formula(plus=("meminfo.Balloon",)),
)
"""Counted memory that has no class of its own; a kernel without such a line has none of it."""

_KNOWN: Final = frozenset(
    f"meminfo.{name}"
    for name in (
        *("MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "SwapCached", "Active"),
        *("Inactive", "Active(anon)", "Inactive(anon)", "Active(file)", "Inactive(file)"),
        *("Unevictable", "Mlocked", "HighTotal", "HighFree", "LowTotal", "LowFree", "MmapCopy"),
        *("SwapTotal", "SwapFree", "Zswap", "Zswapped", "Dirty", "Writeback", "AnonPages"),
        *("Mapped", "Shmem", "KReclaimable", "Slab", "SReclaimable", "SUnreclaim", "KernelStack"),
        *("ShadowCallStack", "PageTables", "SecPageTables", "NFS_Unstable", "Bounce"),
        *("WritebackTmp", "CommitLimit", "Committed_AS", "VmallocTotal", "VmallocUsed"),
        *("VmallocChunk", "Percpu", "EarlyMemtestBad", "HardwareCorrupted", "AnonHugePages"),
        *("ShmemHugePages", "ShmemPmdMapped", "FileHugePages", "FilePmdMapped", "CmaTotal"),
        *("CmaFree", "Unaccepted", "Balloon", "Quicklists", "Hugepagesize", "Hugetlb"),
    )
)
"""The lines of ``fs/proc/meminfo.c`` up to 7.3 that are accounted for in some way."""

_NO_MEMORY_IN_USE: Final = re.compile(
    r"meminfo\.(?:HugePages_|DirectMap|.*(?:Free|Avail|Total|Limit|HugePages|Mapped))"
)
"""Names of what is no memory in use, or a part of another line."""

_ABSENT_IN_OLD_KERNELS: Final = frozenset({MemoryClass.VMALLOC, MemoryClass.PERCPU})
"""``Percpu`` came with 4.20; without it ``UNACCOUNTED`` still means something."""

_PARTS: Final = tuple(c for c in MemoryClass if c in _FORMULAS and c is not MemoryClass.USED)


def classes_kib(reading: Reading) -> dict[MemoryClass, float]:
    """Return KiB by class; a class whose counters are missing, or are no count, is absent."""
    counters = {name: value for name, value in reading.counters.items() if is_count(value)}
    kib: dict[MemoryClass, float] = {}
    for memory_class, formula in _FORMULAS.items():
        value = formula.of(counters)
        if value is not None:
            kib[memory_class] = value
    if MemoryClass.USED in kib:
        kib[MemoryClass.USED] -= sum(
            value for name, value in counters.items() if name.startswith(_POOL)
        )
    if MemoryClass.ORPHANED_FILE_PAGES in kib:
        kib[MemoryClass.ORPHANED_FILE_PAGES] += _UNEVICTABLE.of(counters) or 0.0
    if {MemoryClass.VMALLOC, MemoryClass.KERNEL_STACKS} <= kib.keys() and _has_vmap_stacks(
        counters
    ):
        kib[MemoryClass.VMALLOC] -= kib[MemoryClass.KERNEL_STACKS]
    if kib.keys() >= {MemoryClass.USED, *_PARTS} - _ABSENT_IN_OLD_KERNELS:
        counted = sum(kib[part] for part in _PARTS if part in kib)
        also = sum(formula.of(counters) or 0.0 for formula in _ALSO_COUNTED)
        other = [name for name in counters if is_other_counter(name)]
        if other:
            kib[MemoryClass.OTHER_COUNTED] = sum(counters[name] for name in other)
        also += kib.get(MemoryClass.OTHER_COUNTED, 0.0)
        kib[MemoryClass.UNACCOUNTED] = kib[MemoryClass.USED] - counted - also
    return {memory_class: kib[memory_class] for memory_class in MemoryClass if memory_class in kib}


def is_other_counter(name: str) -> bool:
    """Return whether a counter counts memory in use that is in no other class."""
    return name.startswith("meminfo.") and name not in _KNOWN and not _NO_MEMORY_IN_USE.match(name)


def of_kind(*kinds: GrowthKind) -> tuple[MemoryClass, ...]:
    """Return the classes of these kinds, in the order of :class:`MemoryClass`."""
    return tuple(c for c in MemoryClass if TRAITS[c].kind in kinds)


def _has_vmap_stacks(counters: Mapping[str, float]) -> bool:
    prefix = "vmalloc_kib."
    return any(
        name.removeprefix(prefix).split("+")[0] in VMAP_STACK_CALLERS
        for name in counters
        if name.startswith(prefix)
    )
