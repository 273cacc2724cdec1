"""What a user asks to be reviewed: which tree, which change, which contracts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

from anyclue.model.errors import Problem, RequestError
from anyclue.review.pairs.contracts.model import Contracts
from anyclue.review.pairs.contracts.read import built_in, read
from anyclue.review.pairs.contracts.versions import for_version
from anyclue.review.pairs.driver.baseline import most_probable, read_baseline, without_known
from anyclue.review.pairs.driver.changes import SourceChange, of_index, of_range, of_worktree
from anyclue.review.pairs.driver.piped_patch import of_patch
from anyclue.review.pairs.driver.review import Reviewer
from anyclue.review.pairs.driver.sources import CommitTree, DiskTree, kernel_version, list_sources
from anyclue.review.pairs.model import Confidence, Review

CONTRACTS = ".anyclue/pairs.toml"


@dataclass(frozen=True, kw_only=True)
class PairsRequest:
    """What is to be reviewed.

    Attributes:
        paths: files or directories; for a change, the tree alone.
        diff: a git range or commit, or ``-`` for ``patch``.
        patch: the patch or mbox.
        since: review what changed from this revision to the work tree.
        staged: review what the index would commit.
        least: least confidence to report; None for the usual one.
        jobs: worker processes; None for one a processor.
        baseline: a review as JSON, whose findings are not told again.
        top: so many of the most probable findings; None for all.
    """

    paths: tuple[Path, ...]
    diff: str | None = None
    patch: bytes | None = None
    since: str | None = None
    staged: bool = False
    least: Confidence | None = None
    jobs: int | None = None
    baseline: Path | None = None
    top: int | None = None


def review(request: PairsRequest) -> Review:
    """Return the review that is asked for.

    Raises:
        RequestError: everything that is wrong with the request.
    """
    known = read_baseline(request.baseline) if request.baseline is not None else frozenset()
    return most_probable(without_known(_review(request), known), request.top)


def _review(request: PairsRequest) -> Review:
    tree = request.paths[0]
    try:
        contracts = contracts_near(tree)
    except RequestError as error:
        raise RequestError([*error.problems, *_other_problems(request, tree)]) from error
    change = _change(request, tree)
    if change is None:
        reviewer = Reviewer(
            Path(),
            contracts=for_version(contracts, kernel_version(tree)),
            cache=cache_directory(),
            jobs=request.jobs,
        )
        return reviewer.tree(request.paths, request.least or Confidence.MEDIUM)
    around = CommitTree(change.root, change.old_rev) if change.old_rev else DiskTree(change.root)
    reviewer = Reviewer(
        change.root,
        contracts=for_version(contracts, around.version),
        cache=cache_directory(),
        jobs=request.jobs,
    )
    return reviewer.change(change, around, request.least or Confidence.LOW)


def _other_problems(request: PairsRequest, tree: Path) -> tuple[Problem, ...]:
    """Return what is wrong besides the contracts."""
    try:
        if _change(request, tree) is None:
            list_sources(Path(), request.paths)
    except RequestError as error:
        return error.problems
    return ()


def _change(request: PairsRequest, tree: Path) -> SourceChange | None:
    if request.patch is not None:
        return of_patch(tree, request.patch)
    if request.diff is not None:
        return of_range(tree, request.diff)
    if request.since is not None:
        return of_worktree(tree, request.since)
    return of_index(tree) if request.staged else None


def cache_directory() -> Path:
    """Return where results of reviews are kept between runs."""
    return Path(platformdirs.user_cache_dir("anyclue")) / "pairs"


def contracts_near(path: Path) -> Contracts:
    """Return the contracts for a tree: those that come with anyclue, and its own.

    Its own are in ``.anyclue/pairs.toml`` in the nearest directory above, or the tree itself.

    Raises:
        RequestError: every mistake in that file.
    """
    base = built_in()
    at = path.absolute()
    for directory in (at, *at.parents):
        file = directory / CONTRACTS
        if file.is_file():
            try:
                return read({str(file): file.read_text()}, base)
            except (OSError, UnicodeDecodeError) as error:
                raise RequestError.of(
                    f"cannot be read: {error}",
                    where=str(file),
                    next_step="it has to be a TOML file in UTF-8; see docs/contracts.md",
                ) from error
    return base
