"""How a branch stands to a fix, from where culprits and fix stand in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from anyclue.git.model import CherryPick, Commit, HistoryPosition
from anyclue.review.stable.core.messages import fixes_commit
from anyclue.review.stable.core.model import BranchStatus, BranchVerdict, Doubt, Presence
from anyclue.review.stable.core.presence import instances


def with_doubt(one: Presence, doubt: Doubt | None) -> Presence:
    """Return a presence that says no only because not everything could be looked at."""
    return replace(one, doubt=doubt) if doubt and one.how is None and one.sure else one


def branch_verdict(culprits: Sequence[Presence], fix: Presence) -> BranchVerdict:
    """Return how a branch stands."""
    if fix.there and fix.sure:
        return BranchVerdict(status=BranchStatus.HAS)
    there = [one for one in culprits if one.there]
    if not there:
        doubts = [one.doubt for one in culprits if one.doubt is not None]
        if doubts:
            return _unknown(BranchStatus.NOT_AFFECTED, doubts[0])
        by = tuple(one.reverted for one in culprits if one.reverted)
        return BranchVerdict(status=BranchStatus.NOT_AFFECTED, reverted=by)
    if fix.doubt is not None:
        return _unknown(BranchStatus.HAS if fix.there else BranchStatus.NEEDS, fix.doubt)
    if there[0].doubt is not None and not any(one.sure for one in there):
        return _unknown(BranchStatus.NEEDS, there[0].doubt)
    by = (fix.reverted,) if fix.reverted else ()
    return BranchVerdict(status=BranchStatus.NEEDS, reverted=by)


def after_pick(verdict: BranchVerdict, pick: CherryPick) -> BranchVerdict:
    """Return the verdict after a cherry-pick was tried."""
    if pick.empty and verdict.status is BranchStatus.NEEDS:
        return _unknown(BranchStatus.HAS, Doubt.EMPTY_PICK)
    return verdict


def _unknown(probably: BranchStatus, doubt: Doubt) -> BranchVerdict:
    return BranchVerdict(status=BranchStatus.UNKNOWN, probably=probably, doubt=doubt)


def follow_ups(
    made: Mapping[str, object],
    hits: Sequence[Commit],
    positions: Mapping[str, HistoryPosition],
    upstream: int,
) -> tuple[Commit, ...]:
    """Return the commits that say they fix the fix, oldest first; backports of them left out.

    Args:
        made: ids of the commits that make the fix's change.
        hits: those whose messages may tell something.
        positions: where commits are.
        upstream: the bits of what is no stable branch.
    """
    every = [
        one
        for one in {one.id: one for one in hits}.values()
        if one.id not in made and one.id in positions and any(fixes_commit(one, at) for at in made)
    ]
    every.sort(
        key=lambda one: (not positions[one.id].branches & upstream, -positions[one.id].order)
    )
    kept: list[Commit] = []
    known: set[str] = set()
    for one in every:
        if one.id not in known:
            kept.append(one)
            known |= instances(one, every, set()).keys()
    kept = [one for one in kept if not _copied(one, kept)]
    return tuple(sorted(kept, key=lambda one: -positions[one.id].order))


def _copied(one: Commit, kept: Sequence[Commit]) -> bool:
    return any(one.id in instances(other, [one], set()) for other in kept if other is not one)
