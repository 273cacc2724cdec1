"""Theories about classes of resource: judged by what grew in the guilty cells, and by how much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from anyclue.hunt.clue.model import SuspectStatus
from anyclue.hunt.probes.core.model import ProbeReading, StackEvidence
from anyclue.hunt.suspects.ruling import Ruling, TheoryContext, acquitted, guilty, unproven
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Arch, OfResource, Resource
from anyclue.model.verdict import CellVerdict, ClassRate, MemoryClass, Signature, Verdict

CLASSES: Final[Mapping[Resource, tuple[MemoryClass, ...]]] = MappingProxyType(
    {
        Resource.PAGE_REFERENCES: (MemoryClass.ORPHANED_FILE_PAGES,),
        Resource.RAW_PAGES: (MemoryClass.UNACCOUNTED,),
        Resource.SLAB: (MemoryClass.SLAB_UNRECLAIMABLE, MemoryClass.SLAB_RECLAIMABLE),
        Resource.VMALLOC: (MemoryClass.VMALLOC,),
        Resource.PAGE_CACHE: (MemoryClass.FILE_CACHE,),
    }
)
SIGNED: Final[Mapping[Signature, Resource]] = MappingProxyType(
    {
        Signature.PAGE_CACHE_REFERENCE: Resource.PAGE_REFERENCES,
        Signature.RAW_PAGES: Resource.RAW_PAGES,
        Signature.OBJECT: Resource.SLAB,
        Signature.VMALLOC: Resource.VMALLOC,
        Signature.KMAP_SLOTS: Resource.KMAP,
    }
)
KMAP_PROBE: Final = "kmap-balance"
HALF: Final = 0.5
"""A class that may have grown by this share of the leak, or more, is not acquitted."""


def of_resource(about: OfResource, hearing: TheoryContext) -> Ruling:
    """Judge classes of resource: guilty if one is, acquitted if every one is."""
    each = [_kmap(hearing) if r is Resource.KMAP else _class(r, hearing) for r in about.resources]
    for wanted in (SuspectStatus.GUILTY, SuspectStatus.UNPROVEN):
        found = next((one for one in each if one.standing is wanted), None)
        if found is not None:
            return found
    return acquitted(
        "; ".join(dict.fromkeys(one.because for one in each)),
        *(line for one in each for line in one.evidence),
    )


def _class(resource: Resource, hearing: TheoryContext) -> Ruling:
    name = resource.value.replace("-", " ")
    cells = [one for one in hearing.guilty if any(c in one.classes for c in CLASSES[resource])]
    if not cells:
        settle = "a guilty cell that lives to its floors: more memory, or fewer files a round"
        return unproven(f"no guilty cell has a floor by which {name} could be told", settle)
    lines = [line for one in cells for line in _figures(resource, one)]
    if SIGNED.get(hearing.guilty[0].signature or Signature.USER_SPACE) is resource:
        return guilty(f"{name} are what grew" if name.endswith("s") else f"{name} grew", *lines)
    grown = [c for one in cells for c in CLASSES[resource] if c in one.classes and _grew(one, c)]
    if grown:
        settle = "anyclue probe RUN, and then anyclue clue RUN: where it was allocated"
        return unproven(f"{name} grew too, beside what carries the verdict", settle, *lines)
    if all(_excluded(one.classes[c], one, hearing) for one, c in _of(resource, cells)):
        return acquitted(f"{name} did not grow", *lines)
    return unproven(f"{name} may have grown: the interval is wide", "more rounds", *lines)


def _of(
    resource: Resource, cells: Iterable[CellVerdict]
) -> Iterable[tuple[CellVerdict, MemoryClass]]:
    return ((one, c) for one in cells for c in CLASSES[resource] if c in one.classes)


def _grew(one: CellVerdict, name: MemoryClass) -> bool:
    return one.classes[name].grew


def _excluded(rate: ClassRate, one: CellVerdict, hearing: TheoryContext) -> bool:
    if rate.ci95_kib is None:
        return False
    least = hearing.scenario.sensitivity.leak_kib_per_round
    leak = one.rate_kib_per_round
    if one.verdict is Verdict.LEAK and leak is not None:
        least = min(least, HALF * leak)
    return rate.ci95_kib[1] < least


def _figures(resource: Resource, one: CellVerdict) -> list[str]:
    return [
        f"{one.cell.id}: {name.value} {_rate(one.classes[name])} KiB a round"
        for name in CLASSES[resource]
        if name in one.classes
    ]


def _rate(rate: ClassRate) -> str:
    if rate.rate_kib is None:
        return "unknown"
    if rate.ci95_kib is None:
        return f"{rate.rate_kib:.1f}"
    low, high = rate.ci95_kib
    return f"{rate.rate_kib:.1f} [{low:.1f}, {high:.1f}]"


def _kmap(hearing: TheoryContext) -> Ruling:
    """Judge kmap: by its balance in a probe, and by whether anything got stuck."""
    if any(one.signature is Signature.KMAP_SLOTS for one in hearing.guilty):
        return guilty("the kernel stopped at a mapping that was not undone", *_ended(hearing))
    readings = [one for one in hearing.readings if _of_kmap(one)]
    unbalanced = [f for one in readings for f in one.findings if f.what is StackEvidence.KMAP]
    if unbalanced:
        return guilty("maps and unmaps do not balance", *(one.because for one in unbalanced))
    stuck = any(one.outcome is not Outcome.PASSED for one in hearing.guilty)
    balanced = [one for one in readings if not one.could_not and one.rounds and not one.lost]
    if balanced and not stuck:
        said = f"probe {balanced[0].probe}: balanced over {balanced[0].rounds} rounds"
        return acquitted("it is balanced, and no task got stuck", said, *_ended(hearing))
    without = [one for one in hearing.guilty if hearing.arch(one) is Arch.X86_64]
    if without and not stuck:
        said = f"{without[0].cell.id} leaks, and x86_64 has no kmap slots to lose"
        return acquitted("it leaks where kmap has nothing to lose", said, *_ended(hearing))
    settle = "anyclue probe RUN --probe kmap-balance, and then anyclue clue RUN"
    missed = [f"probe {one.probe}: {_missed(one)}" for one in readings]
    if stuck:
        return unproven("a guilty guest did not end well", settle, *missed, *_ended(hearing))
    return unproven(
        "no task got stuck, but its balance was not seen", settle, *missed, *_ended(hearing)
    )


def _of_kmap(one: ProbeReading) -> bool:
    return one.probe == KMAP_PROBE or any(f.what is StackEvidence.KMAP for f in one.findings)


def _missed(one: ProbeReading) -> str:
    if one.could_not:
        return one.could_not
    if one.lost:
        return "it missed " + ", ".join(f"{count} {name}" for name, count in one.lost.items())
    return "no rounds were compared"


def _ended(hearing: TheoryContext) -> list[str]:
    """Say how the guilty guests ended."""
    return [
        f"{one.cell.id}: {one.outcome.value}, "
        + (one.incident.title if one.incident is not None else "nothing in the kernel log")
        for one in hearing.guilty
    ]
