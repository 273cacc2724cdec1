"""Functions ranked: a posterior over those of the module, and over none of them.

The prior is the same for every function. Likelihood ratios multiply: each says how much likelier a
piece of evidence is to be seen of the function at fault than of another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Final

from anyclue.hunt.clue.model import Place, Reason, ReasonSource
from anyclue.hunt.localise.core.likelihood_ratios import (
    MOST_EVIDENCE,
    PRIOR_ELSEWHERE,
    PRIOR_ELSEWHERE_ALONE,
    PRIOR_UNCHANGED,
)
from anyclue.hunt.localise.core.likelihoods import PairingEvidence, reachability_evidence
from anyclue.hunt.localise.core.model import FunctionSource, ModuleSource, Symptoms
from anyclue.hunt.localise.core.stacks import stack_evidence
from anyclue.hunt.render import evidence_words

MOST_PLACES: Final = 10
"""So many places are listed, those that something speaks for."""
LEAST_PROBABILITY: Final = 0.001
"""Places less likely than this are not listed."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The places, the likeliest first, and how likely it is that it is none of the module's."""

    places: tuple[Place, ...] = ()
    elsewhere: float = 1.0


def rank_functions(module: ModuleSource, symptoms: Symptoms) -> Ranking:
    """Return the functions of a module by how likely they are at fault."""
    functions = module.functions
    if not functions:
        return Ranking()
    changed = sum(one.changed is True for one in functions)
    compared = module.compared and symptoms.regression
    by_name: dict[str, list[str]] = {}
    for one in functions:
        by_name.setdefault(one.name, []).append(one.path)
    pairing, on_stacks = PairingEvidence(module, symptoms), stack_evidence(symptoms, by_name)
    elsewhere = PRIOR_ELSEWHERE_ALONE if compared and module.alone else PRIOR_ELSEWHERE
    prior = (1 - elsewhere) / len(functions)
    reached = frozenset[str]().union(*(one.workloads for one in functions))
    # Of a workload that is known to reach nothing nobody knows what it reaches.
    known = symptoms if symptoms.workloads <= reached else replace(symptoms, workloads=frozenset())
    weights, places = [], []
    for one in functions:
        at = one.path, one.name
        paired = pairing.of(one)
        evidence = [
            *paired.reasons,
            *reachability_evidence(one, known),
            *on_stacks.get(at, ()),
        ]
        likelihood = prod(reason.ratio for reason in evidence)
        likelihood = min(max(likelihood, 1 / MOST_EVIDENCE), MOST_EVIDENCE)
        change = _change(one, changed, len(functions)) if compared else None
        if change is not None:
            evidence.insert(0, change)
        weights.append(prior * likelihood * (change.ratio if change else 1.0))
        places.append(
            Place(
                function=one.name,
                path=one.path,
                line=paired.missing.line if paired.missing is not None else one.line,
                probability=0.0,
                reasons=tuple(sorted(evidence, key=lambda r: -max(r.ratio, 1 / r.ratio))),
                missing=paired.missing,
            )
        )
    total = sum(weights) + elsewhere
    places = [
        replace(place, probability=weight / total)
        for place, weight in zip(places, weights, strict=True)
    ]
    places.sort(key=lambda place: (-place.probability, place.path, place.line))
    shown = tuple(
        place
        for place in places[:MOST_PLACES]
        if place.probability >= LEAST_PROBABILITY
        and any(reason.ratio > 1 for reason in place.reasons)
    )
    return Ranking(places=shown, elsewhere=elsewhere / total)


def _change(one: FunctionSource, changed: int, functions: int) -> Reason | None:
    """Return what it says that a function was changed, or not: by how many others were."""
    if one.changed is None:
        return None
    share = (changed + 1) / (functions + 2)
    if one.changed:
        ratio = (1 - PRIOR_UNCHANGED) / share
        text = evidence_words.changed(changed)
        return Reason(source=ReasonSource.CHANGE, ratio=ratio, text=text)
    ratio = PRIOR_UNCHANGED / (1 - share)
    return Reason(source=ReasonSource.CHANGE, ratio=ratio, text=evidence_words.UNCHANGED)
