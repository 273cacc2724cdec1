"""Parse a C file: the tree, and the functions in it.

Parsing ends, whatever the text: the time and memory of tree-sitter's recovery from errors grow with
the square of some kinds of nonsense, so that a megabyte of it takes hours. Nothing here looks at a
clock: how far the parser comes with its operations tells enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import tree_sitter_c
from tree_sitter import Language, Node, Parser, Range, Tree

from anyclue.review.source.model import Choice, CSource, Function, Lines, Span
from anyclue.review.source.prepass import PreparedSource, prepare_source

_LANGUAGE: Final = Language(tree_sitter_c.language())
_CHUNK: Final = 1 << 16
# The parser asks every hundred operations whether to go on. In that many questions it reads 13 kB
# and more of kernel source, but less than 2 kB of what it recovers badly from. A function so short
# that it asks less often is read in any case.
_QUESTIONS: Final = 200
_READ_AT_LEAST: Final = 5000
# It reads on quickly where these do not balance, and takes memory.
_PAIRS: Final = ((b"(", b")"), (b"{", b"}"), (b"[", b"]"))
_BLOCK: Final = 1 << 12
_OPEN_AT_MOST: Final = 200


class BoundedParser:
    """A parser of parts of a text; positions are those in the whole."""

    def __init__(self, text: bytes, lines: Lines) -> None:
        self._text = text
        self._lines = lines
        self._parser = Parser(_LANGUAGE)

    def parse(self, span: Span) -> Tree | None:
        """Return the tree of a part, or None when it is given up."""
        start, end = span
        points = self._lines.point(start), self._lines.point(end)
        self._parser.included_ranges = [Range(*points, start, end)]
        try:
            return self._parse(*span)
        finally:
            del self._parser.included_ranges

    def _parse(self, start: int, end: int) -> Tree | None:
        if _is_unbalanced(self._text, start, end):
            return None
        view = memoryview(self._text)
        limit = _ProgressLimit(end=start + len(self._text[start:end].rstrip()))
        try:
            read = self._parser.parse(
                lambda at, _point: view[at : at + _CHUNK], progress_callback=limit.is_exceeded
            )
        except ValueError:
            self._parser.reset()
            return None
        # The same again, found in the tree at once: nodes of this one know their text.
        return self._parser.parse(self._text, old_tree=read)


class _ProgressLimit:
    """Ends when the parser asks often and does not come forward."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._questions = 0
        self._since = 0

    def is_exceeded(self, at: int, _broken: bool) -> bool:
        """Tell whether to give up, asked at the byte that has been read."""
        if at >= self._end:
            return False
        self._questions += 1
        if self._questions < _QUESTIONS:
            return False
        gained, self._since, self._questions = at - self._since, at, 0
        return gained < _READ_AT_LEAST


def _is_unbalanced(text: bytes, start: int, end: int) -> bool:
    """Tell whether many brackets are open, or closed without having been opened."""
    for opening, closing in _PAIRS:
        depth = 0
        for block in range(start, end, _BLOCK):
            until = min(block + _BLOCK, end)
            depth += text.count(opening, block, until) - text.count(closing, block, until)
            if abs(depth) > _OPEN_AT_MOST:
                return True
    return False


_CODE: Final = re.compile(rb"\)[\s\w]{0,99}\{")
_NESTED: Final = frozenset(("linkage_specification", "declaration_list", "ERROR"))
# Nonsense costs by the square of its length, so that a file is parsed in pieces; what is too long
# and has no function to cut at is left.
_PIECE: Final = 1 << 16
_LONGEST: Final = 1 << 17


def read(source: bytes, choice: Choice = Choice.ON) -> CSource:
    """Read a C file as it lies there, unpreprocessed; never raises, whatever the bytes are."""
    prepared = prepare_source(source, choice)
    lines = Lines(source)
    parser = BoundedParser(prepared.text, lines)
    spans = [(header, end) for header, (_, end) in prepared.functions]
    nodes: dict[int, Node] = {}
    errors: list[Span] = []
    for piece in _pieces(prepared):
        tree = parser.parse(piece) if piece[1] - piece[0] <= _LONGEST else None
        if tree is None:
            errors += _overlaps([piece], _gaps(spans, len(source)))
            continue
        nodes |= _by_body(tree)
        errors += [
            (node.start_byte, node.end_byte)
            for node in tree.root_node.children
            if node.type == "ERROR"
        ]
    functions = _functions(prepared, parser, nodes)
    unread = _unread(prepared.text, [*errors, *spans], functions)
    return CSource(
        original=source,
        text=prepared.text,
        functions=functions,
        lines=lines.count,
        macros=prepared.macros,
        cleanups=prepared.cleanups,
        notes=prepared.notes,
        choices=tuple(lines.span(start, end) for start, end in prepared.choices),
        unread=tuple(lines.span(start, end) for start, end in unread),
    )


