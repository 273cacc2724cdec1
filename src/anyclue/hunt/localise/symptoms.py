"""The accused kernel with its symptoms, and what the guilty cells have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from anyclue.fstests.render.reasons import detail_text
from anyclue.hunt.clue.model import Condition, Conjunction, Guilt
from anyclue.hunt.localise.core.model import Symptoms
from anyclue.hunt.model import Factor, RunVerdicts
from anyclue.hunt.probes.core.model import ProbeReading
from anyclue.hunt.select.factors import (
    GRAVITY,
    Kind,
    first_leak_or_break,
    gravest,
    innocent_beside,
    kind,
)
from anyclue.model.reason import NeverFreed, SlabCache
from anyclue.model.recording import LeakedObject
from anyclue.model.scenario import Axis, Scenario
from anyclue.model.verdict import CellVerdict, SignatureDetail


@dataclass(frozen=True, kw_only=True)
class AccusedKernel:
    """The kernel whose fault is looked for.

    Attributes:
        bad: its name; that of the first guilty cell.
        good: the kernel beside which it was proven guilty, all else equal; None without.
        cells: its guilty cells, all guilty in the same way.
    """

    bad: str
    good: str | None
    cells: tuple[CellVerdict, ...]


def accused_kernel(findings: RunVerdicts) -> AccusedKernel | None:
    """Return the kernel to look into: of a leak if there is one, else of what broke.

    Of a surge there is none: its memory comes back, so no release is missing.
    """
    first = first_leak_or_break(findings.cells)
    if first is None:
        return None
    same = [
        one
        for one in findings.cells
        if one.cell.kernel == first.cell.kernel and kind(one) == kind(first)
    ]
    return AccusedKernel(bad=first.cell.kernel, good=_good(same, findings.cells), cells=tuple(same))


def _good(guilty: Sequence[CellVerdict], cells: Sequence[CellVerdict]) -> str | None:
    for one in guilty:
        for other in cells:
            alone = one.cell.differs(other.cell) == (Axis.KERNEL,)
            if alone and innocent_beside(other, one):
                return other.cell.kernel
    return None


def symptoms_of(
    of: AccusedKernel,
    findings: RunVerdicts,
    scenario: Scenario,
    conjunction: Conjunction | None = None,
    readings: Sequence[ProbeReading] = (),
) -> Symptoms:
    """Return what the guests say of the accused kernel's cells."""
    own = [frozenset(_options(scenario.mount[one.cell.mount])) for one in of.cells]
    innocent = [
        frozenset(_options(scenario.mount[other.cell.mount]))
        for one in of.cells
        for other in findings.cells
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


def guilt_entries(
    findings: RunVerdicts, conjunction: Conjunction | None = None
) -> tuple[Guilt, ...]:
    """Return one entry for each way in which cells are guilty: leaks, what broke, surges.

    What has to come together is known of what the factors are about.
    """
    groups: dict[Kind, list[CellVerdict]] = {}
    for one in findings.cells:
        if one.verdict.is_guilty:
            groups.setdefault(kind(one), []).append(one)
    looked_into = {kind(one) for one in gravest(findings.cells)}
    acquitted = tuple(one.factor for one in findings.factors if one.matters is False)
    entries = []
    for of in sorted(groups, key=lambda of: GRAVITY.index(of[0])):
        group, conditions = groups[of], tuple(_conditions(groups[of], findings.factors))
        if conjunction is not None and looked_into == {of}:
            conditions = conjunction.conditions
        entries.append(
            Guilt(
                verdict=group[0].verdict,
                signature=group[0].signature,
                detail=detail_text(group[0].signature_detail),
                conditions=conditions if of in looked_into else (),
                acquitted=acquitted if of in looked_into else (),
                innocent=_innocent(group, findings.cells),
                cells=tuple(one.cell.id for one in group),
            )
        )
    return tuple(entries)


def _conditions(group: Sequence[CellVerdict], factors: Iterable[Factor]) -> Iterable[Condition]:
    for factor in factors:
        if factor.matters:
            for value in dict.fromkeys(one.cell.value(factor.factor) for one in group):
                yield Condition(axis=factor.factor, value=value)


def _innocent(group: Sequence[CellVerdict], cells: Sequence[CellVerdict]) -> tuple[Condition, ...]:
    found = [
        Condition(axis=axes[0], value=other.cell.value(axes[0]))
        for one in group
        for other in cells
        if len(axes := one.cell.differs(other.cell)) == 1 and innocent_beside(other, one)
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: list(Axis).index(one.axis)))
