from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.recording import Reading
from anyclue.model.verdict import MemoryClass, Signature
from anyclue.verdicts.classes import TRAITS, GrowthKind, classes_kib

# /proc/meminfo of a Debian 12 machine (x86_64, 6.1 and later), with zoneinfo's pages added up.
REAL = {
    "MemTotal": 24684084, "MemFree": 23092308, "Buffers": 15440, "Cached": 1086704,
    "SwapCached": 0, "Active(anon)": 1532, "Inactive(anon)": 6128, "Active(file)": 418080,
    "Inactive(file)": 675176, "Unevictable": 13920, "Mlocked": 12844, "AnonPages": 12740,
    "Shmem": 8872, "KReclaimable": 204352, "SReclaimable": 204352, "SUnreclaim": 29680,
    "KernelStack": 1376, "PageTables": 1844, "SecPageTables": 0, "NFS_Unstable": 0, "Bounce": 0,
    "WritebackTmp": 0, "VmallocUsed": 14188, "Percpu": 664, "Hugetlb": 0,
}  # fmt: skip


def real(**changes: float) -> Reading:
    counters = {f"meminfo.{name}": float(value) for name, value in REAL.items()}
    counters["pcp.total"] = 9000.0
    for name, by in changes.items():
        key = {"ActiveFile": "meminfo.Active(file)", "pcp": "pcp.total"}.get(
            name, f"meminfo.{name}"
        )
        counters[key] += by
    return Reading(t_s=0.0, counters=counters)


def grown(**changes: float) -> dict[MemoryClass, float]:
    before, after = classes_kib(real()), classes_kib(real(**changes))
    return {c: after[c] - before[c] for c in after if after[c] != before[c]}


def test_a_real_meminfo_has_every_class() -> None:
    kib = classes_kib(real())
    assert set(kib) == set(MemoryClass) - {MemoryClass.OTHER_COUNTED}
    assert kib[MemoryClass.USED] == 24684084 - 23092308 - 9000
    assert abs(kib[MemoryClass.ORPHANED_FILE_PAGES]) < 2000
    assert 0 < kib[MemoryClass.UNACCOUNTED] < 0.2 * kib[MemoryClass.USED]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # a page-cache page that truncation removed from its file, still referenced: still on LRU
        (
            {"MemFree": -4, "ActiveFile": 4},
            {MemoryClass.USED: 4, MemoryClass.ORPHANED_FILE_PAGES: 4},
        ),
        # alloc_page without __free_page
        ({"MemFree": -4}, {MemoryClass.USED: 4, MemoryClass.UNACCOUNTED: 4}),
        # pages on per-CPU lists are free
        ({"MemFree": -252, "pcp": 252}, {}),
        # ordinary page cache is no orphan
        (
            {"MemFree": -8, "ActiveFile": 8, "Cached": 8},
            {MemoryClass.USED: 8, MemoryClass.FILE_CACHE: 8},
        ),
        # a file on ramfs: cached, unevictable, on no file LRU
        (
            {"MemFree": -8, "Cached": 8, "Unevictable": 8},
            {MemoryClass.USED: 8, MemoryClass.FILE_CACHE: 8},
        ),
        # a process locks memory that it had: nothing grew
        ({"Unevictable": 8, "Mlocked": 8}, {}),
        # a file on tmpfs
        (
            {"MemFree": -8, "Cached": 8, "Shmem": 8},
            {MemoryClass.USED: 8, MemoryClass.SHMEM: 8},
        ),
        (
            {"MemFree": -8, "SReclaimable": 8, "KReclaimable": 8},
            {MemoryClass.USED: 8, MemoryClass.SLAB_RECLAIMABLE: 8},
        ),
        # counted, though it has no class of its own
        ({"MemFree": -8, "SecPageTables": 8}, {MemoryClass.USED: 8}),
        ({"MemFree": -8, "Bounce": 8}, {MemoryClass.USED: 8}),
    ],
)
def test_no_page_is_counted_twice(
    changes: dict[str, float], expected: dict[MemoryClass, float]
) -> None:
    assert grown(**changes) == expected


OTHER = {MemoryClass.USED: 8.0, MemoryClass.OTHER_COUNTED: 8.0}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GPUActive", OTHER),
        ("GPUReclaim", OTHER),
        ("NPUBuffers", OTHER),
        ("Secret_Pages(x)", OTHER),
        # a part of another line, or no memory in use
        ("AnyHugePages", {MemoryClass.USED: 8.0, MemoryClass.UNACCOUNTED: 8.0}),
        ("NPUFree", {MemoryClass.USED: 8.0, MemoryClass.UNACCOUNTED: 8.0}),
        ("DirectMap16M", {MemoryClass.USED: 8.0, MemoryClass.UNACCOUNTED: 8.0}),
        ("CmaFree", {MemoryClass.USED: 8.0, MemoryClass.UNACCOUNTED: 8.0}),
    ],
)
def test_a_line_that_came_later_is_no_unaccounted_memory(
    name: str, expected: dict[MemoryClass, float]
) -> None:
    key = f"meminfo.{name}"
    before = Reading(t_s=0, counters={**real().counters, key: 100.0})
    after = Reading(t_s=0, counters={**real(MemFree=-8).counters, key: 108.0})
    one, two = classes_kib(before), classes_kib(after)
    assert {c: two[c] - one[c] for c in two if two[c] != one[c]} == expected


def test_thread_stacks_in_vmalloc_are_counted_once() -> None:
    before, after = real(), real(MemFree=-16, KernelStack=16, VmallocUsed=16)
    stacks = {"vmalloc_kib.dup_task_struct": 1376.0}
    first = classes_kib(Reading(t_s=0, counters={**before.counters, **stacks}))
    second = classes_kib(Reading(t_s=0, counters={**after.counters, **stacks}))
    grew = {c: second[c] - first[c] for c in second if second[c] != first[c]}
    assert grew == {MemoryClass.USED: 16, MemoryClass.KERNEL_STACKS: 16}


def test_a_missing_counter_leaves_its_classes_out() -> None:
    counters = dict(real().counters)
    del counters["pcp.total"]
    kib = classes_kib(Reading(t_s=0, counters=counters))
    assert {MemoryClass.USED, MemoryClass.UNACCOUNTED}.isdisjoint(kib)
    assert MemoryClass.ORPHANED_FILE_PAGES in kib
    assert classes_kib(Reading(t_s=0, counters={})) == {}


def test_an_old_kernel_without_percpu_still_has_unaccounted_memory() -> None:
    counters = dict(real().counters)
    del counters["meminfo.Percpu"]
    kib = classes_kib(Reading(t_s=0, counters=counters))
    assert MemoryClass.PERCPU not in kib
    assert MemoryClass.UNACCOUNTED in kib


@given(st.dictionaries(st.sampled_from(sorted(real().counters)), st.floats()))
def test_classes_are_finite_whatever_the_counters(changes: dict[str, float]) -> None:
    kib = classes_kib(Reading(t_s=0, counters={**real().counters, **changes}))
    sane = all(abs(v) < 1e300 for v in changes.values() if math.isfinite(v))
    assert not sane or all(math.isfinite(value) for value in kib.values())


def test_every_class_says_what_growth_means() -> None:
    assert list(TRAITS) == list(MemoryClass)
    for traits in TRAITS.values():
        accuses = traits.kind in {GrowthKind.KERNEL, GrowthKind.USER}
        assert accuses == (traits.signature is not None)
    accused = {t.signature for t in TRAITS.values()} - {None}
    assert accused == set(Signature) - {Signature.KMAP_SLOTS}
