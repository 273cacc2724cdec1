"""Ranges too large for one matrix, narrowed along their spine first.

The spine is the longest path from the bad end to the oldest commits. Every commit belongs to the
oldest commit of the spine that reaches it: the spine cuts the range into pieces, and a spine commit
shows the bug exactly when the first bad commit is in its piece or an earlier one. So the spine
alone is a linear history of pieces, searched by the same rules with priors by their weight. It is
left for the smallest run of pieces that holds nearly all probability: a range of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from anyclue.bisect.core.ancestry import (
    MAX_SEGMENTS,
    ancestry_of,
    commits_between,
    count_segments,
)
from anyclue.bisect.core.model import BisectionStatus, CommitEvidence, Observation, Settings
from anyclue.bisect.core.posterior import Posterior, prior, validated
from anyclue.bisect.core.search import Search, search
from anyclue.git.model import CommitNode, CommitRange

WINDOW_PROBABILITY: Final = 0.99
"""Probability that the pieces which are kept hold together."""
SPINE_CONFIDENCE: Final = 0.9995
"""Confidence on the spine, which is left before it is reached: no piece is accused as a commit."""


@dataclass(frozen=True, kw_only=True)
class Spine:
    """A range cut into pieces.

    Attributes:
        line: the spine as a linear range, oldest first.
        piece: by commit of the range, the number of its piece.
    """

    line: CommitRange
    piece: dict[str, int]


def spine(span: CommitRange) -> Spine:
    """Cut a range along the longest path from its bad end."""
    depth: dict[str, int] = {}
    deepest: dict[str, str] = {}
    for commit in span.commits:
        inside = [parent for parent in commit.parents if parent in depth]
        if inside:
            deepest[commit.id] = max(inside, key=depth.__getitem__)
        depth[commit.id] = 1 + depth[deepest[commit.id]] if inside else 0
    path = [span.bad]
    while path[-1] in deepest:
        path.append(deepest[path[-1]])
    path.reverse()
    parents = {commit.id: commit.parents for commit in span.commits}
    piece: dict[str, int] = {}
    for number, tip in enumerate(path):
        todo = [tip]
        while todo:
            one = todo.pop()
            if one in parents and one not in piece:
                piece[one] = number
                todo.extend(parents[one])
    line = (
        CommitNode(id=tip, parents=(path[number - 1],) if number else parents[tip])
        for number, tip in enumerate(path)
    )
    return Spine(line=CommitRange(good=span.good, bad=span.bad, commits=tuple(line)), piece=piece)


def staged_search(
    span: CommitRange,
    settings: Settings,
    *,
    evidence: Sequence[CommitEvidence] = (),
    observations: Sequence[Observation] = (),
) -> Search:
    """Return the bisection of a range of any size: of its spine, or of what is left of it.

    It follows from the runs alone. What is left is fixed by the first runs that suffice; where it
    turns out not to hold the culprit, the runs up to now decide anew. Runs at commits that are no
    part of what is searched are passed over there.

    Raises:
        RequestError: the range is not ordered, or has several tips.
    """
    if count_segments(span.commits) <= MAX_SEGMENTS:
        whole = search(ancestry_of(span), settings, evidence=evidence)
        return _after_known(whole, observations)
    cut = spine(span)
    coarse = _spine_search(cut, settings, evidence)
    windows = []
    for one in observations:
        coarse = _after_known(coarse, [one])
        windows.append(_window(coarse, cut))
    fitting = [one for one in windows if one is not None]
    for window in dict.fromkeys((*fitting[:1], *fitting[-1:])):
        part = _part(span, cut, window)
        found = staged_search(part, settings, evidence=evidence, observations=observations)
        elsewhere = (BisectionStatus.BAD_IS_CLEAN, BisectionStatus.GOOD_IS_BAD)
        if found.state.status not in elsewhere:
            return found
    return coarse


@dataclass(frozen=True, kw_only=True)
class _Window:
    """Pieces in a row, by the numbers of the first and the last."""

    low: int
    high: int


def _part(span: CommitRange, cut: Spine, window: _Window) -> CommitRange:
    """Return the range that some pieces in a row make."""
    path = [commit.id for commit in cut.line.commits]
    good = (path[window.low - 1],) if window.low else span.good
    return commits_between(span.commits, good, path[window.high])


def _spine_search(cut: Spine, settings: Settings, evidence: Sequence[CommitEvidence]) -> Search:
    number = {commit: position for position, commit in enumerate(cut.piece)}
    share = prior(number, evidence, settings.floor)
    pieces = np.fromiter(cut.piece.values(), dtype=np.int64)
    mass = np.bincount(pieces, weights=share).astype(np.float64)
    confidence = max(validated(settings).confidence, SPINE_CONFIDENCE)
    return Search(
        posterior=Posterior.of_prior(ancestry_of(cut.line), mass),
        settings=replace(settings, confidence=confidence),
    )


def _after_known(found: Search, observations: Iterable[Observation]) -> Search:
    """Return a bisection after those runs whose commit is in its range, or at its edge."""
    for one in observations:
        if one.commit in found.ancestry.number or found.ancestry.borders(one.commit):
            found = found.after(one)
    return found


def _window(coarse: Search, cut: Spine) -> _Window | None:
    """Return the fewest pieces in a row that hold enough; None when they are not fewer commits."""
    mass = coarse.posterior.commits
    sizes = np.bincount(np.fromiter(cut.piece.values(), dtype=np.int64))
    cumulative = np.concatenate(([0.0], np.cumsum(mass)))
    weight = np.concatenate(([0], np.cumsum(sizes)))
    wanted = cumulative[:-1] + WINDOW_PROBABILITY * mass.sum() - 1e-12
    ends = np.searchsorted(cumulative, wanted)
    begins = np.flatnonzero(ends <= len(mass))
    if mass.sum() < 0.9 or not len(begins):
        return None
    low = int(begins[np.argmin(weight[ends[begins]] - weight[begins])])
    high = int(ends[low]) - 1
    left = int(weight[high + 1] - weight[low])
    return _Window(low=low, high=high) if left <= MAX_SEGMENTS or low == high else None
