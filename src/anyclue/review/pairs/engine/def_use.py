"""Definitions and uses: which steps name a variable, and which variables flow into which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir


class DefUse:
    """The variables of one function.

    Args:
        function: its graph.
    """

    def __init__(self, function: ir.FunctionIR) -> None:
        self._function = function
        self._steps = function.steps
        self._reached: dict[tuple[frozenset[str], bool], frozenset[str]] = {}

    @cached_property
    def naming(self) -> Mapping[str, tuple[int, ...]]:
        """For every variable the steps that set, copy, pass or use something it leads to."""
        found: dict[str, list[int]] = {}
        for number, step in enumerate(self._steps):
            for name in {paths.base(path) for path in named_paths(step)}:
                found.setdefault(name, []).append(number)
        return {name: tuple(listed) for name, listed in found.items()}

    @cached_property
    def _assigned(self) -> Mapping[str, frozenset[str]]:
        """For every variable those that are set to something it leads to."""
        return _edges(
            (step.value, step.place)
            for step in self._steps
            if isinstance(step, ir.AssignStep) and step.value is not None
        )

    @cached_property
    def _assigned_or_passed(self) -> Mapping[str, frozenset[str]]:
        """The same, what calls return for what they are given too."""
        passed = _edges(
            (argument, step.place)
            for step in self._steps
            if isinstance(step, ir.CallStep)
            for argument in step.arguments
            if argument is not None
        )
        names = self._assigned.keys() | passed.keys()
        nothing = frozenset[str]()
        return {
            name: self._assigned.get(name, nothing) | passed.get(name, nothing) for name in names
        }

    @cached_property
    def results(self) -> frozenset[str]:
        """What calls are asked to return to."""
        return frozenset(step.place for step in self._steps if isinstance(step, ir.CallStep))

    @cached_property
    def outward_pointers(self) -> frozenset[str]:
        """Locals that point to what lies elsewhere: what a parameter, or what hangs on one, is."""
        found = set(self._function.parameters)
        moves = [
            (step.place, paths.base(step.value))
            for step in self._steps
            if isinstance(step, ir.AssignStep)
            and step.value is not None
            and step.place in self._function.locals
            and ("->" in step.value or step.value.isidentifier() or step.value[0] == "*")
        ]
        for _ in range(2):
            found.update(place for place, name in moves if name in found)
        return frozenset(found & self._function.locals - self._function.arrays)

    def reached_from(self, names: Iterable[str], *, by_calls: bool) -> frozenset[str]:
        """Return the variables that may come to hold what these lead to, and these.

        Args:
            names: variables.
            by_calls: what a call returns may be derived from what it is given.
        """
        key = frozenset(names), by_calls
        known = self._reached.get(key)
        if known is not None:
            return known
        edges = self._assigned_or_passed if by_calls else self._assigned
        found = set(key[0])
        pending = list(found)
        while pending:
            for one in edges.get(pending.pop(), ()):
                if one not in found:
                    found.add(one)
                    pending.append(one)
        reached = self._reached[key] = frozenset(found)
        return reached


def _edges(flows: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for value, place in flows:
        found.setdefault(paths.base(value), set()).add(paths.base(place))
    return {name: frozenset(listed) for name, listed in found.items()}


def named_paths(step: ir.Step) -> Iterable[str]:
    """Return the paths that a step names, conditions and results of the function aside."""
    if isinstance(step, ir.CallStep):
        return (step.place, *(one for one in step.arguments if one is not None))
    if isinstance(step, ir.AssignStep):
        return (step.place,) if step.value is None else (step.place, step.value)
    if isinstance(step, ir.SignCopyStep):
        return (step.place,)
    if isinstance(step, (ir.EscapeStep, ir.UseStep)):
        return (step.path,)
    return ()
