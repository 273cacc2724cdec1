"""Which cells of a judged run are probed, and with which probes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from anyclue.clues.factors import is_guilty
from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Axis, Cell, DebianKernel, OfResource, Resource, Scenario
from anyclue.model.verdict import CellVerdict, Findings, Signature, Verdict
from anyclue.probes import KMAP_BALANCE, PROBES, Probe


def innocent_beside(findings: Findings, guilty: Cell) -> Cell | None:
    """Return the clean cell that differs least from ``guilty``, best in the kernel alone."""

    def distance(cell: Cell) -> tuple[bool, int, bool]:
        axes = guilty.differs(cell)
        return (Axis.MACHINE in axes, len(axes), Axis.KERNEL not in axes)

    clean = [one.cell for one in findings.cells if one.verdict is Verdict.CLEAN]
    return min((cell for cell in clean if cell != guilty), key=distance, default=None)


def signature_of(findings: Findings, cell: Cell) -> Signature | None:
    """Return the signature of a cell; None where it broke, or none was found."""
    return next((one.signature for one in findings.cells if one.cell == cell), None)


def cell_named(findings: Findings, name: str, option: str) -> Cell:
    """Return the cell with this id.

    Raises:
        RequestError: the run has no such cell.
    """
    by_id: dict[str, CellVerdict] = {one.cell.id: one for one in findings.cells}
    if name not in by_id:
        near = difflib.get_close_matches(name, by_id, n=1)
        what = f"the run has no cell {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        step = "`anyclue judge RUN` lists its cells"
        raise RequestError([Problem(what=what, where=option, next_step=step)])
    return by_id[name].cell


def innocent_named(findings: Findings, name: str, guilty: Cell) -> Cell:
    """Return the cell with this id, to stand beside ``guilty``.

    Raises:
        RequestError: the run has no such cell, or it is not innocent.
    """
    cell = cell_named(findings, name, "--beside")
    verdict = next(one for one in findings.cells if one.cell == cell)
    if cell == guilty or is_guilty(verdict):
        said = (
            "the guilty cell itself" if cell == guilty else f"guilty too: {verdict.verdict.value}"
        )
        step = "name a clean cell, or leave --beside out"
        raise RequestError([Problem(what=f"{name} is {said}", where="--beside", next_step=step)])
    return cell


def fitting(signature: Signature | None) -> tuple[Probe, ...]:
    """Return the probes that fit a signature; None: a cell that broke."""
    return tuple(probe for probe in PROBES.values() if signature in probe.signatures)


def called_for(scenario: Scenario, findings: Findings, guilty: Cell) -> tuple[Probe, ...]:
    """Return the probes that a hunt runs: those that fit, and what its suspects are tested by.

    Debian's kernels have no debug option: a probe that needs one is left out. None for tests of
    fstests: their rounds are not those of a workload.
    """
    if scenario.workloads[guilty.workload].tests is not None:
        return ()
    theories = (theory.about for theory in scenario.suspects)
    of_kmap = any(isinstance(t, OfResource) and Resource.KMAP in t.resources for t in theories)
    fit = fitting(signature_of(findings, guilty))
    wanted = dict.fromkeys((*fit, *((KMAP_BALANCE,) if of_kmap else ())))
    of_debian = isinstance(scenario.kernels[guilty.kernel].source, DebianKernel)
    return tuple(probe for probe in wanted if not (of_debian and probe.debug))


def named(names: Sequence[str]) -> tuple[Probe, ...]:
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
