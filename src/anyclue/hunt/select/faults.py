"""The faults of a run: each is what leaks or breaks in one way, told apart from all the others.

A cell may show several: a leak of page-cache references hides one of objects that is ten times
smaller. So all that grew as a leak in a guilty cell counts, not only what carries its verdict, and
each fault has a verdict on every cell of its own. A cell that is guilty of something else is
innocent of this fault where its rate of what leaks is known not to have grown; else it cannot tell.

Growth of one class of memory is more than one fault

* where its caches are told apart: one grew where another did not, on the same machine;
* where a cell between two guilty ones, with the values of the one on some axes and those of the
  other on the rest, is innocent: no conjunction holds both and leaves it out;
* where two kernels leak clearly different amounts, all else equal.

It is no fault of its own where another explains it: threads are made of slab and page tables too,
and what grows with another class in all of its cells, in proportion to amounts that differ, is its
companion.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import hypot, isfinite
from types import MappingProxyType
from typing import Final

from anyclue.hunt.model import Fault
from anyclue.hunt.select.factors import (
    GRAVITY,
    find_factors,
    gravest,
    innocent_beside,
    kind,
    without,
)
from anyclue.model.reason import (
    CountedObjects,
    FloorSample,
    GrowthProven,
    KernelError,
    ObjectsGrew,
    OtherFault,
    SlabCache,
    TrialBroke,
    TrialEnd,
    VmallocCaller,
)
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Axis, Cell
from anyclue.model.verdict import (
    CellVerdict,
    ClassRate,
    MemoryClass,
    ObjectKind,
    ObjectSeries,
    Signature,
    SignatureDetail,
    Verdict,
)
from anyclue.verdicts.breakdown import class_of, part_name
from anyclue.verdicts.classes import TRAITS, GrowthKind

PARTED: Final = frozenset({MemoryClass.SLAB_UNRECLAIMABLE, MemoryClass.VMALLOC})
"""Classes whose growth is known by its parts: slab caches, callers of vmalloc."""
PRESENT: Final = 0.25
"""A part that is at least this share of its class's growth counts; below a quarter of what it is
in another cell it is absent."""
CLEARLY: Final = 1.25
"""Two kernels' rates that differ by less may be one fault, that the work around it hits oftener."""
VARIED: Final = 1.5
"""Amounts that differ by this factor show whether another class is in proportion to them."""
BROKE: Final = frozenset({Outcome.CRASHED, Outcome.HUNG, Outcome.CORRUPT})

MADE_OF: Final[Mapping[MemoryClass, frozenset[MemoryClass]]] = MappingProxyType(
    {
        MemoryClass.KERNEL_STACKS: frozenset(
            {MemoryClass.SLAB_UNRECLAIMABLE, MemoryClass.VMALLOC, MemoryClass.PAGE_TABLES}
        ),
        MemoryClass.VMALLOC: frozenset({MemoryClass.PAGE_TABLES}),
    }
)
"""What else grows with a class by its nature: a thread has a task_struct, a mapping its tables."""

HELD_BY: Final[Mapping[MemoryClass, frozenset[str]]] = MappingProxyType(
    {
        MemoryClass.ORPHANED_FILE_PAGES: frozenset({"radix_tree_node", "buffer_head"}),
        MemoryClass.VMALLOC: frozenset({"vmap_area"}),
    }
)
"""Slab caches whose objects belong to what leaks in a class: pages have their buffers and nodes."""


@dataclass(frozen=True, kw_only=True)
class _Symptom:
    """What cells show before it is told apart: a verdict, what grew, and which parts of it."""

    verdict: Verdict
    signature: Signature | None
    memory_class: MemoryClass | None = None
    parts: frozenset[str] = frozenset()


