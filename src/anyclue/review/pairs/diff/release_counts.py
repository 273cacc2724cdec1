"""Releases counted on the ways through two versions of a function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from anyclue.review.pairs.diff.path_counts import MAX_PATHS, MOST, PathCount, PathCounts
from anyclue.review.pairs.engine.effects import EffectKind
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values
from anyclue.review.pairs.model import Confidence

Place = tuple[str, str]
"""A pair's name and the path of a resource."""


def direct_releases(analysis: FunctionAnalysis) -> list[Place]:
    """Return what a function releases, each under the pair that says most about it."""
    acquired = {effect.pair for _, effect in analysis.effects if effect.kind == EffectKind.ACQUIRE}
    found: dict[Place, bool] = {}
    for number, effect in analysis.effects:
        name = analysis.function.nodes[number][4]
        if effect.kind != EffectKind.RELEASE or not analysis.callees.is_direct_effect(
            name, effect.pair
        ):
            continue
        place = analysis.place(number, effect)
        if place is not None and (effect.pair, place) in analysis.released_places:
            found[effect.pair, place] = analysis.callees.has_contract(name)
    return sorted(found, key=lambda one: (one[0] not in acquired, not found[one], one))


def _decisions(way: PathCount, analysis: FunctionAnalysis) -> dict[str, object]:
    """Return what each branch of a way found, however the source words the question."""
    nodes = analysis.function.nodes
    found: dict[str, object] = {}
    for number, holds in way.trail.forward():
        node = nodes[number]
        if node[0] == ir.BRANCH:
            test = node[4]
            signs = isinstance(test, int)
            found[node[5]] = (test if holds else values.ANY & ~test) if signs else (test, holds)
    return found


def _same_way(
    old: Sequence[PathCount], new: PathCount, before: FunctionAnalysis, after: FunctionAnalysis
) -> list[PathCount]:
    """Return the old ways that decide as the new one does wherever it decides."""
    wanted = _decisions(new, after)
    found = []
    for one in old:
        had = _decisions(one, before)
        if _alike(one, new) and all(had.get(key) == holds for key, holds in wanted.items()):
            found.append(one)
    return found


def calls_dropped(
    before: FunctionAnalysis, after: FunctionAnalysis, pair: str, places: tuple[str, str]
) -> bool:
    """Tell whether one of the calls that released a place is there less often."""
    old = Counter(
        call for name, call, place in before.releases if (name, place) == (pair, places[0])
    )
    variable = paths.base(places[1])
    new = Counter(
        node[4]
        for node in after.function.nodes
        if node[0] == ir.CALL
        and any(one is not None and paths.base(one) == variable for one in node[5])
    )
    return bool(old - new)


def fewer_releases(
    old: PathCounts,
    new: PathCounts,
    before: FunctionAnalysis,
    after: FunctionAnalysis,
    *,
    lost: bool,
) -> tuple[PathCount, Confidence, str] | None:
    """Return a way that releases less often than such ways did, how sure, and why.

    Args:
        old: the ways of the old version.
        new: the ways of the new one.
        before: the old version.
        after: the new one.
        lost: one of the calls that released it is there less often.
    """
    sure = [one for one in new.found if not one.doubtful]
    if old.all is not None and len(sure) <= MAX_PATHS:
        for one in sure:
            same = _same_way(old.all, one, before, after)
            if same and one.net < min(two.net for two in same):
                return one, Confidence.MEDIUM, "before the change the same way out released it"
    for fine in (False, True):
        for (kind, value), listed in _by_kind(new.found, fine=fine).items():
            like = [
                one
                for one in old.found
                if _alike(one, listed[0]) and (not fine or one.value in (value, ""))
            ]
            certain = [one for one in like if not one.doubtful] or like
            least = min(listed, key=lambda one: (one.doubtful, one.net))
            if like and not least.doubtful and least.net < min(one.net for one in certain):
                reason = "before the change every such way out released it"
                return least, Confidence.MEDIUM, reason
            had = [one.net for one in like if one.kind == kind and (not fine or one.value == value)]
            top, most = max(one.net for one in listed), max(had, default=-MOST)
            if lost and top < most and (most == 1 or top <= 0 < most):
                reason = "before the change some such way out released it"
                return least, Confidence.LOW, reason
    return None


def _alike(old: PathCount, new: PathCount) -> bool:
    """Tell whether two ways out may report the same."""
    kinds = {old.kind, new.kind}
    return len(kinds) == 1 or ("either" in kinds and kinds <= {"either", "failing", "other"})


def more_releases(old: PathCounts, new: PathCounts) -> PathCount | None:
    """Return a way that releases twice, where none of its kind did."""
    sure = [one for one in new.found if not one.doubtful]
    ever = max(one.net for one in old.found)
    acquires = any(one.net < 0 for one in old.found)
    for listed in _by_kind(sure, fine=False).values():
        counts = {one.net for one in old.found if _alike(one, listed[0])}
        most = max(listed, key=lambda one: one.net)
        if counts and most.net > ever and (most.net > 1 or (acquires and counts == {0})):
            return most
    return None


def _by_kind(listed: Sequence[PathCount], *, fine: bool) -> dict[tuple[str, str], list[PathCount]]:
    found: dict[tuple[str, str], list[PathCount]] = {}
    for one in listed:
        found.setdefault((one.kind, one.value if fine else ""), []).append(one)
    return found
