"""Reviews a tree, or a change: the files from disk or git, the work spread over processes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from anyclue.model.errors import RequestError
from anyclue.review.pairs.contracts.model import Contracts
from anyclue.review.pairs.diff.compare import Comparison, VersionCandidate, versions
from anyclue.review.pairs.driver.cache import Cache, cached_unit
from anyclue.review.pairs.driver.changes import FileChange, SourceChange
from anyclue.review.pairs.driver.contexts import TreeContexts
from anyclue.review.pairs.driver.findings import deduplicate, finding_of, unjudged
from anyclue.review.pairs.driver.sources import DiskTree, SourceTree, list_sources
from anyclue.review.pairs.driver.worker_pool import FEW, Summaries, WorkerPool
from anyclue.review.pairs.model import Confidence, Finding, Review, Unjudged
from anyclue.review.pairs.rules.imbalances import Candidate
from anyclue.review.pairs.rules.probability import confidence_in_tree
from anyclue.review.pairs.rules.program import KnownSummary, Program, is_exported
from anyclue.system.confined_files import read_inside
from anyclue.system.workers import Workers, processors

CALLERS = 200
"""So many files that call something changed are compared."""


class _ReadOnlyWorker:
    """What a worker does that only reads."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def read(self, texts: Iterable[bytes]) -> None:
        for text in texts:
            cached_unit(text, self._cache)


