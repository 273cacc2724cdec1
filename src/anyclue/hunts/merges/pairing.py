"""Pairing in every version of a merge, each compared with the merge base."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import platformdirs

from anyclue.hunts.merges.gathering import Gathered
from anyclue.hunts.merges.versions import Snapshot
from anyclue.hunts.pairs.asking import contracts_near
from anyclue.hunts.pairs.change import Change, FileChange
from anyclue.hunts.pairs.reviewing import Reviewer
from anyclue.hunts.pairs.sources import neighbourhood
from anyclue.model.finding import Confidence, Finding, Review, Unjudged
from anyclue.review.merges.dating import Pairing
from anyclue.system.git_data import contents

AROUND = 160
"""So many files around those in question are read, to know what functions do."""


class Around:
    """The files around those in question, as the merge base has them.

    Args:
        root: the repository that has the blobs.
        blobs: the base's files.
        texts: the base's text of those in question.
    """

    def __init__(
        self, root: Path, blobs: Mapping[str, str], texts: Mapping[str, bytes | None]
    ) -> None:
        self._root = root
        near = {neighbourhood(one) for one in texts}
        deep = tuple(f"{directory}/" for directory, below in near if below)
        flat = {directory for directory, below in near if not below}
        beside = {one.rpartition("/")[0] for one in texts}
        every = [path for path in blobs if path.startswith(deep) or path.rpartition("/")[0] in flat]
        close = [path for path in blobs if path.rpartition("/")[0] in beside]
        chosen = next((one for one in (every, close) if len(one) <= AROUND), [])
        self._ids = {path: blobs[path] for path in (*chosen, *texts) if path in blobs}
        self._keys = self._ids | {
            path: hashlib.sha256(text).hexdigest() for path, text in texts.items() if text
        }

    def near(self, paths: Iterable[str]) -> Mapping[str, str]:
        """Return the sources around, each with what names its content; the same for all files."""
        del paths
        return self._keys

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the contents of files."""
        wanted: dict[str, list[str]] = {}
        for path in paths:
            if path in self._ids:
                wanted.setdefault(self._ids[path], []).append(path)
        return {path: text for one, text in contents(self._root, wanted) for path in wanted[one]}


class Pairer:
    """Compares the pairing of versions with that of the merge base.

    Args:
        tree: where contracts of the project's own are looked for.
        root: the repository that has the blobs.
        gathered: the merge.
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
        gathered: Gathered,
        keys: Sequence[str],
        *,
        least: Confidence,
        jobs: int | None,
    ) -> None:
        cache = Path(platformdirs.user_cache_dir("anyclue")) / "pairs"
        self._reviewer = Reviewer(root, contracts=contracts_near(tree), cache=cache, jobs=jobs)
        self._gathered = gathered
        self._keys = keys
        self._least = least
        texts = {key: gathered.contents.base(key) for key in keys if key in gathered.blobs}
        self._around = Around(root, gathered.blobs, texts)
        self._root = root

    def of(self, version: Snapshot) -> tuple[Pairing, tuple[Unjudged, ...]]:
        """Return what a version introduces and mends, and what could not be judged."""
        review = self._reviewed(self._keys, None, version)
        read = self._gathered.contents
        keys = version.keys()
        told = {one.path: read.of(version, keys.get(one.path, one.path)) for one in review.findings}
        pairing = Pairing(
            introduced=review.findings,
            mended=review.fixed,
            keys=keys,
            texts={path: text for path, text in told.items() if text is not None},
        )
        return pairing, review.unjudged

    def introduced(self, version: Snapshot, keys: Sequence[str]) -> Sequence[Finding]:
        """Return what a version introduces in some files, compared with the base."""
        return self._reviewed(keys, None, version).findings

    def between(self, side: Snapshot, version: Snapshot, keys: Sequence[str]) -> Sequence[Finding]:
        """Return what a version introduces in some files, compared with a side."""
        return self._reviewed(keys, side, version).findings

    def _reviewed(self, keys: Sequence[str], old: Snapshot | None, new: Snapshot) -> Review:
        """Return the review of a version compared with another, or else with the base."""
        read = self._gathered.contents
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
                    old=before,
                    new=after,
                )
            )
        change = Change(title="", files=tuple(files), root=self._root)
        return self._reviewer.change(change, self._around, self._least)
