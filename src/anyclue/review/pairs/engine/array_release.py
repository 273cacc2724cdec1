"""Loops that release all elements of an array."""

from __future__ import annotations

from anyclue.review.pairs.engine.effects import Callees, Effect, EffectKind
from anyclue.review.pairs.engine.path_facts import PathFacts
from anyclue.review.pairs.engine.trace import Seed
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir


def array_release_loops(path_facts: PathFacts, callees: Callees, seed: Seed) -> frozenset[int]:
    """Return the conditions of loops that release an array's elements and acquire none.

    None for a resource that is no element of an array.
    """
    found: set[int] = set()
    if "[]" not in seed.place:
        return frozenset()
    for loop in path_facts.loops:
        kind = {
            effect.kind
            for number in loop
            for effect in _effects(path_facts.nodes[number], callees, seed)
        }
        if EffectKind.RELEASE in kind and EffectKind.ACQUIRE not in kind:
            for number in loop:
                node = path_facts.nodes[number]
                if node[0] == ir.BRANCH and node[7]:
                    found.add(number)
    return frozenset(found)


def _effects(node: ir.Node, callees: Callees, seed: Seed) -> list[Effect]:
    """Return what a step does to an element."""
    summary = callees.summary(node[4]) if node[0] == ir.CALL else None
    if summary is None:
        return []
    return [
        effect
        for effect in summary.effects.get(seed.pair.name, ())
        if paths.substitute(effect.place, node[5], node[3]) == seed.place
    ]