def find_faults(verdicts: Sequence[CellVerdict]) -> tuple[Fault, ...]:
    """Return the faults, that of the cell that is looked into first; none when nothing is guilty.

    While a cell leaks or broke, surges are no faults: see `anyclue.hunt.select.factors`.
    """
    symptoms, companions = _symptoms(verdicts)
    return tuple(
        fault
        for one in symptoms
        for fault in _told_apart(one, verdicts, companions.get(one.memory_class, ()))
    )


def carrier_class(verdict: CellVerdict) -> MemoryClass:
    """Return the class of memory that carries ``verdict``; ``USED`` unless it is a leak."""
    if verdict.verdict is not Verdict.LEAK:
        return MemoryClass.USED
    signature = verdict.signature
    wanted = [name for name, of in TRAITS.items() if signature and of.signature is signature]
    grew = [name for name, found in verdict.classes.items() if found.grew]
    known = [name for name in wanted if name in verdict.classes or name in verdict.floors]
    candidates = [name for name in known if name in grew] or known
    candidates = candidates or [name for name in grew if name is not MemoryClass.USED]
    return max(candidates, key=lambda name: _rate(verdict, name), default=MemoryClass.USED)


def _leaking_class(verdict: CellVerdict) -> MemoryClass:
    """Return the same, though it ran out of memory before there was a floor."""
    carrier, signature = carrier_class(verdict), verdict.signature
    if carrier is not MemoryClass.USED or signature is None:
        return carrier
    return next((name for name, of in TRAITS.items() if of.signature is signature), carrier)


def _rate(verdict: CellVerdict, name: MemoryClass) -> float:
    found = verdict.classes.get(name)
    rate = found.rate_kib if found is not None else None
    return rate if rate is not None and isfinite(rate) else 0.0


def _symptoms(
    verdicts: Sequence[CellVerdict],
) -> tuple[list[_Symptom], dict[MemoryClass | None, tuple[MemoryClass, ...]]]:
    """Return what leaks or breaks, and which classes only go along with which."""
    grave = gravest(verdicts)
    carried: dict[_Symptom, None] = {}
    for at in GRAVITY:
        for one in grave:
            if one.verdict is at:
                of = _leaking_class(one) if at is Verdict.LEAK else None
                carried[_Symptom(verdict=at, signature=one.signature, memory_class=of)] = None
    hidden: dict[_Symptom, None] = {}
    companions: dict[MemoryClass | None, list[MemoryClass]] = {}
    leaks = [one for one in grave if one.verdict is Verdict.LEAK]
    for name in dict.fromkeys(name for one in leaks for name in _beside_carrier(one)):
        symptom = _Symptom(
            verdict=Verdict.LEAK, signature=TRAITS[name].signature, memory_class=name
        )
        if symptom in carried:
            continue
        showing = [one for one in leaks if name in _beside_carrier(one)]
        if name is MemoryClass.UNACCOUNTED or _is_explained(name, showing):
            for of in dict.fromkeys(map(_leaking_class, showing)):
                companions.setdefault(of, []).append(name)
        else:
            hidden[symptom] = None
    if any(_broke_too(one) for one in leaks):
        broken = _Symptom(verdict=Verdict.BROKEN, signature=None)
        if broken not in carried:
            hidden[broken] = None
    return [*carried, *hidden], {of: tuple(names) for of, names in companions.items()}


def _beside_carrier(verdict: CellVerdict) -> tuple[MemoryClass, ...]:
    """Return what grew as a leak beside what carries the verdict of a cell that leaks."""
    carrier = _leaking_class(verdict)
    held = HELD_BY.get(carrier, frozenset())
    counted = {_class_of(one) for one in _grown_objects(verdict) if one.name not in held}
    return tuple(
        name
        for name in MemoryClass
        if name is not carrier
        and TRAITS[name].kind is GrowthKind.KERNEL
        and ((name in verdict.classes and verdict.classes[name].grew) or name in counted)
    )


