"""Evaluations of trials, kept in the run: a recording is read once.

RUN/evaluations/CELL/trial-N.json.gz names what it was made from: the digest of the trial's
``outcome.json``, which holds those of the other files, that of the code that evaluates, and its own
(the first line; the evaluation is the second). One that does not fit, or cannot be read, is made
anew; one that cannot be written is done without.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter

from anyclue.model.errors import AnyclueError
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.recording import Recording
from anyclue.model.scenario import Cell
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import CHECKED, OUTCOME, check_files, read_recording
from anyclue.system.files import sha256, write_whole

ROOMS: Final = ("model", "recordings", "verdicts")
"""Packages whose code makes an evaluation what it is."""

UNREADABLE: Final = (
    *(OSError, EOFError, zlib.error),
    *(ValueError, KeyError, TypeError, RecursionError, MemoryError),
)
"""What reading a damaged evaluation may raise."""

LEVEL: Final = 1
"""Of compression: the fastest."""

T = TypeVar("T")
_EVALUATION: Final = TypeAdapter(TrialEvaluation)


class TrialCache(Generic[T]):
    """What was made of trials, by directory: made again only when the trial's files changed."""

    def __init__(self, read: Callable[[Path], T]) -> None:
        self._read = read
        self._kept: dict[Path, tuple[tuple[tuple[int, int, int], ...], T]] = {}

    def of(self, directory: Path) -> T:
        """Return what was made of a trial, or make it; raises what reading raises."""
        stamp = _stamp(directory)
        kept = self._kept.get(directory)
        if kept is None or kept[0] != stamp:
            kept = self._kept[directory] = (stamp, self._read(directory))
        return kept[1]


class Evaluations:
    """The evaluations of a run's trials, by directory of the trial.

    Args:
        run: the run.
        evaluate: from a recording to its evaluation.
    """

    def __init__(self, run: RunDirectory, evaluate: Callable[[Recording], TrialEvaluation]) -> None:
        self._run = run
        self._evaluate = evaluate
        self._cache = TrialCache(self._stored)

    def of(self, cell: Cell) -> tuple[TrialEvaluation, ...]:
        """Return those of a cell's trials, in order; a trial that did not change is not read.

        Raises:
            RequestError: a recording is damaged.
        """
        return tuple(self._cache.of(directory) for directory in self._run.trials(cell))

    def _stored(self, directory: Path) -> TrialEvaluation:
        file = self._run.path / "evaluations" / directory.parent.name / f"{directory.name}.json.gz"
        with contextlib.suppress(*UNREADABLE):
            head, _, body = _content(file).partition(b"\n")
            if json.loads(head) == _head(directory, body):
                check_files(directory)
                return _EVALUATION.validate_python(json.loads(body))
        evaluation = self._evaluate(read_recording(directory))
        with contextlib.suppress(OSError, AnyclueError):
            body = json.dumps(asdict(evaluation)).encode()
            content = b"\n".join((json.dumps(_head(directory, body)).encode(), body))
            write_whole(file, gzip.compress(content, LEVEL, mtime=0))
        return evaluation


def _stamp(directory: Path) -> tuple[tuple[int, int, int], ...]:
    """Return inode, size and time of each file that judging rests on; () where one is missing."""
    try:
        stats = [(directory / name).stat() for name in (OUTCOME, *CHECKED)]
    except OSError:
        return ()
    return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in stats)


def _content(file: Path) -> bytes:
    if not file.is_file():  # a pipe would be waited for
        raise FileNotFoundError(file)
    return gzip.decompress(file.read_bytes())


def _head(directory: Path, body: bytes) -> list[str]:
    """Return the digests of what an evaluation was made from, by what, and of itself."""
    return [sha256(directory / OUTCOME), code_digest(), hashlib.sha256(body).hexdigest()]


@functools.cache
def code_digest() -> str:
    """Return what tells this version of what evaluates from others."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for file in sorted(file for room in ROOMS for file in (package / room).rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
