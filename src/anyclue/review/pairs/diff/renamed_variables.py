"""Which variables of a function have another name in another version of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir.function import FunctionIR

ALIKE = 0.6
"""Variables with which so much the same is done are one that was renamed."""


def renamed_variables(old: FunctionIR, new: FunctionIR) -> dict[str, str]:
    """Return variables of the old version that have another name in the new one."""
    before = _variables(old)
    after = _variables(new)
    gone = [one for one in before if one not in after]
    fresh = [one for one in after if one not in before]
    if not gone or not fresh:
        return {}
    found = {}
    for one in gone:
        uses = before[one]
        closest = max(fresh, key=lambda two: _overlap(uses, after[two]))
        if _overlap(uses, after[closest]) >= ALIKE:
            found[one] = closest
            fresh.remove(closest)
            if not fresh:
                break
    return found


def _variables(function: FunctionIR) -> dict[str, Counter[str]]:
    """Return what is done with each variable, in words that no variable's name is part of."""
    found: dict[str, Counter[str]] = {
        name: Counter((f"parameter {number}",)) for number, name in enumerate(function.parameters)
    }
    for name in sorted(function.locals):
        found[name] = Counter()
    for node in function.nodes:
        for slot, path in enumerate(_paths_of(node)):
            name = paths.base(path)
            if name in found:
                shape = path.replace(name, "$", 1)
                call = node[4] if node[0] == ir.CALL else ""
                found[name][f"{node[0]} {slot} {call} {shape}"] += 1
    return found


def _overlap(one: Counter[str], other: Counter[str]) -> float:
    total = sum(one.values()) + sum(other.values())
    return 2 * sum((one & other).values()) / total if total else 0.0


def _paths_of(node: ir.Node) -> list[str]:
    kind = node[0]
    if kind == ir.CALL:
        listed = [node[3], *node[5]]
    elif kind in (ir.SET, ir.COPY):
        listed = [node[3], node[4]]
    elif kind in (ir.BRANCH, ir.RETURN, ir.ESCAPE, ir.USE):
        listed = [node[3]]
    else:
        listed = []
    return [one for one in listed if one is not None and not paths.is_constant(one)]


def mentioned(node: ir.Node) -> frozenset[str]:
    """Return the variables that a step is about."""
    return frozenset(paths.base(one) for one in _paths_of(node))


def rename_variable(place: str, renamed: Mapping[str, str]) -> str:
    """Return a path of one version as the other has it."""
    name = paths.base(place)
    return place.replace(name, renamed[name], 1) if name in renamed else place
