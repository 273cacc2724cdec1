"""What must have been seen directly before a commit is called guilty.

The commit itself shows the bug, and each parent of it does not: a merge is accused only when all
its parents are good. Each is run ``repeats`` times at least, and until these runs alone, whatever
the prior, give the odds of the stated confidence. That runs at one commit ever give odds of k to 1
for what is false has a probability of 1 / k at most (Ville's inequality), also when they are
stopped at will; this holds for each commit that is tried.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log

from anyclue.bisect.core.ancestry import Ancestry
from anyclue.bisect.core.model import BisectTerm, Observation, Settings
from anyclue.bisect.core.posterior import clamped, log_odds


@dataclass(frozen=True, kw_only=True)
class ProofRequirement:
    """A part of a proof: runs that a commit still needs, all to show the same."""

    commit: str
    expected: BisectTerm
    runs: int


def requirements(
    ancestry: Ancestry,
    accused: Sequence[int],
    runs: Mapping[str, Sequence[Observation]],
    skipped: Collection[str],
    settings: Settings,
) -> tuple[ProofRequirement, ...]:
    """Return the runs that are missing of a proof.

    Args:
        ancestry: the range.
        accused: the commits that are accused together, one of which is the first bad one.
        runs: what was seen at each commit.
        skipped: commits that cannot be run.
        settings: what the bisection keeps to.
    """
    needed = [(one, BisectTerm.BAD) for one in _bad_witnesses(ancestry, accused, skipped)]
    needed += [(one, BisectTerm.GOOD) for one in _good_witnesses(ancestry, accused, skipped)]
    every = (
        ProofRequirement(
            commit=one, expected=term, runs=_missing_runs(runs.get(one, ()), term, settings)
        )
        for one, term in needed
    )
    return tuple(one for one in every if one.runs)


def _missing_runs(
    observations: Sequence[Observation], expected: BisectTerm, settings: Settings
) -> int:
    """Return how many runs made here that show what is expected are missing at a commit."""
    rates = clamped(settings.rates)
    made = [one for one in observations if not one.imported]
    agreeing = sum(one.term is expected for one in made)
    odds = log_odds(made, settings)
    if expected is BisectTerm.BAD:
        one_more = log((1 - rates.false_good) / rates.false_bad)
    else:
        odds, one_more = -odds, log((1 - rates.false_bad) / rates.false_good)
    short = log(settings.confidence / (1 - settings.confidence)) - odds
    return max(settings.repeats - agreeing, ceil(short / one_more - 1e-9), 0)


def _bad_witnesses(
    ancestry: Ancestry, accused: Sequence[int], skipped: Collection[str]
) -> list[str]:
    """Return the commit to show the bug: the one that can be run and has least beside the accused.

    Returns nothing when not even the bad end can be run.
    """
    if len(accused) == 1 and ancestry.ids[accused[0]] not in skipped:
        return [ancestry.ids[accused[0]]]
    common = ancestry.descendants(accused[0])
    for one in accused[1:]:
        common &= ancestry.descendants(one)
    usable = [int(one) for one in common.nonzero()[0] if ancestry.ids[one] not in skipped]
    nearest = min(usable, key=lambda one: int(ancestry.ancestors(one).sum()), default=None)
    return [] if nearest is None else [ancestry.ids[nearest]]


def _good_witnesses(
    ancestry: Ancestry, accused: Sequence[int], skipped: Collection[str]
) -> list[str]:
    """Return the nearest commits below the accused that can be run: their parents, or further."""
    inside, visited = set(accused), set[str]()
    found: list[str] = []
    todo = list(accused)
    while todo:
        place = todo.pop(0)
        for parent in ancestry.parents[place]:
            name = ancestry.ids[parent]
            if name in visited or parent in inside:
                continue
            visited.add(name)
            if name in skipped:
                todo.append(parent)
            else:
                found.append(name)
        for name in ancestry.beyond[place]:
            if name not in visited and name not in skipped:
                visited.add(name)
                found.append(name)
    return found
