"""Theories that pairs of cells decide: a value of an axis, an architecture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from anyclue.hunt.select.factors import guilt, innocent_beside, is_guilty, kind
from anyclue.hunt.suspects.ruling import Ruling, TheoryContext, acquitted, guilty, unproven
from anyclue.model.scenario import Arch, Axis, Cell, OfArch, OfFactor
from anyclue.model.verdict import CellVerdict

Pair = tuple[CellVerdict, CellVerdict]


def of_factor(about: OfFactor, hearing: TheoryContext) -> Ruling:
    """Judge a value of an axis by cells that differ in it alone."""
    axis, value = about.axis, about.value
    pairs = list(_pairs(hearing, axis))
    against = [p for p in pairs if p[0].cell.value(axis) == value and innocent_beside(p[1], p[0])]
    if against:
        return guilty(f"{axis.value} {value} leaks, and others do not", *_told(against))
    innocent = [p for p in pairs if p[1].cell.value(axis) == value and innocent_beside(p[1], p[0])]
    if innocent:
        return acquitted(
            f"with {axis.value} {value} nothing leaks, all else equal", *_told(innocent)
        )
    alike = [p for p in pairs if is_guilty(p[1]) and kind(p[0]) == kind(p[1])]
    own = [p for p in alike if value in (p[0].cell.value(axis), p[1].cell.value(axis))]
    factor = next((one for one in hearing.findings.factors if one.factor is axis), None)
    if own and factor is not None and factor.matters is False:
        return acquitted(f"it leaks in the same way with another {axis.value}", *_told(own))
    why = factor.because if factor is not None else "nothing was run"
    return unproven(why, _another(hearing, axis, value))


def of_arch(about: OfArch, hearing: TheoryContext) -> Ruling:
    """Judge an architecture by cells that differ in the machine alone."""
    arch = about.arch
    pairs = [p for p in _pairs(hearing, Axis.MACHINE) if hearing.arch(p[0]) != hearing.arch(p[1])]
    alike = [p for p in pairs if is_guilty(p[1]) and kind(p[0]) == kind(p[1])]
    if alike:
        return acquitted("it leaks in the same way on another architecture", *_told(alike))
    for one, other in pairs:
        if innocent_beside(other, one):
            said = _told([(one, other)])
            if hearing.arch(one) is arch:
                return guilty(f"it leaks on {arch.value}, and elsewhere it does not", *said)
            if hearing.arch(other) is arch:
                return acquitted(f"on {arch.value} nothing leaks, all else equal", *said)
    if all(hearing.arch(one) is not arch for one in hearing.guilty):
        return unproven(f"no guilty cell ran on {arch.value}", _other_machine(hearing, arch))
    return unproven("it was run on no other architecture", _other_machine(hearing, None))


def _pairs(hearing: TheoryContext, axis: Axis) -> Iterable[Pair]:
    """Return each guilty cell beside the others that differ in one axis alone."""
    for one in hearing.guilty:
        for other in hearing.findings.cells:
            if one.cell.differs(other.cell) == (axis,):
                yield one, other


def _told(pairs: Iterable[Pair]) -> list[str]:
    """Return each pair in words, once however it is turned."""
    each: dict[frozenset[Cell], str] = {}
    for a, b in pairs:
        said = f"{a.cell.id} is {guilt(kind(a))}, {b.cell.id} is {guilt(kind(b))}"
        each.setdefault(frozenset({a.cell, b.cell}), said)
    return list(each.values())


def _another(hearing: TheoryContext, axis: Axis, value: str) -> str:
    """Name the cell that would tell."""
    one = hearing.guilty[0].cell
    if one.value(axis) != value:
        return f"run {replace(one, **{axis.value: value}).id}"
    sections = {
        Axis.KERNEL: hearing.scenario.kernels,
        Axis.MACHINE: hearing.scenario.machines,
        Axis.MKFS: hearing.scenario.mkfs,
        Axis.MOUNT: hearing.scenario.mount,
        Axis.WORKLOAD: hearing.scenario.workloads,
    }
    other = next((name for name in sections[axis] if name != value), None)
    if other is None:
        return f"give the scenario another {axis.value}, and run it beside {one.id}"
    return f"run {replace(one, **{axis.value: other}).id}"


def _other_machine(hearing: TheoryContext, arch: Arch | None) -> str:
    one = hearing.guilty[0].cell
    own = hearing.arch(hearing.guilty[0])
    for name, machine in hearing.scenario.machines.items():
        if (arch is None and machine.arch is not own) or machine.arch is arch:
            return f"run {replace(one, machine=name).id}"
    wanted = arch.value if arch is not None else f"another architecture than {own.value}"
    return f"give the scenario a machine of {wanted}, and run it beside {one.id}"
