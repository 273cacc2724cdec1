"""Where a function's parameters go: what it keeps of them, and what it passes back."""

from __future__ import annotations

from anyclue.review.pairs.engine.effects import Callees
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir


def parameter_flow(
    function: ir.FunctionIR, callees: Callees
) -> tuple[frozenset[int], frozenset[int]]:
    """Return the parameters that a function keeps, and those that it passes back."""
    passing = _ParameterFlow(function, callees)
    # The second time for what a loop hands on.
    for _ in range(2):
        for node in function.nodes:
            passing.step(node)
    return frozenset(passing.keeps), frozenset(passing.passes)


class _ParameterFlow:
    def __init__(self, function: ir.FunctionIR, callees: Callees) -> None:
        self._function = function
        self._callees = callees
        self._origin: dict[str, set[int]] = {
            name: {number} for number, name in enumerate(function.parameters)
        }
        self.keeps: set[int] = set()
        self.passes: set[int] = set()

    def step(self, node: ir.Node) -> None:
        """Take one step, whatever path leads to it."""
        kind = node[0]
        if kind == ir.SET:
            self._set(node)
        elif kind == ir.ESCAPE:
            self.keeps |= self._source(node[3])
        elif kind == ir.RETURN:
            self.passes |= self._source(node[3])
        elif kind == ir.CALL:
            self._call(node)

    def _source(self, path: str | None) -> set[int]:
        """Return the parameters that a path may hold."""
        if path is None or path.startswith("#"):
            return set()
        if path in self._origin:
            return self._origin[path]
        within = path.startswith("&") or path[1:] in self._origin
        return self._origin.get(paths.base(path), set()) if within else set()

    def _comes(self, place: str, came: set[int]) -> None:
        self._origin[place] = self._origin.get(place, set()) | came

    def _set(self, node: ir.Node) -> None:
        place, came = node[3], self._source(node[4])
        if not came:
            return
        if place in self._function.locals or place.startswith("%"):
            self._comes(place, came)
        elif place not in self._function.parameters:
            self.keeps |= came

    def _call(self, node: ir.Node) -> None:
        result, name = node[3], node[4]
        summary = self._callees.summary(name)
        for position, argument in enumerate(node[5]):
            came = self._source(argument)
            if not came:
                continue
            if summary is not None:
                if position in summary.keeps:
                    self.keeps |= came
                if position in summary.passes:
                    self._comes(result, came)
            elif self._callees.is_conversion(name):
                self._comes(result, came)
            elif self._callees.may_keep(name):
                self.keeps |= came
