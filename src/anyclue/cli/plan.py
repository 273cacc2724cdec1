"""``anyclue plan``: the cells of a scenario; no guest is started."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anyclue.cli.output import Kernels, result


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
    from anyclue.hunt.render.scenario_words import plan_text
    from anyclue.scenarios.plan_document import scenario_to_json

    planned = driver.plan(scenario, kernels or ())
    if local_config is not None:
        result(local_config_of_cell(planned, local_config).rstrip("\n"))
    else:
        result(scenario_to_json(planned) if json else plan_text(planned))
