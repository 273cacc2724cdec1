"""The context of a change: what the functions around it do, by the content of the files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anyclue.review.pairs.contracts.model import Contracts
from anyclue.review.pairs.driver.cache import Cache
from anyclue.review.pairs.driver.changes import FileChange
from anyclue.review.pairs.driver.sources import SourceTree, neighbourhood
from anyclue.review.pairs.driver.worker_pool import FEW, Summaries, WorkerPool
from anyclue.review.pairs.engine.effects import Summary
from anyclue.review.pairs.engine.summaries import SummaryMemo


@dataclass(frozen=True)
class TreeContext:
    """What functions do: those that all files see, and all of each file."""

    shared: Summaries
    own: Mapping[str, Summaries]

    def pack(self) -> tuple[object, ...]:
        """Return the same as plain values."""
        own = [(path, _pack(table)) for path, table in self.own.items()]
        return _pack(self.shared), own

    @staticmethod
    def unpack(plain: tuple[Any, Any]) -> TreeContext:
        """Return the context that `pack` made plain."""
        shared, own = plain
        return TreeContext(_unpack(shared), {path: _unpack(table) for path, table in own})


def _pack(table: Summaries) -> list[tuple[str, Any]]:
    return [(name, one.pack()) for name, one in table.items()]


def _unpack(plain: list[tuple[str, Any]]) -> Summaries:
    return {name: Summary.unpack(one) for name, one in plain}


class TreeContexts:
    """Works out what the functions around changes do.

    Args:
        contracts: what is to be paired.
        cache: where it is kept between runs.
        jobs: worker processes.
    """

    def __init__(self, contracts: Contracts, cache: Cache, jobs: int) -> None:
        self._contracts = contracts
        self._cache = cache
        self._jobs = jobs
        self._known: dict[str, TreeContext] = {}

    def of(
        self, tree: SourceTree, before: Mapping[str, bytes], files: Sequence[FileChange]
    ) -> TreeContext:
        """Return what the functions around a change did before it.

        Args:
            tree: the files around it.
            before: the old versions of the changed files.
            files: the change.
        """
        names = [path for one in files for path in (one.old_path, one.new_path) if path]
        new = {one.new_path for one in files} - set(before)
        around = {path: key for path, key in tree.neighbours(names).items() if path not in new}
        for path, text in before.items():
            around[path] = hashlib.sha256(text).hexdigest()
        key = self._key(sorted(around.items()))
        known = self._known.get(key)
        if known is not None:
            return known
        plain = self._cache.get("summaries", key)
        if plain is not None:
            context = TreeContext.unpack(plain)
        else:
            texts = dict(tree.read([path for path in around if path not in before]))
            texts.update(before)
            context = self._summaries(texts)
            self._cache.put("summaries", key, context.pack())
        self._known[key] = context
        return context

    def _summaries(self, texts: Mapping[str, bytes]) -> TreeContext:
        """Return what the functions of these files do; earlier analyses are looked up."""
        place = self._key(sorted({neighbourhood(one) for one in texts}))
        known = self._cache.get("memo", place)
        jobs = self._jobs if known is None and len(texts) > FEW else 1
        with WorkerPool(self._contracts, self._cache, jobs, SummaryMemo(known)) as pool:
            context = TreeContext(
                pool.run_to_fixpoint(sorted(texts.items())), pool.file_summaries()
            )
            self._cache.put("memo", place, pool.memo_entries())
        return context

    def _key(self, what: object) -> str:
        return hashlib.sha256(json.dumps([self._contracts.digest, what]).encode()).hexdigest()
