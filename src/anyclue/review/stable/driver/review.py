"""The review of a fix: each branch gets its verdict, and what a cherry-pick would do there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anyclue.git import repository as git
from anyclue.git.history import Ref, first_versions, reaches
from anyclue.git.merge import cherry_pick as try_pick
from anyclue.git.merge import scratch_repository
from anyclue.git.model import CherryPick, Commit, Repository
from anyclue.model.errors import AnyclueError
from anyclue.review.stable.core.model import (
    Branch,
    BranchStatus,
    KnownCommit,
    PickFailure,
    Presence,
    StableReview,
)
from anyclue.review.stable.core.presence import PresenceEvent, events, instances, presence
from anyclue.review.stable.core.verdicts import doubted, followers, judged, picked
from anyclue.review.stable.driver.histories import Histories, gather
from anyclue.review.stable.driver.request import StableRequest, Wanted, find

_CUT = "the history is cut off in this shallow clone"


def review(asked: StableRequest) -> StableReview:
    """Return how branches stand to a fix.

    Raises:
        RequestError: everything that is wrong with the request, or commits are missing.
    """
    repo = git.repository(asked.tree)
    wanted = find(repo, asked)
    gathered = gather(repo, wanted)
    every = [
        events(one, gathered.hits, gathered.same.get(one.id, frozenset()))
        for one in gathered.subjects
    ]
    follow_ups = _follow_ups(wanted, gathered)
    following = [events(one, gathered.hits, frozenset()) for one in follow_ups]
    branches = [
        _branch(repo, gathered, number, ref, every) for number, ref in enumerate(wanted.trees)
    ]
    branches = [
        replace(one, lacking=_lacking(gathered, number, follow_ups, following))
        for number, one in enumerate(_tried(repo, wanted.fix, branches))
    ]
    return _dated(
        repo,
        StableReview(
            fix=_known(wanted.fix),
            culprits=tuple(_known(one) for one in wanted.culprits),
            branches=tuple(branches),
            follow_ups=tuple(_known(one) for one in follow_ups),
            notes=(*wanted.notes, *_upstream(wanted, gathered, every[-1])),
        ),
    )


def _branch(
    repo: Repository,
    gathered: Histories,
    number: int,
    ref: Ref,
    every: Sequence[Sequence[PresenceEvent]],
) -> Branch:
    found = [presence(one, gathered.positions, number) for one in every]
    cut = any(
        gathered.positions[one].branches >> number & 1
        for one in gathered.edges
        if one in gathered.positions
    )
    *culprits, fix = (doubted(one, _CUT if cut else gathered.gap) for one in found)
    known = [one.commit for one in culprits if one.there]
    if cut and known and not fix.sure and fix.how is None:
        history = [ref.commit, *(f"^{one}" for one in known)]
        if not reaches(repo, history, gathered.edges):
            fix = doubted(found[-1], gathered.gap)
    judgement = judged(culprits, fix)
    return Branch(
        name=ref.short,
        ref=ref.name if ref.name.startswith("refs/") else "",
        tip=ref.commit,
        standing=judgement.standing,
        culprits=tuple(culprits),
        fix=fix,
        why=judgement.why,
    )


def _tried(repo: Repository, fix: Commit, branches: Sequence[Branch]) -> list[Branch]:
    """Return the branches, with what a cherry-pick would do where the fix is needed."""
    if all(one.standing is not BranchStatus.NEEDS for one in branches):
        return list(branches)
    found = []
    with scratch_repository(repo) as place:
        for one in branches:
            if one.standing is not BranchStatus.NEEDS:
                found.append(one)
                continue
            pick = _pick(place, fix, one.tip)
            if isinstance(pick, PickFailure):
                found.append(replace(one, pick_failure=pick))
                continue
            judgement = picked(judged(one.culprits, one.fix), pick)
            why, standing = judgement.why, judgement.standing
            found.append(replace(one, pick=pick, standing=standing, why=why))
    return found


def _pick(repo: Repository, fix: Commit, onto: str) -> CherryPick | PickFailure:
    if not fix.parents:
        return PickFailure.NO_PARENT
    try:
        return try_pick(repo, fix.id, fix.parents[0], onto)
    except AnyclueError:
        return PickFailure.GIT


def _follow_ups(wanted: Wanted, gathered: Histories) -> tuple[Commit, ...]:
    fix = wanted.fix
    made = instances(fix, gathered.hits, gathered.same.get(fix.id, frozenset()))
    sure = {one: how for one, how in made.items() if how != "title"}
    upstream = -1 << len(wanted.trees)
    return followers(sure, gathered.hits, gathered.positions, upstream)


def _lacking(
    gathered: Histories,
    number: int,
    follow_ups: Sequence[Commit],
    following: Sequence[Sequence[PresenceEvent]],
) -> tuple[str, ...]:
    here = [presence(one, gathered.positions, number) for one in following]
    return tuple(one.id for one, found in zip(follow_ups, here, strict=True) if not found.there)


def _upstream(wanted: Wanted, gathered: Histories, fix: Sequence[PresenceEvent]) -> list[str]:
    """Return a note when the fix itself was reverted upstream."""
    numbers = range(len(wanted.trees), len(wanted.trees) + len(wanted.upstream))
    found = [presence(fix, gathered.positions, number) for number in numbers]
    by = dict.fromkeys(one.reverted[:12] for one in found if one.reverted and not one.there)
    return [f"the fix was reverted upstream by {one}" for one in by]


def _dated(repo: Repository, found: StableReview) -> StableReview:
    """Return the review with the first version that has each commit."""
    subjects = (found.fix, *found.culprits, *found.follow_ups)
    here = [one for branch in found.branches for one in (*branch.culprits, branch.fix)]
    ids = [*(one.id for one in subjects), *(one.commit for one in here if one.commit)]
    known = first_versions(repo, ids)

    def dated(one: Presence) -> Presence:
        return replace(one, version=known.get(one.commit, ""))

    def named(one: KnownCommit) -> KnownCommit:
        return replace(one, version=known.get(one.id, ""))

    return replace(
        found,
        fix=named(found.fix),
        culprits=tuple(map(named, found.culprits)),
        follow_ups=tuple(map(named, found.follow_ups)),
        branches=tuple(
            replace(one, culprits=tuple(map(dated, one.culprits)), fix=dated(one.fix))
            for one in found.branches
        ),
    )


def _known(one: Commit) -> KnownCommit:
    return KnownCommit(id=one.id, title=one.title)
