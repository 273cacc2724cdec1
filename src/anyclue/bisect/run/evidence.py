"""What speaks for and against commits beside runs.

Before any run these are the files that a commit touches, and what a review of pairing finds in it;
once the bad end broke, the stack that the kernel printed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Final

from anyclue.bisect.core.model import CommitEvidence
from anyclue.bisect.render import reasons
from anyclue.git import blame, history
from anyclue.git import repository as git
from anyclue.git.model import CommitNode, CommitRange, Repository
from anyclue.hunt.localise.core.stacks import frame_functions, incident_evidence
from anyclue.model.errors import Problem, RequestError
from anyclue.review.api import function_lines, mounts, review_commit
from anyclue.review.pairs.model import LOST
from anyclue.system.workers import Workers

MAX_REVIEWS: Final = 300
"""So many commits are reviewed for pairing, and no more: each may take a second."""
MAX_FRAMES: Final = 5
"""Of so many functions on a stack the commits are looked for: each may take seconds."""

UNTOUCHED, REACHED, LOST_RELEASE = 0.01, 4.0, 9.0
"""Likelihood ratios. A commit outside of the module's directory changes nothing that is built from
it; where whole kernels are built it may, and is rarely the culprit (bench/bisect_evidence.py). A
file that the mount option of the cell leads to is likelier at fault than another. A review tells
nine of ten lost releases, and finds something in about one of ten innocent commits
(docs/bench.md)."""


@dataclass(frozen=True, kw_only=True)
class EvidenceRequest:
    """The commits of which evidence is gathered.

    Attributes:
        repo: the repository.
        span: the commits.
        directory: that of the module.
        mount: the cell's mount options.
        reviews: so many commits are reviewed at most, the last ones.
    """

    repo: Repository
    span: CommitRange
    directory: str
    mount: str
    reviews: int = MAX_REVIEWS


class EvidenceProcess:
    """Evidence that a process of its own gathers, while guests already run."""

    def __init__(self, request: EvidenceRequest) -> None:
        self._request = request
        self._workers: Workers | None = None

    def start(self) -> None:
        """Begin to gather; `result` waits for it."""
        self._workers = Workers(1, _Gatherer)
        self._workers.submit("gather", [(self._request,)])

    async def result(self) -> Sequence[CommitEvidence]:
        """Return what was gathered, when it is there.

        Raises:
            RequestError: objects are missing.
        """
        workers = self._workers
        assert workers is not None  # noqa: S101 - it has begun
        found = await asyncio.to_thread(lambda: next(workers.results("gather")))
        if found and isinstance(found[0], Problem):
            raise RequestError(found)
        evidence: Sequence[CommitEvidence] = found
        return evidence

    def __enter__(self) -> EvidenceProcess:
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
    def gather(self, request: EvidenceRequest) -> Sequence[CommitEvidence] | Sequence[Problem]:
        try:
            return commit_evidence(request)
        except RequestError as error:
            return error.problems


def commit_evidence(request: EvidenceRequest) -> list[CommitEvidence]:
    """Return what is known of the commits of a range before any run.

    Raises:
        RequestError: objects are missing.
    """
    span, mount = request.span, request.mount
    revisions = (span.bad, *(f"^{one}" for one in span.good))
    inside = history.files_by_commit(request.repo, revisions, request.directory)
    candidates = [one.id for one in span.commits if len(one.parents) == 1 and one.id in inside]
    reviewed = set(candidates[max(len(candidates) - request.reviews, 0) :])
    found: list[CommitEvidence] = []
    for commit in span.commits:
        paths, merge = inside.get(commit.id), len(commit.parents) > 1
        if not paths:
            because = reasons.untouched(request.directory, merge=merge)
            found.append(CommitEvidence(commit=commit.id, ratio=UNTOUCHED, because=because))
            continue
        if merge:
            continue
        ratio, why = 1.0, []
        reached = [path for path in paths if mounts(path) & set(mount.split(","))]
        if reached:
            ratio *= REACHED
            why.append(reasons.touches(reached[0], mount))
        if commit.id in reviewed and (function := _function_losing_release(request.repo, commit)):
            ratio *= LOST_RELEASE
            why.append(reasons.loses_release(function))
        if why:
            found.append(CommitEvidence(commit=commit.id, ratio=ratio, because="; ".join(why)))
    return found


def _function_losing_release(repo: Repository, commit: CommitNode) -> str:
    """Return the function in which a commit loses a release, as a review tells; "" for none."""
    try:
        findings = review_commit(repo, commit.parents[0], commit.id).findings
    except RequestError:
        return ""
    return next((one.function for one in findings if one.kind in LOST), "")


def stack_evidence(
    repo: Repository, span: CommitRange, directory: str, incident: str
) -> list[CommitEvidence]:
    """Return what speaks for commits that changed a function on a stack, the innermost first.

    Args:
        repo: the repository.
        span: the commits.
        directory: that of the module.
        incident: what the kernel reported, whole; hostile text.
    """
    where = _definitions(git.below(repo, span.bad, directory), incident)
    paths: dict[str, list[str]] = {}
    for path, name in where:
        paths.setdefault(name, []).append(path)
    commits = {one.id for one in span.commits}
    found: dict[str, CommitEvidence] = {}
    for (path, name), reason in islice(incident_evidence(incident, paths).items(), MAX_FRAMES):
        for one in blame.function_changes(repo, span.good[0], span.bad, path, where[path, name]):
            if one.id in commits and one.id not in found:
                because = reasons.on_stack(name)
                found[one.id] = CommitEvidence(commit=one.id, ratio=reason.ratio, because=because)
    return list(found.values())


def _definitions(
    sources: Mapping[str, bytes], incident: str
) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the functions that the text names: their lines, first and last, by path and name."""
    names = set(frame_functions(incident))
    return {
        (path, name): (first, last)
        for path, text in sources.items()
        if path.endswith(".c") and any(one.encode() in text for one in names)
        for name, first, last in function_lines(text)
        if name in names
    }
