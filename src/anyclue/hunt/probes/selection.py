"""Which cells of a judged run are probed, and with which probes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from anyclue.fstests.core.model import TestFinding, TestId
from anyclue.fstests.core.verdicts import worst_leak
from anyclue.hunt.model import Fault, RunVerdicts
from anyclue.hunt.probes.core.kmap_balance import KMAP_BALANCE
from anyclue.hunt.probes.core.probe import Probe
from anyclue.hunt.probes.core.registry import PROBES
from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Axis, Cell, DebianKernel, OfResource, Resource, Scenario
from anyclue.model.verdict import CellVerdict, Signature, Verdict


def nearest_clean(findings: RunVerdicts, guilty: Cell) -> Cell | None:
    """Return the clean cell that differs least from ``guilty``, best in the kernel alone."""

    def distance(cell: Cell) -> tuple[bool, int, bool]:
        axes = guilty.differs(cell)
        return (Axis.MACHINE in axes, len(axes), Axis.KERNEL not in axes)

    clean = [one.cell for one in findings.cells if one.verdict is Verdict.CLEAN]
    others = (cell for cell in clean if cell != guilty and _does_the_same(findings, cell, guilty))
    return min(others, key=distance, default=None)


def nearest_innocent(findings: RunVerdicts, fault: Fault, guilty: Cell) -> Cell | None:
    """Return the same, or else the nearest cell that is guilty only of other faults."""
    clean = nearest_clean(findings, guilty)
    return clean or nearest_clean(replace(findings, cells=fault.verdicts), guilty)


def _does_the_same(findings: RunVerdicts, cell: Cell, guilty: Cell) -> bool:
    """Say whether both can run the same: tests of fstests stand beside the same tests alone."""
    of_tests = cell in findings.tests or guilty in findings.tests
    return cell.workload == guilty.workload or not of_tests


def signature_of(findings: RunVerdicts, cell: Cell) -> Signature | None:
    """Return the signature of a cell; None where it broke, or none was found."""
    return next((one.signature for one in findings.cells if one.cell == cell), None)


def cell_named(findings: RunVerdicts, name: str, option: str) -> Cell:
    """Return the cell with this id.

    Raises:
        RequestError: the run has no such cell.
    """
    by_id: dict[str, CellVerdict] = {one.cell.id: one for one in findings.cells}
    if name not in by_id:
        near = difflib.get_close_matches(name, by_id, n=1)
        what = f"the run has no cell {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        step = "`anyclue judge RUN` lists its cells"
        raise RequestError.of(what, where=option, next_step=step)
    return by_id[name].cell


def cells_to_probe(
    findings: RunVerdicts, run: str, cell: str | None, beside: str | None
) -> tuple[tuple[Cell, Cell | None], ...]:
    """Return the guilty cells to look at, each with the innocent one beside it.

    Without a ``cell`` that is the one of each fault that leaks or broke.

    Raises:
        RequestError: the run has no such cell, or it is not what it is named for.
    """
    if cell is not None:
        named = cell_named(findings, cell, "--cell")
        innocent = innocent_named(findings, beside, named) if beside else None
        return ((named, innocent or nearest_clean(findings, named)),)
    faults = [one for one in findings.faults if one.verdict is not Verdict.SURGE]
    if not faults:
        step = "name one with --cell"
        raise RequestError.of("no cell of this run leaks or broke", where=run, next_step=step)
    found: dict[Cell, Cell | None] = {}
    for fault in faults:
        innocent = innocent_named(findings, beside, fault.lead) if beside else None
        found.setdefault(fault.lead, innocent or nearest_innocent(findings, fault, fault.lead))
    return tuple(found.items())


def innocent_named(findings: RunVerdicts, name: str, guilty: Cell) -> Cell:
    """Return the cell with this id, to stand beside ``guilty``.

    Raises:
        RequestError: the run has no such cell, or it is not innocent.
    """
    cell = cell_named(findings, name, "--beside")
    verdict = next(one for one in findings.cells if one.cell == cell)
    if cell == guilty or verdict.verdict.is_guilty:
        why = f"guilty too: {verdict.verdict.value}" if cell != guilty else "the guilty cell itself"
        step = "name a clean cell, or leave --beside out"
        raise RequestError.of(f"{name} is {why}", where="--beside", next_step=step)
    if not _does_the_same(findings, cell, guilty):
        what = f"{name} has other tests than {guilty.id}"
        step = "name a cell with the same tests, or leave --beside out"
        raise RequestError.of(what, where="--beside", next_step=step)
    return cell


def tests_to_repeat(findings: RunVerdicts, guilty: Cell) -> tuple[TestId, ...]:
    """Return what of a guilty cell of fstests a probe looks at, in order; empty for a workload.

    That is the test that leaks most, behind those without which it is clean, or the one that ended
    its guest.

    Raises:
        RequestError: no test of the cell did any of that.
    """
    tests = findings.tests.get(guilty)
    if tests is None:
        return ()
    if (worst := worst_leak(tests)) is not None:
        return (*worst.after, worst.id)
    broke = next((test for test in tests if test.killed or _broke(test)), None)
    if broke is not None:
        return (broke.id,)
    what, step = "no test of this cell leaks or broke the kernel", "name another with --cell"
    raise RequestError.of(what, where=guilty.id, next_step=step)


def _broke(test: TestFinding) -> bool:
    return test.memory is not None and test.memory.verdict is Verdict.BROKEN


def probes_for(signature: Signature | None) -> tuple[Probe, ...]:
    """Return the probes that fit a signature; None: a cell that broke."""
    return tuple(probe for probe in PROBES.values() if signature in probe.signatures)


def probes_to_run(
    scenario: Scenario, findings: RunVerdicts, fault: Fault, guilty: Cell
) -> tuple[Probe, ...]:
    """Return the probes that a hunt runs for a fault in a cell that shows it.

    Those are the ones that fit, and what its suspects are tested by. Debian's kernels have no debug
    option: a probe that needs one is left out. None where a cell of fstests is guilty for a test
    that only failed, or where a cell surges: nothing of that stays.
    """
    if fault.verdict is Verdict.SURGE:
        return ()
    try:
        tests_to_repeat(findings, guilty)
    except RequestError:
        return ()
    theories = (theory.about for theory in scenario.suspects)
    of_kmap = any(isinstance(t, OfResource) and Resource.KMAP in t.resources for t in theories)
    wanted = dict.fromkeys((*probes_for(fault.signature), *((KMAP_BALANCE,) if of_kmap else ())))
    of_debian = isinstance(scenario.kernels[guilty.kernel].source, DebianKernel)
    return tuple(probe for probe in wanted if not (of_debian and probe.debug))


def probes_named(names: Sequence[str]) -> tuple[Probe, ...]:
    """Return the probes of these names.

    Raises:
        RequestError: there are no such ones.
    """
    unknown = [name for name in names if name not in PROBES]
    if unknown:
        step = f"probes: {', '.join(PROBES)}"
        raise RequestError(
            [
                Problem(what=f"no probe {name!r}", where="--probe", next_step=step)
                for name in unknown
            ]
        )
    return tuple(PROBES[name] for name in dict.fromkeys(names))
