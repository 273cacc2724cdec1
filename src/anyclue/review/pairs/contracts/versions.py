"""Contracts by kernel version: what counts in a tree that tells its version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, TypeVar

from anyclue.review.pairs.contracts.model import (
    Acquire,
    Consume,
    Contracts,
    Downgrade,
    KernelVersion,
    Pair,
    Release,
)

_NUMBER: Final = re.compile(
    rb"^(?P<key>VERSION|PATCHLEVEL|SUBLEVEL)[ \t]*=[ \t]*(?P<number>\d{1,6})[ \t]*$", re.MULTILINE
)
Entry = Acquire | Release | Consume | Downgrade
_Entry = TypeVar("_Entry", Acquire, Release, Consume, Downgrade)


def version_of(makefile: bytes) -> KernelVersion | None:
    """Return the version that the kernel's top Makefile tells; None when it is another file's."""
    numbers = {found["key"]: int(found["number"]) for found in _NUMBER.finditer(makefile)}
    if b"VERSION" not in numbers or b"PATCHLEVEL" not in numbers:
        return None
    return numbers[b"VERSION"], numbers[b"PATCHLEVEL"]


def _is_within(since: str | None, until: str | None, version: KernelVersion | None) -> bool:
    if version is None:
        return True
    return (since is None or _parsed(since) <= version) and (
        until is None or version <= _parsed(until)
    )


def _counts(one: Pair | Entry, version: KernelVersion) -> bool:
    """Tell whether something counts in a version: names that came with a backport do."""
    return not one.exact or _is_within(one.since, one.until, version)


def _parsed(text: str) -> KernelVersion:
    first, second = text.split(".")[:2]
    return int(first), int(second)


def entries(
    contracts: Contracts, version: KernelVersion | None
) -> Iterator[tuple[Pair, Entry, bool]]:
    """Yield every entry with its pair, and whether a tree of this version should have it."""
    for pair in contracts.pairs:
        whole = _is_within(pair.since, pair.until, version)
        listed: tuple[Entry, ...] = (
            *pair.acquire,
            *pair.release,
            *pair.consume,
            *pair.downgrade,
        )
        for entry in listed:
            yield pair, entry, whole and _is_within(entry.since, entry.until, version)


def for_version(contracts: Contracts, version: KernelVersion | None) -> Contracts:
    """Return what of the contracts counts in a tree of this version; all where it tells none."""
    if version is None:
        return contracts
    pairs = tuple(
        replace(
            pair,
            acquire=_of(pair.acquire, version),
            release=_of(pair.release, version),
            consume=_of(pair.consume, version),
            downgrade=_of(pair.downgrade, version),
        )
        for pair in contracts.pairs
        if _counts(pair, version)
    )
    names = {pair.name for pair in pairs}
    return replace(
        contracts,
        pairs=pairs,
        guards=tuple(one for one in contracts.guards if one.pair in names),
        frees=tuple(one for one in contracts.frees if one.pair in names),
    )


def _of(entries: tuple[_Entry, ...], version: KernelVersion) -> tuple[_Entry, ...]:
    return tuple(one for one in entries if _counts(one, version))
