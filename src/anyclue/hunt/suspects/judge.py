"""Every theory of a scenario, judged by the cells, by what grew, and by the sources."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from anyclue.hunt.clue.model import Place, ReasonSource, SuspectStatus
from anyclue.hunt.localise.core.model import FunctionSource
from anyclue.hunt.model import Factor
from anyclue.hunt.probes.core.model import ProbeReading, StackEvidence
from anyclue.hunt.select.factors import gravest, innocent_beside, kind
from anyclue.hunt.suspects.model import (
    AcquittedReason,
    CellInDoubt,
    CellPair,
    ClassGrowth,
    Evidence,
    FaultRuling,
    GuestEnd,
    GuiltyReason,
    LeakWithoutSlots,
    Ruling,
    RulingReason,
    TheoryContext,
    UnprovenReason,
)
from anyclue.model.recording import Outcome
from anyclue.model.scenario import (
    About,
    Arch,
    Axis,
    Cell,
    OfArch,
    OfCommit,
    OfFactor,
    OfFunction,
    OfResource,
    OfSubsystem,
    Resource,
)
from anyclue.model.verdict import MemoryClass, Signature, Verdict
from anyclue.verdicts.class_growth import GrowthStatus, growth_status

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
SURE: Final = 0.9
"""A place at least so likely is called guilty, where pairing, a probe or a commit speaks for it."""
NEAR: Final = 0.85
"""A name that is not there and so like one that is (0 to 1) is taken for a slip of the pen."""
LIKELIEST: Final = 3
"""So many places are given as evidence."""
_SPEAKING: Final = frozenset({ReasonSource.PAIRS_CHANGE, ReasonSource.PROBE, ReasonSource.COMMIT})


def judge_by_faults(
    about: About, contexts: Sequence[TheoryContext]
) -> tuple[SuspectStatus, tuple[FaultRuling, ...]]:
    """Return what becomes of a theory by all faults, and the rulings that decide it.

    One fault is enough to be guilty, and it takes every one to be acquitted.
    """
    rulings = [FaultRuling(context=of, ruling=judge_theory(about, of)) for of in contexts]
    for status in (SuspectStatus.GUILTY, SuspectStatus.UNPROVEN, SuspectStatus.ACQUITTED):
        found = tuple(one for one in rulings if one.ruling.status is status)
        if found:
            return status, found
    raise ValueError("there is no context to judge by")


def judge_theory(about: About, context: TheoryContext) -> Ruling:  # noqa: PLR0911 - by kind
    """Return what becomes of a theory by one fault."""
    if not context.guilty:
        surges = gravest(context.findings.cells)
        reason = UnprovenReason.SURGES_ALONE if surges else UnprovenReason.NOTHING_GUILTY
        return Ruling(reason=reason)
    match about:
        case OfFactor():
            return _factor(about, context)
        case OfArch():
            return _arch(about.arch, context)
        case OfResource():
            return _resources(about, context)
        case OfFunction():
            return _function(about.function, context)
        case OfSubsystem():
            return _subsystem(about.subsystem, context)
        case OfCommit():
            return _commit(about.commit, context)


def _factor(about: OfFactor, context: TheoryContext) -> Ruling:
    """Judge a value of an axis by cells that differ in it alone."""
    axis, value = about.axis, about.value
    pairs = list(_pairs(context, axis))
    differing = [p for p in pairs if innocent_beside(p.other, p.guilty)]
    against = [p for p in differing if p.guilty.cell.value(axis) == value]
    if against:
        return Ruling(reason=GuiltyReason.VALUE_LEAKS, evidence=_distinct(against))
    innocent = [p for p in differing if p.other.cell.value(axis) == value]
    if innocent and (doubt := _in_doubt(about, context)):
        evidence: tuple[Evidence, ...] = (*doubt, *_distinct(innocent))
        return Ruling(reason=UnprovenReason.VALUE_IN_DOUBT, evidence=evidence)
    if innocent:
        return Ruling(reason=AcquittedReason.VALUE_IS_INNOCENT, evidence=_distinct(innocent))
    alike = [
        p
        for p in pairs
        if kind(p.guilty) == kind(p.other)
        and value in (p.guilty.cell.value(axis), p.other.cell.value(axis))
    ]
    factor = next((one for one in _factors(context) if one.factor is axis), None)
    if alike and factor is not None and factor.matters is False:
        return Ruling(reason=AcquittedReason.OTHER_VALUE_LEAKS, evidence=_distinct(alike))
    cell = _cell_to_run(context, axis, value)
    return Ruling(reason=UnprovenReason.FACTOR_IS_OPEN, factor=factor, cell_to_run=cell)


def _factors(context: TheoryContext) -> tuple[Factor, ...]:
    fault = context.fault
    return fault.factors if fault is not None else context.findings.factors


def _in_doubt(about: OfFactor, context: TheoryContext) -> list[CellInDoubt]:
    """Return the cells with a value that show the fault, or may: whose other values it takes."""
    axes = [one.factor for one in _factors(context) if one.matters and one.factor is not about.axis]
    guilty = {one.cell for one in context.guilty}
    takes = {tuple(cell.value(axis) for axis in axes) for cell in guilty}
    return [
        CellInDoubt(verdict=one)
        for one in context.cells
        if one.cell.value(about.axis) == about.value
        and (one.cell in guilty or one.verdict is Verdict.UNPROVEN)
        and tuple(one.cell.value(axis) for axis in axes) in takes
    ]


def _arch(arch: Arch, context: TheoryContext) -> Ruling:
    """Judge an architecture by cells that differ in the machine alone."""
    pairs = [
        p
        for p in _pairs(context, Axis.MACHINE)
        if context.arch(p.guilty) is not context.arch(p.other)
    ]
    alike = [p for p in pairs if kind(p.guilty) == kind(p.other)]
    if alike:
        return Ruling(reason=AcquittedReason.OTHER_ARCH_LEAKS, evidence=_distinct(alike))
    for pair in pairs:
        if innocent_beside(pair.other, pair.guilty):
            if context.arch(pair.guilty) is arch:
                return Ruling(reason=GuiltyReason.ARCH_LEAKS, evidence=(pair,))
            if context.arch(pair.other) is arch:
                return Ruling(reason=AcquittedReason.ARCH_IS_INNOCENT, evidence=(pair,))
    if all(context.arch(one) is not arch for one in context.guilty):
        cell = _cell_on(context, {arch})
        return Ruling(reason=UnprovenReason.NOT_RUN_ON_ARCH, cell_to_run=cell)
    cell = _cell_on(context, {*Arch} - {context.arch(context.guilty[0])})
    return Ruling(reason=UnprovenReason.NO_OTHER_ARCH, cell_to_run=cell)


def _pairs(context: TheoryContext, axis: Axis) -> Iterable[CellPair]:
    """Return each guilty cell beside the others that differ in one axis alone."""
    for one in context.guilty:
        for other in context.cells:
            if one.cell.differs(other.cell) == (axis,):
                yield CellPair(guilty=one, other=other)


def _distinct(pairs: Iterable[CellPair]) -> tuple[CellPair, ...]:
    """Return each pair once, however it is turned."""
    each: dict[frozenset[Cell], CellPair] = {}
    for pair in pairs:
        each.setdefault(frozenset({pair.guilty.cell, pair.other.cell}), pair)
    return tuple(each.values())


def _cell_to_run(context: TheoryContext, axis: Axis, value: str) -> Cell | None:
    """Return the cell that would tell of a value; None where the scenario has no other one."""
    one = context.guilty[0].cell
    if one.value(axis) != value:
        return replace(one, **{axis.value: value})
    sections: dict[Axis, Mapping[str, object]] = {
        Axis.KERNEL: context.scenario.kernels,
        Axis.MACHINE: context.scenario.machines,
        Axis.MKFS: context.scenario.mkfs,
        Axis.MOUNT: context.scenario.mount,
        Axis.WORKLOAD: context.scenario.workloads,
    }
    other = next((name for name in sections[axis] if name != value), None)
    return replace(one, **{axis.value: other}) if other is not None else None


def _cell_on(context: TheoryContext, arches: set[Arch]) -> Cell | None:
    """Return the guilty cell on a machine of these architectures; None where there is none."""
    machines = context.scenario.machines.items()
    name = next((name for name, machine in machines if machine.arch in arches), None)
    return replace(context.guilty[0].cell, machine=name) if name is not None else None


def _resources(about: OfResource, context: TheoryContext) -> Ruling:
    """Judge classes of resource: guilty if one is, acquitted if every one is."""
    each = [
        _kmap(context) if resource is Resource.KMAP else _resource(resource, context)
        for resource in about.resources
    ]
    for wanted in (GuiltyReason, UnprovenReason):
        found = next((one for one in each if isinstance(one.reason, wanted)), None)
        if found is not None:
            return found
    return replace(each[0], also=tuple(each[1:]))


def _resource(resource: Resource, context: TheoryContext) -> Ruling:
    """Judge a class of resource by what grew in the guilty cells, and by how much."""
    growths = [
        ClassGrowth(verdict=one, memory_class=name)
        for one in context.guilty
        for name in CLASSES[resource]
        if name in one.classes
    ]
    if not growths:
        return Ruling(reason=UnprovenReason.NO_FLOORS, resource=resource)
    reason: RulingReason = UnprovenReason.MAY_HAVE_GROWN
    if SIGNED.get(context.guilty[0].signature or Signature.USER_SPACE) is resource:
        reason = GuiltyReason.GREW
    elif any(one.verdict.classes[one.memory_class].grew for one in growths):
        reason = UnprovenReason.GREW_TOO
    elif doubtful := [
        one for one in _unproven(resource, context) if not _is_excluded(one, context)
    ]:
        growths = doubtful
    elif _is_unread(resource, context):
        reason = UnprovenReason.NOT_READ
    elif all(_is_excluded(one, context) for one in growths):
        reason = AcquittedReason.DID_NOT_GROW
    return Ruling(reason=reason, resource=resource, evidence=tuple(growths))


def _unproven(resource: Resource, context: TheoryContext) -> Iterable[ClassGrowth]:
    """Return how a resource moved in cells of which nothing is proven."""
    for one in context.cells:
        for name in CLASSES[resource]:
            if one.verdict is Verdict.UNPROVEN and name in one.classes:
                yield ClassGrowth(verdict=one, memory_class=name)


def _is_unread(resource: Resource, context: TheoryContext) -> bool:
    """Say whether a guilty cell lacks a class of the resource that the run tells of."""
    told = {name for one in context.cells for name in one.classes} & set(CLASSES[resource])
    return any(one.classes and not told <= one.classes.keys() for one in context.guilty)


def _is_excluded(one: ClassGrowth, context: TheoryContext) -> bool:
    limit_kib = context.scenario.sensitivity.leak_kib_per_round
    return growth_status(one.verdict, one.memory_class, limit_kib) is GrowthStatus.EXCLUDED


def _kmap(context: TheoryContext) -> Ruling:
    """Judge kmap: by its balance in a probe, and by whether anything got stuck."""
    ends = tuple(GuestEnd(verdict=one) for one in context.guilty)
    if any(one.signature is Signature.KMAP_SLOTS for one in context.guilty):
        return Ruling(reason=GuiltyReason.STUCK_AT_KMAP, evidence=ends)
    readings = tuple(one for one in context.readings if _is_of_kmap(one))
    unbalanced = tuple(f for one in readings for f in one.findings if f.what is StackEvidence.KMAP)
    if unbalanced:
        return Ruling(reason=GuiltyReason.KMAP_UNBALANCED, evidence=unbalanced)
    if any(one.outcome is not Outcome.PASSED for one in context.guilty):
        return Ruling(reason=UnprovenReason.GUEST_ENDED_BADLY, evidence=(*readings, *ends))
    balanced = next((one for one in readings if one.is_whole), None)
    if balanced is not None:
        return Ruling(reason=AcquittedReason.KMAP_BALANCED, evidence=(balanced, *ends))
    without = next((one for one in context.guilty if context.arch(one) is Arch.X86_64), None)
    if without is not None:
        evidence: tuple[Evidence, ...] = (LeakWithoutSlots(verdict=without), *ends)
        return Ruling(reason=AcquittedReason.NO_KMAP_SLOTS, evidence=evidence)
    return Ruling(reason=UnprovenReason.KMAP_NOT_SEEN, evidence=(*readings, *ends))


def _is_of_kmap(one: ProbeReading) -> bool:
    return one.probe == KMAP_PROBE or any(f.what is StackEvidence.KMAP for f in one.findings)


def _function(name: str, context: TheoryContext) -> Ruling:
    """Judge a function by its place among all, and by whether it was changed."""
    own = [one for one in context.functions if one.name == name]
    if not own:
        return _not_there(name, (one.name for one in context.functions), context)
    return _places(own, [one for one in context.ranked.places if one.function == name], context)


def _subsystem(path: str, context: TheoryContext) -> Ruling:
    """Judge a file or a directory by the places in it, and by whether it was changed."""
    own = [one for one in context.functions if _is_below(one.path, path)]
    if not own:
        return _not_there(path, (one.path for one in context.functions), context)
    return _places(own, [p for p in context.ranked.places if _is_below(p.path, path)], context)


def _is_below(path: str, directory: str) -> bool:
    """Return whether a path is a file, or lies below it."""
    return PurePosixPath(path).is_relative_to(PurePosixPath(directory))


def _places(
    own: Sequence[FunctionSource], places: Sequence[Place], context: TheoryContext
) -> Ruling:
    probability = sum(one.probability for one in places)
    speaks = places and any(
        reason.ratio > 1 and reason.source in _SPEAKING for reason in places[0].reasons
    )
    evidence = tuple(places[:LIKELIEST])
    reason: RulingReason = UnprovenReason.MAY_BE_THE_PLACE
    if probability >= SURE and speaks:
        reason = GuiltyReason.IS_THE_PLACE
    elif context.compared and not any(one.changed for one in own):
        reason, evidence = AcquittedReason.IS_UNCHANGED, ()
    return Ruling(reason=reason, probability=probability, evidence=evidence)


def _not_there(name: str, known: Iterable[str], context: TheoryContext) -> Ruling:
    """Judge what is not in the module; a name that is nearly one of its names is not judged."""
    if not context.functions:
        return Ruling(reason=UnprovenReason.NO_SOURCES)
    near = difflib.get_close_matches(name, set(known), n=1, cutoff=NEAR)
    if near:
        return Ruling(reason=UnprovenReason.MISSPELT, near=near[0])
    alone = context.compared and context.alone
    outside = UnprovenReason.OUTSIDE_OF_THE_MODULE
    return Ruling(reason=AcquittedReason.OUTSIDE_OF_THE_CHANGE if alone else outside)


def _commit(name: str, context: TheoryContext) -> Ruling:
    """Judge a commit by which of the kernels has it."""
    known = context.commits.get(name)
    if known is None:
        return Ruling(reason=UnprovenReason.UNKNOWN_COMMIT)
    changed: list[Place] = []
    reason: RulingReason = UnprovenReason.ONE_OF_SEVERAL_COMMITS
    if known.first_bad is not None:
        first, other = GuiltyReason.FIRST_BAD_COMMIT, AcquittedReason.OTHER_COMMIT_IS_BAD
        reason = first if known.first_bad else other
    elif not known.in_bad:
        reason = AcquittedReason.NOT_IN_BAD_KERNEL
    elif known.in_good:
        reason = AcquittedReason.IN_GOOD_KERNEL
    elif known.in_good is False and known.alone:
        reason = GuiltyReason.ONLY_COMMIT
    else:
        places = context.ranked.places
        changed = [p for p in places if known.commit in {one.commit for one in p.commits}]
    return Ruling(reason=reason, evidence=(known, *changed))
