"""``anyclue setup``: make beforehand what a hunt would make when it needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anyclue.cli.output import result, run_until_stopped
from anyclue.model.errors import RequestError
from anyclue.model.scenario import Arch

PARTS = ("fstests",)


def setup(
    part: Annotated[str, typer.Argument(help="What to set up: fstests.")],
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="The checkout of upstream fstests; only read.")
    ],
    *,
    arch: Annotated[
        list[Arch] | None,
        typer.Option("--arch", help="The guest's architecture [default: i386 and x86_64]."),
    ] = None,
) -> None:
    """Build a checkout of fstests for guests, and the root that they boot with."""
    if part not in PARTS:
        raise RequestError.of(
            f"there is no {part!r} to set up", next_step="anyclue setup fstests DIR"
        )
    from anyclue.fstests.run.build import set_up_fstests
    from anyclue.trial.context import Context

    context = Context.of_user()
    built = run_until_stopped(set_up_fstests(directory, arch or list(Arch), context))
    result("\n".join(f"{of.value}: {image}" for of, image in built.items()))
