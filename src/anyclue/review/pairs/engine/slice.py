"""Slices: the part of a function's graph on which one answer depends (Weiser 1981).

Steps that touch neither the resource nor what a relevant branch asks are passed over, and so are
branches on which nothing relevant depends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anyclue.review.pairs.engine.control_flow import EXIT, ControlFlow
from anyclue.review.pairs.engine.path_facts import PathFacts
from anyclue.review.pairs.ir import function as ir


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a graph that is relevant for one question.

    Attributes:
        following: for every step the first relevant one from there on, itself included; -1: none.
        joins: steps that are reached from more than one relevant step.
        asked: bits of the keys that relevant branches ask.
    """

    following: Sequence[int]
    joins: frozenset[int]
    asked: int


def slice_of(
    path_facts: PathFacts,
    relevant: Iterable[int],
    *,
    within: frozenset[int] | None = None,
    asked: Iterable[str] = (),
) -> Slice:
    """Return the slice for these steps, and for every way out.

    Args:
        path_facts: what can be known in the function.
        relevant: the steps that count.
        within: steps that can be reached; None for all.
        asked: keys that are asked for besides.
    """
    return _Slicer(path_facts, within).run(relevant, asked)


class _Slicer:
    def __init__(self, path_facts: PathFacts, within: frozenset[int] | None) -> None:
        self._facts = path_facts
        self._steps = path_facts.steps
        self._flow: ControlFlow = path_facts.control_flow
        self._within = within
        self._pending: list[int] = []
        self._kept: set[int] = set()
        self._keys: set[str] = set()
        self._asked = 0

    def run(self, relevant: Iterable[int], asked: Iterable[str]) -> Slice:
        for number in relevant:
            self._keep(number)
        for number in self._facts.leaves:
            self._keep(number)
        for key in asked:
            self._ask(key)
        steps = self._steps
        parents = self._flow.control_parents
        while self._pending:
            number = self._pending.pop()
            step = steps[number]
            for one in parents[number]:
                self._keep(one)
            if isinstance(step, ir.BranchStep):
                self._ask(step.path)
                self._ask(step.key)
            elif isinstance(step, ir.ReturnStep) and step.value is not None:
                self._ask(step.value)
        return self._finished()

    def _keep(self, number: int) -> None:
        if number not in self._kept and (self._within is None or number in self._within):
            self._kept.add(number)
            self._pending.append(number)

    def _ask(self, key: str) -> None:
        """Keep what changes an answer, and the assertions that give it."""
        if key in self._keys or key not in self._facts.keys:
            return
        self._keys.add(key)
        self._asked |= self._facts.keys[key]
        for number in self._facts.changers.get(key, ()):
            self._keep(number)
            step = self._steps[number]
            if isinstance(step, (ir.AssignStep, ir.SignCopyStep)) and step.value is not None:
                self._ask(step.value)
        for number in self._facts.assertions.get(key, ()):
            self._keep(number)
        for one in self._facts.related_keys(key):
            self._ask(one)

    def _finished(self) -> Slice:
        kept = self._kept
        nearest = self._flow.immediate_postdominators
        following = [EXIT] * (len(self._steps) + 1)
        for number in self._flow.postdominator_order:
            # Anything relevant in between would depend on this step.
            following[number] = number if number in kept else following[nearest[number]]
        following.pop()
        seen: set[int] = set()
        joined: set[int] = set()
        for number in kept:
            for after in self._flow.after[number]:
                target = following[after]
                if target >= 0:
                    (joined if target in seen else seen).add(target)
        return Slice(following, frozenset(joined), self._asked)
