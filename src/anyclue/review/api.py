"""What the wing of guests may ask of this wing.

It imports this, the words of a review (`anyclue.review.pairs.model`), and nothing else of it; the
contract in pyproject.toml holds the packages to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from anyclue.git.model import Repository
from anyclue.review.merge.core.exercises import entries, mounts
from anyclue.review.merge.core.model import Exercise
from anyclue.review.merge.core.tokens import tokens
from anyclue.review.pairs.contracts.model import Pair
from anyclue.review.pairs.contracts.read import built_in
from anyclue.review.pairs.driver.cache import Cache, cached_unit
from anyclue.review.pairs.driver.changes import FileChange, SourceChange, of_range
from anyclue.review.pairs.driver.request import cache_directory, contracts_near
from anyclue.review.pairs.driver.review import Reviewer
from anyclue.review.pairs.driver.sources import CommitTree, DiskTree
from anyclue.review.pairs.model import Confidence, Review
from anyclue.review.source.parse import read

__all__ = ["mounts"]
"""What is taken over as it is; the words of a review are in `anyclue.review.pairs.model`."""


@dataclass(frozen=True, kw_only=True)
class FunctionText:
    """A function of a C file: its lines, from 1, and its tokens without comments."""

    name: str
    line: int
    last_line: int
    tokens: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PairedCalls:
    """What the built-in contracts say of calls.

    Attributes:
        acquire: the pairs that a call acquires for, by its name.
        release: those that it releases for.
        consume: those that it takes over the release of.
        kinds: the kind of each pair, by its name.
    """

    acquire: Mapping[str, tuple[str, ...]]
    release: Mapping[str, tuple[str, ...]]
    consume: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, str]


def review_tree(root: Path, directory: str) -> Review:
    """Review the C sources of a directory of a tree for pairing.

    Raises:
        RequestError: files cannot be read.
    """
    reviewer = Reviewer(root, contracts=built_in(), cache=cache_directory())
    return reviewer.tree([root / directory])


def review_change(root: Path, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Review:
    """Review what a change of C sources introduces, at every confidence.

    Args:
        root: where the sources before lie.
        before: files by their path below the root.
        after: the same files as they are then.
    """
    files = tuple(
        FileChange(
            old_path=path if path in before else None,
            new_path=path if path in after else None,
            old=before.get(path),
            new=after.get(path),
        )
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    )
    reviewer = Reviewer(root, contracts=built_in(), cache=cache_directory())
    change = SourceChange(title="good..bad", files=files, root=root)
    return reviewer.change(change, DiskTree(root), Confidence.LOW)


def review_commit(repo: Repository, parent: str, commit: str) -> Review:
    """Review what a commit introduces, in this process, at medium confidence and more.

    Raises:
        RequestError: objects are missing, or the repository's contracts are wrong.
    """
    change = of_range(repo.at, f"{parent}..{commit}")
    # A reviewer keeps what it found out: one for all commits would grow with each.
    contracts = contracts_near(repo.at)
    reviewer = Reviewer(change.root, contracts=contracts, cache=cache_directory(), jobs=1)
    return reviewer.change(change, CommitTree(change.root, parent), Confidence.MEDIUM)


def function_texts(text: bytes) -> Iterator[FunctionText]:
    """Return the functions of a C file, in order; what was read once is kept in the cache."""
    for one in cached_unit(text, Cache(cache_directory())).functions:
        yield FunctionText(
            name=one.name,
            line=one.line,
            last_line=one.last_line,
            tokens=tuple(tokens(text[one.begin : one.end].decode(errors="replace"))),
        )


def function_lines(text: bytes) -> Iterator[tuple[str, int, int]]:
    """Return name, first and last line of each function of a C file."""
    for one in read(text).functions:
        yield one.name, one.first_line, one.last_line


def paired_calls() -> PairedCalls:
    """Return what the built-in contracts say of calls, in the order of the contracts."""
    contracts = built_in()
    return PairedCalls(
        acquire=_pair_names(contracts.acquires_by_call),
        release=_pair_names(contracts.releases_by_call),
        consume=_pair_names(contracts.consumes_by_call),
        kinds={pair.name: pair.kind.value for pair in contracts.pairs},
    )


def _pair_names(
    by_call: Mapping[str, tuple[tuple[Pair, object], ...]],
) -> dict[str, tuple[str, ...]]:
    return {call: tuple(pair.name for pair, _ in of) for call, of in by_call.items()}


def exercise_of(path: str, function: str) -> Exercise | None:
    """Return what to run so that a function is reached; None where the table does not know."""
    return next((one.exercise for one in entries() if one.matches(path, function)), None)
