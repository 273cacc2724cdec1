"""Reviews a tree, or a change: the files from disk or git, the work spread over processes."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from anyclue.hunts.pairs.cache import Cache
from anyclue.hunts.pairs.change import Change, FileChange
from anyclue.hunts.pairs.disk import read_inside
from anyclue.hunts.pairs.shard import Shard, cached_unit, told, unjudged, without_repeats
from anyclue.hunts.pairs.sources import OnDisk, listed, neighbourhood
from anyclue.model.finding import Confidence, Finding, Review, Unjudged
from anyclue.review.pairs.callgraph import Outline, Position, in_levels
from anyclue.review.pairs.compare import Comparison, Told, versions
from anyclue.review.pairs.contract_model import Contracts
from anyclue.review.pairs.effects import Summary
from anyclue.review.pairs.judge import Candidate
from anyclue.review.pairs.program import TURNS, Known, Program, seen_elsewhere
from anyclue.system.workers import Workers

FEW = 24
"""So many files are judged in this process: others would cost more to start."""
CALLERS = 200
"""So many files that call something changed are looked at."""

_Summaries = dict[str, Summary]


@dataclass(frozen=True)
class _Context:
    """What functions do: those that all files see, and all of each file."""

    shared: _Summaries
    own: Mapping[str, _Summaries]

    def packed(self) -> tuple[object, ...]:
        return (
            [(name, one.packed()) for name, one in self.shared.items()],
            [
                (path, [(name, one.packed()) for name, one in table.items()])
                for path, table in self.own.items()
            ],
        )

    @staticmethod
    def unpacked(plain: tuple[Any, Any]) -> _Context:
        shared, own = plain
        return _Context(
            {name: Summary.unpacked(one) for name, one in shared},
            {path: {name: Summary.unpacked(one) for name, one in table} for path, table in own},
        )


class _Tree(Protocol):
    def near(self, paths: Sequence[str]) -> Mapping[str, str]: ...

    def read(self, paths: Sequence[str]) -> Mapping[str, bytes]: ...


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
        self._jobs = jobs or len(os.sched_getaffinity(0))
        self._disk = OnDisk(root)
        self._contexts: dict[str, _Context] = {}

    def tree(self, paths: Sequence[Path], least: Confidence = Confidence.MEDIUM) -> Review:
        """Return what is wrong in files, or in all C sources below directories.

        Raises:
            RequestError: a path is not there, or holds no C source.
        """
        names = listed(self._root, paths)
        texts = [(name, text) for name in names if (text := self._text(name)) is not None]
        found: list[Finding] = []
        not_judged: list[Unjudged] = []
        counts = [0, 0, 0]
        with _Crew(self._contracts, self._cache, self._jobs if len(texts) > FEW else 1) as crew:
            crew.settle(texts)
            for part, missed, numbers in crew.results(least):
                found += part
                not_judged += missed
                counts = [one + two for one, two in zip(counts, numbers, strict=True)]
        return Review(
            findings=tuple(sorted(found, key=_order)),
            unjudged=tuple(sorted(not_judged, key=lambda one: (one.path, one.line))),
            files=counts[0],
            functions=counts[1],
            lines=counts[2],
        )

    def _text(self, name: str) -> bytes | None:
        if name.startswith(".."):
            return (self._root / name).read_bytes()
        return read_inside(self._root, name)

    def change(
        self, change: Change, tree: _Tree | None = None, least: Confidence = Confidence.LOW
    ) -> Review:
        """Return what a change introduces and what it mends.

        Args:
            change: the files before and after.
            tree: the files around them; those on disk when it is not given.
            least: least confidence to report.
        """
        around = tree if tree is not None else self._disk
        files = [one for one in change.files if one.old != one.new or one.old_path != one.new_path]
        before = {one.old_path: one.old for one in files if one.old_path and one.old is not None}
        after = {one.new_path: one.new for one in files if one.new_path and one.new is not None}
        context = self._context(around, before, files)
        old = self._before(context, before)
        known = {
            path: {
                one.function.name: Known(body=one.body, summary=file.own[one.function.name])
                for one in reversed(file.functions)
                if one.function.name in file.own
            }
            for path, file in old.files.items()
        }
        gone = {
            one.function.name
            for path, file in old.files.items()
            for one in file.functions
            if seen_elsewhere(path, one.function)
        }
        new = self._after(context, gone, known, after)
        extra = self._callers(around, old, new, files)
        for path, text in extra.items():
            for program in (old, new):
                program.add(path, cached_unit(text, self._cache), text, context.own.get(path))
        comparison = Comparison(versions(old, (*before, *extra)), versions(new, (*after, *extra)))
        introduced = [
            _told(one, new, after | extra, beside=one.version.candidates)
            for one in comparison.introduced()
            if one.candidate.confidence.rank >= least.rank
        ]
        mended = [_told(one, old, before | extra) for one in comparison.mended()]
        return Review(
            findings=tuple(sorted(without_repeats([o for o in introduced if o]), key=_order)),
            fixed=tuple(sorted(without_repeats([o for o in mended if o]), key=_order)),
            unjudged=tuple(_newly(unjudged(old, before | extra), unjudged(new, after | extra))),
            files=len(files),
            functions=sum(len(one.unit.functions) for one in new.files.values()),
            lines=sum(one.unit.lines for one in new.files.values()),
            change=change.title,
        )

    def _before(self, context: _Context, files: Mapping[str, bytes]) -> Program:
        program = Program(self._contracts, context.shared)
        for path, text in files.items():
            program.add(path, cached_unit(text, self._cache), text, context.own.get(path))
        return program

    def _after(
        self,
        context: _Context,
        gone: set[str],
        before: Mapping[str, Mapping[str, Known]],
        files: Mapping[str, bytes],
    ) -> Program:
        program = Program(
            self._contracts,
            {name: one for name, one in context.shared.items() if name not in gone},
        )
        for path, text in files.items():
            program.add(path, cached_unit(text, self._cache), text)
        program.settle_changed(before)
        return program

    def _context(
        self, tree: _Tree, before: Mapping[str, bytes], files: Sequence[FileChange]
    ) -> _Context:
        """Return what the functions around a change did before it."""
        names = [path for one in files for path in (one.old_path, one.new_path) if path]
        new = {one.new_path for one in files} - set(before)
        around = {path: key for path, key in tree.near(names).items() if path not in new}
        for path, text in before.items():
            around[path] = hashlib.sha256(text).hexdigest()
        key = hashlib.sha256(
            json.dumps([self._contracts.digest, sorted(around.items())]).encode()
        ).hexdigest()
        known = self._contexts.get(key)
        if known is not None:
            return known
        plain = self._cache.get("summaries", key)
        if plain is not None:
            context = _Context.unpacked(plain)
        else:
            texts = dict(tree.read([path for path in around if path not in before]))
            texts.update(before)
            context = self._settled(around, texts)
            self._cache.put("summaries", key, context.packed())
        self._contexts[key] = context
        return context

    def _settled(self, around: Mapping[str, str], texts: Mapping[str, bytes]) -> _Context:
        """Return what the functions of these files do, from what was known of most of them."""
        places = sorted({neighbourhood(one) for one in around})
        place = hashlib.sha256(json.dumps([self._contracts.digest, places]).encode()).hexdigest()
        latest = self._cache.get("latest", place)
        context = None
        if latest is not None:
            listing, plain = latest
            same = {path for path, key in listing.items() if around.get(path) == key}
            if len(around) - len(same & set(around)) <= max(len(around) // 5, FEW):
                context = self._resettled(_Context.unpacked(plain), same, texts)
        if context is None:
            with _Crew(self._contracts, self._cache, self._jobs if len(texts) > FEW else 1) as crew:
                context = _Context(crew.settle(sorted(texts.items())), crew.own())
        self._cache.put("latest", place, (dict(around), context.packed()))
        return context

    def _resettled(self, known: _Context, same: set[str], texts: Mapping[str, bytes]) -> _Context:
        changed = {name for path, own in known.own.items() if path not in same for name in own}
        program = Program(
            self._contracts,
            {name: one for name, one in known.shared.items() if name not in changed},
        )
        before = {}
        for path, text in sorted(texts.items()):
            program.add(path, cached_unit(text, self._cache), text)
        for path, own in known.own.items():
            bodies = (
                {one.function.name: one.body for one in reversed(program.files[path].functions)}
                if path in same
                else {}
            )
            before[path] = {
                name: Known(body=bodies.get(name, "\0"), summary=one) for name, one in own.items()
            }
        program.settle_changed(before)
        return _Context(program.shared, {path: one.own for path, one in program.files.items()})

    def _callers(
        self,
        tree: _Tree,
        old: Program,
        new: Program,
        files: Sequence[FileChange],
    ) -> dict[str, bytes]:
        """Return other files that call something that does something else now."""
        names = [
            judged.function.name
            for path, file in new.files.items()
            for judged in file.functions
            if seen_elsewhere(path, judged.function)
            and (was := old.shared.get(judged.function.name)) is not None
            and was.effects != judged.summary.effects
        ]
        if not names:
            return {}
        changed = {path for one in files for path in (one.old_path, one.new_path) if path}
        around = [path for path in tree.near(sorted(changed)) if path not in changed]
        pattern = re.compile(
            rb"\b(" + b"|".join(re.escape(one.encode()) for one in names) + rb")\("
        )
        found = {path: text for path, text in tree.read(around).items() if pattern.search(text)}
        return dict(sorted(found.items())[:CALLERS])


def _told(
    one: Told,
    program: Program,
    texts: Mapping[str, bytes],
    beside: Sequence[Candidate] | None = None,
) -> Finding | None:
    path, function = one.version.path, one.version.function
    return told(path, function, one.candidate, texts[path], program, beside=beside)


def _newly(old: Sequence[Unjudged], new: Sequence[Unjudged]) -> list[Unjudged]:
    """Return what can be judged no more, or never could in a function that changed."""
    known = {(one.path, one.function, one.what) for one in old if not one.function}
    return [one for one in new if (one.path, one.function, one.what) not in known]


def _order(one: Finding) -> tuple[str, int, int, str]:
    return one.path, one.line, one.column, one.kind


class _Crew:
    """Shards of a tree, in this process or in workers."""

    def __init__(self, contracts: Contracts, cache: Cache, jobs: int) -> None:
        self._shards = [Shard(contracts, cache)] if jobs == 1 else []
        self._workers = Workers(jobs, lambda: Shard(contracts, cache)) if jobs > 1 else None
        self._owner: dict[str, int] = {}

    def __enter__(self) -> _Crew:
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

    def settle(self, texts: Sequence[tuple[str, bytes]]) -> _Summaries:
        """Read files and find out what their functions do; return it by name."""
        count = len(self._workers) if self._workers is not None else 1
        parts: list[list[tuple[str, bytes]]] = [[] for _ in range(count)]
        sizes = [0] * count
        for path, text in sorted(texts, key=lambda one: -len(one[1])):
            least = sizes.index(min(sizes))
            parts[least].append((path, text))
            sizes[least] += len(text)
            self._owner[path] = least
        outlines: dict[str, Outline] = {}
        for part in self._each("read", [(sorted(part),) for part in parts]):
            outlines |= part
        table: _Summaries = {}
        news: list[_Summaries] = [{} for _ in range(count)]
        for level in in_levels(dict(sorted(outlines.items()))):
            rings = [one for one in level if one.ring]
            steps = [("look", [one for one in level if not one.ring]), *[("turn", rings)] * TURNS]
            for method, positions in steps:
                if not positions:
                    continue
                shares: list[list[Position]] = [[] for _ in range(count)]
                for one in positions:
                    shares[self._owner[one.path]].append(one)
                answers = self._each(method, list(zip(shares, news, strict=True)))
                fresh: _Summaries = {}
                for answer in answers:
                    fresh |= answer
                table |= fresh
                news = [
                    {name: one for name, one in fresh.items() if name not in answer}
                    for answer in answers
                ]
        return table

    def own(self) -> dict[str, _Summaries]:
        """Return what the functions of each file do."""
        count = len(self._workers) if self._workers is not None else 1
        found: dict[str, _Summaries] = {}
        for part in self._each("own", [()] * count):
            found.update(part)
        return found

    def results(
        self, least: Confidence
    ) -> list[tuple[list[Finding], list[Unjudged], tuple[int, int, int]]]:
        """Return each shard's findings, what it could not judge, and what it read."""
        count = len(self._workers) if self._workers is not None else 1
        return self._each("results", [(least,)] * count)
