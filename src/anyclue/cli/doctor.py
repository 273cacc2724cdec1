"""``anyclue doctor``: what this machine can do, what is missing, how to get it."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from anyclue.cli.output import result, run_until_stopped
from anyclue.model.errors import ExitCode

if TYPE_CHECKING:
    from anyclue.trial.context import Context
    from anyclue.trial.doctor import Check


def doctor(
    *,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Install the packages that are missing, as root or by sudo."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> int:
    """Show what this machine can do, what is missing, and how to get it."""
    from anyclue.trial.context import Context
    from anyclue.trial.doctor import CheckState

    checks = run_until_stopped(_checks(Context.of_user(), fix=fix))
    missing = [check for check in checks if check.state is CheckState.MISSING]
    if json:
        document = {"schema": "anyclue.doctor/1", "checks": [asdict(check) for check in checks]}
        result(jsonlib.dumps(document, indent=1))
    else:
        width = max(len(check.name) for check in checks)
        lines = [_line(check, width) for check in checks]
        result("\n".join(lines if missing else [*lines, "", "This machine can hunt."]))
    return ExitCode.INFRASTRUCTURE if missing else ExitCode.NOTHING_FOUND


async def _checks(context: Context, *, fix: bool) -> tuple[Check, ...]:
    """Return what was found; a guest is booted only where nothing else is missing."""
    from anyclue.trial.doctor import CheckState, examine, install, prove

    checks = await examine(context)
    if fix:
        packages = {one.package for one in checks if one.state is CheckState.MISSING} - {""}
        if packages:
            await install(sorted(packages))
            checks = await examine(context)
    if any(check.state is CheckState.MISSING for check in checks):
        return checks
    return (*checks, *await prove(context))


def _line(check: Check, width: int) -> str:
    below = f"\n{'':10}{'':{width}}  "
    remedy = f"{below}-> {check.remedy}" if check.remedy else ""
    return f"{check.state:8}  {check.name:{width}}  {below.join(check.detail.splitlines())}{remedy}"
