"""Whether a commit's change is in a branch: itself, as a backport, reverted, applied again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from anyclue.git.model import Commit, HistoryPosition
from anyclue.review.stable.core.messages import (
    matches_id,
    reverted_ids,
    unwrap_reverts,
    upstream_ids,
)
from anyclue.review.stable.core.model import Doubt, MatchKind, Presence

_RANK = {how: number for number, how in enumerate(MatchKind)}


@dataclass(frozen=True, kw_only=True)
class PresenceEvent:
    """A commit that brings a change, or takes it back, and how that is known."""

    commit: str
    brings: bool
    how: MatchKind


def instances(subject: Commit, hits: Iterable[Commit], same: Set[str]) -> dict[str, MatchKind]:
    """Return the commits that make a commit's change, itself among them.

    Args:
        subject: the commit.
        hits: those whose messages may tell something.
        same: ids of those with its patch id.
    """
    every = list({one.id: one for one in hits if one.id != subject.id}.values())
    named = {one.id: upstream_ids(one.message) for one in every}
    found = {subject.id: MatchKind.ANCESTOR}
    while True:
        more = [
            one.id
            for one in every
            if one.id not in found
            and any(matches_id(text, at) for text in named[one.id] for at in found)
        ]
        if not more:
            break
        found |= dict.fromkeys(more, MatchKind.UPSTREAM)
    found |= {one: MatchKind.PATCH_ID for one in same if one not in found}
    others = {one.id for one in every} - found.keys()
    for one in every:
        if one.id not in others or not subject.title or one.title != subject.title:
            continue
        if not any(matches_id(text, at) for text in named[one.id] for at in others):
            found[one.id] = MatchKind.TITLE
    return found


def events(subject: Commit, hits: Sequence[Commit], same: Set[str]) -> tuple[PresenceEvent, ...]:
    """Return every commit that brings a commit's change or takes it back."""
    brought = instances(subject, hits, same)
    found = {one: PresenceEvent(commit=one, brings=True, how=how) for one, how in brought.items()}
    takers = {one.id: reverted_ids(one.message) for one in hits if one.id not in found}
    growing = True
    while growing:
        growing = False
        for one, texts in takers.items():
            undone = [found[at] for at in found for text in texts if matches_id(text, at)]
            if undone and one not in found:
                found[one] = PresenceEvent(
                    commit=one, brings=not undone[0].brings, how=undone[0].how
                )
                growing = True
    ids = {one.id for one in hits}
    own, depth = unwrap_reverts(subject.title)
    for hit in hits:
        title, times = unwrap_reverts(hit.title)
        times -= depth
        if hit.id in found or times <= 0 or not title or title != own:
            continue
        if not any(matches_id(text, at) for text in takers.get(hit.id, ()) for at in ids):
            found[hit.id] = PresenceEvent(commit=hit.id, brings=times % 2 == 0, how=MatchKind.TITLE)
    return tuple(found.values())


def presence(
    every: Iterable[PresenceEvent], positions: Mapping[str, HistoryPosition], branch: int
) -> Presence:
    """Return what became of a change on one branch, its events taken from the oldest on."""
    now = Presence(there=False)
    here = [one for one in every if one.commit in positions]
    here = [one for one in here if positions[one.commit].branches >> branch & 1]
    for one in sorted(here, key=lambda one: -positions[one.commit].order):
        by_title = one.how is MatchKind.TITLE
        if not one.brings:
            now = Presence(
                there=False,
                how=now.how,
                commit=now.commit,
                reverted=one.commit,
                doubt=Doubt.REVERT_TITLE if by_title else None,
            )
        elif not now.there or now.how is None or _RANK[one.how] < _RANK[now.how]:
            now = Presence(
                there=True,
                how=one.how,
                commit=one.commit,
                doubt=Doubt.TITLE if by_title else None,
            )
    return now
