"""From recordings to one verdict a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from anyclue.model.recording import Incident, Outcome, Recording
from anyclue.model.scenario import Cell, Scenario
from anyclue.model.verdict import CellVerdict, MemoryClass, Signature, Verdict
from anyclue.verdicts import words
from anyclue.verdicts.classes import TRAITS, Kind
from anyclue.verdicts.decide import MORE_ROUNDS, ClassDecision, Floors, decide, floors_of
from anyclue.verdicts.details import signature_detail
from anyclue.verdicts.exclude import Doubt, doubts, highest_possible
from anyclue.verdicts.floors import MIN_FLOORS
from anyclue.verdicts.peaks import Peaks, comparable, exhausting_class, peaks_of

SEVERITY: Final = (
    Outcome.CRASHED,
    Outcome.HUNG,
    Outcome.CORRUPT,
    Outcome.OOM,
    Outcome.FAILED,
    Outcome.PASSED,
    Outcome.NOT_RUN,
    Outcome.LOST,
)
"""The outcome of a cell is the first of these that one of its trials had."""

BROKEN: Final = frozenset({Outcome.CRASHED, Outcome.HUNG, Outcome.CORRUPT, Outcome.FAILED})

KMAP_WORDS: Final = ("kmap_high", "kunmap_local", "kmap_local")
"""What the kernel's log names when temporary mappings were unbalanced."""


@dataclass(frozen=True, kw_only=True)
class _Evidence:
    """All that a verdict on a cell can rest on; ``judged`` are the trials that said something."""

    cell: Cell
    all: tuple[Recording, ...]
    judged: tuple[Recording, ...]
    floors: Floors
    decisions: Mapping[MemoryClass, ClassDecision]
    peaks: Peaks
    reference: _Evidence | None
    reference_cell: Cell | None

    @property
    def outcome(self) -> Outcome:
        outcomes = {recording.outcome for recording in self.all}
        return next((o for o in SEVERITY if o in outcomes), Outcome.NOT_RUN)

    @property
    def worst(self) -> Recording | None:
        return next((r for r in self.all if r.outcome is self.outcome), None)

    @property
    def incident(self) -> Incident | None:
        worst = [r for r in self.all if r.outcome is self.outcome]
        return next((r.incident for r in (*worst, *self.judged) if r.incident), None)


@dataclass(frozen=True, kw_only=True)
class _Conclusion:
    """A verdict before it is put together; ``carrier`` is the class that it is about."""

    verdict: Verdict
    because: str
    carrier: MemoryClass = MemoryClass.USED
    signature: Signature | None = None
    detail: str = ""
    rate_known: bool = True


def judge_cells(
    scenario: Scenario, recordings: Mapping[Cell, Sequence[Recording]]
) -> tuple[CellVerdict, ...]:
    """Return the verdict of every planned cell, in plan order.

    A cell without recordings is ``unproven``; so is each that could not be judged: never clean.
    """
    references = {
        cell: _gather(cell, recordings.get(cell, ()), None, None) for cell in scenario.references
    }
    verdicts = []
    for cell in scenario.cells:
        evidence = references.get(cell)
        if evidence is None:
            nearest = scenario.reference_for(cell)
            reference = references[nearest] if nearest is not None else None
            evidence = _gather(cell, recordings.get(cell, ()), nearest, reference)
        verdicts.append(_verdict(scenario, evidence))
    return tuple(verdicts)


def _gather(
    cell: Cell,
    recordings: Sequence[Recording],
    reference_cell: Cell | None,
    reference: _Evidence | None,
) -> _Evidence:
    trials = tuple(sorted(recordings, key=lambda r: r.trial))
    judged = tuple(r for r in trials if r.outcome not in {Outcome.LOST, Outcome.NOT_RUN})
    floors = floors_of(judged)
    return _Evidence(
        cell=cell,
        all=trials,
        judged=judged,
        floors=floors,
        decisions=decide(
            floors,
            reference.floors if reference is not None else None,
            reference.decisions if reference is not None else {},
        ),
        peaks=peaks_of(judged),
        reference=reference,
        reference_cell=reference_cell,
    )


