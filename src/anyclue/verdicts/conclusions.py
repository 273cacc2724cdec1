"""From the evidence on one cell to its verdict, with the reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from anyclue.model.recording import Incident, Outcome
from anyclue.model.scenario import Sensitivity
from anyclue.model.verdict import MemoryClass, Signature, Verdict
from anyclue.verdicts import words
from anyclue.verdicts.classes import TRAITS, GrowthKind
from anyclue.verdicts.decide import MORE_ROUNDS, ClassDecision
from anyclue.verdicts.details import signature_detail
from anyclue.verdicts.evidence import CellEvidence
from anyclue.verdicts.exclude import Doubt, doubts, highest_possible
from anyclue.verdicts.floors import GUESTS_THAT_TELL, MIN_FLOORS, steps_of
from anyclue.verdicts.peaks import comparable, exhausting_class, pinned_cache

BROKEN: Final = frozenset({Outcome.CRASHED, Outcome.HUNG, Outcome.CORRUPT, Outcome.FAILED})

KMAP_WORDS: Final = ("kmap_high", "kunmap_local", "kmap_local")
"""What the kernel's log names when temporary mappings were unbalanced."""


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """A verdict before it is put together; ``carrier`` is the class that it is about."""

    verdict: Verdict
    because: str
    carrier: MemoryClass = MemoryClass.USED
    signature: Signature | None = None
    detail: str = ""
    rate_known: bool = True


def conclude(sensitivity: Sensitivity, evidence: CellEvidence) -> Conclusion:
    """Return the verdict; the first of leak, broken, unproven, surge, cache, clean that holds."""
    if not evidence.judged:
        return Conclusion(verdict=Verdict.UNPROVEN, because=_why_not_judged(evidence))
    leaking = _carrier(evidence.decisions)
    if leaking is not None:
        return _leak(evidence, leaking)
    if evidence.outcome is Outcome.OOM:
        return _out_of_memory(evidence)
    if evidence.outcome in BROKEN:
        return _broken(evidence)
    doubt = doubts(
        evidence.floors,
        evidence.decisions,
        evidence.reference.floors if evidence.reference is not None else None,
        limit_kib=sensitivity.leak_kib_per_round,
    )
    if doubt is not None:
        return _unproven(evidence, doubt, sensitivity)
    return _between_floors(sensitivity, evidence) or _clean(sensitivity, evidence)


def _carrier(decisions: Mapping[MemoryClass, ClassDecision]) -> ClassDecision | None:
    """Return the class that a leak is about: of those that grew, the one that grew most.

    Memory that no counter counts is accused only when it is more than all counted growth
    together. Used memory alone is accused only when nothing is known of its classes.
    """
    leaky = {GrowthKind.KERNEL, GrowthKind.USER}
    grown = [d for c, d in decisions.items() if d.grew and TRAITS[c].kind in leaky]
    counted = [d for d in grown if d.memory_class is not MemoryClass.UNACCOUNTED]
    unaccounted = next((d for d in grown if d.memory_class is MemoryClass.UNACCOUNTED), None)
    if unaccounted is not None and unaccounted.rate > sum(d.rate for d in counted):
        return unaccounted
    if counted:
        return max(counted, key=lambda d: (d.rate, d.memory_class))
    known = any(TRAITS[c].kind is GrowthKind.KERNEL for c in decisions)
    used = decisions.get(MemoryClass.USED)
    return used if used is not None and used.grew and not known else None


