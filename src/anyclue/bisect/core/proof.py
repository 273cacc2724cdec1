"""What must have been seen directly before a commit is called guilty.

The commit itself shows the bug, and each parent of it does not: a merge is accused only when all
its parents are good. Each is run ``repeats`` times at least, and until these runs alone, whatever
the prior, give the odds of the stated confidence. That runs at one commit ever give odds of k to 1
for what is false has a probability of 1 / k at most (Ville's inequality), also when they are
stopped at will; this holds for each commit that is tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, log

from anyclue.bisect.core.ancestry import Ancestry
from anyclue.bisect.core.likelihood import believed, log_odds
from anyclue.bisect.core.model import Demand, Observation, Settings, Shown


def demands(
    span: Ancestry,
    accused: Sequence[int],
    runs: Mapping[str, Sequence[Observation]],
    skipped: set[str],
    settings: Settings,
) -> tuple[Demand, ...]:
    """Return the runs that are missing of a proof.

    Args:
        span: the range.
        accused: the commits that are accused together, one of which is the first bad one.
        runs: what was seen at each commit.
        skipped: commits that cannot be run.
        settings: what the bisection keeps to.
    """
    wanted = [(one, Shown.BAD) for one in _above(span, accused, skipped)]
    wanted += [(one, Shown.GOOD) for one in _below(span, accused, skipped)]
    asked = (
        Demand(commit=one, expected=shown, runs=missing(runs.get(one, ()), shown, settings))
        for one, shown in wanted
    )
    return tuple(demand for demand in asked if demand.runs)


def missing(seen: Sequence[Observation], expected: Shown, settings: Settings) -> int:
    """Return how many runs made here that show what is expected are missing at a commit."""
    rates = believed(settings.rates)
    seen = [one for one in seen if one.made]
    agreeing = sum(one.shown is expected for one in seen)
    odds = log_odds(seen, settings)
    if expected is Shown.BAD:
        one_more = log((1 - rates.false_good) / rates.false_bad)
    else:
        odds, one_more = -odds, log((1 - rates.false_bad) / rates.false_good)
    short = log(settings.confidence / (1 - settings.confidence)) - odds
    return max(settings.repeats - agreeing, ceil(short / one_more - 1e-9), 0)


def _above(span: Ancestry, accused: Sequence[int], skipped: set[str]) -> list[str]:
    """Return the commit to show the bug: the one that can be run and has least beside the accused.

    Returns nothing when not even the bad end can be run.
    """
    if len(accused) == 1 and span.ids[accused[0]] not in skipped:
        return [span.ids[accused[0]]]
    holding = span.descendants(accused[0])
    for one in accused[1:]:
        holding &= span.descendants(one)
    usable = [int(one) for one in holding.nonzero()[0] if span.ids[one] not in skipped]
    nearest = min(usable, key=lambda one: int(span.ancestors(one).sum()), default=None)
    return [] if nearest is None else [span.ids[nearest]]


def _below(span: Ancestry, accused: Sequence[int], skipped: set[str]) -> list[str]:
    """Return the nearest commits below the accused that can be run: their parents, or further."""
    inside, seen = set(accused), set[str]()
    found: list[str] = []
    todo = list(accused)
    while todo:
        place = todo.pop(0)
        for parent in span.parents[place]:
            name = span.ids[parent]
            if name in seen or parent in inside:
                continue
            seen.add(name)
            if name in skipped:
                todo.append(parent)
            else:
                found.append(name)
        for name in span.beyond[place]:
            if name not in seen and name not in skipped:
                seen.add(name)
                found.append(name)
    return found
