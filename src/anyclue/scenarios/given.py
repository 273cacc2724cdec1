"""Kernels from the command line, ``NAME=KIND:VALUE``, put into a scenario's text."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import tomli_w

from anyclue.model.errors import Problem, RequestError
from anyclue.scenarios.kernels import repository_and_revision
from anyclue.scenarios.problems import shown

OPTION: Final = "--kernel"
KINDS: Final = ("debian", "build", "git")
_STEP: Final = "write NAME=debian:6.1, NAME=build:DIRECTORY or NAME=git:REPOSITORY@REVISION"


def with_kernels(text: str, given: Sequence[str]) -> str:
    """Return a valid scenario's text with these kernels in place of those of the same names.

    Paths are relative to the current directory. Comments of the text are lost.

    Raises:
        RequestError: one of them is not of that form, or a name is given twice.
    """
    problems: list[Problem] = []
    document = tomllib.loads(text)
    kernels: dict[str, Any] = dict(document.get("kernels", {}))
    names: set[str] = set()
    for one in given:
        name, _, rest = one.partition("=")
        kind, separator, value = rest.partition(":")
        where = f"{OPTION} {shown(one)}"
        if not name or kind not in KINDS or not separator or not value:
            problems.append(Problem(what="is no kernel", where=where, next_step=_STEP))
        elif name in names:
            step = "give each kernel a name of its own"
            problems.append(Problem(what="names a kernel twice", where=where, next_step=step))
        else:
            kernels[name] = {kind: _from_here(kind, value)}
        names.add(name)
    if problems:
        raise RequestError(problems)
    return tomli_w.dumps({**document, "kernels": kernels})


def _from_here(kind: str, value: str) -> str:
    """Return a value with its path made absolute: that in a scenario begins at its file."""
    if kind == "debian" or value.startswith("~"):
        return value
    path, revision = repository_and_revision(value) if kind == "git" else (value, "")
    return str(Path.cwd() / path) + (f"@{revision}" if revision else "")
