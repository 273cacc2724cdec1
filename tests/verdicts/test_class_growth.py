"""Nothing is called flat that may have grown, and no sum beside what grew in it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from anyclue.model.reason import NotRun
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict, ClassRate, MemoryClass, Verdict
from anyclue.verdicts.class_growth import (
    GrowthStatus,
    growth_status,
    leaking_kib,
    more_used,
    perhaps_leaking,
)

PAGES, SLAB, USED = (
    MemoryClass.ORPHANED_FILE_PAGES,
    MemoryClass.SLAB_UNRECLAIMABLE,
    MemoryClass.USED,
)


def rate(kib: float, low: float, high: float, *, grew: bool = False) -> ClassRate:
    return ClassRate(rate_kib=kib, ci95_kib=(low, high), grew=grew)


def cell(
    classes: Mapping[MemoryClass, ClassRate], verdict: Verdict, leak: float | None
) -> CellVerdict:
    return CellVerdict(
        cell=Cell(kernel="k", machine="m", mkfs="d", mount="d", workload="w"),
        outcome=Outcome.PASSED,
        verdict=verdict,
        because=NotRun(),
        rate_kib_per_round=leak,
        rate_ci95_kib=None,
        signature=None,
        signature_detail=None,
        classes=classes,
        rounds=8,
        warm_up=0,
        trials=1,
        reference=None,
    )


@pytest.mark.parametrize(
    ("slab", "leak", "expected"),
    [
        (rate(2400, 2399, 2401, grew=True), 2400.0, GrowthStatus.PROVEN),
        (rate(0.6, -6.5, 8.6), 2400.0, GrowthStatus.EXCLUDED),
        (rate(27, 12, 39), 2400.0, GrowthStatus.UNDECIDED),  # its interval excludes zero
        (rate(27, -12, 66), 2400.0, GrowthStatus.UNDECIDED),  # as much as matters
        (rate(2, -12, 16), 20.0, GrowthStatus.UNDECIDED),  # as much as leaks
        (rate(2, -12, 16), None, GrowthStatus.EXCLUDED),
        (ClassRate(rate_kib=0.0, ci95_kib=None, grew=False), 20.0, GrowthStatus.UNDECIDED),
    ],
)
def test_flat_is_only_what_is_shown_to_be(
    slab: ClassRate, leak: float | None, expected: GrowthStatus
) -> None:
    verdict = cell({SLAB: slab}, Verdict.LEAK if leak else Verdict.BROKEN, leak)
    assert growth_status(verdict, SLAB, 64.0) is expected


def test_a_sum_is_not_innocent_beside_its_parts() -> None:
    classes = {USED: rate(44, 16, 71), PAGES: rate(20, 19, 21, grew=True)}
    assert growth_status(cell(classes, Verdict.LEAK, 20.0), USED, 64.0) is GrowthStatus.OF_PARTS
    flat = {USED: rate(1, -9, 11), PAGES: rate(0, -1, 1)}
    assert growth_status(cell(flat, Verdict.BROKEN, None), USED, 64.0) is GrowthStatus.EXCLUDED


def test_all_that_leaks_counts_and_no_cache() -> None:
    classes = {
        USED: rate(3000, 2900, 3100, grew=True),
        PAGES: rate(2400, 2399, 2401, grew=True),
        SLAB: rate(300, 290, 310, grew=True),
        MemoryClass.SLAB_RECLAIMABLE: rate(250, 240, 260, grew=True),
        MemoryClass.VMALLOC: rate(27, 12, 39),
        MemoryClass.FILE_CACHE: rate(30, 12, 39),
    }
    assert leaking_kib(classes) == {PAGES: 2400, SLAB: 300}
    assert perhaps_leaking(classes) == {MemoryClass.VMALLOC: classes[MemoryClass.VMALLOC]}
    assert more_used(classes) is None
    del classes[MemoryClass.SLAB_RECLAIMABLE]
    assert more_used(classes) is classes[USED]
