"""One step of ``git bisect run``: the cell, with the module as the work tree has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anyclue.bisect.core.model import Shown
from anyclue.bisect.request import conditions
from anyclue.bisect.run.cells import Cells, begin
from anyclue.git import repository as git
from anyclue.hunt import driver as hunting
from anyclue.hunt.select.factors import FLAT_FLOORS
from anyclue.model.errors import Problem, RequestError
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.trial.context import Context
from anyclue.trial.kernels import module_trees as trees


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


async def step(asked: StepRequest, context: Context) -> tuple[Shown, CellVerdict]:
    """Run the cell, and say what that shows.

    Raises:
        RequestError: the request is wrong, or the module does not build.
        InfrastructureError: the machine failed.
    """
    scenario, text = hunting.planned(asked.scenario)
    kernel, directory = trees.rebuilt(scenario, asked.scenario)
    cell = conditions(scenario, asked.scenario, asked.cell)
    repo = git.repository(asked.tree)
    sources = trees.on_disk(repo, directory)
    if not sources:
        next_step = "run it in the work tree that is bisected"
        what = f"the work tree has no {directory}"
        raise RequestError([Problem(what=what, where=str(repo.at), next_step=next_step)])
    run = hunting.new_run(asked.out, "step")
    planned = begin(run, text, scenario, kernel, cell)
    cells = Cells(
        run=run,
        scenario=planned,
        kernel=kernel.name,
        conditions=cell,
        carried=(),
        context=context,
    )
    verdict = await cells.judged("work-tree", sources)
    if verdict.verdict in FLAT_FLOORS:
        return Shown.GOOD, verdict
    return (Shown.BAD if verdict.verdict is asked.kind else Shown.SKIP), verdict
