"""A class of memory whose counters could not be read is not called flat."""

from __future__ import annotations

from dataclasses import replace

from anyclue.model.reason import TooFewFloors
from anyclue.model.verdict import MemoryClass
from anyclue.verdicts.floors import Floors, FloorSeries
from anyclue.verdicts.growth import growth_by_class, not_excluded

CLASSES = (MemoryClass.USED, MemoryClass.SLAB_UNRECLAIMABLE)
FLAT = FloorSeries(rounds=tuple(range(1, 9)), values=(400.0,) * 8)
WHOLE = Floors(trials=(), series=dict.fromkeys(CLASSES, (FLAT,)), warm_up=0)


def doubt(cell: Floors, reference: Floors | None) -> object:
    growth = growth_by_class(cell, reference, {})
    return not_excluded(cell, growth, reference, limit_kib=64.0)


def test_a_class_that_only_the_reference_tells_of() -> None:
    lacking = replace(WHOLE, series={MemoryClass.USED: (FLAT,)})
    slab = TooFewFloors(floors=0, needed=3, memory_class=MemoryClass.SLAB_UNRECLAIMABLE)
    assert doubt(lacking, WHOLE) == slab
    assert doubt(WHOLE, WHOLE) is None
    assert doubt(WHOLE, lacking) is None
    assert doubt(lacking, lacking) is None  # a kernel that does not count it


def test_a_class_of_too_few_floors() -> None:
    twice = FloorSeries(rounds=(1, 2), values=(400.0, 400.0))
    series = {MemoryClass.USED: (FLAT,), MemoryClass.SLAB_UNRECLAIMABLE: (twice,)}
    found = doubt(replace(WHOLE, series=series), None)
    assert found == TooFewFloors(floors=2, needed=3, memory_class=MemoryClass.SLAB_UNRECLAIMABLE)