def _leak(evidence: CellEvidence, leaking: ClassDecision) -> Conclusion:
    carrier, floors = leaking.memory_class, evidence.floors
    traits = TRAITS[carrier]
    detail = signature_detail(carrier, leaking.top, leaking.rate, floors.recordings, floors.warm_up)
    parts = [
        f"{traits.name} grew by {words.number(leaking.rate)} KiB a round"
        f" ({words.interval(leaking.interval)})"
        f" {words.rounds(floors.used_rounds, floors.warm_up, len(floors.recordings))}"
        " and no reclaim gave it back"
    ]
    if detail:
        parts.append(detail)
    if leaking.steps:
        parts.append(f"{leaking.steps} single step(s) set aside")
    parts.append(_compared(evidence, carrier))
    also = [
        f"{words.name(c)} ({words.number(d.rate)} KiB)"
        for c, d in evidence.decisions.items()
        if d.grew and c is not carrier and TRAITS[c].kind is not GrowthKind.TOTAL
    ]
    if also:
        parts.append(f"{words.listed(also)} grew too")
    if evidence.outcome is not Outcome.PASSED:
        parts.append(_how_it_ended(evidence))
    return Conclusion(
        verdict=Verdict.LEAK,
        because="; ".join(part for part in parts if part),
        carrier=carrier,
        signature=traits.signature,
        detail=detail,
    )


def _pinned(evidence: CellEvidence, pinned: float) -> Conclusion:
    share = 100.0 * pinned / evidence.peaks.ram
    return Conclusion(
        verdict=Verdict.LEAK,
        because=f"the guest ran out of memory while {words.mib(pinned)} of clean page cache,"
        f" {share:.0f} % of its RAM, could not be reclaimed: somebody holds references on its"
        " pages; too few floors for a rate",
        carrier=MemoryClass.ORPHANED_FILE_PAGES,
        signature=Signature.PAGE_CACHE_REFERENCE,
        rate_known=False,
    )


def _out_of_memory(evidence: CellEvidence) -> Conclusion:
    theirs = evidence.reference.peaks if evidence.reference is not None else None
    compare = theirs if comparable(evidence.peaks, theirs) else None
    found = exhausting_class(evidence.peaks, compare)
    pinned = pinned_cache(evidence.peaks)
    if found is None and pinned is not None:
        return _pinned(evidence, pinned)
    if found is None:
        return _broken(evidence)
    memory_class, growth = found
    share = 100.0 * growth / evidence.peaks.ram
    against = (
        f", against {words.mib(compare.growth.get(memory_class, 0.0))} in the reference"
        if compare is not None
        else ""
    )
    return Conclusion(
        verdict=Verdict.LEAK,
        because=f"the guest ran out of memory while {words.name(memory_class)} grew by"
        f" {words.mib(growth)}, {share:.0f} % of its RAM{against}; too few floors for a rate",
        carrier=memory_class,
        signature=TRAITS[memory_class].signature,
        rate_known=False,
    )


def _broken(evidence: CellEvidence) -> Conclusion:
    incident = evidence.incident
    kmap = incident is not None and any(
        word in line for line in _certain_lines(incident) for word in KMAP_WORDS
    )
    flat = "; no leak was proven in the floors before it" if evidence.decisions else ""
    return Conclusion(
        verdict=Verdict.BROKEN,
        because=_how_it_ended(evidence) + flat,
        signature=Signature.KMAP_SLOTS if kmap else None,
        detail=(incident.function or "") if incident else "",
    )


def _certain_lines(incident: Incident) -> list[str]:
    """Return the lines of an incident without frames that the kernel itself calls unsure ("? ")."""
    lines = [incident.title, incident.function or "", *incident.text.splitlines()]
    return [line for line in lines if not line.lstrip().startswith("? ")]


def _unproven(evidence: CellEvidence, doubt: Doubt, sensitivity: Sensitivity) -> Conclusion:
    limit = words.number(sensitivity.leak_kib_per_round)
    if doubt.fit is None:
        because = (
            f"{evidence.floors.used_rounds} floors are too few to judge {doubt.what}:"
            f" at least {MIN_FLOORS} are needed after the warm-up"
        )
    elif doubt.steps:
        steps = [f"{words.number(kib)} KiB before the floor of round {n}" for n, kib in doubt.steps]
        because = (
            f"{doubt.what} made a step of {words.listed(steps)} and is flat otherwise:"
            " a one-time cost or a rare leak; more rounds would tell"
        )
    else:
        more = f"about {doubt.more_rounds}" if doubt.more_rounds else f"over {MORE_ROUNDS[-1]}"
        rounds = "round" if doubt.more_rounds == 1 else "rounds"
        because = (
            f"{doubt.what} moved by {words.number(doubt.fit.own.rate)} KiB a round"
            f" ({words.interval(doubt.fit.own.interval)}), so a leak of {limit} KiB a round is"
            f" neither proven nor excluded; {more} more {rounds} would tell"
        )
    return Conclusion(verdict=Verdict.UNPROVEN, because=because)


