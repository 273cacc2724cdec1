"""Gathers what histories hold of a fix and its culprits: by message, by patch and by title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anyclue.git.history import (
    branch_positions,
    changed_paths,
    commits_mentioning,
    commits_touching,
    patch_ids,
    shallow_boundary,
)
from anyclue.git.merge import merge_bases
from anyclue.git.model import Commit, HistoryPosition, Repository
from anyclue.model.errors import RequestError
from anyclue.review.stable.core.messages import LEAST_DIGITS
from anyclue.review.stable.core.model import Doubt
from anyclue.review.stable.core.presence import instances
from anyclue.review.stable.driver.request import ResolvedRequest

_REVERTS = "This reverts commit "


@dataclass(frozen=True, kw_only=True)
class Histories:
    """What the histories hold.

    Attributes:
        subjects: the culprits, and last the fix.
        hits: commits whose messages may tell something of them.
        same: by subject, the ids of the commits with its patch id.
        positions: where each of these commits is: a bit a branch, in the order of the branches,
            then one a tip upstream.
        edges: the commits at which a shallow clone's history is cut off.
        gap: why what looks absent may be there; None when changes were compared.
    """

    subjects: tuple[Commit, ...]
    hits: tuple[Commit, ...]
    same: Mapping[str, frozenset[str]]
    positions: Mapping[str, HistoryPosition]
    edges: frozenset[str]
    gap: Doubt | None


def read_histories(repo: Repository, request: ResolvedRequest) -> Histories:
    """Return what histories hold, looked through from the oldest culprit's parents on.

    Raises:
        RequestError: commits are missing.
    """
    subjects = (*request.culprits, request.fix)
    trees = [one.commit for one in request.trees]
    tips = [*trees, *request.upstream, request.fix.id]
    without = [f"^{one}^@" for one in merge_bases(repo, [one.id for one in subjects])]
    texts = [one.id[:LEAST_DIGITS] for one in subjects]
    texts += [one.message.lstrip("\n").partition("\n")[0].strip() for one in subjects]
    hits = commits_mentioning(repo, [*tips, *without], [*texts, _REVERTS])
    own = [*trees, f"^{request.fix.id}", *(f"^{one}" for one in request.upstream), *without]
    same, gap = _same(repo, subjects, hits, own)
    made = instances(request.fix, hits, same.get(request.fix.id, frozenset()))
    backports = [one[:LEAST_DIGITS] for one in made if one != request.fix.id]
    hits += commits_mentioning(repo, own, backports)
    edges = shallow_boundary(repo)
    known = {one.id for one in (*subjects, *hits)}
    found = branch_positions(repo, tips, without, known.union(*same.values(), edges))
    return Histories(
        subjects=subjects,
        hits=tuple({one.id: one for one in hits}.values()),
        same=same,
        positions=found,
        edges=edges,
        gap=gap,
    )


def _same(
    repo: Repository, subjects: Sequence[Commit], hits: Sequence[Commit], own: Sequence[str]
) -> tuple[dict[str, frozenset[str]], Doubt | None]:
    """Return which commits make the same change as a subject, or why that is not known.

    Compared are the commits with its title, and those of the branches that change its files: the
    one with the longest name stands for all, as the same change has them all.
    """
    titles = {one.title for one in subjects}
    asked = {one.id for one in subjects} | {one.id for one in hits if one.title in titles}
    try:
        for one in subjects:
            files = changed_paths(repo, one.id)
            if files:
                asked.update(commits_touching(repo, own, max(files, key=len)))
        found = patch_ids(repo, sorted(asked))
    except RequestError:
        return {}, Doubt.NOT_COMPARED
    same = {
        one.id: frozenset(
            other for other, patch in found.items() if patch == found.get(one.id, "none")
        )
        - {one.id}
        for one in subjects
    }
    return same, None
