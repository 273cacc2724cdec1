"""Slices: the part of a function's graph on which one answer depends (Weiser 1981).

Steps that touch neither the resource nor what a relevant branch asks are passed over, and so are
branches on which nothing relevant depends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anyclue.review.pairs.engine.control_flow import EXIT, ControlFlow
from anyclue.review.pairs.engine.path_facts import PathFacts


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
        self._kept: set[int] = set()
        self._asked = 0

    def run(self, relevant: Iterable[int], asked: Iterable[str]) -> Slice:
        facts, within, kept = self._facts, self._within, self._kept
        keys, parents = facts.keys, self._flow.control_parents
        known: set[str] = set()
        places: set[str] = set()
        asks = [one for one in asked if one in keys]
        steps = [*relevant, *facts.leaves]
        while steps or asks:
            if asks:
                key = asks.pop()
                if key not in known:
                    known.add(key)
                    self._asked |= keys[key]
                    answer = facts.answer(key)
                    steps += answer.steps
                    asks += answer.keys
                    for place in answer.places:
                        if place not in places:
                            places.add(place)
                            steps += facts.writers[place]
                            asks += facts.values_written(place)
                continue
            number = steps.pop()
            if number not in kept and (within is None or number in within):
                kept.add(number)
                steps += parents[number]
                asks += facts.asked_keys(number)
        return self._finished()

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
