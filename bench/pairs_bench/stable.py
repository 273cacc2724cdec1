"""What Debian changed between two point releases of the same kernel: fixes, nearly all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.pairs_bench.reading import ENCODING, Source

from anyclue.review.pairs.contracts.model import Contracts

PARTS = ("fs", "mm")


@dataclass(frozen=True, kw_only=True)
class Update:
    """A file that changed.

    ``fixes`` are the functions that release more than before and acquire no more: their old
    version may well leak.
    """

    path: str
    old: bytes
    new: bytes
    fixes: tuple[str, ...]


def updates(old: Path, new: Path, contracts: Contracts) -> tuple[Update, ...]:
    """Return the C files below ``fs`` and ``mm`` that are in both trees and differ."""
    return tuple(_updates(old, new, contracts))


def _updates(old: Path, new: Path, contracts: Contracts) -> Iterator[Update]:
    for part in PARTS:
        for file in sorted((new / part).rglob("*.[ch]")):
            path = file.relative_to(new)
            before = old / path
            if not before.is_file() or before.read_bytes() == file.read_bytes():
                continue
            yield Update(
                path=str(path),
                old=before.read_bytes(),
                new=file.read_bytes(),
                fixes=_fixes(
                    _counts(str(path), before.read_bytes(), contracts),
                    _counts(str(path), file.read_bytes(), contracts),
                ),
            )


def _counts(path: str, content: bytes, contracts: Contracts) -> dict[str, tuple[int, int]]:
    """Return how many acquires and releases each function calls."""
    source = Source(path, content.decode(ENCODING))
    found = {}
    for function in source.functions:
        calls = Counter(call.name for call in source.calls(function.body, function.end))
        acquires = sum(calls[name] for name in contracts.acquires_by_call)
        releases = sum(calls[name] for name in contracts.releases_by_call)
        found[function.name] = (acquires, releases)
    return found


def _fixes(old: dict[str, tuple[int, int]], new: dict[str, tuple[int, int]]) -> tuple[str, ...]:
    return tuple(
        name
        for name, (acquires, releases) in new.items()
        if name in old and releases > old[name][1] and acquires <= old[name][0]
    )
