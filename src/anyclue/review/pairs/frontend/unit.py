"""One C file, as far as pairing needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tree_sitter import Node

from anyclue.review.pairs.frontend.lower import FileContext, lower
from anyclue.review.pairs.ir.function import FunctionIR
from anyclue.review.source.model import Choice, CSource
from anyclue.review.source.parse import read, whole_tree

UNREADABLE = "part of it could not be parsed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A file's functions.

    Attributes:
        functions: all, in order; with ``#if`` arms taken as if every symbol was set.
        others: those that read otherwise when none is.
        notes: comments for anyclue, by line.
        unread: first and last lines, outside functions, that could not be parsed.
        lines: number of lines.
    """

    functions: tuple[FunctionIR, ...]
    others: tuple[FunctionIR, ...]
    notes: Mapping[int, str]
    unread: tuple[tuple[int, int], ...]
    lines: int

    def pack(self) -> tuple[Any, ...]:
        """Return the same as plain values, for ``marshal``."""
        return (
            tuple(one.pack() for one in self.functions),
            tuple(one.pack() for one in self.others),
            tuple(sorted(self.notes.items())),
            self.unread,
            self.lines,
        )

    @staticmethod
    def unpack(plain: tuple[Any, ...]) -> Unit:
        """Return the unit that `pack` made plain."""
        functions, others, notes, unread, lines = plain
        return Unit(
            functions=tuple(FunctionIR.unpack(one) for one in functions),
            others=tuple(FunctionIR.unpack(one) for one in others),
            notes=dict(notes),
            unread=unread,
            lines=lines,
        )


def unit(text: bytes) -> Unit:
    """Return a file's functions as graphs; never raises, whatever the bytes are."""
    source = read(text)
    functions = _lowered(source)
    others: tuple[FunctionIR, ...] = ()
    if source.choices:
        same = {(one.begin, one.end): one for one in functions}
        others = tuple(
            one
            for one in _lowered(read(text, Choice.OFF), within=source.choices)
            if same.get((one.begin, one.end)) != one
        )
    return Unit(
        functions=functions,
        others=others,
        notes=source.notes,
        unread=source.unread or _all_unread(source),
        lines=source.lines,
    )


def _all_unread(source: CSource) -> tuple[tuple[int, int], ...]:
    """Return all lines of a file with braces in which the parser found nothing that it knows."""
    if source.functions or b"{" not in source.text:
        return ()
    tree = whole_tree(source)
    known = tree is not None and tree.root_node.child_count > 0 and not tree.root_node.has_error
    return () if known else ((1, max(source.lines, 1)),)


def _lowered(
    source: CSource, within: tuple[tuple[int, int], ...] | None = None
) -> tuple[FunctionIR, ...]:
    context = FileContext(
        text=source.text,
        macros=source.macros,
        cleanups=tuple(one for one in source.cleanups if one.kind in ("free", "cleanup")),
    )
    found = []
    for one in source.functions:
        if within is not None and not any(
            first <= one.last_line and last >= one.first_line for first, last in within
        ):
            continue
        found.append(
            lower(
                one.node,
                context,
                name=one.name,
                static=one.static,
                annotated=_annotated(source, one.node),
                trouble=UNREADABLE if one.broken else "",
            )
        )
    return tuple(found)


def _annotated(source: CSource, node: Node) -> bool:
    body = node.child_by_field_name("body")
    # A declaration in front may carry the annotation; the pre-pass blanks it in the text.
    head = source.original[node.start_byte : body.start_byte if body is not None else node.end_byte]
    return b"__acquires" in head or b"__releases" in head or b"__must_hold" in head
