"""The functions of a merge side by side, for a page."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.review.merge.core.model import Resolution
from anyclue.review.merge.core.panes import Panes
from anyclue.review.merge.core.side_by_side import side_by_side
from anyclue.review.merge.driver.inputs import MergeInputs


def shown(gathered: MergeInputs, sides: Sequence[str], result: Resolution) -> tuple[Panes, ...]:
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
