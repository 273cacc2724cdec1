"""Has the checker judge mutants, no-op changes and updates, and counts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.pairs_bench.noops import Noop
from bench.pairs_bench.reading import ENCODING
from bench.pairs_bench.sampling import Mutant
from bench.pairs_bench.stable import Update

from anyclue.review.pairs.driver.changes import FileChange, SourceChange
from anyclue.review.pairs.model import Finding, Review


class Reviews(Protocol):
    """What is asked of ``anyclue.review.pairs.driver.review.Reviewer``."""

    def change(self, change: SourceChange) -> Review:
        """Return what a change introduces."""


@dataclass(frozen=True, kw_only=True)
class Stable:
    """What is said of updates: of them as they are, and of taking them back.

    Attributes:
        files: how many files they change.
        together: what is said of all as one change.
        introduced: what is said of them file by file.
        fixes: functions that they mend.
        fixes_found: those of which something is said when they are taken back.
    """

    files: int
    together: tuple[Finding, ...]
    introduced: tuple[Finding, ...]
    fixes: int
    fixes_found: int


def found(reviews: Reviews, root: Path, mutants: Sequence[Mutant]) -> frozenset[str]:
    """Return the ids of the mutants that are found.

    A finding counts when it lies in the mutated function, or names it, and is of one of the pairs
    that the mutation is about.
    """
    ids = set()
    for number, mutant in enumerate(mutants, start=1):
        mutation = mutant.mutation
        path = mutation.source.path
        review = _review(reviews, root, path, _bytes(mutation.source.text), _bytes(mutation.text))
        hits = [finding for finding in review.findings if counts(mutant, finding)]
        if hits:
            ids.add(mutant.id)
        _progress("mutants", number, len(mutants), f"{len(ids)} found")
    return frozenset(ids)


def counts(mutant: Mutant, finding: Finding) -> bool:
    """Whether a finding is of the mutation."""
    mutation = mutant.mutation
    inside = mutant.first_line <= finding.line <= mutant.last_line
    return (
        finding.path == mutation.source.path
        and finding.pair in mutation.pairs
        and (inside or finding.function == mutation.function.name)
    )


def noop_findings(reviews: Reviews, root: Path, changes: Sequence[Noop]) -> dict[str, list[str]]:
    """Return what is said of changes that change nothing, by their kind."""
    said: dict[str, list[str]] = {}
    for number, noop in enumerate(changes, start=1):
        review = _review(reviews, root, noop.path, _bytes(noop.old), _bytes(noop.new))
        lines = said.setdefault(noop.kind, [])
        lines += [f"{noop.function}: {_told(finding)}" for finding in review.findings]
        findings = sum(len(one) for one in said.values())
        _progress("changes of nothing", number, len(changes), f"{findings} findings")
    return said


def stable(
    old: tuple[Reviews, Path], new: tuple[Reviews, Path], changed: Sequence[Update]
) -> Stable:
    """Judge updates in the old tree, and their way back in the new one.

    All as one change, and file by file: then what moved to another file is missing.
    """
    introduced: list[Finding] = []
    fixes_found = 0
    for number, update in enumerate(changed, start=1):
        introduced += _review(*old, update.path, update.old, update.new).findings
        if update.fixes:
            review = _review(*new, update.path, update.new, update.old)
            fixes_found += len(set(update.fixes) & {f.function for f in review.findings})
        _progress("updates", number, len(changed), f"{len(introduced)} findings")
    for finding in introduced:
        print(f"said of an update: {_told(finding)}", file=sys.stderr)
    files = tuple(_changed(one.path, one.old, one.new) for one in changed)
    together = old[0].change(SourceChange(title="all updates", files=files, root=old[1])).findings
    for finding in together:
        print(f"said of all updates as one change: {_told(finding)}", file=sys.stderr)
    return Stable(
        files=len(changed),
        together=together,
        introduced=tuple(introduced),
        fixes=sum(len(update.fixes) for update in changed),
        fixes_found=fixes_found,
    )


def _review(reviews: Reviews, root: Path, path: str, old: bytes, new: bytes) -> Review:
    return reviews.change(SourceChange(title=path, files=(_changed(path, old, new),), root=root))


def _changed(path: str, old: bytes, new: bytes) -> FileChange:
    return FileChange(old_path=path, new_path=path, old=old, new=new)


def _progress(what: str, number: int, total: int, so_far: str) -> None:
    if number % 50 == 0 or number == total:
        print(f"{what}: {number} of {total}, {so_far}", file=sys.stderr)


def _told(finding: Finding) -> str:
    return f"{finding.path}:{finding.line}: {finding.kind}: {finding.message}"


def _bytes(text: str) -> bytes:
    return text.encode(ENCODING)
