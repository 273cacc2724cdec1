"""How a branch stands to a fix, from where culprits and fix stand in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from anyclue.git.model import CherryPick, Commit, HistoryPosition
from anyclue.review.stable.core.messages import follows
from anyclue.review.stable.core.model import BranchStatus, Presence
from anyclue.review.stable.core.presence import instances

_EMPTY = "a cherry-pick of the fix would change nothing there"


@dataclass(frozen=True, kw_only=True)
class BranchVerdict:
    """A verdict, and what it hangs on when it is not plain."""

    standing: BranchStatus
    why: str = ""


def doubted(one: Presence, why: str) -> Presence:
    """Return a presence that says no only because not everything could be looked at."""
    return replace(one, sure=False, why=why) if why and one.how is None and one.sure else one


def judged(culprits: Sequence[Presence], fix: Presence) -> BranchVerdict:
    """Return how a branch stands."""
    if fix.there and fix.sure:
        return BranchVerdict(standing=BranchStatus.HAS)
    there = [one for one in culprits if one.there]
    if not there:
        unsure = [one.why for one in culprits if not one.sure]
        if unsure:
            return BranchVerdict(
                standing=BranchStatus.UNKNOWN, why=f"probably not affected: {unsure[0]}"
            )
        taken = [one.reverted[:12] for one in culprits if one.reverted]
        why = f"the culprit was reverted there by {' and '.join(taken)}" if taken else ""
        return BranchVerdict(standing=BranchStatus.NOT_AFFECTED, why=why)
    if not fix.sure:
        probably = "has" if fix.there else "needs"
        return BranchVerdict(
            standing=BranchStatus.UNKNOWN, why=f"probably {probably} the fix: {fix.why}"
        )
    if not any(one.sure for one in there):
        return BranchVerdict(
            standing=BranchStatus.UNKNOWN, why=f"probably needs the fix: {there[0].why}"
        )
    why = f"the fix was reverted there by {fix.reverted[:12]}" if fix.reverted else ""
    return BranchVerdict(standing=BranchStatus.NEEDS, why=why)


def picked(judgement: BranchVerdict, pick: CherryPick) -> BranchVerdict:
    """Return the verdict after a cherry-pick was tried."""
    if pick.empty and judgement.standing is BranchStatus.NEEDS:
        return BranchVerdict(standing=BranchStatus.UNKNOWN, why=f"probably has the fix: {_EMPTY}")
    return judgement


def followers(
    made: Mapping[str, object],
    hits: Sequence[Commit],
    places: Mapping[str, HistoryPosition],
    upstream: int,
) -> tuple[Commit, ...]:
    """Return the commits that say they fix the fix, oldest first; backports of them left out.

    Args:
        made: ids of the commits that make the fix's change.
        hits: those whose messages may tell something.
        places: where commits are.
        upstream: the bits of what is no stable branch.
    """
    every = [
        one
        for one in {one.id: one for one in hits}.values()
        if one.id not in made and one.id in places and any(follows(one, at) for at in made)
    ]
    every.sort(key=lambda one: (not places[one.id].branches & upstream, -places[one.id].order))
    kept: list[Commit] = []
    known: set[str] = set()
    for one in every:
        if one.id not in known:
            kept.append(one)
            known |= instances(one, every, set()).keys()
    kept = [one for one in kept if not _copied(one, kept)]
    return tuple(sorted(kept, key=lambda one: -places[one.id].order))


def _copied(one: Commit, kept: Sequence[Commit]) -> bool:
    return any(one.id in instances(other, [one], set()) for other in kept if other is not one)
