"""Which commits no run can tell apart, because those between them cannot be run."""

from __future__ import annotations

import numpy as np

from anyclue.bisect.core.posterior import Belief


def together(now: Belief, skipped: set[str]) -> tuple[tuple[int, ...], float]:
    """Return the likeliest commit with those not to be told from it, and their probability.

    Two commits are told apart by a commit that has one of them among its ancestors, or is it, and
    not the other. Without skipped commits each commit is told from all others by itself.
    """
    mass = now.commits
    places = [now.span.number[one] for one in skipped if one in now.span.number]
    if not places:
        place = int(np.argmax(mass))
        return (place,), float(mass[place])
    marks = _marks(now, places)
    _, group = np.unique(marks, return_inverse=True)
    sums = np.bincount(group, weights=mass)
    members = np.flatnonzero(group == int(np.argmax(sums)))
    return tuple(int(one) for one in members), float(sums.max())


def _marks(now: Belief, skipped: list[int]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return a number by commit that stands for the set of usable commits that descend from it.

    It is a sum of random 64-bit numbers, one for each of these: two sets of 20,000 commits share a
    sum with a probability below 1e-10.
    """
    span = now.span
    own = np.random.default_rng(1).integers(0, 2**64, len(span), dtype=np.uint64)
    own[skipped] = 0
    backward = np.add.accumulate(own[::-1])[::-1]
    after = np.concatenate((backward, np.zeros(1, dtype=np.uint64)))
    sums = after[span.first[:-1]] - after[span.first[1:]]
    above = np.array(
        [sums[span.reach[:, one]].sum(dtype=np.uint64) for one in range(len(sums))],
        dtype=np.uint64,
    )
    marks: np.ndarray[tuple[int], np.dtype[np.uint64]] = (
        after[:-1] - after[span.first[1:]][span.segment] + above[span.segment]
    )
    return marks
