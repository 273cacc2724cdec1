"""Pairing in every version of a merge, each compared with the merge base."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path

from anyclue.git.contents import contents
from anyclue.review.merge.core.origin import VersionImbalances
from anyclue.review.merge.core.relevance import (
    FilesInQuestion,
    focus,
    has_relevant,
    relevant_functions,
)
from anyclue.review.merge.driver.inputs import MergeInputs
from anyclue.review.merge.driver.snapshots import Snapshot
from anyclue.review.pairs.driver.changes import FileChange, SourceChange
from anyclue.review.pairs.driver.request import cache_directory, contracts_near
from anyclue.review.pairs.driver.review import Reviewer
from anyclue.review.pairs.driver.sources import neighbourhood
from anyclue.review.pairs.model import Confidence, Finding, Review, Unjudged
from anyclue.system.workers import Workers, processors

FEW = 12
"""So many files are read at once, without a process of their own."""

MOST_NEIGHBOURS = 160
"""So many files around those in question are read, to know what functions do."""


class NeighbourFiles:
    """The files around those in question, as the merge base has them.

    Args:
        root: the repository that has the blobs.
        blobs: the base's files.
        keys: those in question.
    """

    def __init__(self, root: Path, blobs: Mapping[str, str], keys: Iterable[str]) -> None:
        near = {neighbourhood(one) for one in keys}
        deep = tuple(f"{directory}/" for directory, below in near if below)
        flat = {directory for directory, below in near if not below}
        beside = {one.rpartition("/")[0] for one in keys}
        every = [path for path in blobs if path.startswith(deep) or path.rpartition("/")[0] in flat]
        close = [path for path in blobs if path.rpartition("/")[0] in beside]
        chosen = next((one for one in (every, close) if len(one) <= MOST_NEIGHBOURS), [])
        ids = {path: blobs[path] for path in (*chosen, *keys) if path in blobs}
        known = dict(contents(root, ids.values()))
        self.texts = {path: known[one] for path, one in ids.items()}
        self._names: dict[str, str] = {}

    def focus(self, names: Set[bytes]) -> None:
        """Leave out all functions but those with these names, and files that have none of them."""
        self.texts = {
            path: focus(text, names)
            for path, text in self.texts.items()
            if has_relevant(path, text, names)
        }
        self._names = {path: hashlib.sha256(text).hexdigest() for path, text in self.texts.items()}

    def neighbours(self, paths: Iterable[str]) -> Mapping[str, str]:
        """Return the sources around, each with what names its content; the same for all files."""
        del paths
        return self._names

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the contents of files."""
        return {path: self.texts[path] for path in paths if path in self.texts}


class VersionReviewer:
    """Compares the pairing of versions with that of the merge base.

    ``keys`` are the files that it looks at: of a large merge, not all of those in question.

    Args:
        tree: where contracts of the project's own are looked for.
        root: the repository that has the blobs.
        inputs: the merge.
        keys: the files in question.
        least: least confidence to report.
        jobs: worker processes; None for one a processor.

    Raises:
        RequestError: mistakes in the project's contracts.
    """

    def __init__(
        self,
        tree: Path,
        root: Path,
        inputs: MergeInputs,
        keys: Sequence[str],
        *,
        least: Confidence,
        jobs: int | None,
    ) -> None:
        contracts = contracts_near(tree)
        self._reviewer = Reviewer(root, contracts=contracts, cache=cache_directory(), jobs=jobs)
        self._paired = {call.encode() for call in contracts.calls}
        self._inputs = inputs
        self._jobs = jobs or processors()
        self.keys = keys
        self._least = least
        self._neighbours = NeighbourFiles(root, inputs.blobs, keys)
        self._kept, self._left = self._focus()
        self._neighbours.focus(self._kept)
        self._root = root

    def _focus(self) -> tuple[frozenset[bytes], int]:
        read, inputs = self._inputs.contents, self._inputs
        results = [one for one in (inputs.result, inputs.against) if one is not None]
        read.load([*inputs.sides, *results], self.keys)

        def texts(version: Snapshot) -> dict[str, bytes | None]:
            return {key: read.of(version, key) for key in self.keys}

        question = FilesInQuestion(
            base={key: read.base(key) for key in self.keys},
            sides=[texts(one) for one in inputs.sides],
            results=[texts(one) for one in results],
            edited={*inputs.edited, *inputs.contested},
        )
        around = [t for path, t in self._neighbours.texts.items() if path not in question.base]
        names, left = relevant_functions(question, around, self._paired)
        if left:
            versions = (question.base, *question.sides, *question.results)
            self.keys = [
                key
                for key in self.keys
                if any(has_relevant(key, one.get(key) or b"", names) for one in versions)
            ]
        return names, left

    @property
    def left_out(self) -> tuple[Unjudged, ...]:
        """What is not looked at: functions that one side alone changed, in a large merge."""
        if not self._left:
            return ()
        what = (
            f"{self._left} functions that one side alone changed, in files that git merged by "
            "itself, were not judged: anyclue pairs --diff BASE..SIDE does that"
        )
        return (Unjudged(path=".", line=0, function="", what=what),)

    def review_all(
        self, versions: Sequence[Snapshot], keys: Sequence[str]
    ) -> list[VersionImbalances]:
        """Return what each version introduces and mends in these files, and what is not judged."""
        of = self._inputs.contents.of
        texts = {of(one, key) for one in versions for key in keys}
        self._reviewer.read(focus(one, self._kept) for one in texts if one is not None)
        if 1 < len(versions) <= self._jobs and len(keys) > FEW:
            with Workers(len(versions), lambda: self) as workers:
                return workers.each("review_version", [(one, keys) for one in versions])
        return [self.review_version(one, keys) for one in versions]

    def review_version(self, version: Snapshot, keys: Sequence[str]) -> VersionImbalances:
        """Return the same of one version."""
        review = self._reviewed(keys, None, version)
        of, known = self._inputs.contents.of, version.keys()
        texts = {one.path: of(version, known.get(one.path, one.path)) for one in review.findings}
        return VersionImbalances(
            introduced=review.findings,
            mended=review.fixed,
            unjudged=review.unjudged,
            keys=known,
            texts={path: text for path, text in texts.items() if text is not None},
        )

    def introduced(self, version: Snapshot, keys: Sequence[str]) -> Sequence[Finding]:
        """Return what a version introduces in some files, compared with the base."""
        return self._reviewed(keys, None, version).findings

    def between(self, side: Snapshot, version: Snapshot, keys: Sequence[str]) -> Sequence[Finding]:
        """Return what a version introduces in some files, compared with a side."""
        return self._reviewed(keys, side, version).findings

    def _reviewed(self, keys: Sequence[str], old: Snapshot | None, new: Snapshot) -> Review:
        """Return the review of a version compared with another, or else with the base."""
        read = self._inputs.contents
        read.load([new, *([old] if old else [])], keys)
        files = []
        for key in keys:
            before = read.of(old, key) if old is not None else read.base(key)
            after = read.of(new, key)
            if before is None and after is None:
                continue
            path = old.path(key) if old is not None else key
            files.append(
                FileChange(
                    old_path=path if before is not None else None,
                    new_path=new.path(key) if after is not None else None,
                    old=focus(before, self._kept) if before is not None else None,
                    new=focus(after, self._kept) if after is not None else None,
                )
            )
        change = SourceChange(title="", files=tuple(files), root=self._root)
        return self._reviewer.change(change, self._neighbours, self._least)
