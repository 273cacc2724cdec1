"""``anyclue kernels``: which of Debian's kernels can be had, from where, and what each needs."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from anyclue.cli.output import result, run_until_stopped
from anyclue.model.errors import ExitCode
from anyclue.model.scenario import Arch

if TYPE_CHECKING:
    from anyclue.trial.kernels.catalogue import Catalogue, CatalogueEntry

HOST = "host"
HEAD = ("series", "version", "of", "suites", "architectures", "cached", "modules built with")


def kernels(
    *,
    arch: Annotated[
        list[Arch] | None,
        typer.Option("--arch", help="Only for this architecture [default: i386 and x86_64]."),
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--all", help="Every version, those too of which headers or source is gone."),
    ] = False,
    mirror: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="Ask this mirror from now on; `host`: again that of the host's sources.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> int:
    """List Debian's kernels: series, versions, suites, what is in the cache, what each needs."""
    from anyclue.trial.context import Context

    context = Context.of_user()
    if mirror is not None:
        context.archive.give_mirror(None if mirror == HOST else mirror)
    found = run_until_stopped(context.kernels.catalogue(arch or list(Arch)))
    if json:
        document = {"schema": "anyclue.kernels/1", **asdict(found)}
        result(jsonlib.dumps(document, indent=1))
    else:
        result(_text(found, every=every))
    return ExitCode.NOTHING_FOUND if found.entries else ExitCode.INFRASTRUCTURE


def _text(found: Catalogue, *, every: bool) -> str:
    shown = [entry for entry in found.entries if every or entry.newest]
    rows = [HEAD, *(_row(entry, found.host) for entry in shown)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [
        "  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines += ["", f"mirror: {found.mirror.main}, {found.mirror.security} ({found.mirror.origin})"]
    if found.missing_suites:
        lines.append(f"not there, or not to be had: {', '.join(found.missing_suites)}")
    lines += [f"not asked: {failure}" for failure in found.failures]
    return "\n".join(lines)


def _row(entry: CatalogueEntry, host: str) -> tuple[str, ...]:
    if entry.of is None:
        return (
            *(entry.series, entry.version, "-", ", ".join(entry.suites), "none"),
            *("-", "headers or source are gone"),
        )
    compiler = ", ".join(entry.compilers)
    return (
        *(entry.series, entry.version, entry.of, ", ".join(entry.suites)),
        *(", ".join(_arches(entry)), ", ".join(entry.cached) or "-"),
        f"{compiler}, the host's" if entry.of == host else f"{compiler} of {entry.of}",
    )


def _arches(entry: CatalogueEntry) -> list[str]:
    return [*(f"{arch} (from source)" for arch in entry.from_source), *entry.arches]
