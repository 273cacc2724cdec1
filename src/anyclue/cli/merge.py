"""``anyclue merge``: was the conflict resolved right?"""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anyclue.cli.output import result as show
from anyclue.cli.output import run_until_stopped
from anyclue.model.errors import ExitCode, RequestError
from anyclue.review.pairs.model import Confidence

if TYPE_CHECKING:
    from anyclue.review.merge.core.model import MergeReview
    from anyclue.review.merge.driver.request import MergeRequest


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
    test: Annotated[
        Path | None,
        typer.Option(
            "--test",
            metavar="SCENARIO",
            help="Run every version in guests under this scenario's conditions; or go on with such "
            "a RUN.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The run directory of --test [default: runs/merge-DATE]."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page too, with functions in panes."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Worker processes; default: one a processor."),
    ] = None,
) -> int:
    """Find what a merge's resolution took, made up, lost, and no longer releases."""
    from anyclue.review.merge.core.guest_test import Blame
    from anyclue.review.merge.driver.request import MergeRequest
    from anyclue.review.merge.driver.review import review
    from anyclue.review.merge.render.html import merge_html
    from anyclue.review.merge.render.json_document import merge_json
    from anyclue.review.merge.render.text import merge_text
    from anyclue.system.files import write_whole

    page = Path(os.path.realpath(html)) if html is not None else None
    request = MergeRequest(
        rev=rev,
        ours=ours,
        theirs=theirs,
        result=result,
        against=against,
        page=page,
        least=confidence,
        jobs=jobs,
    )
    if out is not None and test is None:
        what, step = "--out names the run of --test", "add --test SCENARIO, or leave --out out"
        raise RequestError.of(what, next_step=step)
    found = review(request) if test is None else _tested(request, test, out)
    show(merge_json(found) if json else merge_text(found))
    if page is not None:
        write_whole(page, merge_html(found))
    if found.found:
        return ExitCode.REGRESSION
    unproven = found.test is not None and found.test.blame is Blame.UNPROVEN
    return ExitCode.INFRASTRUCTURE if unproven else ExitCode.NOTHING_FOUND


def _tested(request: MergeRequest, scenario: Path, out: Path | None) -> MergeReview:
    from anyclue.hunt.driver import hunt
    from anyclue.hunt.versions import begin_run, read_request
    from anyclue.review.merge.core.guest_test import BASE, MergeTest, compare
    from anyclue.review.merge.driver.module_versions import module_versions
    from anyclue.review.merge.driver.review import review
    from anyclue.trial.context import Context

    hunt_request = read_request(scenario, out)
    versions = module_versions(request, hunt_request.directory)
    run = begin_run(hunt_request, versions.sources, of="merge", base=BASE)
    found = review(request)
    named = {
        "--ours": request.ours,
        "--theirs": request.theirs,
        "--result": request.result,
        "--against": request.against,
        "--html": request.page,
    }
    given = [word for name, value in named.items() if value for word in (name, str(value))]
    again = shlex.join(
        ["anyclue", "merge", *([request.rev] if request.rev else []), *given, "--test"]
    )
    work = hunt(run, Context.of_user(), jobs=None)
    judged = run_until_stopped(work, run.path, again)
    test = MergeTest(
        run=str(run.path),
        series=hunt_request.source.series,
        directory=hunt_request.directory,
        rows=compare(judged.findings.cells, versions.parents),
        untested=versions.outside,
    )
    return replace(found, test=test)
