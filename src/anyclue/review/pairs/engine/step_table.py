"""A table of a function's steps: which of them may matter to a resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from anyclue.review.pairs.engine.def_use import named_paths
from anyclue.review.pairs.engine.effects import Callees, EffectKind, Summary
from anyclue.review.pairs.engine.escape import SPARSE_ANNOTATIONS
from anyclue.review.pairs.engine.path_facts import PathFacts
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values


class StepTable:
    """The steps of one function.

    Args:
        path_facts: what can be known in the function.
        callees: what the functions that it calls do.
    """

    def __init__(self, path_facts: PathFacts, callees: Callees) -> None:
        self._path_facts = path_facts
        self._steps = path_facts.steps
        self._named: dict[bool, Sequence[frozenset[str] | None]] = {}
        self.callees = callees
        self._effective: dict[str, frozenset[int]] = {}
        self._involved: dict[str, frozenset[int]] = {}

    def named(self, *, scoped: bool) -> Sequence[frozenset[str] | None]:
        """Return for every step the variables of which it may change or keep something.

        Of what is passed, a lock is changed by who is told its address, or says that it unlocks.

        Args:
            scoped: the resource is a state of an object, such as a lock held.

        Returns:
            the variables; None where a path begins with none.
        """
        found = self._named.get(scoped)
        if found is None:
            found = self._named[scoped] = [self._names(one, scoped) for one in self._steps]
        return found

    def _names(self, step: ir.Step, scoped: bool) -> frozenset[str] | None:
        listed = named_paths(step)
        if scoped and isinstance(step, ir.CallStep):
            name, callees = step.callee, self.callees
            unlocks = callees.summary(name) is None and callees.may_unlock(name)
            if not unlocks and not callees.is_lock_query(name):
                listed = (step.place, *(one for one in step.arguments if one and one[0] == "&"))
        names = frozenset(paths.base(one) for one in listed if not paths.is_constant(one))
        return names if "" not in names else None

    @cached_property
    def calls(self) -> tuple[tuple[int, ir.CallStep, Summary | None], ...]:
        """Every call, with what is known of the function."""
        return tuple(
            (number, step, self.callees.summary(step.callee))
            for number, step in enumerate(self._steps)
            if isinstance(step, ir.CallStep)
        )

    @cached_property
    def _for_all(self) -> frozenset[int]:
        """Calls that matter to every pair: they do not return, or annotate."""
        return frozenset(
            number
            for number, step, summary in self.calls
            if step.callee in SPARSE_ANNOTATIONS or (summary is not None and summary.noreturn)
        )

    @cached_property
    def results(self) -> Mapping[int, int]:
        """The signs of calls' results, where these are known and worth to be known."""
        keys = self._path_facts.keys
        return {
            number: summary.result
            for number, step, summary in self.calls
            if step.place in keys and summary is not None and summary.result != values.ANY
        }

    @cached_property
    def _telling(self) -> frozenset[int]:
        """Calls whose result tells something that is worth to be known."""
        keys, tested = self._path_facts.keys, self.callees.contracts.zero_tests
        return frozenset(self.results).union(
            number for number, step, _ in self.calls if step.place in keys and step.callee in tested
        )

    @cached_property
    def _by_pair(self) -> dict[str, set[int]]:
        """For every pair the calls that have an effect on it."""
        found: dict[str, set[int]] = {}
        for number, _, summary in self.calls:
            for pair in summary.effects if summary is not None else ():
                found.setdefault(pair, set()).add(number)
        return found

    @cached_property
    def movers(self) -> frozenset[int]:
        """Calls that may change a pointer of the function itself."""
        return frozenset(
            number
            for number, step, _ in self.calls
            if any(one is not None and one[0] == "&" for one in step.arguments)
        )

    def releases(self, pair: str) -> bool:
        """Tell whether any call does something else to resources of a pair than acquire them."""
        return any(
            effect.kind is not EffectKind.ACQUIRE
            for _, _, summary in self.calls
            if summary is not None
            for effect in summary.effects.get(pair, ())
        )

    def effective(self, pair: str) -> frozenset[int]:
        """Return the calls that have an effect on a pair, or on all."""
        found = self._effective.get(pair)
        if found is None:
            found = self._effective[pair] = self._for_all.union(self._by_pair.get(pair, ()))
        return found

    def involved(self, pair: str) -> frozenset[int]:
        """Return the calls that may matter to a pair's resource though they do not name it."""
        found = self._involved.get(pair)
        if found is None:
            frees = (
                number
                for number, _, summary in self.calls
                if summary is not None and pair in summary.frees
            )
            found = self._involved[pair] = self.effective(pair).union(self._telling, frees)
        return found
