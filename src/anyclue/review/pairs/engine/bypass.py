"""What a function returns on the paths on which it does not acquire."""

from __future__ import annotations

from anyclue.review.pairs.engine.effects import EffectKind
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.path_facts import Facts, join_facts
from anyclue.review.pairs.engine.control_flow import slice_graph
from anyclue.review.pairs.engine.walk import CHEAP, STEPS
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values


def results_without_acquire(analysis: FunctionAnalysis, pair: str, place: str | None) -> int:
    """Return the signs of the results on the paths that do not acquire.

    Args:
        analysis: the function.
        pair: what is acquired; empty for nothing, so that all paths count.
        place: where; None for anywhere.
    """
    return _ResultsWithoutAcquire(analysis, pair, place).run()


class _ResultsWithoutAcquire:
    def __init__(self, analysis: FunctionAnalysis, pair: str, place: str | None) -> None:
        self._nodes = analysis.function.nodes
        self._path_facts = analysis.path_facts
        self._ends = analysis.noreturn_calls
        self._unless: dict[int, int] = {}
        """Calls that acquire, with the signs of their results when they do not."""
        for number, effect in analysis.effects:
            acquires = effect.kind == EffectKind.ACQUIRE and effect.pair == pair
            if (
                acquires
                and not effect.uncertain
                and place in (None, analysis.place(number, effect))
            ):
                self._unless[number] = effect.unless
        self._slice = slice_graph(self._nodes, self._is_relevant)
        self._seen: dict[int, list[Facts]] = {}
        self._pending: list[tuple[int, Facts]] = []
        self._budget = STEPS
        self._found = 0

    def run(self) -> int:
        """Return the signs; any when there are too many paths."""
        if self._nodes:
            self._pending.append((self._slice.following[0], {}))
        while self._pending and self._budget > 0 and self._found != values.ANY:
            self._follow(*self._pending.pop())
        return self._found if self._budget > 0 else values.ANY

    def _is_relevant(self, number: int) -> bool:
        return (
            number in self._unless or number in self._ends or self._path_facts.changes_facts[number]
        )

    def _follow(self, number: int, facts: Facts) -> None:
        """Follow one path until it ends; what branches off is followed later."""
        following, joins = self._slice.following, self._slice.joins
        while number >= 0 and self._budget > 0:
            self._budget -= 1 + len(facts) // CHEAP
            if number in joins:
                pruned = self._path_facts.restrict_to_live(facts, number)
                joined = join_facts(self._seen.setdefault(number, []), pruned)
                if joined is None:
                    return
                facts = joined
            node = self._nodes[number]
            after = self._step(number, node, facts)
            if after is None:
                return
            facts = after
            number = following[node[1]]

    def _step(self, number: int, node: ir.Node, facts: Facts) -> Facts | None:
        """Return the facts behind a step; None when the path ends there."""
        kind = node[0]
        if kind in (ir.RETURN, ir.END):
            value = self._path_facts.value_of(facts, node[3]) if kind == ir.RETURN else None
            self._found |= values.ANY if value is None else values.signs(value)
        if node[1] < 0 or number in self._ends:
            return None
        if kind == ir.BRANCH:
            other = self._path_facts.assume(facts, number, False)
            if other is not None:
                self._pending.append((self._slice.following[node[6]], other))
            return self._path_facts.assume(facts, number, True)
        after = self._path_facts.transfer(facts, node)
        unless = self._unless.get(number)
        if unless is None:
            return after
        return self._path_facts.written(after, node[3], unless) if unless else None
