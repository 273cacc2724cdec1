"""The accused kernel with its symptoms, and what the guilty cells have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from anyclue.fstests.render.reasons import detail_text
from anyclue.hunt.clue.model import Condition, Conjunction, Guilt
from anyclue.hunt.localise.core.model import Symptoms
from anyclue.hunt.model import Fault, RunVerdicts
from anyclue.hunt.probes.core.model import ProbeFinding, ProbeReading
from anyclue.hunt.render.fault_words import fault_label
from anyclue.hunt.select.factors import innocent_beside
from anyclue.model.reason import NeverFreed, SlabCache
from anyclue.model.recording import LeakedObject
from anyclue.model.scenario import Axis, Scenario
from anyclue.model.verdict import CellVerdict, SignatureDetail, Verdict
from anyclue.verdicts.breakdown import part_name


@dataclass(frozen=True, kw_only=True)
class AccusedKernel:
    """The kernel whose fault is looked for.

    Attributes:
        bad: its name.
        good: the kernel beside which it was proven guilty, all else equal; None without.
        cells: its cells that show the fault.
    """

    bad: str
    good: str | None
    cells: tuple[CellVerdict, ...]


def accused_kernels(fault: Fault) -> tuple[AccusedKernel, ...]:
    """Return the kernels that show a fault, that of the cell that is looked into first.

    Of a surge there is none: its memory comes back, so no release is missing.
    """
    if fault.verdict is Verdict.SURGE:
        return ()
    found = []
    for bad in dict.fromkeys((fault.lead.kernel, *(one.cell.kernel for one in fault.cells))):
        own = tuple(one for one in fault.cells if one.cell.kernel == bad)
        found.append(AccusedKernel(bad=bad, good=_good(own, fault.verdicts), cells=own))
    return tuple(found)


def _good(guilty: Sequence[CellVerdict], cells: Sequence[CellVerdict]) -> str | None:
    for one in guilty:
        for other in cells:
            alone = one.cell.differs(other.cell) == (Axis.KERNEL,)
            if alone and innocent_beside(other, one):
                return other.cell.kernel
    return None


def symptoms_of(
    of: AccusedKernel,
    fault: Fault,
    scenario: Scenario,
    conjunction: Conjunction | None = None,
    readings: Sequence[ProbeReading] = (),
) -> Symptoms:
    """Return what the guests say of the accused kernel's cells."""
    own = [frozenset(_options(scenario.mount[one.cell.mount])) for one in of.cells]
    innocent = [
        frozenset(_options(scenario.mount[other.cell.mount]))
        for one in of.cells
        for other in fault.verdicts
        if one.cell.differs(other.cell) == (Axis.MOUNT,) and innocent_beside(other, one)
    ]
    shared = frozenset.intersection(*own)
    beside = frozenset().union(*innocent)
    isolated = _isolated(conjunction)
    incident = next((one.incident for one in of.cells if one.incident is not None), None)
    return Symptoms(
        signature=of.cells[0].signature,
        slab_cache=_slab_cache(of.cells[0]),
        reported=_names_cache(of.cells[0].signature_detail),
        regression=of.good is not None,
        guilty=(isolated or shared - beside) if innocent else frozenset(),
        innocent=beside - shared,
        used=frozenset().union(*own),
        workloads=frozenset(scenario.workloads[one.cell.workload].use for one in of.cells),
        incident=incident.text if incident is not None else "",
        readings=tuple(one for one in readings if one.cell in {c.cell for c in of.cells}),
    )


def readings_of(
    fault: Fault, faults: Sequence[Fault], readings: Iterable[ProbeReading]
) -> tuple[ProbeReading, ...]:
    """Return what probes say of a fault: of its cells, without what fits only another fault."""
    cells = {one.cell for one in fault.cells}
    others = [
        one for one in faults if one is not fault and cells & {each.cell for each in one.cells}
    ]
    return tuple(
        replace(
            one,
            findings=tuple(
                found
                for found in one.findings
                if _fits(fault, found) or not any(_fits(other, found) for other in others)
            ),
        )
        for one in readings
        if one.cell in cells
    )


def _fits(fault: Fault, found: ProbeFinding) -> bool:
    if fault.parts and found.signature is fault.signature and found.subject:
        return part_name(found.subject) in fault.parts
    return found.signature is fault.signature


def _slab_cache(verdict: CellVerdict) -> str:
    """Return the slab cache that grew, or that keeps objects by the kernel's own report, or ""."""
    detail = verdict.signature_detail
    if isinstance(detail, SlabCache):
        return detail.name
    return detail.subject or "" if _names_cache(detail) else ""


def _names_cache(detail: SignatureDetail | None) -> TypeGuard[NeverFreed]:
    return isinstance(detail, NeverFreed) and detail.leaked is LeakedObject.SLAB_CACHE


def _isolated(conjunction: Conjunction | None) -> frozenset[str]:
    """Return the mount options that were isolated."""
    return frozenset(
        option
        for one in (conjunction.conditions if conjunction is not None else ())
        if one.axis is Axis.MOUNT
        for option in _options(one.option)
    )


def _options(text: str) -> Iterable[str]:
    return (one.strip() for one in text.split(",") if one.strip())


def guilt_entry(fault: Fault, conjunction: Conjunction | None = None) -> Guilt:
    """Return what the cells that show a fault have in common, by its smallest conjunction."""
    cells, known = fault.cells, conjunction.conditions if conjunction is not None else None
    return Guilt(
        verdict=fault.verdict,
        signature=fault.signature,
        detail=detail_text(cells[0].signature_detail),
        conditions=known if known is not None else tuple(_conditions(fault)),
        acquitted=tuple(one.factor for one in fault.factors if one.matters is False),
        innocent=_innocent(cells, fault.verdicts),
        cells=tuple(one.cell.id for one in cells),
        name=fault_label(fault),
    )


def surge_entries(findings: RunVerdicts) -> tuple[Guilt, ...]:
    """Return what surges beside faults that are graver: nothing is known of what it takes."""
    surges = [one for one in findings.cells if one.verdict is Verdict.SURGE]
    if not surges or any(fault.verdict is Verdict.SURGE for fault in findings.faults):
        return ()
    return (
        Guilt(
            verdict=Verdict.SURGE,
            signature=None,
            detail="",
            conditions=(),
            acquitted=(),
            innocent=_innocent(surges, findings.cells),
            cells=tuple(one.cell.id for one in surges),
        ),
    )


def _conditions(fault: Fault) -> Iterable[Condition]:
    for factor in fault.factors:
        if factor.matters:
            for value in dict.fromkeys(one.cell.value(factor.factor) for one in fault.cells):
                yield Condition(axis=factor.factor, value=value)


def _innocent(group: Sequence[CellVerdict], cells: Sequence[CellVerdict]) -> tuple[Condition, ...]:
    found = [
        Condition(axis=axes[0], value=other.cell.value(axes[0]))
        for one in group
        for other in cells
        if len(axes := one.cell.differs(other.cell)) == 1 and innocent_beside(other, one)
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: list(Axis).index(one.axis)))
