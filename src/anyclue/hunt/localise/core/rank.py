"""Functions ranked: a posterior over those of the module, and over none of them.

Every function is as likely as any other at first. Pieces of evidence multiply: each says how much
likelier it is to be seen of the function at fault than of another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Final

from anyclue.hunt.clue.model import Place, Reason, ReasonSource, TouchedBy
from anyclue.hunt.localise.core.evidence import FunctionSource, GuiltyCase, ModuleSource
from anyclue.hunt.localise.core.pairing_evidence import Pairing
from anyclue.hunt.localise.core.reachability import reached
from anyclue.hunt.localise.core.stacks import stacks
from anyclue.hunt.localise.core.weights import (
    ACCUSED,
    ELSEWHERE,
    ELSEWHERE_ALONE,
    MOST,
    UNCHANGED_CULPRITS,
)

SHOWN: Final = 10
"""So many places are listed."""
LEAST: Final = 0.001
"""Places less likely than this are not listed."""


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """The places, the likeliest first, and how likely it is that it is none of the module's.

    ``left`` is the probability of those that are not listed.
    """

    places: tuple[Place, ...] = ()
    elsewhere: float = 1.0
    left: float = 0.0


def rank(module: ModuleSource, case: GuiltyCase) -> Ranked:
    """Return the functions of a module by how likely they are at fault."""
    functions = module.functions
    if not functions:
        return Ranked()
    changed = sum(one.changed is True for one in functions)
    compared = module.compared and case.regression
    by_name: dict[str, list[str]] = {}
    for one in functions:
        by_name.setdefault(one.name, []).append(one.path)
    pairing, on_stacks = Pairing(module, case), stacks(case, by_name)
    elsewhere = ELSEWHERE_ALONE if compared and module.alone else ELSEWHERE
    weights, candidates = [], []
    for one in functions:
        at = one.path, one.name
        said = pairing.of(one)
        commits = module.commits.get(at, ())
        evidence = [
            *said.reasons,
            *reached(one, case),
            *on_stacks.get(at, ()),
            *_accused(commits),
        ]
        evident = min(max(prod(reason.ratio for reason in evidence), 1 / MOST), MOST)
        change = _change(one, changed, len(functions)) if compared else None
        reasons = [*([change] if change else []), *evidence]
        weights.append(
            (1 - elsewhere) / len(functions) * evident * (change.ratio if change else 1.0)
        )
        candidates.append((one, reasons, said.missing, commits))
    total = sum(weights) + elsewhere
    places = [
        Place(
            function=one.name,
            path=one.path,
            line=missing.line if missing is not None else one.line,
            probability=weight / total,
            reasons=tuple(sorted(reasons, key=lambda r: -max(r.ratio, 1 / r.ratio))),
            missing=missing,
            commits=commits,
        )
        for weight, (one, reasons, missing, commits) in zip(weights, candidates, strict=True)
    ]
    places.sort(key=lambda place: (-place.probability, place.path, place.line))
    shown = tuple(_telling(places[:SHOWN]))
    listed = sum(place.probability for place in shown)
    return Ranked(
        places=shown,
        elsewhere=elsewhere / total,
        left=max(1 - listed - elsewhere / total, 0.0),
    )


def _telling(places: Iterable[Place]) -> Iterable[Place]:
    """Leave out places that nothing speaks for."""
    for place in places:
        if place.probability >= LEAST and any(reason.ratio > 1 for reason in place.reasons):
            yield place


def _change(one: FunctionSource, changed: int, functions: int) -> Reason | None:
    """Return what it says that a function was changed, or not: by how many others were."""
    if one.changed is None:
        return None
    share = (changed + 1) / (functions + 2)
    if one.changed:
        ratio = (1 - UNCHANGED_CULPRITS) / share
        text = f"it is one of {changed} functions that differ between the kernels"
        if changed == 1:
            text = "it is the only function that differs between the kernels"
        return Reason(source=ReasonSource.CHANGE, ratio=ratio, text=text)
    text = "it is the same in both kernels"
    return Reason(source=ReasonSource.CHANGE, ratio=UNCHANGED_CULPRITS / (1 - share), text=text)


def _accused(commits: Iterable[TouchedBy]) -> list[Reason]:
    named = next((one for one in commits if one.accused), None)
    if named is None:
        return []
    text = f"the accused commit {named.commit[:12]} changed it"
    return [Reason(source=ReasonSource.COMMIT, ratio=ACCUSED.ratio, text=text)]
