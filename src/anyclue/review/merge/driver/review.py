"""The review of a merge: what the resolution took, made and lost, by text and by pairing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType

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
from anyclue.review.merge.driver.imbalances import FEW, VersionReviewer
from anyclue.review.merge.driver.inputs import MergeInputs, read_inputs
from anyclue.review.merge.driver.request import MergeRequest, find_merge
from anyclue.review.merge.driver.snapshots import Snapshot
from anyclue.system.workers import Workers, processors


def review(asked: MergeRequest) -> MergeReview:
    """Return what is to be said of a merge.

    Raises:
        RequestError: everything that is wrong with the request.
    """
    real = git.repository(asked.tree)
    merge = find_merge(real, asked)
    names = tuple(one.name for one in merge.sides)
    with scratch_repository(real) as repo:
        gathered = read_inputs(repo, real, merge)
        keys = sorted(
            {*gathered.edited, *gathered.shared, *gathered.entangled(), *gathered.otherwise}
        )
        gathered.contents.load(gathered.sides, keys)
        resolved_files = gathered.files(gathered.otherwise or gathered.edited, gathered.result)
        with ResolutionReader(resolved_files, names, asked.jobs) as reading:
            pairer = VersionReviewer(
                asked.tree, repo.at, gathered, keys, least=asked.least, jobs=asked.jobs
            )
            results = [one for one in (gathered.result, gathered.against) if one is not None]
            pairings = pairer.of(results, pairer.keys)
            text = reading.result()
        sides = _sides(gathered, pairer, names, text, pairings)
        result = _resolution(
            merge.title, gathered.result, gathered, pairer, sides, text, pairings[0]
        )
        revs = {one.name: one.commit for one in merge.sides}
        result = _with_commits(result, repo, gathered, revs, pairer)
        against: Resolution | None = None
        beside: tuple[FunctionComparison, ...] = ()
        if gathered.against is not None:
            title = str(asked.against)
            other = gathered.against
            text = review_texts(gathered.files(gathered.otherwise, other), names)
            against = _resolution(title, other, gathered, pairer, sides, text, pairings[1])
            against = _with_commits(against, repo, gathered, revs, pairer)
            beside = _beside(gathered, gathered.against)
        panes = shown(gathered, names, result) if asked.page is not None else ()
    return MergeReview(
        sides=merge.sides,
        files=len({*gathered.edited, *gathered.shared}),
        conflicts=len(gathered.conflicts) + len(gathered.others),
        result=result,
        against=against,
        compared=beside,
        exercises=exercises(result),
        panes=panes,
    )


def _with_commits(
    resolution: Resolution,
    repo: Repository,
    gathered: MergeInputs,
    revs: Mapping[str, str],
    pairer: VersionReviewer,
) -> Resolution:
    return replace(
        resolution,
        dropped=with_change_commits(resolution.dropped, repo, gathered.base, revs),
        imbalances=with_imbalance_commits(resolution.imbalances, repo, gathered, revs, pairer),
    )


def _sides(
    gathered: MergeInputs,
    pairer: VersionReviewer,
    names: Sequence[str],
    text: TextReview,
    results: Sequence[VersionImbalances],
) -> dict[str, VersionImbalances]:
    """Return the pairing of each side, with where the result has its functions.

    In a large merge that is of files that were resolved, and those with findings. Elsewhere git
    merged by itself, and nothing was found: what a side has there is not lost.
    """
    resolved = {*gathered.edited, *gathered.otherwise}
    found = {
        one.keys.get(finding.path, finding.path) for one in results for finding in one.introduced
    }
    others = review_texts(gathered.files(sorted(found - resolved), gathered.result), names).homes
    at = [one for one in pairer.keys if one in resolved | found or not pairer.left_out]
    return {
        name: replace(pairing, homes={**text.homes[number], **others[number]})
        for number, (name, pairing) in enumerate(
            zip(names, pairer.of(gathered.sides, at), strict=True)
        )
    }


def _resolution(
    title: str,
    version: Snapshot,
    gathered: MergeInputs,
    pairer: VersionReviewer,
    sides: Mapping[str, VersionImbalances],
    text: TextReview,
    pairing: VersionImbalances,
) -> Resolution:
    keys = version.keys()
    broken = {
        name: pairer.between(side, version, at)
        for name, side in zip(sides, gathered.sides, strict=True)
        if (at := sorted({_key(one, side, keys) for one in text.dropped if one.side == name}))
    }
    return Resolution(
        title=title,
        functions=text.functions,
        dropped=text.dropped,
        imbalances=trace_origins(sides, pairing, text.functions, text.dropped, broken),
        unjudged=(*gathered.unjudged, *pairer.left_out, *pairing.unjudged),
        unresolved=gathered.unresolved(version),
        beyond=gathered.beyond.get(version.rev or "", ()),
    )


def _key(dropped: DroppedChange, side: Snapshot, keys: Mapping[str, str]) -> str:
    """Return what the file of a dropped change is known by."""
    return side.keys().get(dropped.path) or keys.get(dropped.path, dropped.path)


def _beside(gathered: MergeInputs, other: Snapshot) -> tuple[FunctionComparison, ...]:
    """Return how the functions that either resolution decided compare."""
    of = gathered.contents.of
    keys = gathered.otherwise
    paths = {key: gathered.result.path(key) for key in keys}
    theirs = {key: of(other, key) for key in keys}
    found = compare_resolutions(theirs, {key: of(gathered.result, key) for key in keys}, paths)
    names = tuple(str(number) for number in range(len(gathered.sides)))
    decided = {
        (one.path, one.function)
        for version in (gathered.result, other)
        for one in review_texts(gathered.files(keys, version), names).functions
    }
    return tuple(
        one
        for one in found
        if (one.path, one.function) in decided or one.similarity is not Similarity.SAME
    )


class _ReaderProcess:
    """What the process does."""

    def read(self, files: Sequence[FileMerge], sides: Sequence[str]) -> TextReview:
        return review_texts(files, sides)


class ResolutionReader:
    """Finds out what a resolution did to the texts, while something else is done.

    Args:
        files: the files in every version.
        sides: the names of the parents.
        jobs: worker processes; None for one a processor.
    """

    def __init__(self, files: Sequence[FileMerge], sides: Sequence[str], jobs: int | None) -> None:
        self._asked = (files, sides)
        many = len(files) > FEW and (jobs or processors()) > 1
        self._workers = Workers(1, _ReaderProcess) if many else None
        if self._workers is not None:
            self._workers.ask("read", [self._asked])

    def __enter__(self) -> ResolutionReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._workers is not None:
            self._workers.stop(gently=False)

    def result(self) -> TextReview:
        """Return what was found; to be asked once.

        Raises:
            InfrastructureError: the process failed or died.
        """
        if self._workers is None:
            return review_texts(*self._asked)
        found: TextReview = next(self._workers.answers("read"))
        return found


def shown(
    gathered: MergeInputs, sides: Sequence[str], result: Resolution
) -> tuple[FunctionPanes, ...]:
    """Return the functions that a review lists, each in all its versions.

    Args:
        gathered: the merge.
        sides: the names of the parents.
        result: what is said of the result.
    """
    keys = gathered.otherwise or gathered.edited
    files = gathered.files(keys, gathered.result)
    other = gathered.files(keys, gathered.against) if gathered.against is not None else None
    return side_by_side(files, sides, result.functions, result.dropped, other)
