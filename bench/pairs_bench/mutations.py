"""Mutations of one function: a release taken away, jumped over, doubled, or out of order."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bench.pairs_bench.jumps import jumps
from bench.pairs_bench.reading import Call, Function, Place, Source, Statement
from bench.pairs_bench.sites import Released, Sites, root, sites

from anyclue.review.pairs.contracts.model import Contracts

# Releases that may be called twice: the second call finds that nothing is held.
IDEMPOTENT = frozenset(
    (
        *("blk_finish_plug", "btrfs_exclop_finish", "btrfs_release_path", "f2fs_put_dnode"),
        *("ext4_fname_free_filename", "f2fs_free_filename", "fscrypt_fname_free_buffer"),
        *("local_irq_enable", "local_irq_restore", "raw_local_irq_restore"),
        *("memalloc_nofs_restore", "memalloc_noio_restore", "memalloc_noreclaim_restore"),
    )
)
_BRANCHES = r"\b(?:goto|return|break|continue|if|else|for|while|do|switch|case)\b"


class Kind(StrEnum):
    """What was done to the function."""

    EVERYWHERE = "release-deleted-everywhere"
    ONCE = "release-deleted-once"
    GOTO = "goto-to-return"
    DOUBLED = "release-doubled"
    LIFO = "lifo-swapped"


class Origin(StrEnum):
    """Whether the function itself acquired what its release takes, as far as its text says."""

    LOCAL = "local"
    HANDED = "handed"


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A piece of the file's text, and what takes its place."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """A function made wrong; ``pairs`` are those of which a finding counts, likeliest first.

    ``line`` is where the mutation begins, in the untouched file.
    """

    source: Source
    function: Function
    kind: Kind
    pairs: tuple[str, ...]
    resource: str
    origin: Origin
    edits: tuple[Edit, ...]

    @property
    def line(self) -> int:
        """The first line that differs, in the untouched file."""
        return self.source.line(self.edits[0].start)

    @property
    def text(self) -> str:
        """The whole file with the mutation in it."""
        return apply(self.source.text, self.edits)

    @property
    def before(self) -> str:
        """The function's text, untouched."""
        return self.source.text[self.function.start : self.function.end]

    @property
    def after(self) -> str:
        """The function's text with the mutation in it."""
        grown = sum(len(edit.text) - (edit.end - edit.start) for edit in self.edits)
        return self.text[self.function.start : self.function.end + grown]


def apply(text: str, edits: tuple[Edit, ...]) -> str:
    """Return ``text`` with edits that do not overlap."""
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def mutations(source: Source, function: Function, contracts: Contracts) -> Iterator[Mutation]:
    """Give every mutation of a function, in a fixed order."""
    found = sites(source, function, contracts)
    lifo = {pair.name for pair in contracts.pairs if pair.order == "lifo"}
    yield from _deletions(source, function, found)
    for jump in jumps(source, function, found, contracts):
        yield Mutation(
            source=source,
            function=function,
            kind=Kind.GOTO,
            pairs=jump.pairs,
            resource=jump.resource,
            origin=Origin.LOCAL if jump.local else Origin.HANDED,
            edits=(Edit(start=jump.start, end=jump.end, text=jump.text),),
        )
    for site in found.released:
        if site.statement and site.call.name not in IDEMPOTENT:
            for edit in _doublings(source, function, site, site.statement):
                yield _of(source, function, Kind.DOUBLED, site, (edit,))
    yield from _swaps(source, function, found, lifo)


def _of(
    source: Source,
    function: Function,
    kind: Kind,
    site: Released,
    edits: tuple[Edit, ...],
) -> Mutation:
    return Mutation(
        source=source,
        function=function,
        kind=kind,
        pairs=site.pairs,
        resource=site.resource,
        origin=Origin.LOCAL if site.local else Origin.HANDED,
        edits=edits,
    )


def _deletions(source: Source, function: Function, found: Sites) -> Iterator[Mutation]:
    groups: dict[tuple[int, ...], list[Released]] = {}
    for resource, pair in dict.fromkeys((s.resource, p) for s in found.released for p in s.pairs):
        group = [s for s in found.released if s.resource == resource and pair in s.pairs]
        groups.setdefault(tuple(site.call.start for site in group), group)
    for group in groups.values():
        statements = [site.statement for site in group if site.statement]
        first = next((site for site in group if site.local), group[0])
        if len(statements) == len(group):
            edits = tuple(removal(source, statement) for statement in statements)
            yield _of(source, function, Kind.EVERYWHERE, first, edits)
    repeated = {site.call.start: site for group in groups.values() if group[1:] for site in group}
    for site in repeated.values():
        if site.statement:
            edits = (removal(source, site.statement),)
            yield _of(source, function, Kind.ONCE, site, edits)