def _verdict(scenario: Scenario, evidence: _Evidence) -> CellVerdict:
    conclusion = _conclude(scenario, evidence)
    carrier = evidence.decisions.get(conclusion.carrier) if conclusion.rate_known else None
    return CellVerdict(
        cell=evidence.cell,
        outcome=evidence.outcome,
        verdict=conclusion.verdict,
        because=conclusion.because + _trials_left_out(evidence),
        rate_kib_per_round=carrier.rate if carrier is not None else None,
        rate_ci95_kib=carrier.interval if carrier is not None else None,
        signature=conclusion.signature,
        signature_detail=conclusion.detail,
        classes={c: decision.class_rate() for c, decision in evidence.decisions.items()},
        rounds=evidence.floors.used_rounds,
        warm_up=evidence.floors.warm_up,
        trials=len(evidence.all),
        reference=evidence.reference_cell,
        incident=evidence.incident,
        floors={
            memory_class: tuple(trial.kib for trial in series)
            for memory_class, series in evidence.floors.series.items()
        },
    )


def _conclude(scenario: Scenario, evidence: _Evidence) -> _Conclusion:
    if not evidence.judged:
        return _Conclusion(verdict=Verdict.UNPROVEN, because=_why_not_judged(evidence))
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
        limit_kib=scenario.sensitivity.leak_kib_per_round,
    )
    if doubt is not None:
        return _unproven(evidence, doubt, scenario)
    return _between_floors(scenario, evidence) or _clean(scenario, evidence)


def _carrier(decisions: Mapping[MemoryClass, ClassDecision]) -> ClassDecision | None:
    """Return the class that a leak is about: of those that grew, the one that grew most.

    Memory that no counter counts is accused only when it is more than all counted growth
    together. Used memory alone is accused only when nothing is known of its classes.
    """
    leaky = {Kind.KERNEL, Kind.USER}
    grown = [d for c, d in decisions.items() if d.grew and TRAITS[c].kind in leaky]
    counted = [d for d in grown if d.memory_class is not MemoryClass.UNACCOUNTED]
    unaccounted = next((d for d in grown if d.memory_class is MemoryClass.UNACCOUNTED), None)
    if unaccounted is not None and unaccounted.rate > sum(d.rate for d in counted):
        return unaccounted
    if counted:
        return max(counted, key=lambda d: (d.rate, d.memory_class))
    known = any(TRAITS[c].kind is Kind.KERNEL for c in decisions)
    used = decisions.get(MemoryClass.USED)
    return used if used is not None and used.grew and not known else None


def _leak(evidence: _Evidence, leaking: ClassDecision) -> _Conclusion:
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
        if d.grew and c is not carrier and TRAITS[c].kind is not Kind.TOTAL
    ]
    if also:
        parts.append(f"{words.listed(also)} grew too")
    if evidence.outcome is not Outcome.PASSED:
        parts.append(_how_it_ended(evidence))
    return _Conclusion(
        verdict=Verdict.LEAK,
        because="; ".join(part for part in parts if part),
        carrier=carrier,
        signature=traits.signature,
        detail=detail,
    )


def _out_of_memory(evidence: _Evidence) -> _Conclusion:
    theirs = evidence.reference.peaks if evidence.reference is not None else None
    compare = theirs if comparable(evidence.peaks, theirs) else None
    found = exhausting_class(evidence.peaks, compare)
    if found is None:
        return _broken(evidence)
    memory_class, growth = found
    share = 100.0 * growth / evidence.peaks.ram
    against = (
        f", against {words.mib(compare.growth.get(memory_class, 0.0))} in the reference"
        if compare is not None
        else ""
    )
    return _Conclusion(
        verdict=Verdict.LEAK,
        because=f"the guest ran out of memory while {words.name(memory_class)} grew by"
        f" {words.mib(growth)}, {share:.0f} % of its RAM{against}; too few floors for a rate",
        carrier=memory_class,
        signature=TRAITS[memory_class].signature,
        rate_known=False,
    )


def _broken(evidence: _Evidence) -> _Conclusion:
    incident = evidence.incident
    text = f"{incident.title} {incident.function} {incident.text}" if incident else ""
    kmap = any(word in text for word in KMAP_WORDS)
    flat = "; no leak was proven in the floors before it" if evidence.decisions else ""
    return _Conclusion(
        verdict=Verdict.BROKEN,
        because=_how_it_ended(evidence) + flat,
        signature=Signature.KMAP_SLOTS if kmap else None,
        detail=(incident.function or "") if incident else "",
    )


