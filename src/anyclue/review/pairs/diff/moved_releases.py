"""Where a release went that one function does not do any more: to another one, or nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set

from anyclue.review.pairs.diff.correspondence import FunctionVersion, differ, paths_of
from anyclue.review.pairs.engine.effects import EffectKind
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir


class MovedReleases:
    """What moved from function to function in a change.

    Args:
        pairs: the functions before and after.
    """

    def __init__(
        self, pairs: Sequence[tuple[FunctionVersion | None, FunctionVersion | None]]
    ) -> None:
        self._pairs = pairs
        self._balances = [
            (one, _balance(old, new))
            for old, new in pairs
            if (one := new or old) is not None and (old is None or differ(old, new))
        ]

    def is_released_elsewhere(self, pair: str, new: FunctionVersion) -> bool:
        """Tell whether a function near releases more than before, or acquires less."""
        return any(
            (released > 0 and one is not new) or acquired < 0
            for one, released, acquired in self._balances_near(pair, new)
        )

    def is_acquired_elsewhere(self, pair: str, new: FunctionVersion) -> bool:
        """Tell whether a function near acquires more than before, or releases less."""
        return any(
            (released < 0 and one is not new) or acquired > 0
            for one, released, acquired in self._balances_near(pair, new)
        )

    def is_transferred(
        self, pair: str, place: str, old: FunctionVersion, new: FunctionVersion
    ) -> bool:
        """Tell whether callers release what is at ``place`` now, or calls that are new do."""
        fresh = (_called(new.analysis) - _called(old.analysis)).keys()
        return (
            _consumed_by_new_call(fresh, new.analysis, place)
            or _released_by_other_pair(fresh, new.analysis, pair, place)
            or self._released_by_callers(pair, place, new)
            or self._member_released_elsewhere(pair, place, new)
        )

    def _member_released_elsewhere(self, pair: str, place: str, new: FunctionVersion) -> bool:
        """Tell whether another function, wherever it is, releases a member of that name now."""
        member = paths.last_member(place)
        if not member:
            return False
        for before, after in self._pairs:
            if after is None or after is new or (before and not differ(before, after)):
                continue
            had = _members(before, pair) if before is not None else Counter()
            if (_members(after, pair) - had)[member]:
                return True
        return False

    def _released_by_callers(self, pair: str, place: str, function: FunctionVersion) -> bool:
        """Tell whether callers release it after the call, so that the function must not."""
        template = paths.generalise(place, function.function.parameters)
        if template is None:
            return False
        for _, caller in self._pairs:
            if caller is None or caller.name == function.name:
                continue
            if function.name not in caller.calls:
                continue
            for step in caller.function.steps:
                if isinstance(step, ir.CallStep) and step.callee == function.name:
                    there = paths.substitute(template, step.arguments, step.place)
                    if there is not None and any(
                        (name, released) == (pair, there) and call != function.name
                        for name, call, released in caller.analysis.releases
                    ):
                        return True
        return False

    def _balances_near(
        self, pair: str, new: FunctionVersion
    ) -> Iterator[tuple[FunctionVersion, int, int]]:
        """Return changed functions of the file, and callers and callees in others.

        Each with how many more releases and acquires of the pair it has than before.
        """
        for one, balance in self._balances:
            if one.path == new.path or one.name in new.calls or new.name in one.calls:
                yield one, balance[EffectKind.RELEASE, pair], balance[EffectKind.ACQUIRE, pair]


def _balance(
    old: FunctionVersion | None, new: FunctionVersion | None
) -> Counter[tuple[EffectKind, str]]:
    """Return by pair how many more calls that acquire and release the new version has."""
    found: Counter[tuple[EffectKind, str]] = Counter()
    for version, sign in ((old, -1), (new, 1)):
        for step in version.function.steps if version is not None else ():
            if version is None or not isinstance(step, ir.CallStep):
                continue
            if not version.callees.has_contract(step.callee):
                continue
            summary = version.callees.summary(step.callee)
            for pair, effects in summary.effects.items() if summary is not None else ():
                kind = {
                    EffectKind.RELEASE if one.kind == EffectKind.CONSUME else one.kind
                    for one in effects
                }
                for one in kind:
                    found[one, pair] += sign
    return found


def _consumed_by_new_call(fresh: Set[str], after: FunctionAnalysis, place: str) -> bool:
    """Tell whether a call that is new may end what is at ``place``, or what it belongs to."""
    callees = after.callees
    takers = {
        name for name in fresh if not callees.has_contract(name) and callees.may_consume(name)
    }
    if not takers:
        return False
    near = _connected_variables(after, paths.base(place))
    return any(
        isinstance(step, ir.CallStep)
        and step.callee in takers
        and any(one is not None and paths.base(one) in near for one in step.arguments)
        for step in after.function.steps
    )


def renamed_member(pair: str, place: str, old: FunctionVersion, new: FunctionVersion) -> bool:
    """Tell whether a member has another name now: one that is new is released instead."""
    member = paths.last_member(place)
    if not member or any(member in paths.identifiers(one) for one in _paths_in(new)):
        return False
    fresh = set(new.analysis.released_places) - set(old.analysis.released_places)
    return any(
        name == pair and paths.last_member(one) and paths.base(one) == paths.base(place)
        for name, one in fresh
    )


def _members(version: FunctionVersion, pair: str) -> Counter[str]:
    """Return the members that a function releases."""
    return Counter(
        paths.last_member(place or "")
        for name, _, place in version.analysis.releases
        if name == pair
    )


def _paths_in(version: FunctionVersion) -> Iterator[str]:
    """Return every path in a function."""
    for step in version.function.steps:
        yield from paths_of(step)
        if isinstance(step, ir.BranchStep):
            yield step.key


def _released_by_other_pair(
    fresh: Set[str], after: FunctionAnalysis, pair: str, place: str
) -> bool:
    """Tell whether a call that is new releases what is at ``place`` by the rules of another pair.

    As ``kvfree`` does what was ``kfree``'s.
    """
    return any(
        name != pair and call in fresh and _is_same_object(after, there, place)
        for name, call, there in after.releases
    )


def _is_same_object(analysis: FunctionAnalysis, one: str | None, place: str) -> bool:
    """Tell whether a path is a place, or what a conversion of it gives: a page's folio."""
    if one is None or one == place or paths.origin(one) == place:
        return one is not None
    return any(
        isinstance(step, ir.AssignStep)
        and step.place == one
        and step.value
        and paths.origin(step.value) == place
        for step in analysis.function.steps
    )


def _called(analysis: FunctionAnalysis) -> Counter[str]:
    return Counter(step.callee for step in analysis.function.steps if isinstance(step, ir.CallStep))


def _connected_variables(analysis: FunctionAnalysis, name: str) -> frozenset[str]:
    """Return the variables that lead to an object, or that it leads to."""
    near = {name}
    size = 0
    while size < len(near):
        size = len(near)
        for step in analysis.function.steps:
            if (
                isinstance(step, ir.AssignStep)
                and step.value is not None
                and not paths.is_constant(step.value)
            ):
                linked = {paths.base(step.place), paths.base(step.value)}
            elif isinstance(step, ir.CallStep) and step.place[0] != "%":
                given = (step.place, *step.arguments[:1])
                linked = {paths.base(one) for one in given if one is not None}
            else:
                continue
            if not near.isdisjoint(linked):
                near |= linked
    return frozenset(near - {"", "#"})
