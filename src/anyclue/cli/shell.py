"""``anyclue shell``: the guest of one cell, interactively."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from anyclue.cli.output import run_until_stopped
from anyclue.model.errors import RequestError

DEFAULT = Path("scenarios/lzo-leak.toml")


def shell(
    cell: Annotated[str, typer.Argument(help="The cell's id, as `anyclue plan` shows it.")],
    *,
    scenario: Annotated[Path, typer.Option(help="The scenario that plans the cell.")] = DEFAULT,
) -> None:
    """Open a shell in the guest of one cell: same kernel, same module, /mnt mounted."""
    from anyclue.hunt import driver
    from anyclue.trial import shell as guest_shell
    from anyclue.trial.context import Context

    planned = driver.plan(scenario)
    by_id = {known.id: known for known in planned.cells}
    if cell not in by_id:
        near = difflib.get_close_matches(cell, by_id, n=1)
        raise RequestError.of(
            f"no cell {cell!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
            where=str(scenario),
            next_step=f"`anyclue plan {scenario}` lists the cells",
        )
    run_until_stopped(guest_shell.shell(planned, by_id[cell], Context.of_user()))
