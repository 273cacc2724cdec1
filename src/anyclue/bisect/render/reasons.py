"""Why a run or other evidence says what it says of a commit, in words for journals and reports."""

from __future__ import annotations

import re

from anyclue.fstests.render.reasons import reason_text
from anyclue.model.verdict import CellVerdict

_COMPILER_ERROR = re.compile(r"error:|ERROR:|undefined!|\*\*\* ")


def verdict(cell: CellVerdict) -> str:
    """Return what the guest of a commit came to."""
    return f"{cell.verdict.value}: {reason_text(cell.because)}"


def other_failure(cell: CellVerdict) -> str:
    """Return that a commit fails, and not as the bad end does."""
    return f"breaks in another way: {verdict(cell)}"


def no_module(directory: str) -> str:
    """Return that a commit has nothing to build."""
    return f"has no {directory}"


def no_build(output: str) -> str:
    """Return that a commit does not build, with the first error of what the build said."""
    lines = [line.strip() for line in output.splitlines()]
    errors = [line for line in lines if _COMPILER_ERROR.search(line)]
    return f"does not build: {errors[0] if errors else ' '.join(lines[:2])}"


def untouched(directory: str, *, merge: bool) -> str:
    """Return that a commit changes nothing of the module."""
    return f"{'has nothing of its own' if merge else 'touches nothing'} below {directory}"


def touches(path: str, mount: str) -> str:
    """Return that a commit changes a file that the cell's mount options lead to."""
    return f"touches {path}, which {mount} leads to"


def loses_release(function: str) -> str:
    """Return that the review of a commit finds a lost release."""
    return f"pairs --diff: {function}() loses a release"


def on_stack(function: str) -> str:
    """Return that a commit changes a function on the stack of the bad end's break."""
    return f"changed {function}(), which is on the stack of what broke"
