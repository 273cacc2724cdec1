"""``anyclue probe``: the guilty cell again beside an innocent one, looked at more closely."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anyclue.cli.output import result, run_until_stopped
from anyclue.model.errors import ExitCode, RequestError


def probe(
    run: Annotated[Path | None, typer.Argument(help="A run directory of `anyclue hunt`.")] = None,
    *,
    probe: Annotated[
        list[str] | None,
        typer.Option(help="A probe; may be repeated [default: those that fit what was found]."),
    ] = None,
    cell: Annotated[
        str | None, typer.Option(help="The guilty cell [default: the first that leaks, or broke].")
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
    from anyclue.hunt.probes.run import run_probes
    from anyclue.hunt.render.probe_text import probes_text
    from anyclue.hunt.select.factors import first_leak_or_break
    from anyclue.recordings.run_directory import RunDirectory
    from anyclue.trial.context import Context

    judged = judge(RunDirectory(run))
    findings = judged.findings
    guilty = selection.cell_named(findings, cell, "--cell") if cell else None
    if guilty is None and (found := first_leak_or_break(findings.cells)) is not None:
        guilty = found.cell
    if guilty is None:
        raise RequestError.of(
            "no cell of this run leaks or broke", where=str(run), next_step="name one with --cell"
        )
    innocent = (
        selection.innocent_named(findings, beside, guilty)
        if beside
        else selection.nearest_clean(findings, guilty)
    )
    probes = selection.probes_named(probe) if probe else None
    work = run_probes(judged, Context.of_user(), guilty, innocent, probes)
    readings = run_until_stopped(work, run, "anyclue probe")
    result(readings_to_json(readings) if json else probes_text(readings))
    if any(reading.findings for reading in readings):
        return ExitCode.REGRESSION
    unproven = any(reading.could_not for reading in readings) or not readings
    return ExitCode.INFRASTRUCTURE if unproven else ExitCode.NOTHING_FOUND