def _grown_objects(verdict: CellVerdict) -> list[ObjectSeries]:
    """Return the counts of objects that grew, the most first."""
    grown = [(series, of) for series, of in verdict.objects.items() if of.grew]
    return [series for series, _ in sorted(grown, key=lambda one: -one[1].rate)]


def _class_of(series: ObjectSeries) -> MemoryClass:
    """Return the class of kernel memory that a count is of; what reclaim leaves leaks, too."""
    of = class_of(series)
    return of if TRAITS[of].signature is not None else MemoryClass.SLAB_UNRECLAIMABLE


def _broke_too(verdict: CellVerdict) -> bool:
    """Say whether a cell that leaks broke as well, by other than what leaks."""
    incident = verdict.incident
    if incident is None:
        return verdict.outcome in BROKE
    return (incident.breaks or verdict.outcome in BROKE) and incident.leaked is None


def _is_explained(name: MemoryClass, showing: Sequence[CellVerdict]) -> bool:
    """Say whether a class that carries no verdict is but the companion of the one that does."""
    carriers = {_leaking_class(one) for one in showing}
    if len(carriers) > 1:
        return False
    (carrier,) = carriers
    if name in MADE_OF.get(carrier, ()):
        return True
    pairs = [
        (a, b)
        for a, b in combinations(showing, 2)
        if max(_rate(a, carrier), _rate(b, carrier))
        >= VARIED * min(_rate(a, carrier), _rate(b, carrier))
        > 0
    ]
    return bool(pairs) and all(_in_proportion(name, carrier, a, b) for a, b in pairs)


def _in_proportion(name: MemoryClass, of: MemoryClass, a: CellVerdict, b: CellVerdict) -> bool:
    """Say whether two cells' rates of a class are as those of another, and not both the same."""
    share = _rate(a, of) / _rate(b, of)
    wanted, error = _rate(b, name) * share, hypot(_half(a, name), _half(b, name) * share)
    fits = abs(_rate(a, name) - wanted) <= error
    alike = abs(_rate(a, name) - _rate(b, name)) <= hypot(_half(a, name), _half(b, name))
    return fits and not alike


def _half(verdict: CellVerdict, name: MemoryClass) -> float:
    """Return half of the 95 % interval of a class's rate."""
    found = verdict.classes.get(name)
    interval = found.ci95_kib if found is not None else None
    return (interval[1] - interval[0]) / 2 if interval is not None else float("inf")


def _told_apart(
    symptom: _Symptom, verdicts: Sequence[CellVerdict], companions: tuple[MemoryClass, ...]
) -> Iterable[Fault]:
    """Return the faults that a symptom is of."""
    showing = {one.cell for one in verdicts if _shows(symptom, one)}
    for part, cells in _by_parts(symptom, [one for one in verdicts if one.cell in showing]):
        for group in _groups(_views(part, verdicts, cells), part):
            yield _fault(part, verdicts, group, companions)


def _fault(
    symptom: _Symptom,
    verdicts: Sequence[CellVerdict],
    showing: Sequence[Cell],
    companions: tuple[MemoryClass, ...],
) -> Fault:
    views, of = tuple(_views(symptom, verdicts, showing)), (symptom.verdict, symptom.signature)
    cells = set(showing)
    carried = {one.cell for one in verdicts if _carries(symptom, one)}
    return Fault(
        verdict=symptom.verdict,
        signature=symptom.signature,
        memory_class=symptom.memory_class,
        subject=_subject(symptom, [one for one in views if one.cell in cells]),
        lead=next((cell for cell in showing if cell in carried), showing[0]),
        verdicts=views,
        factors=find_factors(views, of),
        companions=companions,
        parts=symptom.parts,
    )


def of_kernels(fault: Fault, kernels: Container[str]) -> Fault:
    """Return the part of a fault that these kernels show, where it is told apart by its places."""
    symptom = _symptom(fault)
    showing = [one.cell for one in fault.cells if one.cell.kernel in kernels]
    return _fault(symptom, fault.verdicts, showing, fault.companions)


