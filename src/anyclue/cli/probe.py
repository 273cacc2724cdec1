"""``anyclue probe``: the guilty cell again beside an innocent one, looked at more closely."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anyclue.cli.output import gathered, result, run_until_stopped
from anyclue.model.errors import ExitCode, Problem, RequestError


def probe(
    run: Annotated[Path | None, typer.Argument(help="A run directory of `anyclue hunt`.")] = None,
    *,
    probe: Annotated[
        list[str] | None,
        typer.Option(help="A probe; may be repeated [default: those that fit what was found]."),
    ] = None,
    cell: Annotated[
        str | None, typer.Option(help="The guilty cell [default: that of each fault].")
    ] = None,
    beside: Annotated[
        str | None, typer.Option(help="The innocent cell [default: the clean one nearest to it].")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the probes and stop.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Gather evidence of what leaks: stacks of allocations, references, mappings."""
    if list_:
        from anyclue.hunt.probes.core.registry import PROBES
        from anyclue.hunt.render.probe_text import probe_list

        result(probe_list(PROBES.values()))
        return ExitCode.NOTHING_FOUND
    if run is None:
        raise RequestError.of("name a RUN", next_step="anyclue probe --list shows the probes")
    from anyclue.hunt.judge import judge
    from anyclue.hunt.probes import selection
    from anyclue.hunt.probes.core.json_document import readings_to_json
    from anyclue.hunt.probes.run import probe_cells
    from anyclue.hunt.render.probe_text import probes_text
    from anyclue.recordings.run_directory import RunDirectory
    from anyclue.trial.context import Context

    problems: list[Problem] = []
    with gathered(problems):
        probes = selection.probes_named(probe) if probe else None
    with gathered(problems):
        judged = judge(RunDirectory(run))
        cells = selection.cells_to_probe(judged.findings, str(run), cell, beside)
    if problems:
        raise RequestError(problems)
    work = probe_cells(judged, Context.of_user(), cells, probes)
    readings = run_until_stopped(work, run, "anyclue probe")
    result(readings_to_json(readings) if json else probes_text(readings))
    if any(reading.findings for reading in readings):
        return ExitCode.REGRESSION
    unproven = any(reading.could_not for reading in readings) or not readings
    return ExitCode.INFRASTRUCTURE if unproven else ExitCode.NOTHING_FOUND
