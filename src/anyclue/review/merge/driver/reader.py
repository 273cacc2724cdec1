"""The texts of a merge, read in a process of their own where they are many."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from anyclue.review.merge.core.file_versions import FileMerge
from anyclue.review.merge.core.resolution import TextReview, judged
from anyclue.system.workers import Workers, processors

FEW = 12
"""So many files are read at once, without a process of their own."""


class _ReaderProcess:
    """What the process does."""

    def read(self, files: Sequence[FileMerge], sides: Sequence[str]) -> TextReview:
        return judged(files, sides)


class ResolutionReader:
    """Finds out what a resolution did to the texts, while something else is done.

    Args:
        files: the files in every version.
        sides: the names of the parents.
        jobs: worker processes; None for one a processor.
    """

    def __init__(self, files: Sequence[FileMerge], sides: Sequence[str], jobs: int | None) -> None:
        self._asked = (files, sides)
        many = len(files) > FEW and (jobs or processors()) > 1
        self._workers = Workers(1, _ReaderProcess) if many else None
        if self._workers is not None:
            self._workers.ask("read", [self._asked])

    def __enter__(self) -> ResolutionReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._workers is not None:
            self._workers.stop(gently=False)

    def result(self) -> TextReview:
        """Return what was found; to be asked once.

        Raises:
            InfrastructureError: the process failed or died.
        """
        if self._workers is None:
            return judged(*self._asked)
        found: TextReview = next(self._workers.answers("read"))
        return found
