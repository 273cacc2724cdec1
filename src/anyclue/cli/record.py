"""``anyclue record``: this machine while a command runs, without a guest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anyclue.model.errors import ExitCode, InfrastructureError, RequestError


def record(
    command: Annotated[
        list[str] | None, typer.Argument(help="What to run and record, behind `--`.")
    ] = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="RUN",
            help="The run directory to make [default: runs/record-DATE].",
            show_default=False,
        ),
    ] = None,
    hz: Annotated[float, typer.Option("--hz", metavar="N", help="Samples a second.")] = 5.0,
    attach: Annotated[
        bool, typer.Option("--attach", help="Record beside what runs already, until Ctrl-C.")
    ] = False,
    pid: Annotated[
        int | None,
        typer.Option("--pid", metavar="PID", help="With --attach: until this process ends."),
    ] = None,
    quiesce: Annotated[
        bool,
        typer.Option(
            "--quiesce", help="Stop the command at each test, write back, drop caches (root)."
        ),
    ] = False,
) -> int:
    """Record this machine's memory while a command runs; ends with the command's own status."""
    from anyclue.record.recorder.errors import RecordError
    from anyclue.record.recorder.record import record as run_recorder
    from anyclue.record.recorder.request import request_of

    try:
        return run_recorder(
            request_of(str(out) if out else None, command or (), attach, pid, hz, quiesce)
        )
    except RecordError as error:
        if error.exit_code == ExitCode.BAD_REQUEST:
            raise RequestError.of(error.what, next_step=error.next_step) from error
        raise InfrastructureError(error.what, next_step=error.next_step) from error
