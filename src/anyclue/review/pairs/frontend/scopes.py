"""What is released where a scope ends: ``guard()``, ``scoped_guard()`` (include/linux/cleanup.h).

Each becomes a call of its own that acquires, and one at every way out of its block that releases.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir.graph import Graph

Arguments = tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True)
class _Guard:
    begin: int
    name: str
    arguments: Arguments


@dataclass(kw_only=True)
class _ScopeBlock:
    begin: int
    end: int
    guards: list[_Guard] = field(default_factory=list)


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
        self._release(block.guards, max(block.end - 1, block.begin))
        self._blocks.pop()

    def guard(self, node: Node, name: str, arguments: Arguments) -> None:
        """Acquire what the innermost block releases."""
        graph = self._graph
        graph.emit(ir.CALL, node.start_byte, graph.temporary(), ir.guard_acquire(name), arguments)
        made = _Guard(begin=node.start_byte, name=name, arguments=arguments)
        self._blocks[-1].guards.append(made)

    def jump_out(self, depth: int, begin: int) -> None:
        """Release what all blocks hold that are deeper than ``depth``, at a jump out of them."""
        for block in reversed(self._blocks[depth:]):
            self._release(block.guards, begin)

    def jump_to(self, target: int, begin: int) -> None:
        """Release what is not held at the byte that a jump leads to."""
        for block in reversed(self._blocks):
            inside = block.begin <= target < block.end
            left = [one for one in block.guards if not inside or target < one.begin]
            self._release(left, begin)

    def _release(self, guards: list[_Guard], begin: int) -> None:
        graph = self._graph
        for one in reversed(guards):
            graph.emit(ir.CALL, begin, graph.temporary(), ir.guard_release(one.name), one.arguments)
