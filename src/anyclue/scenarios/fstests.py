"""The other kind of value of the workload axis: tests of upstream fstests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anyclue.model.scenario import TestChoice, WorkloadChoice
from anyclue.scenarios.lines import KeyPath
from anyclue.scenarios.problems import Problems, shown
from anyclue.scenarios.schema import FstestsTable
from anyclue.scenarios.shape import table_or_none
from anyclue.scenarios.texts import check_visible
from anyclue.system.files import read_small_text

USE = "fstests"


def read_fstests(
    tables: Mapping[str, Any], base: Path, problems: Problems
) -> dict[str, WorkloadChoice]:
    """Return the choices whose tables are right; note what is wrong with the others.

    Files that they name are read here: the run keeps what is in them. What is in them, and what
    check makes of the tests, is for others to say.
    """
    choices = {}
    for name, value in tables.items():
        table = table_or_none(FstestsTable, value)
        if table is None:
            continue
        path = ("fstests", name)
        for key in ("tests", "exclude", "sections"):
            for index, entry in enumerate(getattr(table, key)):
                check_visible(entry, (*path, key, index), problems)
        given = {
            "SOAK_DURATION": table.soak_duration,
            "TIME_FACTOR": table.time_factor,
            "LOAD_FACTOR": table.load_factor,
        }
        choices[name] = WorkloadChoice(
            name=name,
            use=USE,
            tests=TestChoice(
                tests=tuple(table.tests),
                exclude=tuple(table.exclude),
                tree=str(_file(base, table.tree).resolve()) if table.tree else None,
                fstyp=table.fstyp,
                config=_text(table.config, base, (*path, "config"), problems),
                sections=tuple(table.sections),
                known_failures=_text(
                    table.known_failures, base, (*path, "known_failures"), problems
                ),
                environment={key: str(value) for key, value in given.items() if value is not None},
                repeats=table.repeats,
                seconds=table.seconds,
            ),
        )
    return choices


def _text(name: str | None, base: Path, path: KeyPath, problems: Problems) -> str | None:
    if name is None:
        return None
    file = _file(base, name)
    try:
        return read_small_text(file)
    except ValueError as error:
        problems.add(path, f"{shown(str(file))} cannot be read: {error}", "check the path")
        return None


def _file(base: Path, name: str) -> Path:
    return base / os.path.expanduser(name)  # noqa: PTH111  Path's own raises where nobody is named so
