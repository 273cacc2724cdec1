"""What a function returns on the paths on which it does not acquire."""

from __future__ import annotations

from anyclue.review.pairs.engine.effects import Does
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.path_facts import Facts, admit
from anyclue.review.pairs.engine.slices import cut
from anyclue.review.pairs.engine.walk import CHEAP, STEPS
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values


def bypassing(study: FunctionAnalysis, pair: str, place: str | None) -> int:
    """Return the signs of the results on the paths that do not acquire.

    Args:
        study: the function.
        pair: what is acquired; empty for nothing, so that all paths count.
        place: where; None for anywhere.
    """
    return _Bypass(study, pair, place).run()


class _Bypass:
    def __init__(self, study: FunctionAnalysis, pair: str, place: str | None) -> None:
        self._nodes = study.function.nodes
        self._knowledge = study.knowledge
        self._ends = study.ends
        self._unless: dict[int, int] = {}
        """Calls that acquire, with the signs of their results when they do not."""
        for number, effect in study.effects:
            acquires = effect.does == Does.ACQUIRE and effect.pair == pair
            if acquires and not effect.sometimes and place in (None, study.place(number, effect)):
                self._unless[number] = effect.unless
        self._slice = cut(self._nodes, self._matters)
        self._seen: dict[int, list[Facts]] = {}
        self._pending: list[tuple[int, Facts]] = []
        self._budget = STEPS
        self._found = 0

    def run(self) -> int:
        """Return the signs; any when there are too many paths."""
        if self._nodes:
            self._pending.append((self._slice.go[0], {}))
        while self._pending and self._budget > 0 and self._found != values.ANY:
            self._follow(*self._pending.pop())
        return self._found if self._budget > 0 else values.ANY

    def _matters(self, number: int) -> bool:
        return number in self._unless or number in self._ends or self._knowledge.touched[number]

    def _follow(self, number: int, facts: Facts) -> None:
        """Follow one path until it ends; what branches off is followed later."""
        go, joins = self._slice.go, self._slice.joins
        while number >= 0 and self._budget > 0:
            self._budget -= 1 + len(facts) // CHEAP
            if number in joins:
                pruned = self._knowledge.pruned(facts, number)
                admitted = admit(self._seen.setdefault(number, []), pruned)
                if admitted is None:
                    return
                facts = admitted
            node = self._nodes[number]
            after = self._step(number, node, facts)
            if after is None:
                return
            facts = after
            number = go[node[1]]

    def _step(self, number: int, node: ir.Node, facts: Facts) -> Facts | None:
        """Return the facts behind a step; None when the path ends there."""
        kind = node[0]
        if kind in (ir.RETURN, ir.END):
            value = self._knowledge.value_of(facts, node[3]) if kind == ir.RETURN else None
            self._found |= values.ANY if value is None else values.signs(value)
        if node[1] < 0 or number in self._ends:
            return None
        if kind == ir.BRANCH:
            other = self._knowledge.taken(facts, number, False)
            if other is not None:
                self._pending.append((self._slice.go[node[6]], other))
            return self._knowledge.taken(facts, number, True)
        after = self._knowledge.stepped(facts, node)
        unless = self._unless.get(number)
        if unless is None:
            return after
        return self._knowledge.written(after, node[3], unless) if unless else None
