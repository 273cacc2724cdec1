"""Ancestry of a range of commits, as segments that are entered at one end only.

A segment is a run of commits in which each has the one before it as its only parent, and is its
only child. Who reaches a commit of a segment from outside reaches it through the segment's last
commit, so that ancestry needs one matrix over segments, not over commits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyclue.git.model import CommitNode, CommitRange
from anyclue.model.errors import RequestError

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Numbers: TypeAlias = NDArray[np.int64]

MAX_SEGMENTS: Final = 8192
"""Segments of one :class:`Ancestry`: its matrices then take 320 MiB."""
NEGLIGIBLE: Final = 1e-9
"""Sums below this are left out of larger ones."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ancestry:
    """A range, numbered so that a segment's commits follow each other and parents come first.

    Attributes:
        ids: commits by number, [n].
        number: the same the other way round.
        parents: numbers of the parents in the range, [n].
        beyond: ids of the parents outside the range, [n].
        good: the good ends.
        bad: number of the bad end.
        segment: the segment of each commit, [n].
        first: the first commit of each segment, and n, [s + 1].
        reach: whether a segment's first commit has another segment among its ancestors, [s, s].
        reached_by: the same turned around, in 32-bit floats, [s, s].
    """

    ids: tuple[str, ...]
    number: dict[str, int]
    parents: tuple[tuple[int, ...], ...]
    beyond: tuple[tuple[str, ...], ...]
    good: tuple[str, ...]
    bad: int
    segment: Numbers
    first: Numbers
    reach: Flags
    reached_by: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    def borders(self, commit: str) -> bool:
        """Say whether a commit is a good end, or a parent that a good end reaches."""
        return commit in self.good or any(commit in ids for ids in self.beyond)

    def ancestors(self, commit: int) -> Flags:
        """Return which commits are the commit or its ancestors, [n]."""
        segment = self.segment[commit]
        flags: Flags = self.reach[segment][self.segment]
        flags[self.first[segment] : commit + 1] = True
        return flags

    def descendants(self, commit: int) -> Flags:
        """Return which commits are the commit or its descendants, [n]."""
        segment = self.segment[commit]
        flags: Flags = self.reach[:, segment][self.segment]
        flags[commit : self.first[segment + 1]] = True
        return flags

    def over_ancestors(self, values: Floats) -> Floats:
        """Return the sum of values from 0 over each commit and its ancestors, to 1e-5, [n]."""
        sums = np.concatenate(([0.0], np.cumsum(values)))
        starts = sums[self.first]
        held = np.diff(starts).astype(np.float32)
        live = np.flatnonzero(held > NEGLIGIBLE)
        few = live.size * 3 < held.size
        base = (held[live] @ self.reached_by[live] if few else held @ self.reached_by).astype(
            np.float64
        )
        inside: Floats = (base - starts[:-1])[self.segment] + sums[1:]
        return inside


def count_segments(commits: Sequence[CommitNode]) -> int:
    """Return into how many segments commits (parents first) fall.

    Raises:
        RequestError: they are not ordered.
    """
    return sum(_segment_starts(commits))


def ancestry_of(span: CommitRange) -> Ancestry:
    """Number a range and work out its ancestry.

    Raises:
        RequestError: it is cut into more than ``MAX_SEGMENTS``, not ordered, or the bad end is
            not its only tip.
    """
    starts = _segment_starts(span.commits)
    segments: list[list[int]] = []
    last_of: dict[str, int] = {}
    for position, commit in enumerate(span.commits):
        if starts[position]:
            segments.append([])
            number = len(segments) - 1
        else:
            number = last_of[next(p for p in commit.parents if p in last_of)]
        segments[number].append(position)
        last_of[commit.id] = number
    if len(segments) > MAX_SEGMENTS:
        raise RequestError.of(
            f"the range is cut into {len(segments):,} segments, more than {MAX_SEGMENTS:,}",
            next_step="narrow it first (anyclue.bisect.core.spine)",
        )
    order = [position for segment in segments for position in segment]
    return _numbered(span, [span.commits[one] for one in order], [len(one) for one in segments])


def _segment_starts(commits: Sequence[CommitNode]) -> list[bool]:
    """Say of each commit whether a segment begins with it."""
    known = {commit.id for commit in commits}
    inside = [[p for p in dict.fromkeys(commit.parents) if p in known] for commit in commits]
    children = Counter(parent for parents in inside for parent in parents)
    seen: set[str] = set()
    starts = []
    for commit, parents in zip(commits, inside, strict=True):
        if commit.id in seen or not seen.issuperset(parents):
            raise RequestError.of(
                "the range is not ordered parents first", next_step="git rev-list --topo-order"
            )
        seen.add(commit.id)
        starts.append(len(parents) != 1 or children[parents[0]] > 1)
    return starts


def _numbered(span: CommitRange, commits: Sequence[CommitNode], sizes: Sequence[int]) -> Ancestry:
    number = {commit.id: position for position, commit in enumerate(commits)}
    parents = tuple(
        tuple(number[p] for p in dict.fromkeys(commit.parents) if p in number) for commit in commits
    )
    beyond = tuple(tuple(p for p in commit.parents if p not in number) for commit in commits)
    first = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    segment = np.repeat(np.arange(len(sizes)), sizes)
    reach = np.zeros((len(sizes), len(sizes)), dtype=np.bool_)
    for row, head in enumerate(first[:-1]):
        for parent in parents[head]:
            above = segment[parent]
            reach[row] |= reach[above]
            reach[row, above] = True
    tips = set(range(len(commits))).difference(*parents)
    if tips != {number.get(span.bad)}:
        raise RequestError.of(
            f"{span.bad} is not the only tip of the range", next_step="name one bad revision"
        )
    return Ancestry(
        ids=tuple(commit.id for commit in commits),
        number=number,
        parents=parents,
        beyond=beyond,
        good=span.good,
        bad=number[span.bad],
        segment=segment,
        first=first,
        reach=reach,
        reached_by=np.ascontiguousarray(reach.T, dtype=np.float32),
    )


def commits_between(commits: Sequence[CommitNode], good: Iterable[str], bad: str) -> CommitRange:
    """Return the part of some history (parents first) that ``bad`` reaches and ``good`` do not."""
    parents = {commit.id: commit.parents for commit in commits}
    excluded = _reached(parents, good, frozenset())
    kept = _reached(parents, [bad], excluded)
    inside = tuple(commit for commit in commits if commit.id in kept)
    return CommitRange(good=tuple(good), bad=bad, commits=inside)


def _reached(
    parents: dict[str, tuple[str, ...]], tips: Iterable[str], excluded: Iterable[str]
) -> set[str]:
    stop = set(excluded)
    found: set[str] = set()
    todo = list(tips)
    while todo:
        one = todo.pop()
        if one not in found and one not in stop and one in parents:
            found.add(one)
            todo.extend(parents[one])
    return found
