"""Where a function acquires and releases what the contracts know, by name and text alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bench.pairs_bench.reading import Call, Function, Source, Statement

from anyclue.review.pairs.contracts.model import (
    Acquire,
    Contracts,
    FailureConvention,
    Pair,
    Release,
    Template,
)

# What is assigned, directly before a call (a cast in between).
_ASSIGNED = re.compile(r"([\w.>\[\]*&\s-]*?[\w\]])\s*=\s*(?:\(\s*(?:struct\s+)?\w+[\s*]*\)\s*)?\Z")
_CAST = re.compile(r"\(\s*(?:const\s+)?(?:struct\s+)?\w+\s*\**\s*\)(?=[\w(&*])")


@dataclass(frozen=True, kw_only=True)
class Acquired:
    """A resource acquired by a call; ``resource`` is its text, normalised."""

    pair: str
    resource: str
    call: Call
    fails: bool


@dataclass(frozen=True, kw_only=True)
class Released:
    """A release call; ``pairs`` are those it may belong to, the pairs acquired here first.

    ``statement`` is None when the call is part of an expression.
    """

    pairs: tuple[str, ...]
    resource: str
    call: Call
    statement: Statement | None
    local: bool


@dataclass(frozen=True, kw_only=True)
class Sites:
    """All acquires and releases of one function, in order of their place."""

    acquired: tuple[Acquired, ...]
    released: tuple[Released, ...]


def sites(source: Source, function: Function, contracts: Contracts) -> Sites:
    """Return what a function acquires and releases."""
    calls = [
        call
        for call in source.calls(function.body, function.end)
        if call.name in contracts.acquires_by_call or call.name in contracts.releases_by_call
    ]
    acquired = tuple(
        found
        for call in calls
        for pair, entry in contracts.acquires_by_call.get(call.name, ())
        for found in _acquired(source, function, call, pair, entry)
    )
    released = tuple(
        found
        for call in calls
        for found in _released(
            source, call, contracts.releases_by_call.get(call.name, ()), acquired
        )
    )
    return Sites(acquired=acquired, released=released)


def _acquired(
    source: Source, function: Function, call: Call, pair: Pair, entry: Acquire
) -> Iterator[Acquired]:
    returned = None
    if match := _ASSIGNED.search(source.code[max(function.body, call.start - 200) : call.start]):
        returned = re.split(r"[\s*]+", match[1].strip())[-1]
    resource = _resource(entry.holds, call, returned)
    if resource is not None:
        fails = entry.fails is not FailureConvention.NEVER
        yield Acquired(pair=pair.name, resource=resource, call=call, fails=fails)


def _released(
    source: Source,
    call: Call,
    entries: tuple[tuple[Pair, Release], ...],
    acquired: tuple[Acquired, ...],
) -> Iterator[Released]:
    """Give one release for each resource that the call may take, usually one."""
    pairs: dict[str, list[str]] = {}
    # Of pairs that share a release, the one with most acquires is the likeliest.
    for pair, entry in sorted(entries, key=lambda found: -len(found[0].acquire)):
        resource = _resource(entry.takes, call, None)
        if resource is not None:
            pairs.setdefault(resource, []).append(pair.name)
    for resource, names in pairs.items():
        own = {a.pair for a in acquired if a.resource == resource and a.call.start < call.start}
        yield Released(
            pairs=tuple(sorted(dict.fromkeys(names), key=lambda name: name not in own)),
            resource=resource,
            call=call,
            statement=source.statement(call.start, call.end),
            local=bool(own & set(names)),
        )


def _resource(template: Template, call: Call, returned: str | None) -> str | None:
    if template.base == "token":
        return template.text
    if template.base == "ret":
        text = returned
    else:
        text = call.arguments[template.base] if template.base < len(call.arguments) else None
    if not text:
        return None
    return normal(text) + template.suffix.replace("->", ".")


def normal(text: str) -> str:
    """Return an expression in a form in which ``&x->y`` of one call is ``x.y`` of another."""
    text = re.sub(r"\s+", "", _CAST.sub("", text))
    while text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    return text.lstrip("&*").replace("->", ".")


def root(resource: str) -> str:
    """Return the variable that a normalised resource begins with; empty when there is none."""
    match = re.match(r"[A-Za-z_]\w*", resource)
    return match[0] if match and not resource.startswith("@") else ""
