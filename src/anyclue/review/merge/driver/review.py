"""The review of a merge: what the resolution took, made and lost, by text and by pairing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from anyclue.git import repository as git
from anyclue.git.merge import scratch_repository
from anyclue.git.model import Repository
from anyclue.review.merge.core.exercises import exercises
from anyclue.review.merge.core.file_versions import FileMerge
from anyclue.review.merge.core.model import (
    DroppedChange,
    FunctionComparison,
    FunctionPanes,
    MergeReview,
    Resolution,
    Similarity,
)
from anyclue.review.merge.core.origin import VersionImbalances, trace_origins
from anyclue.review.merge.core.resolution import TextReview, review_texts
from anyclue.review.merge.core.side_by_side import side_by_side
from anyclue.review.merge.core.similarity import compare_resolutions
from anyclue.review.merge.driver.commits import with_change_commits, with_imbalance_commits
from anyclue.review.merge.driver.definitions import repeated_definitions
from anyclue.review.merge.driver.imbalances import FEW, VersionReviewer
from anyclue.review.merge.driver.inputs import MergeInputs, read_inputs
from anyclue.review.merge.driver.request import MergeRequest, find_merge
from anyclue.review.merge.driver.snapshots import Snapshot
from anyclue.system.workers import Workers, processors


def review(request: MergeRequest) -> MergeReview:
    """Return what is to be said of a merge.

    Raises:
        RequestError: everything that is wrong with the request.
    """
    real = git.repository(request.tree)
    merge = find_merge(real, request)
    names = tuple(one.name for one in merge.sides)
    with scratch_repository(real) as repo:
        inputs = read_inputs(repo, real, merge)
        keys = sorted(
            {*inputs.edited, *inputs.shared, *inputs.semantic_conflicts(), *inputs.contested}
        )
        inputs.contents.load(inputs.sides, keys)
        resolved_files = inputs.files(inputs.contested or inputs.edited, inputs.result)
        with _text_review(resolved_files, names, request.jobs) as text_review:
            reviewer = VersionReviewer(
                request.tree, repo.at, inputs, keys, least=request.least, jobs=request.jobs
            )
            results = [one for one in (inputs.result, inputs.against) if one is not None]
            imbalances = reviewer.review_all(results, reviewer.keys)
            text = text_review()
        sides = _sides(inputs, reviewer, names, text, imbalances)
        result = _resolution(
            merge.title, inputs.result, inputs, reviewer, sides, text, imbalances[0]
        )
        revs = {one.name: one.commit for one in merge.sides}
        result = _with_commits(result, repo, inputs, revs, reviewer)
        against: Resolution | None = None
        compared: tuple[FunctionComparison, ...] = ()
        if inputs.against is not None:
            title = str(request.against)
            other = inputs.against
            text = review_texts(inputs.files(inputs.contested, other), names)
            against = _resolution(title, other, inputs, reviewer, sides, text, imbalances[1])
            against = _with_commits(against, repo, inputs, revs, reviewer)
            compared = _comparisons(inputs, inputs.against)
        panes = _panes(inputs, names, result) if request.page is not None else ()
    return MergeReview(
        sides=merge.sides,
        files=len({*inputs.edited, *inputs.shared}),
        conflicts=len(inputs.conflicts) + len(inputs.other_conflicts),
        result=result,
        against=against,
        compared=compared,
        exercises=exercises(result),
        panes=panes,
    )


def _with_commits(
    resolution: Resolution,
    repo: Repository,
    inputs: MergeInputs,
    revs: Mapping[str, str],
    reviewer: VersionReviewer,
) -> Resolution:
    return replace(
        resolution,
        dropped=with_change_commits(resolution.dropped, repo, inputs.base, revs),
        imbalances=with_imbalance_commits(resolution.imbalances, repo, inputs, revs, reviewer),
    )


def _sides(
    inputs: MergeInputs,
    reviewer: VersionReviewer,
    names: Sequence[str],
    text: TextReview,
    results: Sequence[VersionImbalances],
) -> dict[str, VersionImbalances]:
    """Return the pairing of each side, with where the result has its functions.

    In a large merge that is of files that were resolved, and those with findings. Elsewhere git
    merged by itself, and nothing was found: what a side has there is not lost.
    """
    resolved = {*inputs.edited, *inputs.contested}
    found = {
        one.keys.get(finding.path, finding.path) for one in results for finding in one.introduced
    }
    others = review_texts(inputs.files(sorted(found - resolved), inputs.result), names).homes
    at = [one for one in reviewer.keys if one in resolved | found or not reviewer.left_out]
    return {
        name: replace(pairing, homes={**text.homes[number], **others[number]})
        for number, (name, pairing) in enumerate(
            zip(names, reviewer.review_all(inputs.sides, at), strict=True)
        )
    }


def _resolution(
    title: str,
    version: Snapshot,
    inputs: MergeInputs,
    reviewer: VersionReviewer,
    sides: Mapping[str, VersionImbalances],
    text: TextReview,
    pairing: VersionImbalances,
) -> Resolution:
    keys = version.keys()
    broken = {
        name: reviewer.between(side, version, at)
        for name, side in zip(sides, inputs.sides, strict=True)
        if (at := sorted({_key(one, side, keys) for one in text.dropped if one.side == name}))
    }
    return Resolution(
        title=title,
        functions=text.functions,
        dropped=text.dropped,
        imbalances=trace_origins(sides, pairing, text.functions, text.dropped, broken),
        unjudged=(*inputs.unjudged, *reviewer.left_out, *pairing.unjudged),
        unresolved=inputs.unresolved(version),
        beyond=inputs.beyond.get(version.rev or "", ()),
        repeated=repeated_definitions(inputs, version, tuple(sides)),
    )


def _key(dropped: DroppedChange, side: Snapshot, keys: Mapping[str, str]) -> str:
    """Return what the file of a dropped change is known by."""
    return side.keys().get(dropped.path) or keys.get(dropped.path, dropped.path)


def _comparisons(inputs: MergeInputs, other: Snapshot) -> tuple[FunctionComparison, ...]:
    """Return how the functions that either resolution decided compare."""
    of = inputs.contents.of
    keys = inputs.contested
    paths = {key: inputs.result.path(key) for key in keys}
    theirs = {key: of(other, key) for key in keys}
    found = compare_resolutions(theirs, {key: of(inputs.result, key) for key in keys}, paths)
    names = tuple(str(number) for number in range(len(inputs.sides)))
    decided = {
        (one.path, one.function)
        for version in (inputs.result, other)
        for one in review_texts(inputs.files(keys, version), names).functions
    }
    return tuple(
        one
        for one in found
        if (one.path, one.function) in decided or one.similarity is not Similarity.SAME
    )


class _TextReviewer:
    """What the process of `_text_review` does."""

    def review(self, files: Sequence[FileMerge], sides: Sequence[str]) -> TextReview:
        return review_texts(files, sides)


@contextmanager
def _text_review(
    files: Sequence[FileMerge], sides: Sequence[str], jobs: int | None
) -> Iterator[Callable[[], TextReview]]:
    """Give what waits for the review of texts, in a process of its own where they are many."""
    if len(files) <= FEW or (jobs or processors()) == 1:
        yield lambda: review_texts(files, sides)
        return
    workers = Workers(1, _TextReviewer)
    try:
        workers.submit("review", [(files, sides)])
        yield lambda: next(workers.results("review"))
    finally:
        workers.stop(gently=False)


def _panes(
    inputs: MergeInputs, sides: Sequence[str], result: Resolution
) -> tuple[FunctionPanes, ...]:
    """Return the functions that a review lists, each in all its versions.

    Args:
        inputs: the merge.
        sides: the names of the parents.
        result: what is said of the result.
    """
    keys = inputs.contested or inputs.edited
    files = inputs.files(keys, inputs.result)
    other = inputs.files(keys, inputs.against) if inputs.against is not None else None
    return side_by_side(files, sides, result.functions, result.dropped, other)
