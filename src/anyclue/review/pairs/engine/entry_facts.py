"""The domain of no resource at all: what is known where some steps are reached."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.review.pairs.engine.explorer import Domain, PathPoint, explore
from anyclue.review.pairs.engine.path_facts import Facts, PathFacts
from anyclue.review.pairs.engine.slice import slice_of
from anyclue.review.pairs.engine.step_table import StepTable
from anyclue.review.pairs.ir import function as ir

ENTRY_STEPS = 20_000
"""Where a function takes more steps than these to what is looked for, nothing is known there."""

_Point = PathPoint[None]


def facts_before(
    path_facts: PathFacts, table: StepTable, wanted: frozenset[int]
) -> dict[int, list[Facts]]:
    """Return the sets of facts with which each of these steps is reached from the entry."""
    if not wanted:
        return {}
    domain = _FactsDomain(path_facts, table, wanted)
    slice_ = slice_of(
        path_facts,
        wanted,
        within=path_facts.control_flow.leading_to(sorted(wanted)),
        asked={key for one in wanted for key in path_facts.live_keys(one)},
    )
    start = PathPoint[None](None, {}, None)
    if explore(path_facts, slice_, domain, [(0, start)], ENTRY_STEPS):
        return domain.found
    # Too much to follow: nothing is known there.
    return {number: [{}] for number in wanted}


class _FactsDomain(Domain[None]):
    def __init__(self, path_facts: PathFacts, table: StepTable, wanted: frozenset[int]) -> None:
        self._path_facts = path_facts
        self._results = table.results
        self.found: dict[int, list[Facts]] = {number: [] for number in sorted(wanted)}

    def is_idle(self, number: int, state: None) -> bool:
        return number not in self.found and number not in self._results

    def transfer(self, number: int, step: ir.Step, point: _Point) -> Sequence[_Point]:
        listed = self.found.get(number)
        if listed is not None:
            live = self._path_facts.restrict_to_live(point.facts, number)
            if live not in listed:
                listed.append(live)
        facts = self._path_facts.transfer(point.facts, number)
        if number in self._results and isinstance(step, ir.CallStep):
            facts = self._path_facts.assign(facts, step.place, self._results[number])
        return (point._replace(facts=facts),)
