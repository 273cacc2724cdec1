"""Who brought what guests found in a merge: a side, or the merge itself."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.hunt.select.factors import innocent_verdicts, kind, kind_label
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.review.merge.core.guest_model import Blame, Observed


def observed(
    cells: Sequence[CellVerdict], parents: Sequence[str], result: str, against: str | None
) -> tuple[Observed, ...]:
    """Return what the verdicts say of a merge, by conditions, in the order of the cells.

    Args:
        cells: verdicts of cells whose kernels are the versions of the merge.
        parents: the kernels that are its parents.
        result: the kernel that is its result.
        against: the kernel that is the other resolution.
    """
    by_conditions: dict[tuple[str, ...], dict[str, CellVerdict]] = {}
    for one in cells:
        by_conditions.setdefault(one.cell.conditions, {})[one.cell.kernel] = one
    found = []
    for conditions, versions in by_conditions.items():
        sides = [versions.get(name) for name in parents]
        other = versions.get(against) if against is not None else None
        blame, same = _blame(versions.get(result), sides)
        found.append(
            Observed(
                conditions=conditions,
                verdicts=tuple((name, kind_label(kind(one))) for name, one in versions.items()),
                result=blame,
                against=_blame(other, sides)[0] if against is not None else None,
                sides=tuple(parents[number] for number in same),
            )
        )
    return tuple(found)


def _blame(
    version: CellVerdict | None, parents: Sequence[CellVerdict | None]
) -> tuple[Blame, tuple[int, ...]]:
    if version is None or version.verdict is Verdict.UNPROVEN:
        return Blame.UNPROVEN, ()
    if not version.verdict.is_guilty:
        return Blame.CLEAN, ()
    same = tuple(
        number
        for number, parent in enumerate(parents)
        if parent is not None and kind(parent) == kind(version)
    )
    if same:
        return Blame.CAME, same
    innocent = innocent_verdicts(version.verdict)
    proven = all(parent is not None and parent.verdict in innocent for parent in parents)
    return (Blame.GUILTY if proven else Blame.UNPROVEN), ()
