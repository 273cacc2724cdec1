"""The analysis of a tree, its files spread over processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anyclue.review.pairs.contracts.model import Contracts
from anyclue.review.pairs.driver.cache import Cache, cached_unit
from anyclue.review.pairs.driver.findings import deduplicate, finding_of, unjudged
from anyclue.review.pairs.engine.callgraph import (
    Outline,
    Position,
    call_levels,
    run_to_fixpoint,
)
from anyclue.review.pairs.engine.effects import Summary
from anyclue.review.pairs.engine.summaries import SummaryMemo
from anyclue.review.pairs.model import Confidence, Review
from anyclue.review.pairs.rules.program import Program, outline
from anyclue.system.workers import Workers

FEW = 24
"""So many files are reviewed in this process: others would cost more to start."""

Summaries = dict[str, Summary]


class Shard:
    """Some files of a tree.

    Args:
        contracts: what is to be paired.
        cache: where the files' functions are kept between runs.
        memo: summaries of earlier analyses; with one, no candidates are made.
    """

    def __init__(self, contracts: Contracts, cache: Cache, memo: SummaryMemo | None = None) -> None:
        self._memo = memo
        self._cache = cache
        self.program = Program(contracts, memo=memo)
        self.texts: dict[str, bytes] = {}

    def read(self, files: Sequence[tuple[str, bytes]]) -> dict[str, Outline]:
        """Take files over, and return what the call graph needs of them."""
        for path, text in files:
            self.texts[path] = text
            self.program.add(path, cached_unit(text, self._cache), text)
        return {path: outline(file) for path, file in self.program.files.items()}

    def file_summaries(self) -> dict[str, Summaries]:
        """Return what the functions of each file do."""
        return {path: file.own for path, file in self.program.files.items()}

    def memo_entries(self) -> dict[bytes, tuple[Any, ...]]:
        """Return what the memo was asked for, and what was added."""
        return self._memo.used if self._memo is not None else {}

    def analyse(
        self, level: Sequence[Position], updates: Mapping[str, Summary]
    ) -> tuple[dict[str, Summary], frozenset[Position]]:
        """Analyse functions, knowing what others found out about theirs.

        Returns:
            what is new about functions that other files see, and of which functions anything is.
        """
        self.program.shared.update(updates)
        return self.program.analyse(level)

    def mark_unsettled(self, positions: frozenset[Position]) -> None:
        """Note that functions, some of them perhaps elsewhere, have no fixpoint."""
        self.program.mark_unsettled(positions)

    def review(self, least: Confidence) -> Review:
        """Return what is wrong in these files; nothing in it is sorted."""
        found = []
        for path, assessment, candidate in self.program.candidates():
            if candidate.confidence.rank >= least.rank:
                one = finding_of(
                    path,
                    assessment.function,
                    candidate,
                    self.texts[path],
                    self.program,
                    siblings=assessment.candidates,
                )
                if one is not None:
                    found.append(one)
        units = [file.unit for file in self.program.files.values()]
        return Review(
            findings=tuple(deduplicate(found)),
            unjudged=tuple(unjudged(self.program, self.texts)),
            files=len(units),
            functions=sum(len(unit.functions) for unit in units),
            lines=sum(unit.lines for unit in units),
        )


class WorkerPool:
    """Shards of a tree, in this process or in workers.

    Args:
        contracts: what is to be paired.
        cache: where results are kept between runs.
        jobs: worker processes; 1 for none.
        memo: summaries of earlier analyses; with one, no candidates are made.
    """

    def __init__(
        self, contracts: Contracts, cache: Cache, jobs: int, memo: SummaryMemo | None = None
    ) -> None:
        def shard() -> Shard:
            return Shard(contracts, cache, memo)

        self._shards = [shard()] if jobs == 1 else []
        self._workers = Workers(jobs, shard) if jobs > 1 else None
        self._count = max(jobs, 1)
        self._shard_of: dict[str, int] = {}

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *error: object) -> None:
        if self._workers is not None:
            self._workers.stop(gently=error[0] is None)

    def _each(self, method: str, arguments: Sequence[tuple[object, ...]]) -> list[Any]:
        if self._workers is not None:
            return self._workers.each(method, arguments)
        return [
            getattr(shard, method)(*given)
            for shard, given in zip(self._shards, arguments, strict=True)
        ]

    def run_to_fixpoint(self, texts: Sequence[tuple[str, bytes]]) -> Summaries:
        """Read files and find out what their functions do; return it by name."""
        parts: list[list[tuple[str, bytes]]] = [[] for _ in range(self._count)]
        sizes = [0] * self._count
        for path, text in sorted(texts, key=lambda one: -len(one[1])):
            least = sizes.index(min(sizes))
            parts[least].append((path, text))
            sizes[least] += len(text)
            self._shard_of[path] = least
        outlines: dict[str, Outline] = {}
        for part in self._each("read", [(sorted(part),) for part in parts]):
            outlines |= part
        self._table: Summaries = {}
        self._updates: list[Summaries] = [{} for _ in parts]
        unsettled = run_to_fixpoint(call_levels(dict(sorted(outlines.items()))), self._analyse)
        if unsettled:
            self._each("mark_unsettled", [(unsettled,)] * self._count)
        return self._table

    def _analyse(self, positions: Sequence[Position]) -> frozenset[Position]:
        """Let each worker analyse its functions, with what is new since the last step.

        Returns:
            of which functions anything was new.
        """
        shares: list[list[Position]] = [[] for _ in self._updates]
        for one in positions:
            shares[self._shard_of[one.path]].append(one)
        answers = self._each("analyse", list(zip(shares, self._updates, strict=True)))
        fresh: Summaries = {}
        for answer, _ in answers:
            fresh |= answer
        self._table |= fresh
        self._updates = [
            {name: one for name, one in fresh.items() if name not in answer}
            for answer, _ in answers
        ]
        return frozenset(one for _, new in answers for one in new)

    def file_summaries(self) -> dict[str, Summaries]:
        """Return what the functions of each file do."""
        found: dict[str, Summaries] = {}
        for part in self._each("file_summaries", [()] * self._count):
            found.update(part)
        return found

    def reviews(self, least: Confidence) -> list[Review]:
        """Return what is wrong in each shard."""
        return self._each("review", [(least,)] * self._count)

    def memo_entries(self) -> dict[bytes, tuple[Any, ...]]:
        """Return what the memo was asked for, and what was added."""
        found: dict[bytes, tuple[Any, ...]] = {}
        for part in self._each("memo_entries", [()] * self._count):
            found |= part
        return found