def removal(source: Source, statement: Statement) -> Edit:
    """Return the edit that takes a statement away and leaves what still parses."""
    start, end = statement.start, statement.end
    rest = source.code[end : end + 400].lstrip()
    labelled_last = statement.place is Place.LABELLED and rest.startswith("}")
    if statement.place is Place.BODY or labelled_last:
        return Edit(start=start, end=end, text=";")
    first, behind = source.line_start(start), source.line_end(end)
    if source.text[first:start].strip() or source.text[end:behind].strip():
        return Edit(start=start, end=end, text="")
    return Edit(start=first, end=behind, text="")


def _doublings(
    source: Source, function: Function, site: Released, statement: Statement
) -> Iterator[Edit]:
    """Repeat a release right behind itself, before the next return, or where a goto leads."""
    text = source.text[statement.start : statement.end]
    indent = _indent(source, statement.start)
    if statement.place is Place.BODY:
        outer = indent[:-1]
        body = f"{{\n{indent}{text}\n{indent}{text}\n{outer}}}"
        yield Edit(start=statement.start, end=statement.end, text=body)
        return
    yield Edit(start=statement.end, end=statement.end, text=f"\n{indent}{text}")
    name = root(site.resource)
    behind = source.code[statement.end : function.end]
    straight = re.match(r"[^{}:]*?(?=\breturn\b)", behind)
    if straight and _untouched(straight[0], name) and straight[0].strip().endswith(";"):
        start = statement.end + straight.end()
        yield Edit(start=start, end=start, text=f"{text}\n{_indent(source, start)}")
    jump = re.match(r"\s*goto\s+(\w+)\s*;", behind)
    if jump and _seen_everywhere(source, function, name):
        label = re.compile(rf"^\s*{jump[1]}\s*:", re.MULTILINE)
        if found := label.search(source.code, statement.end, function.end):
            yield Edit(start=found.end(), end=found.end(), text=f"\n\t{text}")


def _untouched(between: str, name: str) -> bool:
    """Whether straight code neither leaves its path nor gives the variable a new value."""
    if re.search(_BRANCHES, between):
        return False
    return not (name and re.search(rf"\b{name}\b[\w.>\[\]-]*\s*=[^=]|&\s*{name}\b", between))


def _seen_everywhere(source: Source, function: Function, name: str) -> bool:
    """Whether a variable is a parameter, a global, or declared in the outermost block."""
    if not name or re.search(rf"\b{name}\b", source.code[function.start : function.body]):
        return True
    declared = re.compile(rf"^\s+(?:[\w]+[ \t]+)+[^;=(]*\b{name}\b[^;(]*[;=]", re.MULTILINE)
    found = declared.search(source.code, function.body, function.end)
    return found is None or source.blocks(function, found.end() - 1) == (function.body,)


def _indent(source: Source, offset: int) -> str:
    line = source.text[source.line_start(offset) : offset]
    return line[: len(line) - len(line.lstrip())] or "\t"


def _swaps(source: Source, function: Function, found: Sites, lifo: set[str]) -> Iterator[Mutation]:
    """Exchange two releases, or two acquires, of what must be released in reverse order."""
    stacked = [site for site in found.released if lifo & set(site.pairs)]
    for first, second in itertools.pairwise(stacked):
        one, two = first.statement, second.statement
        if one and two and first.resource != second.resource and two.place is Place.PLAIN:
            between = source.code[one.end : two.start]
            names = f"{root(first.resource)}|{root(second.resource)}"
            if _straight(between) and not re.search(rf"\b(?:{names})\b", between):
                yield _of(source, function, Kind.LIFO, first, _exchange(source, one, two))
    resources = {site.resource: site for site in stacked}
    opened = [a for a in found.acquired if a.pair in lifo and a.resource in resources]
    for before, behind in itertools.pairwise(opened):
        lines = [_own_line(source, site.call) for site in (before, behind)]
        if before.resource == behind.resource or None in lines:
            continue
        one, two = (line for line in lines if line)
        if not source.code[one.end : two.start].strip():
            site = resources[before.resource]
            yield _of(source, function, Kind.LIFO, site, _exchange(source, one, two))


def _exchange(source: Source, one: Statement, two: Statement) -> tuple[Edit, ...]:
    texts = (source.text[statement.start : statement.end] for statement in (two, one))
    return tuple(
        Edit(start=statement.start, end=statement.end, text=text)
        for statement, text in zip((one, two), texts, strict=True)
    )


def _straight(code: str) -> bool:
    """Whether code has one way through it."""
    return not re.search(rf"[{{}}:?]|{_BRANCHES}", code)


def _own_line(source: Source, call: Call) -> Statement | None:
    """Return the assignment that has a call for its right side, when it has a line of its own."""
    begin, end = source.line_start(call.start), source.line_end(call.end)
    match = re.fullmatch(r"(\s*)[\w.>\[\]-]+ = \w+\(.*\);\s*", source.code[begin:end], re.DOTALL)
    if match is None:
        return None
    start = begin + len(match[1])
    return Statement(start=start, end=source.code.index(";", call.end) + 1, place=Place.PLAIN)
