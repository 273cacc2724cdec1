"""What is released where a scope ends: guards, and variables with ``__free()``.

As the compiler's cleanup attribute has it (include/linux/cleanup.h): at every way out of the block
stands a call of its own that releases.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir.graph import Graph

Arguments = tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True)
class _ScopeEnd:
    """A call that is made where the block ends; without a callee, a name that ends there."""

    begin: int
    callee: str
    arguments: Arguments
    place: str = ""


@dataclass(kw_only=True)
class _ScopeBlock:
    begin: int
    end: int
    ends: list[_ScopeEnd] = field(default_factory=list)


class Scopes:
    """The blocks that are open at one place of a function.

    Args:
        graph: the function's graph.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._blocks: list[_ScopeBlock] = []

    @property
    def depth(self) -> int:
        """How many blocks are open."""
        return len(self._blocks)

    def enter(self, node: Node) -> None:
        """Open a block."""
        self._blocks.append(_ScopeBlock(begin=node.start_byte, end=node.end_byte))

    def leave(self) -> None:
        """Close the innermost block: its guards release."""
        block = self._blocks[-1]
        self._release(block.ends, max(block.end - 1, block.begin))
        self._blocks.pop()

    def guard(self, node: Node, name: str, arguments: Arguments, variable: str = "") -> None:
        """Acquire what the innermost block releases; ``variable`` is what a class has."""
        graph = self._graph
        place = variable or graph.temporary()
        graph.call(node.start_byte, place, ir.guard_acquire(name), arguments)
        self._add(node, ir.guard_release(name), arguments, variable)

    def clean_up(self, node: Node, name: str, variable: str) -> None:
        """Have the innermost block release a variable."""
        self._add(node, ir.scope_release(name), (variable,), "")

    def hide(self, node: Node, name: str) -> None:
        """Have a name that hides a parameter mean that one again where the block ends."""
        self._add(node, "", (name,), "")

    def _add(self, node: Node, callee: str, arguments: Arguments, place: str) -> None:
        made = _ScopeEnd(begin=node.start_byte, callee=callee, arguments=arguments, place=place)
        self._blocks[-1].ends.append(made)

    def jump_out(self, depth: int, begin: int) -> None:
        """Release what all blocks hold that are deeper than ``depth``, at a jump out of them."""
        for block in reversed(self._blocks[depth:]):
            self._release(block.ends, begin)

    def jump_to(self, target: int, begin: int) -> None:
        """Release what is not held at the byte that a jump leads to."""
        for block in reversed(self._blocks):
            inside = block.begin <= target < block.end
            left = [one for one in block.ends if not inside or target < one.begin]
            self._release(left, begin)

    def _release(self, ends: list[_ScopeEnd], begin: int) -> None:
        graph = self._graph
        for one in reversed(ends):
            if not one.callee:
                graph.assign(begin, str(one.arguments[0]), None)
                continue
            graph.call(begin, one.place or graph.temporary(), one.callee, one.arguments)
