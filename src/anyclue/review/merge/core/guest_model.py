"""What guests say of a merge: its versions run as the kernels of a hunt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Blame(StrEnum):
    """What guests say of a result, beside its parents."""

    GUILTY = "guilty"
    """It is broken, leaks or surges, and each parent is clean."""
    CAME = "came"
    """A parent has the same already."""
    CLEAN = "clean"
    """Nothing was found in it."""
    UNPROVEN = "unproven"
    """It, or a parent, could not be judged, or a parent has something else."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What guests say under one set of conditions.

    Attributes:
        conditions: machine, mkfs and mount options and workload, by the scenario's names.
        verdicts: the name of each version that was run, and its verdict with its signature.
        result: what that says of the result.
        against: what it says of the other resolution, when there is one.
        sides: which parents have the same, when one has.
    """

    conditions: tuple[str, ...]
    verdicts: tuple[tuple[str, str], ...]
    result: Blame
    against: Blame | None = None
    sides: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MergeTest:
    """A merge's versions as the kernels of a hunt.

    Attributes:
        run: the run directory, as the user would name it.
        kernel: what kernel they ran in, and which directory of it was theirs.
        rows: what was found, by conditions.
        untested: C sources that the merge's sides changed outside that directory.
    """

    run: str
    kernel: str
    rows: tuple[Observed, ...]
    untested: tuple[str, ...] = ()

    @property
    def blame(self) -> Blame:
        """The verdict on the resolution: guilty anywhere is guilty, and all must be proven."""
        return worst(one.result for one in self.rows)

    @property
    def other_blame(self) -> Blame | None:
        """The verdict on the other resolution."""
        every = [one.against for one in self.rows if one.against is not None]
        return worst(every) if every else None


def worst(blames: Iterable[Blame]) -> Blame:
    """Return what holds of all: guilty before unproven, before what came, before clean."""
    found = set(blames)
    order = (Blame.GUILTY, Blame.UNPROVEN, Blame.CAME, Blame.CLEAN)
    return next((one for one in order if one in found), Blame.UNPROVEN)
