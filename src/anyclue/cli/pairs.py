"""``anyclue pairs``: is everything that is acquired released, on every path?"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from anyclue.cli.output import result
from anyclue.model.errors import ExitCode, Problem, RequestError
from anyclue.review.pairs.model import Confidence, Review


class OutputFormat(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def pairs(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="C files, or directories of them; default: this directory."),
    ] = None,
    *,
    diff: Annotated[
        str | None,
        typer.Option(
            "--diff",
            metavar="A..B|REV|-",
            help="Only what a change introduces: a git range, a commit, or - for a patch or mbox "
            "on stdin.",
        ),
    ] = None,
    staged: Annotated[
        bool, typer.Option("--staged", help="Only what the index would commit introduces.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="REV", help="Only what was introduced since REV."),
    ] = None,
    confidence: Annotated[
        Confidence | None,
        typer.Option(
            "--confidence",
            help="Least confidence shown; default: medium for a tree, low for a change.",
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option("--top", min=1, metavar="N", help="Only the N most probable findings."),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline",
            metavar="FILE",
            help="Only findings that a review printed as JSON before does not have.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_sarif: Annotated[bool, typer.Option("--sarif", help="Print SARIF 2.1.0.")] = False,
    contracts: Annotated[
        bool, typer.Option("--contracts", help="List the pairs that are known, and stop.")
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check",
            metavar="TREE",
            help="Say which calls of the contracts a tree does not know, and which of its guards "
            "and pairs of functions no contract knows, and stop.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Worker processes; default: one a processor."),
    ] = None,
    details: Annotated[
        bool, typer.Option("--all-unjudged", help="List everything that could not be judged.")
    ] = False,
) -> int:
    """Find resources that some path acquires and does not release, or releases twice."""
    from anyclue.review.pairs.driver import request
    from anyclue.review.pairs.driver.contract_check import check_contracts
    from anyclue.review.pairs.render.contract_check import contract_check
    from anyclue.review.pairs.render.contract_list import contract_list

    if check is not None and paths == [Path("contracts")]:
        # As in "anyclue pairs contracts --check TREE".
        paths, contracts = None, True
    chosen = [name for name, given in _sources(diff, since, staged=staged) if given]
    problems = []
    if contracts or check is not None:
        asked = "--contracts" if check is None else "--check"
        problems = [
            Problem(what=f"{asked} and {one} exclude each other", next_step="give one of them")
            for one in (*chosen, *["--sarif"] * as_sarif)
        ]
        if check is not None and paths:
            problems.append(
                Problem(what="--check and PATHS exclude each other", next_step="give one of them")
            )
        if problems:
            raise RequestError(problems)
        if check is None:
            result(contract_list(request.contracts_near((paths or [Path()])[0]), as_json=json))
        else:
            found = check_contracts(request.contracts_near(check), check)
            result(contract_check(found, as_json=json))
        return ExitCode.NOTHING_FOUND
    if len(chosen) > 1:
        problems.append(
            Problem(what=f"{' and '.join(chosen)} exclude each other", next_step="give one of them")
        )
    if chosen and paths and len(paths) > 1:
        problems.append(
            Problem(
                what=f"{chosen[0]} takes one tree, not {len(paths)} paths",
                next_step="give the repository's directory, or nothing for this one",
            )
        )
    if json and as_sarif:
        problems.append(Problem(what="--json and --sarif exclude each other", next_step="give one"))
    if problems:
        raise RequestError(problems)
    wanted = request.PairsRequest(
        paths=tuple(paths or (Path(),)),
        diff=diff,
        patch=_piped() if diff == "-" else None,
        since=since,
        staged=staged,
        least=confidence,
        jobs=jobs,
        baseline=baseline,
        top=top,
    )
    reviewed = request.review(wanted)
    result(
        _rendered(
            reviewed,
            OutputFormat.JSON if json else OutputFormat.SARIF if as_sarif else OutputFormat.TEXT,
            details,
        )
    )
    return ExitCode.REGRESSION if reviewed.findings else ExitCode.NOTHING_FOUND


def _sources(diff: str | None, since: str | None, *, staged: bool) -> tuple[tuple[str, bool], ...]:
    return ("--diff", diff is not None), ("--since", since is not None), ("--staged", staged)


def _rendered(found: Review, form: OutputFormat, details: bool) -> str:
    from anyclue.review.pairs.render.json_document import review_json
    from anyclue.review.pairs.render.sarif import sarif
    from anyclue.review.pairs.render.text import review_text

    if form == OutputFormat.JSON:
        return review_json(found)
    if form == OutputFormat.SARIF:
        return sarif(found)
    return review_text(found, verbose=details)


def _piped() -> bytes:
    if sys.stdin is None:
        step = "pipe a patch in: git show | ..."
        raise RequestError.of("is closed", where="stdin", next_step=step)
    return sys.stdin.buffer.read()
