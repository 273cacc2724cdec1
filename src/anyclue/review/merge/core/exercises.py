"""What to run so that resolved functions are reached, from ``exercises.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

from anyclue.review.merge.core.model import OUTSIDE, Exercise, FunctionKey, Resolution


@dataclass(frozen=True, kw_only=True)
class ExerciseEntry:
    """An entry of the table.

    Attributes:
        files: shell patterns of paths.
        functions: shell patterns of names.
        exercise: what to run, yet for no function.
    """

    files: tuple[str, ...]
    functions: tuple[str, ...]
    exercise: Exercise

    def matches(self, path: str, function: str) -> bool:
        """Return whether it is about a function."""
        return any(fnmatchcase(path, one) for one in self.files) and any(
            fnmatchcase(function, one) for one in self.functions
        )


@cache
def entries() -> tuple[ExerciseEntry, ...]:
    """Return the table, in its order."""
    text = (files(__package__) / "exercises.toml").read_text()
    return tuple(
        ExerciseEntry(
            files=tuple(one["files"]),
            functions=tuple(one.get("functions", ("*",))),
            exercise=Exercise(
                mount=tuple(one.get("mount", ())),
                how=one["do"],
                workloads=tuple(one.get("workloads", ())),
                fstests=tuple(one.get("fstests", ())),
            ),
        )
        for one in tomllib.loads(text)["exercise"]
    )


def exercises(resolution: Resolution) -> tuple[Exercise, ...]:
    """Return what to run for the functions that a review names, as few exercises as there are.

    The last is for functions that the table does not know, when there are such.
    """
    chosen: dict[Exercise, list[FunctionKey]] = {}
    unknown = Exercise()
    for at in _named(resolution):
        found = next((one.exercise for one in entries() if one.matches(*at)), unknown)
        chosen.setdefault(found, []).append(at)
    last = chosen.pop(unknown, None)
    every = [*chosen.items(), *([(unknown, last)] if last else [])]
    return tuple(exercise.of(functions) for exercise, functions in every)


def _named(resolution: Resolution) -> Iterable[FunctionKey]:
    named = [
        *(FunctionKey(one.path, one.function) for one in resolution.functions),
        *(FunctionKey(one.path, one.function) for one in resolution.dropped),
        *(FunctionKey(one.finding.path, one.finding.function) for one in resolution.imbalances),
    ]
    return dict.fromkeys(at for at in named if at.function != OUTSIDE)


def mounts(path: str) -> frozenset[str]:
    """Return the mount options that lead to a file as a whole."""
    found = next((one.exercise.mount for one in entries() if one.matches(path, OUTSIDE)), ())
    return frozenset(option for one in found for option in one.split(",") if option)