def _between_floors(sensitivity: Sensitivity, evidence: CellEvidence) -> Conclusion | None:
    """Return ``surge`` or ``cache`` when memory between flat floors is far above the reference."""
    mine = evidence.peaks
    theirs = evidence.reference.peaks if evidence.reference is not None else None
    if theirs is None or not comparable(mine, theirs):
        return None
    limit = sensitivity.surge_percent / 100.0 * mine.ram

    def above(here: float | None, there: float | None) -> bool:
        return here is not None and there is not None and here - there > limit

    if above(mine.uncached, theirs.uncached):
        return Conclusion(
            verdict=Verdict.SURGE,
            because=f"memory that is no cache peaked at {words.mib(mine.uncached or 0.0)} above its"
            f" lowest, {words.mib(theirs.uncached or 0.0)} in the reference; the floors are flat",
        )
    if above(mine.held, theirs.held):
        which = f", mostly {words.name(mine.held_class)}" if mine.held_class is not None else ""
        return Conclusion(
            verdict=Verdict.CACHE,
            because=f"a round left {words.mib(mine.held or 0.0)} behind{which}"
            f" ({words.mib(theirs.held or 0.0)} in the reference), and reclaim gave it back:"
            " the floors are flat",
        )
    if above(mine.used, theirs.used):
        return Conclusion(
            verdict=Verdict.CACHE,
            because=f"use peaked at {words.mib(mine.used or 0.0)} above its lowest"
            f" ({words.mib(theirs.used or 0.0)} in the reference), all of it cache that was"
            " given back: the floors are flat",
        )
    return None


def _clean(sensitivity: Sensitivity, evidence: CellEvidence) -> Conclusion:
    limit = words.number(sensitivity.leak_kib_per_round)
    memory_class, highest = highest_possible(evidence.decisions)
    floors = evidence.floors
    steps = [f"{words.number(kib)} KiB" for _, kib in steps_of(floors.total())]
    aside = f"; single steps of {words.listed(steps)} are left out as one-time costs"
    return Conclusion(
        verdict=Verdict.CLEAN,
        because=f"leaks of {limit} KiB a round and more are excluded"
        f" {words.rounds(floors.used_rounds, floors.warm_up, len(floors.recordings))}:"
        f" no class of kernel memory grows by more than {words.number(max(highest, 0.0))} KiB"
        f" a round ({words.name(memory_class)}, upper end of the 95 % interval)"
        + (aside if steps and len(floors.recordings) >= GUESTS_THAT_TELL else ""),
    )


def _compared(evidence: CellEvidence, memory_class: MemoryClass) -> str:
    if evidence.reference_cell is None:
        return ""
    reference = words.reference(evidence.reference_cell)
    decisions = evidence.reference.decisions if evidence.reference is not None else {}
    theirs = decisions.get(memory_class)
    if theirs is None:
        return f"{reference} has no floors to compare with"
    if theirs.grew:
        return f"{reference} leaks too, {words.number(theirs.rate)} KiB a round"
    return f"{words.number(theirs.rate)} KiB a round in {reference}"


def _how_it_ended(evidence: CellEvidence) -> str:
    what = words.OUTCOMES[evidence.outcome]
    worst = evidence.worst
    detail = words.incident(evidence.incident) or (worst.detail if worst is not None else "")
    return f"{what}: {detail}" if detail else what


def _why_not_judged(evidence: CellEvidence) -> str:
    if not evidence.all:
        return "not run"
    worst = evidence.worst
    detail = f": {worst.detail}" if worst is not None and worst.detail else ""
    again = "; run it again" if evidence.outcome is Outcome.LOST else ""
    return f"{words.OUTCOMES[evidence.outcome]}{detail}{again}"
