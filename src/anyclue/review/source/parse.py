"""Parse a C file: the tree, and the functions in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

import tree_sitter_c
from tree_sitter import Language, Node, Parser, Range

from anyclue.review.source.model import Choice, Function, Source, Span
from anyclue.review.source.prepass import Prepared, prepare

_LANGUAGE: Final = Language(tree_sitter_c.language())
_NESTED: Final = frozenset(("linkage_specification", "declaration_list", "ERROR"))


def read(source: bytes, choice: Choice = Choice.ON) -> Source:
    """Read a C file as it lies there, unpreprocessed; never raises, whatever the bytes are."""
    prepared = prepare(source, choice)
    parser = Parser(_LANGUAGE)
    tree = parser.parse(prepared.text)
    starts = _line_starts(source)
    functions = _functions(prepared, parser, tree.root_node, starts)
    return Source(
        original=source,
        text=prepared.text,
        tree=tree,
        functions=functions,
        lines=len(starts) - source.endswith(b"\n") if source else 0,
        macros=prepared.macros,
        cleanups=prepared.cleanups,
        notes=prepared.notes,
        choices=tuple(
            (bisect_right(starts, start), bisect_right(starts, max(start, end - 1)))
            for start, end in prepared.choices
        ),
        unread=_unread(tree.root_node, functions),
    )


def _functions(
    prepared: Prepared, parser: Parser, root: Node, starts: list[int]
) -> tuple[Function, ...]:
    """Return the functions of the tree; those that it misses or breaks are parsed alone."""
    nodes = {}
    for node in _definitions(root):
        body = node.child_by_field_name("body")
        if body is not None:
            nodes[body.start_byte] = node
    for header, (start, end) in prepared.functions:
        known = nodes.get(start)
        if known is not None and not known.has_error and known.end_byte == end:
            continue
        alone = _alone(prepared.text, parser, header, end, starts)
        if alone is not None and (known is None or not alone.has_error or known.end_byte != end):
            nodes[start] = alone
    found = [_function(node) for _, node in sorted(nodes.items())]
    return tuple(
        function
        for at, function in enumerate(found)
        if at == 0 or function.start_byte >= found[at - 1].end_byte
    )


def _definitions(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        for child in waiting.pop().children:
            if child.type == "function_definition":
                yield child
            elif child.type in _NESTED:
                waiting.append(child)


def _alone(text: bytes, parser: Parser, start: int, end: int, starts: list[int]) -> Node | None:
    """Parse a function's range for itself."""
    points = []
    for at in (start, end):
        row = bisect_right(starts, at) - 1
        points.append((row, at - starts[row]))
    parser.included_ranges = [Range(points[0], points[1], start, end)]
    root = parser.parse(text).root_node
    del parser.included_ranges
    return next((node for node in _definitions(root)), None)


def _function(node: Node) -> Function:
    return Function(
        name=_name(node),
        node=node,
        start_byte=node.start_byte,
        end_byte=node.end_byte,
        first_line=node.start_point.row + 1,
        last_line=node.end_point.row + 1,
        broken=node.has_error,
        static=any(
            child.type == "storage_class_specifier" and child.text == b"static"
            for child in node.children
        ),
    )


def _name(node: Node) -> str:
    """Return the declared name, under whatever pointers and parentheses."""
    declarator: Node | None = node.child_by_field_name("declarator")
    while declarator is not None and declarator.type != "identifier":
        inner = declarator.child_by_field_name("declarator")
        if inner is None:
            inner = next(iter(declarator.named_children), None)
        declarator = inner
    text = declarator.text if declarator is not None else None
    return (text or b"").decode("utf-8", "replace")


def _line_starts(source: bytes) -> list[int]:
    starts = [0]
    at = source.find(b"\n")
    while at >= 0:
        starts.append(at + 1)
        at = source.find(b"\n", at + 1)
    return starts


def _unread(root: Node, functions: tuple[Function, ...]) -> tuple[Span, ...]:
    """Return the lines of what failed to parse outside functions and looks like code."""
    covered = [(function.start_byte, function.end_byte) for function in functions]
    spans = []
    for node in root.children:
        if node.type != "ERROR" or node.child_count == 0:
            continue
        at = bisect_right(covered, (node.start_byte, node.end_byte)) - 1
        if at >= 0 and covered[at][1] >= node.end_byte:
            continue
        if b"{" in (node.text or b""):
            spans.append((node.start_point.row + 1, node.end_point.row + 1))
    return tuple(spans)