def shows(fault: Fault, verdict: CellVerdict) -> bool:
    """Say whether a cell, of this run or another, is guilty of a fault."""
    symptom = _symptom(fault)
    if not _shows(symptom, verdict):
        return False
    if fault.memory_class is None or not fault.parts or not verdict.classes:
        return True
    of = fault.memory_class
    return bool((_kib(verdict, of).present | _counts(verdict, of).present) & fault.parts)


def as_of(fault: Fault, verdict: CellVerdict) -> CellVerdict:
    """Return the verdict of a cell, of this run or another, as it is of this fault alone."""
    return _view(_symptom(fault), verdict, shows=shows(fault, verdict))


def _symptom(fault: Fault) -> _Symptom:
    return _Symptom(
        verdict=fault.verdict,
        signature=fault.signature,
        memory_class=fault.memory_class,
        parts=fault.parts,
    )


def _carries(symptom: _Symptom, one: CellVerdict) -> bool:
    if (one.verdict, one.signature) != (symptom.verdict, symptom.signature):
        return False
    return symptom.verdict is not Verdict.LEAK or _leaking_class(one) is symptom.memory_class


def _shows(symptom: _Symptom, one: CellVerdict) -> bool:
    if _carries(symptom, one):
        return True
    if one.verdict is not Verdict.LEAK:
        return False
    if symptom.verdict is Verdict.BROKEN:
        return symptom.signature is None and _broke_too(one)
    return symptom.memory_class in _beside_carrier(one)


def _views(
    symptom: _Symptom, verdicts: Sequence[CellVerdict], showing: Iterable[Cell]
) -> list[CellVerdict]:
    """Return every cell's verdict as it is of this symptom alone."""
    cells = set(showing)
    return [_view(symptom, one, shows=one.cell in cells) for one in verdicts]


def _view(symptom: _Symptom, one: CellVerdict, *, shows: bool) -> CellVerdict:
    of, name = (symptom.verdict, symptom.signature), symptom.memory_class
    if one.verdict not in (Verdict.LEAK, Verdict.BROKEN) or of[0] is Verdict.SURGE:
        return one
    parted = _with_part(one, name, symptom.parts) if name and symptom.parts else one
    if shows:
        if _carries(symptom, one) and not symptom.parts:
            return one
        return _shown(symptom, parted)
    if _is_excluded(symptom, parted):
        rate = parted.classes.get(name) if name is not None else None
        return replace(
            parted,
            verdict=Verdict.CLEAN,
            because=OtherFault(verdict=one.verdict, signature=one.signature),
            rate_kib_per_round=rate.rate_kib if rate is not None else None,
            rate_ci95_kib=rate.ci95_kib if rate is not None else None,
            signature=None,
            signature_detail=None,
        )
    if kind(one) != of:
        return one
    because = OtherFault(verdict=one.verdict, signature=one.signature)
    return replace(one, verdict=Verdict.UNPROVEN, because=because, signature=None)


def _shown(symptom: _Symptom, one: CellVerdict) -> CellVerdict:
    """Return the verdict of a cell that shows what does not carry its own."""
    incident, name = one.incident, symptom.memory_class
    if symptom.verdict is Verdict.BROKEN:
        end = TrialEnd(outcome=one.outcome, incident=incident)
        went_on = incident is not None and one.outcome not in BROKE
        return replace(
            one,
            verdict=Verdict.BROKEN,
            because=KernelError(incident=incident) if went_on and incident else TrialBroke(end=end),
            rate_kib_per_round=None,
            rate_ci95_kib=None,
            signature=symptom.signature,
            signature_detail=None,
        )
    found = one.classes.get(name) if name is not None else None
    counted = [
        series
        for series in _grown_objects(one)
        if _class_of(series) is name and _is_of(symptom, part_name(series.name))
    ]
    if counted and (found is None or not found.grew):
        return _counted(symptom, one, counted)
    if name is None or found is None or found.rate_kib is None:
        return replace(one, verdict=symptom.verdict, signature=symptom.signature)
    detail = _detail(name, found)
    return replace(
        one,
        verdict=Verdict.LEAK,
        because=GrowthProven(
            memory_class=name,
            rate_kib=found.rate_kib,
            ci95_kib=found.ci95_kib or (found.rate_kib, found.rate_kib),
            sample=FloorSample(floors=one.rounds, trials=one.trials, warm_up=one.warm_up),
            detail=detail,
        ),
        rate_kib_per_round=found.rate_kib,
        rate_ci95_kib=found.ci95_kib,
        signature=symptom.signature,
        signature_detail=detail,
    )


