"""Calls that a change brings in, and that may release what the function did by itself before."""

from __future__ import annotations

from collections import Counter

from anyclue.review.pairs import ir, paths
from anyclue.review.pairs.study import Study


def taken_over(before: Study, after: Study, place: str) -> bool:
    """Tell whether a call that is new may end what is at ``place``, or what it belongs to."""
    fresh = _called(after) - _called(before)
    callees = after.callees
    takers = {name for name in fresh if not callees.promised(name) and callees.may_take(name)}
    if not takers:
        return False
    near = _near(after, paths.base(place))
    return any(
        node[0] == ir.CALL
        and node[4] in takers
        and any(one is not None and paths.base(one) in near for one in node[5])
        for node in after.function.nodes
    )


def _called(study: Study) -> Counter[str]:
    return Counter(node[4] for node in study.function.nodes if node[0] == ir.CALL)


def _near(study: Study, name: str) -> frozenset[str]:
    """Return the variables that lead to an object, or that it leads to."""
    near = {name}
    grown = True
    while grown:
        grown = False
        for node in study.function.nodes:
            if node[0] == ir.SET and node[4] is not None and not paths.is_constant(node[4]):
                linked = {paths.base(node[3]), paths.base(node[4])}
            elif node[0] == ir.CALL and node[3][0] != "%":
                linked = {paths.base(one) for one in (node[3], *node[5][:1]) if one is not None}
            else:
                continue
            if not near.isdisjoint(linked) and not linked <= near:
                near |= linked
                grown = True
    return frozenset(near - {"", "#"})
