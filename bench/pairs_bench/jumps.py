"""Gotos to a label behind which something is released that is held at the goto.

What is held is judged by text, carefully: what may not be held there is no resource that a return
loses, and a mutant that is no bug would be counted against every tool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bench.pairs_bench.reading import Function, Place, Source, Statement
from bench.pairs_bench.sites import Released, Sites, normal, root

from anyclue.review.pairs.contracts.model import Contracts

_GOTO = re.compile(r"\bgoto\s+(\w+)\s*;")
_RETURN = re.compile(r"\breturn\b([^;]*);")
_SIMPLE = re.compile(r"-?\w+(?:(?:->|\.)\w+)*|ERR_PTR\(\s*-?\w+\s*\)|\w+ \? \w+ : \w+")
_LABEL = re.compile(r"^[ \t]*(?:case\b[^:;{}]*|default|\w+)[ \t]*:(?!:)", re.MULTILINE)
_OPAQUE = re.compile(r"\b(?:un)?likely\b|\bIS_ERR(?:_OR_NULL)?\b|\bPTR_ERR(?:_OR_ZERO)?\b")


@dataclass(frozen=True, kw_only=True)
class Jump:
    """A goto, and the return that may take its place."""

    start: int
    end: int
    text: str
    pairs: tuple[str, ...]
    resource: str
    local: bool


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """Where a resource comes from: the end of the call or assignment, and how that may fail."""

    end: int
    result: str
    fails: bool
    local: bool


def jumps(source: Source, function: Function, found: Sites, contracts: Contracts) -> Iterator[Jump]:
    """Give the gotos of a function that lose something when they return instead."""
    value = _value(source, function)
    if value is None or not found.released:
        return
    for match in _GOTO.finditer(source.code, function.body, function.end):
        goto = source.statement(match.start(), match.end() - 1)
        label = re.compile(rf"^[ \t]*{match[1]}\s*:", re.MULTILINE).search(
            source.code, match.end(), function.end
        )
        if goto is None or label is None:
            continue
        lost = [
            (site, origin)
            for site in _behind(source, function, found, label.end())
            if root(site.resource) not in re.findall(r"\w+", value)
            and (origin := _held(source, function, found, site, goto))
            and not _consumed(source, contracts, site, origin.end, goto.start)
        ]
        lost.sort(key=lambda pair: not pair[1].local)
        if lost:
            yield Jump(
                start=goto.start,
                end=goto.end,
                text=f"return {value};" if value else "return;",
                pairs=tuple(dict.fromkeys(name for site, _ in lost for name in site.pairs)),
                resource=lost[0][0].resource,
                local=lost[0][1].local,
            )


def _value(source: Source, function: Function) -> str | None:
    """Return what the function's last return gives, empty for none; None when it is unclear."""
    returns = [
        match
        for match in _RETURN.finditer(source.code, function.body, function.end)
        if source.blocks(function, match.start()) == (function.body,)
    ]
    head = source.code[function.start : function.body]
    if re.search(rf"\bvoid\s+{function.name}\b", head):
        return ""
    value = " ".join(returns[-1][1].split()) if returns else ""
    return value if _SIMPLE.fullmatch(value) else None


def _behind(source: Source, function: Function, found: Sites, label: int) -> Iterator[Released]:
    """Give the releases that every jump to a label comes to, or all but those with nothing."""
    end = function.end
    for match in _RETURN.finditer(source.code, label, function.end):
        if source.blocks(function, match.start()) == source.blocks(function, label):
            end = match.start()
            break
    for site in found.released:
        if not label <= site.call.start < end or site.statement is None:
            continue
        if source.blocks(function, site.call.start) != source.blocks(function, label):
            continue
        condition = source.code[site.call.start - 200 : site.call.start].rpartition("if")[2]
        guarded = site.statement.place is Place.BODY
        if not guarded or re.search(rf"\b{root(site.resource)}\b", condition):
            yield site


def _held(
    source: Source, function: Function, found: Sites, site: Released, goto: Statement
) -> _Origin | None:
    origin = _origin(source, function, found, site, goto.start)
    if origin is None or not _leads_to(source, function, origin.end, goto.start):
        return None
    around = source.blocks(function, goto.start)
    for other in found.released:
        if other.resource != site.resource or not origin.end <= other.call.start < goto.start:
            continue
        blocks = source.blocks(function, other.call.start)
        plain = other.statement is None or other.statement.place is not Place.BODY
        if plain and around[: len(blocks)] == blocks:
            return None
    if origin.fails and _failed(source, function, root(site.resource), origin, goto):
        return None
    return origin


