"""``anyclue doctor``: what this machine can do, what is missing, how to get it."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from anyclue.cli.output import result
from anyclue.model.errors import ExitCode

if TYPE_CHECKING:
    from anyclue.trial.doctor import Check


def doctor(
    *, json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False
) -> int:
    """Show what this machine can do, what is missing, and how to get it."""
    import asyncio

    from anyclue.trial.context import Context
    from anyclue.trial.doctor import CheckState, examine

    checks = asyncio.run(examine(Context.of_user()))
    missing = [check for check in checks if check.state is CheckState.MISSING]
    if json:
        document = {"schema": "anyclue.doctor/1", "checks": [asdict(check) for check in checks]}
        result(jsonlib.dumps(document, indent=1))
    else:
        width = max(len(check.name) for check in checks)
        lines = [_line(check, width) for check in checks]
        result("\n".join(lines if missing else [*lines, "", "This machine can hunt."]))
    return ExitCode.INFRASTRUCTURE if missing else ExitCode.NOTHING_FOUND


def _line(check: Check, width: int) -> str:
    remedy = f"\n{'':10}{'':{width}}  -> {check.remedy}" if check.remedy else ""
    return f"{check.state:8}  {check.name:{width}}  {check.detail}{remedy}"