def _is_of(symptom: _Symptom, part: str) -> bool:
    return not symptom.parts or part in symptom.parts


def _counted(symptom: _Symptom, one: CellVerdict, counted: Sequence[ObjectSeries]) -> CellVerdict:
    """Return the verdict of a cell in which only counts of objects show it."""
    series, *others = counted
    found = one.objects[series]
    detail: SignatureDetail = CountedObjects(series=series, rate=found.rate)
    if series.kind is ObjectKind.SLAB:
        detail = SlabCache(name=series.name, objects=found.rate, kib=found.kib, merged=found.merged)
    rate = one.classes.get(symptom.memory_class) if symptom.memory_class is not None else None
    return replace(
        one,
        verdict=Verdict.LEAK,
        because=ObjectsGrew(
            series=series,
            rate=found.rate,
            ci95=found.ci95,
            sample=FloorSample(floors=one.rounds, trials=one.trials, warm_up=one.warm_up),
            detail=detail,
            others=tuple((other, one.objects[other].rate) for other in others),
        ),
        rate_kib_per_round=rate.rate_kib if rate is not None else None,
        rate_ci95_kib=rate.ci95_kib if rate is not None else None,
        signature=symptom.signature,
        signature_detail=detail,
    )


def _detail(name: MemoryClass, found: ClassRate) -> SignatureDetail | None:
    if not found.top:
        return None
    part, kib = found.top[0]
    if name is MemoryClass.VMALLOC:
        return VmallocCaller(function=part, kib=kib)
    return SlabCache(name=part, kib=kib) if name is MemoryClass.SLAB_UNRECLAIMABLE else None


def _is_excluded(symptom: _Symptom, one: CellVerdict) -> bool:
    """Say whether a cell that is guilty does not do this; by how much, its neighbours tell."""
    if symptom.verdict is Verdict.BROKEN:
        incident = one.incident
        quiet = incident is None or not incident.breaks
        return one.verdict is Verdict.LEAK and one.outcome is Outcome.PASSED and quiet
    found = one.classes.get(symptom.memory_class) if symptom.memory_class is not None else None
    counted = {
        part_name(series.name)
        for series in _grown_objects(one)
        if _class_of(series) is symptom.memory_class
    }
    if any(_is_of(symptom, part) for part in counted):
        return False
    return found is not None and found.ci95_kib is not None and not found.grew


def _subject(symptom: _Symptom, shown: Sequence[CellVerdict]) -> str:
    """Return the part that leaks most, or the function that broke; "" where none is known."""
    for one in shown:
        detail = one.signature_detail
        if isinstance(detail, SlabCache):
            return detail.name
        if isinstance(detail, VmallocCaller):
            return detail.function
        if isinstance(detail, CountedObjects):
            return detail.series.name
        if symptom.verdict is Verdict.BROKEN and one.incident is not None:
            return one.incident.function or ""
        found = one.classes.get(symptom.memory_class) if symptom.memory_class in PARTED else None
        if found is not None and found.top:
            return found.top[0][0]
    return ""


