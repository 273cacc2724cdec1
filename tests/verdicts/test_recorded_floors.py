"""Floors that real guests left, and what is said of them.

``data/floors-6.12.json`` has counters of 8 floors of Debian's 6.12.118 (x86_64, 1 GiB) under
compression-mix with ``compress=lzo``; nothing is planted. Before every second floor the pool of
pages that btrfs keeps was full, so that dropping caches emptied it; before the others it was not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.model.recording import Outcome, Reading, Recording, Round
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict, MemoryClass, Signature, Verdict
from anyclue.verdicts.classes import classes_kib
from anyclue.verdicts.judge import judge_cells

if TYPE_CHECKING:
    from tests.verdicts.conftest import Tools

POOL = "pool.btrfs_compr"
FLOORS = Path(__file__).parent / "data/floors-6.12.json"


@pytest.fixture
def floors() -> list[dict[str, float]]:
    by_counter: Mapping[str, Sequence[float]] = json.loads(FLOORS.read_text())
    return [
        dict(zip(by_counter, values, strict=True))
        for values in zip(*by_counter.values(), strict=True)
    ]


def recording(floors: Sequence[Mapping[str, float]], cell: Cell) -> Recording:
    readings = [Reading(t_s=10.0 * n, counters=floor) for n, floor in enumerate(floors, 1)]
    rounds = [
        Round(number=n, begin_s=one.t_s - 9, end_s=one.t_s, settled=one, floor=one)
        for n, one in enumerate(readings, 1)
    ]
    return Recording(
        cell=cell,
        trial=1,
        outcome=Outcome.PASSED,
        detail="",
        ram_kib=1 << 20,
        rounds=tuple(rounds),
        timeline=tuple(readings),
    )


def judged(
    tools: Tools, bad: Sequence[Mapping[str, float]], good: Sequence[Mapping[str, float]]
) -> CellVerdict:
    recordings = {
        tools.bad: [recording(bad, tools.bad)],
        tools.good: [recording(good, tools.good)],
    }
    return judge_cells(tools.scenario(tools.bad, tools.good), recordings)[0]


def without_pool(floors: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    return [{name: kib for name, kib in one.items() if name != POOL} for one in floors]


def test_pages_in_a_pool_are_free(floors: Sequence[Mapping[str, float]]) -> None:
    def spread(some: Sequence[Mapping[str, float]], memory_class: MemoryClass) -> float:
        kib = [classes_kib(Reading(t_s=0.0, counters=one))[memory_class] for one in some]
        return max(kib) - min(kib)

    pool = [one[POOL] for one in floors]
    assert max(pool) - min(pool) > 600
    for memory_class in (MemoryClass.USED, MemoryClass.UNACCOUNTED):
        assert spread(without_pool(floors), memory_class) > 600
        assert spread(floors, memory_class) < 250


def test_a_good_guest_with_a_pool_is_clean(
    tools: Tools, floors: Sequence[Mapping[str, float]]
) -> None:
    assert judged(tools, floors, floors).verdict is Verdict.CLEAN
    assert judged(tools, without_pool(floors), without_pool(floors)).verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("rate", [128, 656])
def test_a_leak_of_raw_pages_beside_a_pool_is_found(
    tools: Tools, floors: Sequence[Mapping[str, float]], rate: int
) -> None:
    leaking = [
        {**one, "meminfo.MemFree": one["meminfo.MemFree"] - rate * n}
        for n, one in enumerate(floors)
    ]
    found = judged(tools, leaking, floors)
    assert (found.verdict, found.signature) == (Verdict.LEAK, Signature.RAW_PAGES)
    assert judged(tools, without_pool(leaking), without_pool(floors)).verdict is not Verdict.CLEAN
