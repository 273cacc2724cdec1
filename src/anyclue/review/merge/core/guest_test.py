"""What guests say of a merge, its versions run as kernels: who brought what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from anyclue.model.verdict import CellVerdict, Signature, Verdict

BASE, RESULT, AGAINST = "base", "result", "against"
"""Versions beside the parents: the merge base, the result, and the other resolution."""


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
class VersionVerdict:
    """What was found in one version."""

    version: str
    verdict: Verdict
    signature: Signature | None = None


@dataclass(frozen=True, kw_only=True)
class GuestComparison:
    """What guests say under one set of conditions.

    Attributes:
        conditions: machine, mkfs and mount options and workload, by the scenario's names.
        verdicts: of each version that was run.
        result: what that says of the result.
        against: what it says of the other resolution, when there is one.
        sides: which parents have the same, when one has.
    """

    conditions: tuple[str, ...]
    verdicts: tuple[VersionVerdict, ...]
    result: Blame
    against: Blame | None = None
    sides: tuple[str, ...] = ()

    def of(self, version: str) -> VersionVerdict | None:
        """Return what was found in a version; None when it was not run."""
        return next((one for one in self.verdicts if one.version == version), None)


@dataclass(frozen=True, kw_only=True)
class MergeTest:
    """A merge's versions as the kernels of a hunt.

    Attributes:
        run: the run directory, as the user would name it.
        series: the series of Debian's kernel that they ran in.
        directory: which directory of it was theirs.
        rows: what was found, by conditions.
        untested: C sources that the merge's sides changed outside that directory.
    """

    run: str
    series: str
    directory: str
    rows: tuple[GuestComparison, ...]
    untested: tuple[str, ...] = ()

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that were run, in their order."""
        every = (one.version for row in self.rows for one in row.verdicts)
        return tuple(dict.fromkeys(every))

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


def compare(cells: Sequence[CellVerdict], parents: Sequence[str]) -> tuple[GuestComparison, ...]:
    """Return what the verdicts say of a merge, by conditions, in the order of the cells.

    Args:
        cells: verdicts of cells whose kernels are the versions of the merge.
        parents: the kernels that are its parents.
    """
    other = any(one.cell.kernel == AGAINST for one in cells)
    by_conditions: dict[tuple[str, ...], dict[str, CellVerdict]] = {}
    for one in cells:
        by_conditions.setdefault(one.cell.conditions, {})[one.cell.kernel] = one
    found = []
    for conditions, versions in by_conditions.items():
        blame, sides = _blame(RESULT, parents, versions)
        found.append(
            GuestComparison(
                conditions=conditions,
                verdicts=tuple(
                    VersionVerdict(version=name, verdict=one.verdict, signature=one.signature)
                    for name, one in versions.items()
                ),
                result=blame,
                against=_blame(AGAINST, parents, versions)[0] if other else None,
                sides=sides,
            )
        )
    return tuple(found)


def _blame(
    name: str, parents: Sequence[str], versions: Mapping[str, CellVerdict]
) -> tuple[Blame, tuple[str, ...]]:
    version = versions.get(name)
    if version is None or version.verdict is Verdict.UNPROVEN:
        return Blame.UNPROVEN, ()
    if not version.verdict.is_guilty:
        return Blame.CLEAN, ()
    sides = {one: versions[one] for one in parents if one in versions}
    same = tuple(
        name
        for name, one in sides.items()
        if (one.verdict, one.signature) == (version.verdict, version.signature)
    )
    if same:
        return Blame.CAME, same
    clean = (
        one.verdict is not Verdict.UNPROVEN and not one.verdict.is_guilty for one in sides.values()
    )
    innocent = len(sides) == len(parents) and all(clean)
    return (Blame.GUILTY if innocent else Blame.UNPROVEN), ()
