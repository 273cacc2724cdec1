"""What a judged cell says of the growth of each of its classes of memory."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from anyclue.model.verdict import CellVerdict, ClassRate, MemoryClass, Verdict
from anyclue.verdicts.classes import TRAITS, GrowthKind

HALF: Final = 0.5
"""A class that may have grown by this share of the leak, or more, may be what leaks."""


class GrowthStatus(Enum):
    """Whether a class of memory grew."""

    PROVEN = auto()
    EXCLUDED = auto()
    """It did not grow by as much as matters, nor significantly at all."""
    UNDECIDED = auto()
    """Neither is shown."""
    OF_PARTS = auto()
    """It is a sum, and a part of it grew: by itself it says nothing."""


def growth_status(
    verdict: CellVerdict, memory_class: MemoryClass, limit_kib: float
) -> GrowthStatus:
    """Return whether a class grew; ``limit_kib`` a round is what matters to the user.

    Beside a leak half of its rate matters, too: what may have grown by so much is not innocent.
    """
    found = verdict.classes[memory_class]
    if found.grew:
        return GrowthStatus.PROVEN
    if TRAITS[memory_class].kind is GrowthKind.TOTAL and any(
        of.grew for name, of in verdict.classes.items() if name is not memory_class
    ):
        return GrowthStatus.OF_PARTS
    if found.ci95_kib is None:
        return GrowthStatus.UNDECIDED
    low, high = found.ci95_kib
    leak = verdict.rate_kib_per_round
    if verdict.verdict is Verdict.LEAK and leak is not None:
        limit_kib = min(limit_kib, HALF * leak)
    return GrowthStatus.EXCLUDED if low <= 0.0 and high < limit_kib else GrowthStatus.UNDECIDED


def leaking_kib(classes: Mapping[MemoryClass, ClassRate]) -> dict[MemoryClass, float]:
    """Return which classes leak, and how much (KiB a round): all that grew, caches left out."""
    leaky = (GrowthKind.KERNEL, GrowthKind.USER)
    return {
        name: of.rate_kib
        for name, of in classes.items()
        if of.grew and of.rate_kib is not None and TRAITS[name].kind in leaky
    }


def perhaps_leaking(classes: Mapping[MemoryClass, ClassRate]) -> dict[MemoryClass, ClassRate]:
    """Return the classes of kernel memory that grew by their interval, which is not yet proof."""
    return {
        name: of
        for name, of in classes.items()
        if not of.grew
        and TRAITS[name].kind is GrowthKind.KERNEL
        and of.rate_kib is not None
        and of.ci95_kib is not None
        and of.ci95_kib[0] > 0.0
    }


def more_used(classes: Mapping[MemoryClass, ClassRate]) -> ClassRate | None:
    """Return how used memory grew where that is more than all that grew in it; else None."""
    used = classes.get(MemoryClass.USED)
    parts = [of.rate_kib for c, of in classes.items() if c is not MemoryClass.USED and of.grew]
    known = sum(rate for rate in parts if rate is not None)
    return used if used and used.ci95_kib and used.ci95_kib[0] > known else None
