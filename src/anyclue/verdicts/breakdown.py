"""The breakdown of a class's growth: by slab cache, by caller of vmalloc, by file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.reason import (
    CountedObjects,
    LargeKmalloc,
    PerFile,
    SlabCache,
    VmallocCaller,
)
from anyclue.model.recording import is_count
from anyclue.model.verdict import MemoryClass, ObjectKind, ObjectSeries, SignatureDetail
from anyclue.verdicts.classes import PAGE_KIB, is_other_counter

TOP: Final = 5
"""How many names are kept."""

NEAR_PAGES: Final = 0.025
"""So near to whole pages for each file is one in twenty of the rates that have to do with none."""

RECLAIMABLE_CACHES: Final = ("dentry", "radix_tree_node", "buffer_head", "btrfs_inode")
"""Caches made with ``SLAB_RECLAIM_ACCOUNT`` (slabinfo does not say); see also the suffixes."""

RECLAIMABLE_PREFIX: Final = "kmalloc-rcl-"
RECLAIMABLE_SUFFIX: Final = "inode_cache"

_OF_THREADS: Final = "task_struct"

_RANDOM_CACHE: Final = re.compile(r"^kmalloc-rnd-\d+-")


def part_name(name: str) -> str:
    """Return a cache's name without what is random in it."""
    return _RANDOM_CACHE.sub("kmalloc-", name)


def is_reclaimable_cache(name: str) -> bool:
    """Say whether a slab cache is counted by ``SReclaimable``."""
    return (
        name in RECLAIMABLE_CACHES
        or name.startswith(RECLAIMABLE_PREFIX)
        or name.endswith(RECLAIMABLE_SUFFIX)
    )


@dataclass(frozen=True, kw_only=True)
class _Inside:
    """Where the parts of a class are counted: a counter's prefix, and which names belong."""

    prefix: str
    belongs: Callable[[str], bool]


_INSIDE: Final[Mapping[MemoryClass, _Inside]] = MappingProxyType(
    {
        MemoryClass.SLAB_UNRECLAIMABLE: _Inside(
            prefix="slab_kib.", belongs=lambda name: not is_reclaimable_cache(name)
        ),
        MemoryClass.SLAB_RECLAIMABLE: _Inside(prefix="slab_kib.", belongs=is_reclaimable_cache),
        MemoryClass.VMALLOC: _Inside(prefix="vmalloc_kib.", belongs=lambda _: True),
        MemoryClass.OTHER_COUNTED: _Inside(
            prefix="meminfo.", belongs=lambda name: is_other_counter(f"meminfo.{name}")
        ),
    }
)


def of_threads(memory_class: MemoryClass, top: Sequence[tuple[str, float]]) -> bool:
    """Say whether what grew most inside a class is what the kernel has of each thread."""
    return memory_class is MemoryClass.SLAB_UNRECLAIMABLE and bool(top) and top[0][0] == _OF_THREADS


def top_growth(
    memory_class: MemoryClass, trials: Sequence[TrialEvaluation], warm_up: int
) -> tuple[tuple[str, float], ...]:
    """Return what grew most inside a class, as (name, KiB per round), largest first."""
    inside = _INSIDE.get(memory_class)
    if inside is None:
        return ()
    rates = {
        name: rate
        for name, rate in counter_rates(trials, warm_up, inside.prefix).items()
        if rate > 0.0 and inside.belongs(name)
    }
    return tuple(sorted(rates.items(), key=lambda item: (-item[1], item[0]))[:TOP])


def counter_rates(trials: Sequence[TrialEvaluation], warm_up: int, prefix: str) -> dict[str, float]:
    """Return the median slope per round of every counter that starts with ``prefix``.

    A counter that a floor lacks is 0 there: slab caches and callers come and go. The prefix is
    cut off the names.
    """
    slopes: dict[str, list[float]] = {}
    for trial in trials:
        by_round = {r.number: r.floor.counters for r in trial.rounds if r.floor is not None}
        floors = sorted(by_round.items())[warm_up:]
        names = {name for _, counters in floors for name in counters if name.startswith(prefix)}
        for name in names:
            values = [counters.get(name, 0.0) for _, counters in floors]
            if all(map(is_count, values)):
                slope = _slope([number for number, _ in floors], values)
                slopes.setdefault(name.removeprefix(prefix), []).append(slope)
    return {name: float(np.median(values)) for name, values in slopes.items()}


