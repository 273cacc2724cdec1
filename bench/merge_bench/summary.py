"""What a review says, short enough to be written down by hand beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from anyclue.review.merge.core.model import OUTSIDE, MergeReview, Resolution, TextSource


def summary(review: MergeReview) -> tuple[str, ...]:
    """Return the verdict with the exit status, then, sorted, what is said of each function.

    Lines about the other resolution begin with ``other``; how the two compare, with ``beside``.
    """
    lines = list(_of(review.result))
    lines += (f"beside {_at(one.path, one.function)}: {one.similarity}" for one in review.compared)
    if review.against is not None:
        lines += (f"other {one}" for one in (_verdict(review.against), *_of(review.against)))
    return f"{_verdict(review.result)}, exit {int(review.found)}", *sorted(set(lines))


def _verdict(resolution: Resolution) -> str:
    return "innocent" if resolution.innocent else "guilty"


def _of(resolution: Resolution) -> Iterator[str]:
    for one in resolution.functions:
        taken = one.side if one.taken is TextSource.SIDE else one.taken
        yield f"{_at(one.path, one.function)}: {_conflict(conflict=one.conflict)}, {taken}"
    for lost in resolution.dropped:
        where = _conflict(conflict=lost.conflict)
        yield f"{_at(lost.path, lost.function)}: drops {lost.side}, {where}"
    for two in resolution.imbalances:
        date = " ".join((two.origin, *two.sides))
        yield f"{_at(two.finding.path, two.finding.function)}: imbalance {date}"


def _at(path: str, function: str) -> str:
    return f"{PurePosixPath(path).name} {'outside' if function == OUTSIDE else function}"


def _conflict(*, conflict: bool) -> str:
    return "conflict" if conflict else "no conflict"
