"""One step of ``git bisect run``: the cell, with the module as the work tree has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anyclue.bisect.core.model import BisectTerm
from anyclue.bisect.request import cell_named
from anyclue.bisect.run.cell_runner import CellRunner, begin_run
from anyclue.git import repository as git
from anyclue.hunt import driver as hunt_driver
from anyclue.hunt.select.factors import FLAT_FLOORS
from anyclue.model.errors import RequestError
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.trial.context import Context
from anyclue.trial.kernels.module_trees import rebuilt_kernel


@dataclass(frozen=True, kw_only=True)
class StepRequest:
    """What is to be run.

    Attributes:
        tree: a directory of the work tree.
        scenario: the scenario with the cell.
        cell: its id; None when the scenario has one set of conditions.
        kind: the verdict that counts as bad.
        out: the run directory to make; None for one below ``runs`` in the current directory.
    """

    tree: Path = Path()
    scenario: Path
    cell: str | None
    kind: Verdict = Verdict.LEAK
    out: Path | None = None


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What the work tree showed, and the verdict that says so."""

    term: BisectTerm
    verdict: CellVerdict


async def step(request: StepRequest, context: Context) -> StepResult:
    """Run the cell, and say what that shows.

    Raises:
        RequestError: the request is wrong, or the module does not build.
        InfrastructureError: the machine failed.
    """
    scenario, text = hunt_driver.planned(request.scenario)
    kernel, directory = rebuilt_kernel(scenario, request.scenario)
    cell = cell_named(scenario, request.scenario, request.cell)
    repo = git.repository(request.tree)
    sources = git.work_tree_below(repo, directory)
    if not sources:
        raise RequestError.of(
            f"the work tree has no {directory}",
            where=str(repo.at),
            next_step="run it in the work tree that is bisected",
        )
    run = hunt_driver.new_run(request.out, "step")
    planned = begin_run(run, text, scenario, kernel, cell)
    runner = CellRunner(
        run=run,
        scenario=planned,
        kernel=kernel.name,
        cell=cell,
        carried=(),
        context=context,
    )
    verdict = await runner.next_verdict("work-tree", sources)
    if verdict.verdict in FLAT_FLOORS:
        term = BisectTerm.GOOD
    else:
        term = BisectTerm.BAD if verdict.verdict is request.kind else BisectTerm.SKIP
    return StepResult(term=term, verdict=verdict)
