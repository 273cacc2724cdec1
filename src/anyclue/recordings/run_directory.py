"""The run directory: the seam between the trials and everything after them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from anyclue.model.errors import RequestError
from anyclue.model.recording import Outcome, Recording
from anyclue.model.scenario import Cell
from anyclue.recordings.store import read_outcome, read_recording

MACHINE_HEADER = "record.json"
"""What ``anyclue record`` writes first; its presence makes a directory a machine's recording."""


def is_machine_recording(run: Path) -> bool:
    """Say whether a directory is what ``anyclue record`` wrote."""
    return (run / MACHINE_HEADER).is_file()


class RunDirectory:
    """Names in a run directory, as docs/run-directory.md has them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def plan(self) -> Path:
        """The validated scenario, as JSON; its presence makes a directory a run."""
        return self.path / "plan.json"

    @property
    def scenario(self) -> Path:
        """The scenario as the user wrote it."""
        return self.path / "scenario.toml"

    def sources(self, kernel: str) -> Path:
        """Return where the sources are kept that a kernel of the scenario is built from."""
        return self.path / "sources" / kernel

    def file(self, name: str) -> Path:
        """Return the path of a result file: verdicts.json, report.html and so on."""
        return self.path / name

    def trial(self, cell: Cell, number: int) -> Path:
        """Return the directory of one trial (there only when the trial has an outcome)."""
        return self.path / "cells" / cell.id / f"trial-{number}"

    def plan_text(self) -> str:
        """Return the content of ``plan.json``.

        Raises:
            RequestError: the directory is not a run.
        """
        try:
            return self.plan.read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "its plan is not text"
            what, where = f"not a run directory: {reason}", str(self.plan)
            step = "name the directory that `anyclue hunt` or `anyclue record` wrote"
            if is_machine_recording(self.path):
                what, where = "a recording of `anyclue record`, not a run of a hunt", str(self.path)
                step = "anyclue judge and anyclue report read it"
            raise RequestError.of(what, where=where, next_step=step) from error

    def recordings(self, cells: Sequence[Cell]) -> dict[Cell, tuple[Recording, ...]]:
        """Read every whole recording of ``cells``, trials in order.

        Raises:
            RequestError: a recording is damaged.
        """
        return {
            cell: tuple(read_recording(directory) for directory in self.trials(cell))
            for cell in cells
        }

    def trials(self, cell: Cell) -> tuple[Path, ...]:
        """Return the directories of a cell's trials that have an outcome, in order."""
        found = (self.path / "cells" / cell.id).glob("trial-*")
        return tuple(sorted(found, key=_number))

    def outcome(self, cell: Cell, number: int) -> Outcome | None:
        """Return how a trial ended, None when it has not.

        Raises:
            RequestError: its recording is damaged.
        """
        directory = self.trial(cell, number)
        return read_outcome(directory) if directory.exists() else None


class StoredRecordings(Mapping[Cell, tuple[Recording, ...]]):
    """The recordings of a run's cells, each read when it is asked for, and then kept."""

    def __init__(self, run: RunDirectory, cells: Sequence[Cell]) -> None:
        self._run = run
        self._read: dict[Cell, tuple[Recording, ...] | None] = dict.fromkeys(cells)

    def __getitem__(self, cell: Cell) -> tuple[Recording, ...]:
        found = self._read[cell]
        if found is None:
            found = self._read[cell] = self._run.recordings([cell])[cell]
        return found

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def _number(directory: Path) -> int:
    text = directory.name.removeprefix("trial-")
    return int(text) if text.isdigit() else 0
