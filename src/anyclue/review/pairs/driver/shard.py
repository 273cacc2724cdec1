"""One worker's part of a tree: its files, and what their functions do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from anyclue.review.pairs.contracts.model import Contracts
from anyclue.review.pairs.driver.cache import Cache
from anyclue.review.pairs.engine.callgraph import Outline, Position
from anyclue.review.pairs.engine.effects import Summary
from anyclue.review.pairs.engine.memo import Memo
from anyclue.review.pairs.engine.program import Program, outline
from anyclue.review.pairs.frontend.unit import Unit, unit
from anyclue.review.pairs.ir.function import FunctionIR
from anyclue.review.pairs.model import Confidence, Finding, FindingKind, Unjudged
from anyclue.review.pairs.rules.explanation import SourceText, finding
from anyclue.review.pairs.rules.imbalances import Candidate
from anyclue.review.pairs.rules.suggestion import with_suggestion

SILENCED = "transfers"
LARGEST = 16 << 20
"""A file larger than this many bytes is not read: no C source that a person wrote is."""


class Shard:
    """Some files of a tree.

    Args:
        contracts: what is to be paired.
        cache: where the files' functions are kept between runs.
        memo: what is known of looks at functions; with one, only summaries are asked for.
    """

    def __init__(self, contracts: Contracts, cache: Cache, memo: Memo | None = None) -> None:
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

    def own(self) -> dict[str, dict[str, Summary]]:
        """Return what the functions of each file do."""
        return {path: file.own for path, file in self.program.files.items()}

    def used(self) -> dict[bytes, tuple[Any, ...]]:
        """Return what the memo was asked for, and what was added."""
        return self._memo.used if self._memo is not None else {}

    def look(
        self, level: Sequence[Position], news: Mapping[str, Summary]
    ) -> tuple[dict[str, Summary], bool]:
        """Look at functions, knowing what others found out about theirs.

        Returns:
            what is new about functions that other files see, and whether anything is new.
        """
        self.program.shared.update(news)
        return self.program.look(level)

    def results(
        self, least: Confidence
    ) -> tuple[list[Finding], list[Unjudged], tuple[int, int, int]]:
        """Return the findings, what could not be judged, and files, functions and lines read."""
        found = []
        for path, assessment, candidate in self.program.candidates():
            if candidate.confidence.rank >= least.rank:
                one = told(
                    path,
                    assessment.function,
                    candidate,
                    self.texts[path],
                    self.program,
                    siblings=assessment.candidates,
                )
                if one is not None:
                    found.append(one)
        functions = lines = 0
        for file in self.program.files.values():
            functions += len(file.unit.functions)
            lines += file.unit.lines
        return (
            without_repeats(found),
            unjudged(self.program, self.texts),
            (
                len(self.program.files),
                functions,
                lines,
            ),
        )


def cached_unit(text: bytes, cache: Cache) -> Unit:
    """Return a file's functions, from the cache where they are there."""
    if len(text) > LARGEST:
        return Unit(functions=(), others=(), notes={}, unread=((1, 1),), lines=text.count(b"\n"))
    key = hashlib.sha256(text).hexdigest()
    plain = cache.get("unit", key)
    if plain is not None:
        return Unit.unpacked(plain)
    made = unit(text)
    cache.put("unit", key, made.packed())
    return made


def told(
    path: str,
    function: FunctionIR,
    candidate: Candidate,
    text: bytes,
    program: Program,
    *,
    siblings: Sequence[Candidate] | None = None,
) -> Finding | None:
    """Return a candidate as a finding; None when a comment in the source silences it.

    Args:
        path: the file.
        function: the function.
        candidate: what is wrong in it.
        text: the file's content.
        program: the functions around it.
        siblings: all that is wrong in the function; None where nothing is to be suggested.
    """
    quoted = SourceText(text)
    callees = program.callees(path)
    one = finding(path, function, candidate, quoted, callees)
    notes = program.files[path].unit.notes
    for line in (one.acquired_line, one.line):
        for near in (line, line - 1) if line is not None else ():
            if notes.get(near, "").startswith(SILENCED):
                return None
    if siblings is None:
        return one
    return with_suggestion(one, function, candidate, siblings, quoted, callees)


def without_repeats(found: Sequence[Finding]) -> list[Finding]:
    """Return findings by place, without those that say the same of one place in other words."""
    kept: dict[tuple[object, ...], Finding] = {}
    for one in sorted(
        found, key=lambda one: (one.path, -one.confidence.rank, one.kind not in _LOST[:1], one.line)
    ):
        lost = one.kind in _LOST and one.acquired_line is not None
        place = kept.setdefault((one.path, one.kind, one.line, one.resource), one)
        if place is not one or not lost:
            continue
        # One acquisition that is lost in two ways is one mistake.
        first = kept.setdefault((one.path, one.acquired_line, one.pair, one.resource), one)
        if first is not one:
            del kept[one.path, one.kind, one.line, one.resource]
    return sorted(dict.fromkeys(kept.values()), key=lambda one: (one.path, one.line, one.kind))


_LOST = (FindingKind.LEAK, FindingKind.OVERWRITTEN)


def unjudged(program: Program, texts: Mapping[str, bytes]) -> list[Unjudged]:
    """Return what could not be read, or not be followed to its end."""
    found = [
        Unjudged(path=path, line=function.line, function=function.name, what=why)
        for path, function, why in program.unjudged()
    ]
    for path, file in program.files.items():
        if len(texts[path]) > LARGEST:
            found.append(Unjudged(path=path, line=0, function="", what="too large to be read"))
            continue
        found += [
            Unjudged(path=path, line=first, function="", what="could not be parsed")
            for first, _ in file.unit.unread
        ]
    return found
