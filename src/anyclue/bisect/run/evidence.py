"""What speaks for and against commits before any runs: files touched, and findings of pairing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType

from anyclue.bisect.core.model import CommitEvidence
from anyclue.git.history import touched
from anyclue.git.model import CommitNode, CommitRange
from anyclue.git.repository import Repository
from anyclue.model.errors import Problem, RequestError
from anyclue.review.merge.core.exercises import mounts
from anyclue.review.pairs.driver.changes import of_range
from anyclue.review.pairs.driver.request import cache_directory, contracts_near
from anyclue.review.pairs.driver.review import Reviewer
from anyclue.review.pairs.driver.sources import CommitTree
from anyclue.review.pairs.model import Confidence, FindingKind
from anyclue.system.workers import Workers

REVIEWED = 300
"""So many commits are reviewed for pairing, and no more: each may take a second."""

ELSEWHERE, REACHED, FOUND = 0.01, 4.0, 9.0
"""Likelihood ratios. A commit outside of the module's directory changes nothing that is built from
it; where whole kernels are built it may, and is rarely the culprit (bench/bisect_evidence.py). A
file that the mount option of the cell leads to is likelier at fault than another. A review tells
nine of ten lost releases, and finds something in about one of ten innocent commits
(docs/bench.md)."""

_LOST = (FindingKind.LEAK, FindingKind.OVERWRITTEN, FindingKind.LOST_RELEASE)


class EvidenceSources:
    """Evidence that a process of its own gathers, while guests already run.

    Args:
        repo: the repository.
        span: the commits.
        directory: that of the module.
        mount: the cell's mount options.
    """

    def __init__(self, repo: Repository, span: CommitRange, directory: str, mount: str) -> None:
        self._asked = (repo, span, directory, mount)
        self._workers: Workers | None = None

    def begin(self) -> None:
        """Begin to gather; `known` waits for it."""
        self._workers = Workers(1, _Gatherer)
        self._workers.ask("gather", [self._asked])

    async def known(self) -> Sequence[CommitEvidence]:
        """Return what was gathered, when it is there.

        Raises:
            RequestError: objects are missing.
        """
        workers = self._workers
        assert workers is not None  # noqa: S101 - it has begun
        found = await asyncio.to_thread(lambda: next(workers.answers("gather")))
        if found and isinstance(found[0], Problem):
            raise RequestError(found)
        evidence: Sequence[CommitEvidence] = found
        return evidence

    def __enter__(self) -> EvidenceSources:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._workers is not None:
            self._workers.stop(gently=False)


class _Gatherer:
    def gather(
        self, repo: Repository, span: CommitRange, directory: str, mount: str
    ) -> Sequence[CommitEvidence] | Sequence[Problem]:
        try:
            return evidence(repo, span, directory, mount)
        except RequestError as error:
            return error.problems


def evidence(
    repo: Repository, span: CommitRange, directory: str, mount: str, *, reviews: int = REVIEWED
) -> list[CommitEvidence]:
    """Return what is known of the commits of a range.

    Args:
        repo: the repository.
        span: the commits.
        directory: that of the module.
        mount: the cell's mount options.
        reviews: so many commits are reviewed at most, the last ones.
    """
    inside = touched(repo, (span.bad, *(f"^{one}" for one in span.good)), directory)
    candidates = [one.id for one in span.commits if len(one.parents) == 1 and one.id in inside]
    reviewed = set(candidates[max(len(candidates) - reviews, 0) :])
    found: list[CommitEvidence] = []
    for commit in span.commits:
        paths = inside.get(commit.id)
        if not paths:
            does = "touches nothing" if len(commit.parents) < 2 else "has nothing of its own"
            because = f"{does} below {directory}"
            found.append(CommitEvidence(commit=commit.id, ratio=ELSEWHERE, because=because))
            continue
        if len(commit.parents) > 1:
            continue
        ratio, said = 1.0, []
        reached = [path for path in paths if mounts(path) & set(mount.split(","))]
        if reached:
            ratio *= REACHED
            said.append(f"touches {reached[0]}, which {mount} leads to")
        if commit.id in reviewed and (function := _finding(repo, commit)):
            ratio *= FOUND
            said.append(f"pairs --diff: {function}() loses a release")
        if said:
            found.append(CommitEvidence(commit=commit.id, ratio=ratio, because="; ".join(said)))
    return found


def _finding(repo: Repository, commit: CommitNode) -> str:
    """Return the function in which a commit loses a release, as a review tells; "" for none."""
    try:
        change = of_range(repo.at, f"{commit.parents[0]}..{commit.id}")
        # A reviewer keeps what it found out: one for all commits would grow with each.
        contracts = contracts_near(repo.at)
        reviewer = Reviewer(change.root, contracts=contracts, cache=cache_directory(), jobs=1)
        around = CommitTree(change.root, commit.parents[0])
        findings = reviewer.change(change, around, Confidence.MEDIUM).findings
    except RequestError:
        return ""
    return next((one.function for one in findings if one.kind in _LOST), "")
