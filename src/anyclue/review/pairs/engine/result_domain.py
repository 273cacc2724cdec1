"""The domain of a function's result: its signs on the paths that do not acquire something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anyclue.review.pairs.engine.explorer import Domain, PathPoint, explore
from anyclue.review.pairs.engine.path_facts import PathFacts
from anyclue.review.pairs.engine.slice import slice_of
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values

_Point = PathPoint[None]


def result_signs_without(
    path_facts: PathFacts, unless: Mapping[int, int], noreturn: frozenset[int]
) -> int:
    """Return the signs of the results on the paths that do not acquire.

    Args:
        path_facts: what can be known in the function.
        unless: the calls that acquire, with the signs of their results when they do not.
        noreturn: calls that never return.

    Returns:
        the signs; any when there are too many paths.
    """
    if not path_facts.steps:
        return 0
    domain = _ResultDomain(path_facts, unless, noreturn)
    slice_ = slice_of(path_facts, (*unless, *noreturn))
    complete = explore(path_facts, slice_, domain, [(0, PathPoint(None, {}, None))])
    return domain.found if complete else values.ANY


class _ResultDomain(Domain[None]):
    def __init__(
        self, path_facts: PathFacts, unless: Mapping[int, int], noreturn: frozenset[int]
    ) -> None:
        self._path_facts = path_facts
        self._unless = unless
        self._noreturn = noreturn
        self.found = 0

    def is_idle(self, number: int, state: None) -> bool:
        return number not in self._unless and number not in self._noreturn

    def transfer(self, number: int, step: ir.Step, point: _Point) -> Sequence[_Point]:
        if number in self._noreturn:
            return ()
        facts = self._path_facts.transfer(point.facts, number)
        unless = self._unless.get(number)
        if unless is not None and isinstance(step, ir.CallStep):
            if not unless:
                return ()
            facts = self._path_facts.assign(facts, step.place, unless)
        return (point._replace(facts=facts),)

    def is_decided(self) -> bool:
        return self.found == values.ANY

    def leave(self, number: int, step: ir.Step, point: _Point) -> None:
        path = step.value if isinstance(step, ir.ReturnStep) else None
        value = self._path_facts.value_of(point.facts, path)
        self.found |= values.ANY if value is None else values.signs(value)
