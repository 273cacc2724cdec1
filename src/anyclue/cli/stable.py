"""``anyclue stable``: which branches need a fix?"""

from __future__ import annotations

from typing import Annotated

import typer

from anyclue.cli.output import result
from anyclue.model.errors import ExitCode
from anyclue.review.stable.core.model import BranchStatus


def stable(
    fix: Annotated[str, typer.Argument(help="The commit that fixes something.")],
    *,
    trees: Annotated[
        list[str] | None,
        typer.Option(
            "--trees",
            metavar="REF",
            help="A branch or a pattern of refs; may be repeated. Default: those named as stable.",
        ),
    ] = None,
    culprit: Annotated[
        list[str] | None,
        typer.Option(
            "--culprit",
            metavar="REV",
            help="What it fixes, in place of its Fixes: lines; may be repeated.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Find which branches have what a fix fixes, and not the fix."""
    from anyclue.review.stable.driver.request import StableRequest
    from anyclue.review.stable.driver.review import review
    from anyclue.review.stable.render.json_document import stable_json
    from anyclue.review.stable.render.text import stable_text

    request = StableRequest(fix=fix, trees=tuple(trees or ()), culprits=tuple(culprit or ()))
    found = review(request)
    result(stable_json(found) if json else stable_text(found))
    if found.count(BranchStatus.NEEDS):
        return ExitCode.REGRESSION
    if found.count(BranchStatus.UNKNOWN):
        return ExitCode.INFRASTRUCTURE
    return ExitCode.NOTHING_FOUND