class Reviewer:
    """Reviews one tree, and changes of it; keeps what it found out.

    Args:
        root: the tree; paths in findings are relative to it.
        contracts: what is to be paired.
        cache: where results are kept between runs; None for nowhere.
        jobs: worker processes; None for one a processor.
    """

    def __init__(
        self, root: Path, *, contracts: Contracts, cache: Path | None, jobs: int | None = None
    ) -> None:
        self._root = root
        self._contracts = contracts
        self._cache = Cache(cache)
        self._jobs = jobs or processors()
        self._disk = DiskTree(root)
        self._contexts = TreeContexts(contracts, self._cache, self._jobs)

    def tree(
        self,
        paths: Sequence[Path],
        least: Confidence = Confidence.MEDIUM,
        *,
        trust: Callable[[Finding], Confidence] = confidence_in_tree,
    ) -> Review:
        """Return what is wrong in files, or in all C sources below directories.

        Args:
            paths: files and directories.
            least: least confidence to report.
            trust: how much a finding in a tree may be trusted.

        Raises:
            RequestError: a path is not there, or holds no C source.
        """
        names = list_sources(self._root, paths)
        unread: list[Unjudged] = []
        texts = []
        for name in names:
            try:
                text = self._text(name)
            except RequestError as error:
                if len(names) == 1:
                    raise
                what = error.problems[0].what
                unread.append(Unjudged(path=name, line=0, function="", what=what))
                continue
            if text is not None:
                texts.append((name, text))
        with WorkerPool(
            self._contracts, self._cache, self._jobs if len(texts) > FEW else 1
        ) as pool:
            pool.run_to_fixpoint(texts)
            parts = pool.reviews(least)
        not_judged = [*unread, *(one for part in parts for one in part.unjudged)]
        findings = (replace(one, confidence=trust(one)) for part in parts for one in part.findings)
        shown = (one for one in findings if one.confidence.rank >= least.rank)
        return Review(
            findings=tuple(sorted(shown, key=_order)),
            unjudged=tuple(sorted(not_judged, key=lambda one: (one.path, one.line))),
            files=sum(part.files for part in parts),
            functions=sum(part.functions for part in parts),
            lines=sum(part.lines for part in parts),
        )

    def _text(self, name: str) -> bytes | None:
        if name.startswith(".."):
            return (self._root / name).read_bytes()
        return read_inside(self._root, name)

    def read(self, texts: Iterable[bytes]) -> None:
        """Read files side by side, so that reviews to come find them in the cache."""
        left = sorted(set(texts), key=len, reverse=True)
        if self._jobs > 1 and len(left) > FEW:
            with Workers(self._jobs, lambda: _ReadOnlyWorker(self._cache)) as workers:
                workers.each("read", [(left[n :: self._jobs],) for n in range(self._jobs)])

    def change(
        self,
        change: SourceChange,
        tree: SourceTree | None = None,
        least: Confidence = Confidence.LOW,
    ) -> Review:
        """Return what a change introduces and what it fixes.

        Args:
            change: the files before and after.
            tree: the files around them; those on disk when it is not given.
            least: least confidence to report.
        """
        around = tree if tree is not None else self._disk
        files = [one for one in change.files if one.old != one.new or one.old_path != one.new_path]
        before = {one.old_path: one.old for one in files if one.old_path and one.old is not None}
        after = {one.new_path: one.new for one in files if one.new_path and one.new is not None}
        context = self._contexts.of(around, before, files)
        old = self._program(before, context.shared, context.own)
        known = {
            path: {
                one.function.name: KnownSummary(body=one.body, summary=file.own[one.function.name])
                for one in reversed(file.functions)
                if one.function.name in file.own
            }
            for path, file in old.files.items()
        }
        gone = {
            one.function.name
            for path, file in old.files.items()
            for one in file.functions
            if is_exported(path, one.function)
        }
        shared = {name: one for name, one in context.shared.items() if name not in gone}
        new = self._program(after, shared, {})
        new.rerun_changed(known)
        extra = self._callers(around, old, new, files)
        for program in (old, new):
            self._add(program, extra, context.own)
        comparison = Comparison(versions(old, (*before, *extra)), versions(new, (*after, *extra)))
        introduced = [
            _finding(one, new, after | extra, siblings=one.version.candidates)
            for one in comparison.introduced()
            if one.candidate.confidence.rank >= least.rank
        ]
        fixed = [_finding(one, old, before | extra) for one in comparison.fixed()]
        return Review(
            findings=tuple(sorted(deduplicate([o for o in introduced if o]), key=_order)),
            fixed=tuple(sorted(deduplicate([o for o in fixed if o]), key=_order)),
            unjudged=tuple(_newly(unjudged(old, before | extra), unjudged(new, after | extra))),
            files=len(files),
            functions=sum(len(one.unit.functions) for one in new.files.values()),
            lines=sum(one.unit.lines for one in new.files.values()),
            change=change.title,
        )

    def _program(
        self, files: Mapping[str, bytes], shared: Summaries, own: Mapping[str, Summaries]
    ) -> Program:
        program = Program(self._contracts, shared)
        self._add(program, files, own)
        return program

    def _add(
        self, program: Program, files: Mapping[str, bytes], own: Mapping[str, Summaries]
    ) -> None:
        for path, text in files.items():
            program.add(path, cached_unit(text, self._cache), text, own.get(path))

    def _callers(
        self, tree: SourceTree, old: Program, new: Program, files: Sequence[FileChange]
    ) -> dict[str, bytes]:
        """Return other files that call something that does something else now."""
        names = [
            assessment.function.name
            for path, file in new.files.items()
            for assessment in file.functions
            if is_exported(path, assessment.function)
            and (was := old.shared.get(assessment.function.name)) is not None
            and was.effects != assessment.summary.effects
        ]
        if not names:
            return {}
        changed = {path for one in files for path in (one.old_path, one.new_path) if path}
        around = [path for path in tree.neighbours(sorted(changed)) if path not in changed]
        pattern = re.compile(
            rb"\b(" + b"|".join(re.escape(one.encode()) for one in names) + rb")\("
        )
        found = {path: text for path, text in tree.read(around).items() if pattern.search(text)}
        return dict(sorted(found.items())[:CALLERS])


def _finding(
    one: VersionCandidate,
    program: Program,
    texts: Mapping[str, bytes],
    siblings: Sequence[Candidate] | None = None,
) -> Finding | None:
    path, function = one.version.path, one.version.function
    return finding_of(path, function, one.candidate, texts[path], program, siblings=siblings)


def _newly(old: Sequence[Unjudged], new: Sequence[Unjudged]) -> list[Unjudged]:
    """Return what can be judged no more, or never could in a function that changed."""
    known = {(one.path, one.line == 0) for one in old if not one.function}
    return [one for one in new if one.function or (one.path, one.line == 0) not in known]


def _order(one: Finding) -> tuple[float, str, int, int, str]:
    return -one.probability, one.path, one.line, one.column, one.kind