def _unproven(evidence: _Evidence, doubt: Doubt, scenario: Scenario) -> _Conclusion:
    limit = words.number(scenario.sensitivity.leak_kib_per_round)
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
        because = (
            f"{doubt.what} moved by {words.number(doubt.fit.own.rate)} KiB a round"
            f" ({words.interval(doubt.fit.own.interval)}), so a leak of {limit} KiB a round is"
            f" neither proven nor excluded; {more} more rounds would tell"
        )
    return _Conclusion(verdict=Verdict.UNPROVEN, because=because)


def _between_floors(scenario: Scenario, evidence: _Evidence) -> _Conclusion | None:
    """Return ``surge`` or ``cache`` when memory between flat floors is far above the reference."""
    mine = evidence.peaks
    theirs = evidence.reference.peaks if evidence.reference is not None else None
    if theirs is None or not comparable(mine, theirs):
        return None
    limit = scenario.sensitivity.surge_percent / 100.0 * mine.ram

    def above(here: float | None, there: float | None) -> bool:
        return here is not None and there is not None and here - there > limit

    if above(mine.uncached, theirs.uncached):
        return _Conclusion(
            verdict=Verdict.SURGE,
            because=f"memory that is no cache peaked at {words.mib(mine.uncached or 0.0)} above its"
            f" lowest, {words.mib(theirs.uncached or 0.0)} in the reference; the floors are flat",
        )
    if above(mine.held, theirs.held):
        which = f", mostly {words.name(mine.held_class)}" if mine.held_class is not None else ""
        return _Conclusion(
            verdict=Verdict.CACHE,
            because=f"a round left {words.mib(mine.held or 0.0)} behind{which}"
            f" ({words.mib(theirs.held or 0.0)} in the reference), and reclaim gave it back:"
            " the floors are flat",
        )
    if above(mine.used, theirs.used):
        return _Conclusion(
            verdict=Verdict.CACHE,
            because=f"use peaked at {words.mib(mine.used or 0.0)} above its lowest"
            f" ({words.mib(theirs.used or 0.0)} in the reference), all of it cache that was"
            " given back: the floors are flat",
        )
    return None


def _clean(scenario: Scenario, evidence: _Evidence) -> _Conclusion:
    limit = words.number(scenario.sensitivity.leak_kib_per_round)
    memory_class, highest = highest_possible(evidence.decisions)
    floors = evidence.floors
    return _Conclusion(
        verdict=Verdict.CLEAN,
        because=f"leaks of {limit} KiB a round and more are excluded"
        f" {words.rounds(floors.used_rounds, floors.warm_up, len(floors.recordings))}:"
        f" no class of kernel memory grows by more than {words.number(max(highest, 0.0))} KiB"
        f" a round ({words.name(memory_class)}, upper end of the 95 % interval)",
    )


def _compared(evidence: _Evidence, memory_class: MemoryClass) -> str:
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


def _how_it_ended(evidence: _Evidence) -> str:
    what = words.OUTCOMES[evidence.outcome]
    worst = evidence.worst
    detail = words.incident(evidence.incident) or (worst.detail if worst is not None else "")
    return f"{what}: {detail}" if detail else what


def _why_not_judged(evidence: _Evidence) -> str:
    if not evidence.all:
        return "not run"
    worst = evidence.worst
    detail = f": {worst.detail}" if worst is not None and worst.detail else ""
    again = "; run it again" if evidence.outcome is Outcome.LOST else ""
    return f"{words.OUTCOMES[evidence.outcome]}{detail}{again}"


def _trials_left_out(evidence: _Evidence) -> str:
    if not evidence.judged:
        return ""
    left_out = [
        f"{count} {outcome.value}"
        for outcome in (Outcome.LOST, Outcome.NOT_RUN)
        if (count := sum(r.outcome is outcome for r in evidence.all))
    ]
    return f"; left out of {len(evidence.all)} trials: {', '.join(left_out)}" if left_out else ""