def _origin(
    source: Source, function: Function, found: Sites, site: Released, goto: int
) -> _Origin | None:
    """Return where a resource comes from, by the last acquire or assignment before a goto."""
    own = [a for a in found.acquired if a.resource == site.resource and a.pair in site.pairs]
    before = [a for a in own if a.call.start < goto]
    if before:
        call = before[-1].call
        result = _result(source, function, call.start)
        fails = before[-1].fails
        return _Origin(end=call.end, result=result, fails=fails, local=True)
    return None if own else _handed(source, function, site, goto)


def _handed(source: Source, function: Function, site: Released, goto: int) -> _Origin | None:
    whole = _Origin(end=function.body + 1, result="", fails=False, local=False)
    if site.resource.startswith("@"):
        return whole
    for text in dict.fromkeys((site.resource, root(site.resource))):
        spelled = re.escape(text).replace(r"\.", r"\s*(?:->|\.)\s*")
        assigned = re.compile(rf"(?<![\w.>]){spelled}\s*=(?!=)([^;]*);|&\s*{spelled}\s*[,)]")
        places = list(assigned.finditer(source.code, function.body, function.end))
        if places:
            last = [place for place in places if place.end() < goto][-1:]
            if not last or re.fullmatch(r"\s*NULL\s*", last[0][1] or ""):
                return None
            return _Origin(end=last[0].end() - 1, result=text, fails=True, local=False)
    given = re.search(rf"\b{root(site.resource)}\b", source.code[function.start : function.body])
    return whole if given else None


def _result(source: Source, function: Function, call: int) -> str:
    """Return the variable that a call's result is put into; empty when there is none."""
    before = source.code[max(function.body, call - 200) : call]
    match = re.search(r"([\w.>\[\]-]+)\s*=\s*(?:\([\w\s*]+\)\s*)?\Z", before)
    return match[1] if match else ""


def _leads_to(source: Source, function: Function, start: int, goto: int) -> bool:
    """Whether code at ``start`` surely comes before that at ``goto``, on the way to it."""
    around, blocks = source.blocks(function, goto), source.blocks(function, start)
    if around[: len(blocks)] != blocks:
        return False
    if start > function.body + 1 and _LABEL.search(source.code, start, goto):
        return False
    begin = max(source.code.rfind(character, 0, start) for character in ";{}")
    head = source.code[begin + 1 : start]
    sole_body = re.match(r"\s*(?:if|else|for|while)\b", head)
    # An acquire in a condition is followed by what that condition guards.
    return not (sole_body and head.count("(") == head.count(")") and start > function.body + 1)


def _failed(
    source: Source, function: Function, name: str, origin: _Origin, goto: Statement
) -> bool:
    """Whether a goto may stand where acquiring failed."""
    between = source.code[origin.end : goto.start]
    if between.count(";") < 2:
        return True
    inside = len(source.blocks(function, origin.end))
    heads = [*source.blocks(function, goto.start)[inside:]]
    if goto.place is Place.BODY:
        heads.append(goto.start)
    for head in heads:
        begin = max(source.code.rfind(";", 0, head), source.code.rfind("{", 0, head))
        condition = source.code[max(begin, origin.end) : head]
        if "(" not in condition or _tests(condition, {name, origin.result} - {""}):
            return True
        for word in set(re.findall(r"\b[a-z]\w*\b", condition)):
            given = re.findall(rf"\b{word}\s*=(?!=)([^;]*);", source.code[origin.end : head])
            if given and re.search(rf"ERR\w*\(\s*{re.escape(name)}\b", given[-1]):
                return True
            if word == origin.result and not given:
                return _tests(condition, {word})
    return False


def _tests(condition: str, names: set[str]) -> bool:
    """Whether a condition looks at the value of one of the names itself."""
    bare = _OPAQUE.sub("", condition)
    bare = re.sub(r"\b(?:if|while|for|switch)\b", ";", bare)
    while (shorter := re.sub(r"\b\w+\s*\([^()]*\)", "0", bare)) != bare:
        bare = shorter
    return any(
        re.search(rf"(?<![\w.>]){re.escape(name)}\b(?!\s*(?:->|\.|\[))", bare) for name in names
    )


def _consumed(source: Source, contracts: Contracts, site: Released, start: int, end: int) -> bool:
    """Whether a call between two offsets takes over the duty to release."""
    return any(
        normal(argument) == site.resource
        for call in source.calls(start, end)
        if call.name in contracts.consumes_by_call
        for argument in call.arguments
    )
