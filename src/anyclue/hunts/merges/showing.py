"""The functions of a merge side by side, for a page."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.hunts.merges.gathering import Gathered
from anyclue.model.merge import Resolution
from anyclue.model.panes import Panes
from anyclue.review.merges.panes import side_by_side


def shown(gathered: Gathered, sides: Sequence[str], result: Resolution) -> tuple[Panes, ...]:
    """Return the functions that a review lists, each in all its versions.

    Args:
        gathered: the merge.
        sides: the names of the parents.
        result: what is said of the result.
    """
    keys = gathered.otherwise or gathered.edited
    files = gathered.files(keys, gathered.result)
    other = gathered.files(keys, gathered.against) if gathered.against is not None else None
    return side_by_side(files, sides, result.functions, result.dropped, other)
