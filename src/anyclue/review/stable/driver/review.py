"""The review of a fix: each branch gets its verdict, and what a cherry-pick would do there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anyclue.git import repository as git
from anyclue.git.history import Ref, first_versions, reaches
from anyclue.git.merge import cherry_pick, scratch_repository
from anyclue.git.model import CherryPick, Commit, Repository
from anyclue.model.errors import AnyclueError
from anyclue.review.stable.core.model import (
    Branch,
    BranchStatus,
    Doubt,
    KnownCommit,
    MatchKind,
    PickFailure,
    Presence,
    StableReview,
    UpstreamRevert,
)
from anyclue.review.stable.core.presence import PresenceEvent, events, instances, presence
from anyclue.review.stable.core.verdicts import after_pick, branch_verdict, follow_ups, with_doubt
from anyclue.review.stable.driver.histories import Histories, read_histories
from anyclue.review.stable.driver.request import ResolvedRequest, StableRequest, resolve


def review(request: StableRequest) -> StableReview:
    """Return how branches stand to a fix.

    Raises:
        RequestError: everything that is wrong with the request, or commits are missing.
    """
    repo = git.repository(request.tree)
    resolved = resolve(repo, request)
    histories = read_histories(repo, resolved)
    every = [
        events(one, histories.hits, histories.same.get(one.id, frozenset()))
        for one in histories.subjects
    ]
    fixups = _follow_ups(resolved, histories)
    following = [events(one, histories.hits, frozenset()) for one in fixups]
    branches = [
        _branch(repo, histories, number, ref, every) for number, ref in enumerate(resolved.trees)
    ]
    branches = [
        replace(one, lacking=_lacking(histories, number, fixups, following))
        for number, one in enumerate(_tried(repo, resolved.fix, branches))
    ]
    return _dated(
        repo,
        StableReview(
            fix=_known(resolved.fix),
            culprits=tuple(_known(one) for one in resolved.culprits),
            branches=tuple(branches),
            follow_ups=tuple(_known(one) for one in fixups),
            notes=(*resolved.notes, *_upstream(resolved, histories, every[-1])),
        ),
    )


def _branch(
    repo: Repository,
    histories: Histories,
    number: int,
    ref: Ref,
    every: Sequence[Sequence[PresenceEvent]],
) -> Branch:
    found = [presence(one, histories.positions, number) for one in every]
    cut = any(
        histories.positions[one].branches >> number & 1
        for one in histories.edges
        if one in histories.positions
    )
    *culprits, fix = (with_doubt(one, Doubt.SHALLOW if cut else histories.gap) for one in found)
    known = [one.commit for one in culprits if one.there]
    if cut and known and not fix.sure and fix.how is None:
        history = [ref.commit, *(f"^{one}" for one in known)]
        if not reaches(repo, history, histories.edges):
            fix = with_doubt(found[-1], histories.gap)
    return Branch(
        name=ref.short,
        ref=ref.name if ref.name.startswith("refs/") else "",
        tip=ref.commit,
        verdict=branch_verdict(culprits, fix),
        culprits=tuple(culprits),
        fix=fix,
    )


def _tried(repo: Repository, fix: Commit, branches: Sequence[Branch]) -> list[Branch]:
    """Return the branches, with what a cherry-pick would do where the fix is needed."""
    if all(one.status is not BranchStatus.NEEDS for one in branches):
        return list(branches)
    found = []
    with scratch_repository(repo) as place:
        for one in branches:
            if one.status is not BranchStatus.NEEDS:
                found.append(one)
                continue
            pick = _pick(place, fix, one.tip)
            if isinstance(pick, PickFailure):
                found.append(replace(one, pick_failure=pick))
                continue
            found.append(replace(one, pick=pick, verdict=after_pick(one.verdict, pick)))
    return found


def _pick(repo: Repository, fix: Commit, onto: str) -> CherryPick | PickFailure:
    if not fix.parents:
        return PickFailure.NO_PARENT
    try:
        return cherry_pick(repo, fix.id, fix.parents[0], onto)
    except AnyclueError:
        return PickFailure.GIT


def _follow_ups(request: ResolvedRequest, histories: Histories) -> tuple[Commit, ...]:
    fix = request.fix
    made = instances(fix, histories.hits, histories.same.get(fix.id, frozenset()))
    sure = {one: how for one, how in made.items() if how is not MatchKind.TITLE}
    upstream = -1 << len(request.trees)
    return follow_ups(sure, histories.hits, histories.positions, upstream)


def _lacking(
    histories: Histories,
    number: int,
    follow_ups: Sequence[Commit],
    following: Sequence[Sequence[PresenceEvent]],
) -> tuple[str, ...]:
    here = [presence(one, histories.positions, number) for one in following]
    return tuple(one.id for one, found in zip(follow_ups, here, strict=True) if not found.there)


def _upstream(
    request: ResolvedRequest, histories: Histories, fix: Sequence[PresenceEvent]
) -> list[UpstreamRevert]:
    """Return a note when the fix itself was reverted upstream."""
    numbers = range(len(request.trees), len(request.trees) + len(request.upstream))
    found = [presence(fix, histories.positions, number) for number in numbers]
    by = dict.fromkeys(one.reverted for one in found if one.reverted and not one.there)
    return [UpstreamRevert(commit=one) for one in by]


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