def whole_tree(source: CSource) -> Tree | None:
    """Return the tree of a whole file; None when it was given up."""
    return BoundedParser(source.text, Lines(source.text)).parse((0, len(source.text)))


def _pieces(prepared: PreparedSource) -> Iterator[Span]:
    """Yield pieces of the text, cut in front of functions."""
    cut = 0
    for header, (_, end) in prepared.functions:
        if end - cut > _PIECE and header > cut:
            yield cut, header
            cut = header
    yield cut, len(prepared.text)


def _by_body(tree: Tree) -> dict[int, Node]:
    """Return the functions of a tree by where their bodies begin."""
    nodes = {}
    for node in _definitions(tree.root_node):
        body = node.child_by_field_name("body")
        if body is not None:
            nodes[body.start_byte] = node
    return nodes


def _functions(
    prepared: PreparedSource, parser: BoundedParser, nodes: dict[int, Node]
) -> tuple[Function, ...]:
    """Return the functions; those that are broken or missing are parsed alone."""
    for header, (start, end) in prepared.functions:
        known = nodes.get(start)
        if known is not None and not known.has_error and known.end_byte == end:
            continue
        part = parser.parse((header, end)) if end - header <= _LONGEST else None
        alone = _by_body(part).get(start) if part else None
        if alone is not None and (known is None or not alone.has_error or known.end_byte != end):
            nodes[start] = alone
    functions: list[Function] = []
    for _, node in sorted(nodes.items()):
        if not functions or node.start_byte >= functions[-1].end_byte:
            functions.append(_function(node))
    return tuple(functions)


def _definitions(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        for child in waiting.pop().children:
            if child.type == "function_definition":
                yield child
            elif child.type in _NESTED:
                waiting.append(child)


def _function(node: Node) -> Function:
    return Function(
        name=_name(node),
        node=node,
        start_byte=node.start_byte,
        end_byte=node.end_byte,
        first_line=node.start_point.row + 1,
        last_line=node.end_point.row + 1,
        broken=_broken(node),
        static=any(
            child.type == "storage_class_specifier" and child.text == b"static"
            for child in node.children
        ),
    )


def _broken(node: Node) -> bool:
    """Tell whether something in a function could not be parsed; ``out: }`` can (C23)."""
    pending = [node] if node.has_error else []
    while pending:
        one = pending.pop()
        if one.is_error or (one.is_missing and not _behind_label(one)):
            return True
        pending += [child for child in one.children if child.has_error or child.is_missing]
    return False


def _behind_label(missing: Node) -> bool:
    statement = missing.parent
    if missing.type != ";" or statement is None or statement.parent is None:
        return False
    return statement.child_count == 1 and statement.parent.type == "labeled_statement"


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


def _unread(text: bytes, spans: Sequence[Span], functions: Sequence[Function]) -> list[Span]:
    """Return what of the spans is in no function and looks like code."""
    gaps = _gaps([(function.start_byte, function.end_byte) for function in functions], len(text))
    spans = list(_overlaps(sorted(spans), gaps))
    unread: list[Span] = []
    for low, high in sorted(spans):
        piece = text[low:high]
        if not _CODE.search(piece):
            continue
        start = low + len(piece) - len(piece.lstrip())
        end = low + len(piece.rstrip())
        if unread and start <= unread[-1][1]:
            unread[-1] = (unread[-1][0], max(end, unread[-1][1]))
        else:
            unread.append((start, end))
    return unread


def _gaps(spans: Sequence[Span], size: int) -> list[Span]:
    """Return what lies between spans that are in order."""
    edges = [0, *(at for span in spans for at in span), size]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _overlaps(spans: Sequence[Span], gaps: Sequence[Span]) -> Iterator[Span]:
    """Yield the parts of the spans that lie in gaps; both are in order."""
    at = 0
    for start, end in spans:
        while at < len(gaps) and gaps[at][1] <= start:
            at += 1
        inside = at
        while inside < len(gaps) and gaps[inside][0] < end:
            low, high = max(start, gaps[inside][0]), min(end, gaps[inside][1])
            if low < high:
                yield low, high
            inside += 1