# Parts of a class: slab caches, callers of vmalloc.


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What the parts of a class grew by in a cell, in objects or in KiB, and which count."""

    rates: Mapping[str, float]
    present: frozenset[str]


def _parts(of: MemoryClass, cells: Sequence[CellVerdict]) -> dict[Cell, _Parts]:
    """Return the parts of a class by cell: all in objects, or else all in KiB."""
    counted = {one.cell: _counts(one, of) for one in cells}
    if all(parts.rates for parts in counted.values()):
        return counted
    return {one.cell: _kib(one, of) for one in cells}


def _counts(one: CellVerdict, of: MemoryClass) -> _Parts:
    rates: dict[str, float] = {}
    for series in _grown_objects(one):
        if _class_of(series) is of:
            name = part_name(series.name)
            rates[name] = rates.get(name, 0.0) + one.objects[series].rate
    return _Parts(rates=rates, present=frozenset(rates))


def _kib(one: CellVerdict, of: MemoryClass) -> _Parts:
    found = one.classes.get(of)
    rates: dict[str, float] = {}
    for name, kib in found.top if found is not None else ():
        rates[part_name(name)] = rates.get(part_name(name), 0.0) + kib
    least = PRESENT * _rate(one, of)
    present = frozenset(name for name, kib in rates.items() if kib > 0 and kib >= least)
    return _Parts(rates=rates, present=present)


def _with_part(one: CellVerdict, name: MemoryClass, parts: frozenset[str]) -> CellVerdict:
    """Return a verdict in which a class is these parts of it alone.

    Their interval is taken to be as wide as that of the class.
    """
    found = one.classes.get(name)
    if found is None or not found.top:
        return one
    top = tuple((part, kib) for part, kib in found.top if part_name(part) in parts)
    rate, half = sum(kib for _, kib in top), _half(one, name)
    present = found.grew and rate >= PRESENT * _rate(one, name)
    only = replace(
        found,
        rate_kib=rate,
        ci95_kib=(rate - half, rate + half) if isfinite(half) else None,
        grew=present,
        top=top,
    )
    return replace(one, classes={**one.classes, name: only})


def _by_parts(
    symptom: _Symptom, showing: Sequence[CellVerdict]
) -> list[tuple[_Symptom, tuple[Cell, ...]]]:
    """Return the symptom with the cells that show it; more than once where parts are told apart.

    Caches are named by the size of what is in them, and that depends on the architecture: only
    cells of one machine tell parts apart. Another machine's cell with names of its own goes where
    the cell goes that differs in the machine alone.
    """
    whole = [(symptom, tuple(one.cell for one in showing))]
    of = symptom.memory_class
    if of not in PARTED:
        return whole
    parts = _parts(of, showing)
    clusters: list[set[str]] = []
    for machine in dict.fromkeys(one.cell.machine for one in showing):
        for cluster in _inseparable(parts, machine):
            shared = [known for known in clusters if known & cluster]
            clusters = [known for known in clusters if not known & cluster]
            clusters.append(cluster.union(*shared))
    machines = {one.cell.machine for one in showing}
    on_one_machine = any(len(_inseparable(parts, machine)) > 1 for machine in machines)
    if len(clusters) < 2 or not on_one_machine:
        return whole
    named: list[list[Cell]] = [
        [cell for cell, grown in parts.items() if grown.present & cluster] for cluster in clusters
    ]
    for one in showing:
        if not any(one.cell in cells for cells in named):
            _beside_machine(one.cell, named).append(one.cell)
    order = [one.cell for one in showing]
    found = [
        (replace(symptom, parts=frozenset(cluster)), tuple(sorted(cells, key=order.index)))
        for cluster, cells in zip(clusters, named, strict=True)
        if cells
    ]
    return sorted(found, key=lambda one: order.index(one[1][0]))


def _beside_machine(cell: Cell, named: Sequence[list[Cell]]) -> list[Cell]:
    for cells in named:
        if any(cell.differs(other) == (Axis.MACHINE,) for other in cells):
            return cells
    return named[0]


def _inseparable(parts: Mapping[Cell, _Parts], machine: str) -> list[set[str]]:
    """Return the parts that grew in cells of one machine, those together that always did."""
    own = [grown for cell, grown in parts.items() if cell.machine == machine]
    clusters: list[set[str]] = []
    for name in dict.fromkeys(name for grown in own for name in sorted(grown.present)):
        for cluster in clusters:
            if not any(_separates(own, name, other) for other in cluster):
                cluster.add(name)
                break
        else:
            clusters.append({name})
    return clusters


def _separates(cells: Sequence[_Parts], a: str, b: str) -> bool:
    """Say whether one part grew in a cell in which the other did not."""
    most = {name: max(grown.rates.get(name, 0.0) for grown in cells) for name in (a, b)}

    def alone(present: str, absent: str) -> bool:
        return any(
            present in grown.present and grown.rates.get(absent, 0.0) < PRESENT * most[absent]
            for grown in cells
        )

    return alone(a, b) or alone(b, a)


# Cells that no conjunction holds together.


def _groups(views: Sequence[CellVerdict], symptom: _Symptom) -> list[list[Cell]]:
    """Return the cells that show a symptom, those apart that one fault cannot explain.

    Neighbours, which differ on one axis, are of one fault. Groups of them that are no neighbours
    are joined where nothing speaks against it.
    """
    of = (symptom.verdict, symptom.signature)
    others = {one.cell: one for one in views if kind(one) != of}
    groups: list[list[CellVerdict]] = []
    for part in _neighbourhoods([one for one in views if kind(one) == of]):
        for group in groups:
            if not any(_conflict(one, other, others) for one in part for other in group):
                group.extend(part)
                break
        else:
            groups.append(part)
    order = {one.cell: at for at, one in enumerate(views)}
    return [sorted((one.cell for one in group), key=order.__getitem__) for group in groups]


def _neighbourhoods(shown: Sequence[CellVerdict]) -> list[list[CellVerdict]]:
    """Return the cells in groups that are connected by steps on one axis, in order."""
    beside: dict[Cell, list[CellVerdict]] = {}
    for one in shown:
        for axis in Axis:
            beside.setdefault(without(one.cell, axis), []).append(one)
    found: list[list[CellVerdict]] = []
    left = {one.cell: one for one in shown}
    while left:
        part = [left.pop(next(iter(left)))]
        for one in part:
            for axis in Axis:
                for other in beside[without(one.cell, axis)]:
                    apart = axis is Axis.KERNEL and _clearly_differ(one, other)
                    if other.cell in left and not apart:
                        part.append(left.pop(other.cell))
        found.append(part)
    return found


def _conflict(a: CellVerdict, b: CellVerdict, others: Mapping[Cell, CellVerdict]) -> bool:
    """Say whether an innocent cell lies between two, or two kernels' rates differ clearly."""
    axes = a.cell.differs(b.cell)
    if axes == (Axis.KERNEL,):
        return _clearly_differ(a, b)
    values = ({a.cell.value(axis), b.cell.value(axis)} for axis in axes)
    between = (
        replace(a.cell, **{axis.value: value for axis, value in zip(axes, some, strict=True)})
        for some in product(*values)
    )
    return any(
        innocent_beside(others[cell], a) and innocent_beside(others[cell], b)
        for cell in between
        if cell in others
    )


def _clearly_differ(a: CellVerdict, b: CellVerdict) -> bool:
    known = [
        (one.rate_kib_per_round, (one.rate_ci95_kib[1] - one.rate_ci95_kib[0]) / 2)
        for one in (a, b)
        if one.rate_kib_per_round is not None and one.rate_ci95_kib is not None
    ]
    if len(known) < 2:
        return False
    (low, low_half), (high, high_half) = sorted(known)
    return high - low > hypot(low_half, high_half) and high > CLEARLY * low