def signature_detail(
    memory_class: MemoryClass,
    top: Sequence[tuple[str, float]],
    rate_kib: float,
    ci95_kib: tuple[float, float],
    trials: Sequence[TrialEvaluation],
    warm_up: int,
) -> SignatureDetail | None:
    """Return what inside the class grew, or else how much it is for each file, if it is that."""
    if memory_class is MemoryClass.SLAB_UNRECLAIMABLE:
        return _slab_detail(top, rate_kib, counter_rates(trials, warm_up, "slab_objects."))
    if memory_class is MemoryClass.VMALLOC and top:
        return VmallocCaller(function=top[0][0], kib=top[0][1])
    each = kib_per_file(ci95_kib, files_per_round(trials, warm_up))
    return PerFile(kib=each) if each is not None else None


def kib_per_file(ci95_kib: tuple[float, float] | None, files: float | None) -> float | None:
    """Return how much a round leaks for each of its files: whole pages; None where it is not that.

    A rate divides by any number of files. That it is so many whole pages for each says that the
    files are what leaks; the interval has to be that near, so that few other rates would be.
    """
    if ci95_kib is None or not files:
        return None
    low, high = (end / files / PAGE_KIB for end in ci95_kib)
    if not math.isfinite(low + high):
        return None
    pages = round((low + high) / 2.0)
    near = pages - NEAR_PAGES <= low and high <= pages + NEAR_PAGES
    return pages * PAGE_KIB if pages > 0 and near else None


def _slab_detail(
    top: Sequence[tuple[str, float]], rate_kib: float, objects: Mapping[str, float]
) -> SignatureDetail | None:
    explained = sum(rate for _, rate in top)
    if top and explained >= rate_kib / 2.0:
        name, rate = top[0]
        return SlabCache(name=name, objects=objects.get(name, 0.0), kib=rate)
    growing = {n: c for n, c in objects.items() if c > 0 and not is_reclaimable_cache(n)}
    if growing and not top:
        name = max(growing, key=lambda n: (growing[n], n))
        return SlabCache(name=name, objects=growing[name])
    return LargeKmalloc() if objects else None


def class_of(series: ObjectSeries) -> MemoryClass:
    """Return the class of memory that holds what a series counts."""
    match series.kind:
        case ObjectKind.THREADS:
            return MemoryClass.KERNEL_STACKS
        case ObjectKind.VMALLOC_AREAS:
            return MemoryClass.VMALLOC
        case ObjectKind.SLAB if is_reclaimable_cache(series.name):
            return MemoryClass.SLAB_RECLAIMABLE
    return MemoryClass.SLAB_UNRECLAIMABLE


def object_detail(
    series: ObjectSeries, rate: float, trials: Sequence[TrialEvaluation]
) -> SignatureDetail:
    """Return what grew, by ``rate`` objects a round."""
    if series.kind is not ObjectKind.SLAB:
        return CountedObjects(series=series, rate=rate)
    return SlabCache(
        name=series.name,
        objects=rate,
        kib=cache_growth(series, trials),
        merged=merged_names(series, trials),
    )


def cache_growth(series: ObjectSeries, trials: Sequence[TrialEvaluation]) -> float | None:
    """Return what the slab cache of a series grew by, in KiB per round; None where it has none."""
    if series.kind is not ObjectKind.SLAB:
        return None
    return counter_rates(trials, 0, f"slab_kib.{series.name}").get("")


def merged_names(series: ObjectSeries, trials: Sequence[TrialEvaluation]) -> tuple[str, ...]:
    """Return the other names under which the kernel keeps objects in a slab cache."""
    if series.kind is not ObjectKind.SLAB:
        return ()
    names = {name for trial in trials for name in trial.merged_caches.get(series.name, ())}
    return tuple(sorted(names - {series.name}))


def files_per_round(trials: Sequence[TrialEvaluation], warm_up: int) -> float | None:
    """Return the median of the rounds' fact ``files``, or None when no round reports it."""
    counts = [
        float(one_round.facts["files"])
        for trial in trials
        for one_round in trial.rounds[warm_up:]
        if isinstance(one_round.facts.get("files"), int | float)
    ]
    median = float(np.median(counts)) if counts else 0.0
    return median if median > 0 else None


def _slope(rounds: Sequence[int], kib: Sequence[float]) -> float:
    """Return the Theil-Sen slope in KiB per round (0 for less than two floors)."""
    from scipy import stats  # noqa: PLC0415 - loads slowly, and few runs need it

    return float(stats.theilslopes(kib, rounds).slope) if len(rounds) > 1 else 0.0
