"""What a log of ``git bisect`` tells a new bisection: its ends, and what was said of commits."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from pathlib import Path

from anyclue.bisect.core.git_bisect_log import BisectLog, read_log
from anyclue.bisect.core.model import Observation, Rates, Shown
from anyclue.model.errors import Problem, RequestError

RATES = Rates(false_bad=0.05, false_good=0.2)
"""How often a log's word is wrong: nobody knows how it was come by, so more often than a run."""


def read(file: Path) -> BisectLog:
    """Read a log.

    Raises:
        RequestError: it cannot be read, or is none.
    """
    try:
        return read_log(file.read_text())
    except OSError as error:
        step = "name a file with what `git bisect log` printed"
        what = f"cannot read: {error.strerror}"
        raise RequestError([Problem(what=what, where=str(file), next_step=step)]) from error
    except UnicodeDecodeError as error:
        step = "name a file with what `git bisect log` printed"
        raise RequestError([Problem(what="is no text", where=str(file), next_step=step)]) from error
    except RequestError as error:
        raise RequestError(
            [replace(one, where=f"{file}: {one.where}") for one in error.problems]
        ) from error


def said(log: BisectLog, commits: Container[str]) -> tuple[Observation, ...]:
    """Return what a log says of commits of a range; it steers the search and proves nothing.

    What it skips is tried here: it may have been skipped for a reason that does not hold here.
    """
    return tuple(
        replace(one, rates=RATES, because="git bisect log", made=False)
        for one in log.runs
        if one.commit in commits and one.shown is not Shown.SKIP
    )
