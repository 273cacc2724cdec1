"""``anyclue merge``: was the conflict resolved right?"""

from __future__ import annotations

from typing import Annotated

import typer

from anyclue.cli.output import result as show
from anyclue.hunts.merges.asking import Asked
from anyclue.hunts.merges.reviewing import review
from anyclue.model.errors import ExitCode
from anyclue.model.finding import Confidence
from anyclue.reports.merge_json import merge_json
from anyclue.reports.merge_text import merge_text


def merge(
    rev: Annotated[
        str | None,
        typer.Argument(help="A merge commit; default: the unfinished merge in the work tree."),
    ] = None,
    *,
    ours: Annotated[
        str | None, typer.Option("--ours", metavar="A", help="One parent, in place of REV.")
    ] = None,
    theirs: Annotated[
        str | None, typer.Option("--theirs", metavar="B", help="The other parent.")
    ] = None,
    result: Annotated[
        str | None, typer.Option("--result", metavar="C", help="What came out of the two.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="REV", help="Compare with another resolution."),
    ] = None,
    confidence: Annotated[
        Confidence,
        typer.Option("--confidence", help="Least confidence of an imbalance that is shown."),
    ] = Confidence.LOW,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Worker processes; default: one a processor."),
    ] = None,
) -> int:
    """Find what a merge's resolution took, made up, lost, and no longer releases."""
    asked = Asked(
        rev=rev,
        ours=ours,
        theirs=theirs,
        result=result,
        against=against,
        least=confidence,
        jobs=jobs,
    )
    found = review(asked)
    show(merge_json(found) if json else merge_text(found))
    return ExitCode.REGRESSION if found.found else ExitCode.NOTHING_FOUND
