"""One root error; each class has one exit code, and is caught once, in ``anyclue.cli``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """What the process's exit status means; a promise to users (``docs/exit-codes.md``)."""

    NOTHING_FOUND = 0
    REGRESSION = 1
    BAD_REQUEST = 2
    INFRASTRUCTURE = 3


class AnyclueError(Exception):
    """Root of all errors that are worded for a user."""

    exit_code = ExitCode.INFRASTRUCTURE


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One mistake in a request: what is wrong, where, and what to do next."""

    what: str
    where: str = ""
    next_step: str = ""

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        step = f"\n  {self.next_step}" if self.next_step else ""
        return f"{where}{self.what}{step}"


class RequestError(AnyclueError):
    """The request is wrong; carries every mistake found, not only the first."""

    exit_code = ExitCode.BAD_REQUEST

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(tuple(problems))
        self.problems = tuple(problems)

    @classmethod
    def of(cls, what: str, *, where: str = "", next_step: str = "") -> Self:
        """Return the error of a single mistake."""
        return cls([Problem(what=what, where=where, next_step=next_step)])

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class InfrastructureError(AnyclueError):
    """Something of ours or of the machine failed; says nothing about the kernel under test."""

    exit_code = ExitCode.INFRASTRUCTURE

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(what, where, next_step)
        self.problem = Problem(what=what, where=where, next_step=next_step)

    def __str__(self) -> str:
        return str(self.problem)
