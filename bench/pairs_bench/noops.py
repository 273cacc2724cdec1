"""Changes that change nothing: each must give no finding. A seeded sample of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.pairs_bench import layout, spelling
from bench.pairs_bench.reading import Function, Source
from bench.pairs_bench.sampling import errors
from bench.pairs_bench.sites import sites

from anyclue.review.pairs.contracts.model import Contracts

Change = Callable[[Source, Function, random.Random], str | None]
CHANGES: Mapping[str, Change] = {
    "reindented": layout.reindented,
    "lines-joined": layout.joined,
    "lines-split": layout.split_lines,
    "commented": layout.commented,
    "braces-added": layout.braced,
    "function-moved-to-end": layout.moved_to_end,
    "functions-exchanged": layout.exchanged,
    "declarations-exchanged": layout.declarations,
    "local-renamed": spelling.local_renamed,
    "function-renamed": spelling.function_renamed,
    "labels-renamed": spelling.labels_renamed,
    "null-spelled": spelling.null_spelled,
    "branches-exchanged": spelling.branches_exchanged,
}


@dataclass(frozen=True, kw_only=True)
class Noop:
    """A file before and after a change that changes nothing."""

    tree: str
    kind: str
    path: str
    function: str
    old: str
    new: str


def noops(
    root: Path, trees: Sequence[str], contracts: Contracts, wanted: int, seed: int
) -> tuple[Noop, ...]:
    """Return ``wanted`` such changes (or fewer), all of functions that a contract is about."""
    found: list[Noop] = []
    known = {*contracts.acquires_by_call, *contracts.releases_by_call, *contracts.consumes_by_call}
    for number, tree in enumerate(trees):
        generator = random.Random(f"{seed}/{tree}/noops")  # noqa: S311 - a sample, no secret
        pool = [
            (source, function)
            for file in sorted((root / tree).rglob("*.c"))
            for source in [Source.read(root, str(file.relative_to(root)))]
            for function in source.functions
            if function.name not in known
        ]
        rest = wanted * (number + 1) // len(trees) - wanted * number // len(trees)
        for done, kind in enumerate(CHANGES):
            generator.shuffle(pool)
            drawn = _draw(tree, kind, pool, contracts, rest // (len(CHANGES) - done), generator)
            rest -= len(drawn)
            found += drawn
    return tuple(found)


def _draw(
    tree: str,
    kind: str,
    pool: Sequence[tuple[Source, Function]],
    contracts: Contracts,
    wanted: int,
    generator: random.Random,
) -> list[Noop]:
    drawn: list[Noop] = []
    for source, function in pool:
        if len(drawn) == wanted:
            break
        if not _concerns(source, function, contracts):
            continue
        new = CHANGES[kind](source, function, generator)
        if new and new != source.text and errors(new) <= errors(source.text):
            noop = Noop(
                tree=tree,
                kind=kind,
                path=source.path,
                function=function.name,
                old=source.text,
                new=new,
            )
            drawn.append(noop)
    return drawn


def _concerns(source: Source, function: Function, contracts: Contracts) -> bool:
    found = sites(source, function, contracts)
    return bool(found.acquired or found.released)
