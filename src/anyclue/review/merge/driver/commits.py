"""The commits of a side that made a dropped change, or brought an imbalance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from anyclue.git.blame import file_changes, last_text_change, line_commits
from anyclue.git.model import CommitSubject, Repository
from anyclue.git.repository import Side
from anyclue.review.merge.core.model import DroppedChange, Imbalance, Origin
from anyclue.review.merge.driver.imbalances import VersionReviewer
from anyclue.review.merge.driver.inputs import MergeInputs
from anyclue.review.merge.driver.snapshots import Snapshot

MOST_SEARCHED = 8
"""Of so many dropped changes and imbalances the commits are looked for: each may take seconds."""

LONGEST_HISTORY = 64
"""So many commits of a side to a file are looked through."""


def with_change_commits(
    dropped: Sequence[DroppedChange], repo: Repository, base: str, revs: Mapping[str, str]
) -> tuple[DroppedChange, ...]:
    """Return dropped changes with the commits that made them, of the first ``MOST_SEARCHED``.

    Args:
        dropped: the changes.
        repo: where the commits are.
        base: the merge base.
        revs: the commit of each side.
    """
    found = [
        replace(
            one,
            commits=tuple(_commits(one, repo, base, revs[one.side])),
        )
        for one in dropped[:MOST_SEARCHED]
    ]
    return (*found, *dropped[MOST_SEARCHED:])


def with_imbalance_commits(
    imbalances: Sequence[Imbalance],
    repo: Repository,
    inputs: MergeInputs,
    revs: Mapping[str, str],
    reviewer: VersionReviewer,
) -> tuple[Imbalance, ...]:
    """Return imbalances with the commits that brought those which came with a side.

    Args:
        imbalances: all of a resolution.
        repo: where the commits are.
        inputs: the merge.
        revs: the commit of each side.
        reviewer: compares versions of one file with the base's.
    """
    sides = dict(zip(revs, inputs.sides, strict=True))
    found = []
    request = 0
    for one in imbalances:
        if one.origin is Origin.CAME and request < MOST_SEARCHED:
            request += 1
            first = [_first(one, repo, inputs.base, revs[s], sides[s], reviewer) for s in one.sides]
            commits = tuple(two for two in first if two is not None)
            found.append(replace(one, commits=commits))
        else:
            found.append(one)
    return tuple(found)


def _first(
    imbalance: Imbalance,
    repo: Repository,
    base: str,
    rev: str,
    side: Snapshot,
    reviewer: VersionReviewer,
) -> CommitSubject | None:
    """Return the first commit of a side whose file has the imbalance; halving, so one is tried."""
    finding = imbalance.finding
    key = side.keys().get(finding.path, finding.path)
    path = side.path(key)
    commits = file_changes(repo, base, rev, path)
    if not commits or len(commits) > LONGEST_HISTORY:
        return None

    def has(blob: str) -> bool:
        one = Snapshot(changed={key: Side(path=path, blob=blob)})
        return any(
            (two.function, two.pair) == (finding.function, finding.pair)
            for two in reviewer.introduced(one, [key])
        )

    if not has(commits[-1][1]):
        return None  # it takes another file too
    low, high = 0, len(commits) - 1
    while low < high:
        middle = (low + high) // 2
        if has(commits[middle][1]):
            high = middle
        else:
            low = middle + 1
    return commits[low][0]


def _commits(one: DroppedChange, repo: Repository, base: str, rev: str) -> list[CommitSubject]:
    added = [line.line for line in one.lines if line.added]
    if added:
        return line_commits(repo, base, rev, one.path, added)
    return last_text_change(repo, base, rev, one.path, one.lines[0].text)
