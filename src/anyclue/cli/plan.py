"""``anyclue plan``: the cells of a scenario; no guest is started."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anyclue.cli.output import Kernels, result
from anyclue.report.text import clean


def plan(
    scenario: Annotated[Path, typer.Argument(help="The scenario, a TOML file.")],
    *,
    kernels: Kernels = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON (as plan.json).")] = False,
    local_config: Annotated[
        str | None,
        typer.Option(metavar="CELL", help="Print the local.config of this cell's fstests."),
    ] = None,
) -> None:
    """Check a scenario and show its cells; start nothing."""
    from anyclue.fstests.core.configuration import local_config_of_cell
    from anyclue.hunt import driver
    from anyclue.hunt.render import scenario_words
    from anyclue.scenarios.plan_document import scenario_to_json

    planned = driver.plan(scenario, kernels or ())
    if local_config is not None:
        result(local_config_of_cell(planned, local_config).rstrip("\n"))
        return
    if json:
        result(scenario_to_json(planned))
        return
    limits = planned.limits
    lines = [
        clean(planned.title),
        f"cells: {len(planned.cells)}, trials a cell: {limits.trials}"
        + (f", rounds a trial: {limits.rounds}" if scenario_words.has_rounds(planned) else ""),
    ]
    if planned.chooses:
        lines.append("a hunt chooses among these cells; with --full it runs all of them")
    lines.append("")
    for cell in planned.cells:
        reference = planned.reference_for(cell)
        role = "reference" if cell in planned.references else "no reference"
        options = [f"mkfs {planned.mkfs[cell.mkfs]}".strip(), planned.mount[cell.mount]]
        shown = ", ".join(clean(option) for option in options if option not in ("", "mkfs"))
        lines.append(f"  {cell.id}  {f'({shown})' if shown else ''}".rstrip())
        lines.append(f"      compared with {reference.id}" if reference else f"      {role}")
    result("\n".join(lines))
