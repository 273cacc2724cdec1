"""From recordings to one verdict a cell: its evidence, and the first rule that holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.reason import (
    BrokenFunction,
    CachePeak,
    ExcludedObjects,
    FloorSample,
    GrowthExcluded,
    GrowthProven,
    KernelError,
    LeftToReclaim,
    MemoryExhausted,
    NeverFreed,
    NotJudged,
    NotRun,
    ObjectEvidence,
    ObjectsGrew,
    ObjectsSuspected,
    OtherCounterGrew,
    PeakAboveReference,
    PinnedPageCache,
    ReferenceObjects,
    ReferenceRate,
    SlabCache,
    TrialBroke,
    TrialEnd,
    TrialsLeftOut,
)
from anyclue.model.recording import Incident, LeakedObject, Outcome, Recording, gravest_incident
from anyclue.model.scenario import Cell, Scenario, Sensitivity
from anyclue.model.verdict import (
    CellVerdict,
    MemoryClass,
    ObjectKind,
    ObjectRate,
    ObjectSeries,
    Signature,
    SignatureDetail,
    Verdict,
    VerdictReason,
)
from anyclue.verdicts.breakdown import (
    cache_growth,
    class_of,
    merged_names,
    object_detail,
    of_threads,
    signature_detail,
)
from anyclue.verdicts.class_growth import leaking_kib, more_used, perhaps_leaking
from anyclue.verdicts.classes import TRAITS, GrowthKind
from anyclue.verdicts.evaluation import evaluate
from anyclue.verdicts.evidence import CellEvidence, gather
from anyclue.verdicts.floors import MIN_GUESTS, Floors, steps_of
from anyclue.verdicts.growth import GrowthTest, highest_possible, not_excluded
from anyclue.verdicts.object_growth import ObjectGrowth, ObjectTest
from anyclue.verdicts.peaks import comparable, exhausting_class, pinned_cache

OBJECTS: Final = frozenset(LeakedObject) - {LeakedObject.REFERENCES, LeakedObject.ALLOCATIONS}
"""What a kernel can say was never freed that is in a slab cache."""

BROKEN: Final = frozenset({Outcome.CRASHED, Outcome.HUNG, Outcome.CORRUPT, Outcome.FAILED})

KMAP_WORDS: Final = ("kmap_high", "kunmap_local", "kmap_local")
"""What the kernel's log names when temporary mappings were unbalanced."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A verdict with its reason; ``carrier`` is the class that it is about."""

    verdict: Verdict
    because: VerdictReason
    carrier: MemoryClass = MemoryClass.USED
    signature: Signature | None = None
    detail: SignatureDetail | None = None
    rate_known: bool = True


def judge_cells(
    scenario: Scenario, recordings: Mapping[Cell, Sequence[Recording]]
) -> tuple[CellVerdict, ...]:
    """Return the verdict of every planned cell, in plan order.

    A cell without recordings is ``unproven``; so is each that could not be judged: never clean.
    """
    trials = {cell: tuple(map(evaluate, of)) for cell, of in recordings.items()}
    return CellJudge().judge(scenario, trials)


def judge_objects(
    sensitivity: Sensitivity,
    trials: Sequence[TrialEvaluation],
    cell: Cell,
    reference: tuple[Cell, Sequence[TrialEvaluation]],
    known: frozenset[ObjectSeries],
) -> CellVerdict:
    """Return the verdict of a cell beside a reference, which stands with its trials.

    Where counts of objects are ``known`` to leak under other conditions, no other count is judged,
    and the reference may have another workload.
    """
    good, of_good = reference
    normal = gather(good, of_good, None, None, is_reference=True)
    return _verdict(sensitivity, gather(cell, trials, good, normal, known=known))


class CellJudge:
    """Judges cells; one whose trials, reference and sensitivity are the same is judged once."""

    def __init__(self) -> None:
        self._judged: dict[Cell, _JudgedCell] = {}

    def judge(
        self, scenario: Scenario, trials: Mapping[Cell, tuple[TrialEvaluation, ...]]
    ) -> tuple[CellVerdict, ...]:
        """Return the verdict of every planned cell, in plan order.

        The evaluation of a trial is the same when it is the same object.
        """
        references = {
            cell: self._cell(scenario, cell, trials.get(cell, ()), None, is_reference=True)
            for cell in scenario.planned_references
        }
        verdicts = []
        for cell in scenario.cells:
            judged = references.get(cell)
            if judged is None:
                nearest = scenario.reference_for(cell)
                reference = references[nearest].evidence if nearest is not None else None
                judged = self._cell(scenario, cell, trials.get(cell, ()), reference)
            verdicts.append(judged.verdict)
        return tuple(verdicts)

    def _cell(
        self,
        scenario: Scenario,
        cell: Cell,
        trials: tuple[TrialEvaluation, ...],
        reference: CellEvidence | None,
        *,
        is_reference: bool = False,
    ) -> _JudgedCell:
        before = self._judged.get(cell)
        if (
            before is None
            or before.sensitivity != scenario.sensitivity
            or before.evidence.reference is not reference
            or before.evidence.is_reference != is_reference
            or len(before.trials) != len(trials)
            or any(a is not b for a, b in zip(before.trials, trials, strict=True))
        ):
            nearest = reference.cell if reference is not None else None
            evidence = gather(cell, trials, nearest, reference, is_reference=is_reference)
            before = self._judged[cell] = _JudgedCell(
                trials=trials,
                sensitivity=scenario.sensitivity,
                evidence=evidence,
                verdict=_verdict(scenario.sensitivity, evidence),
            )
        return before


@dataclass(frozen=True, kw_only=True)
class _JudgedCell:
    """A verdict and all that it was made from."""

    trials: tuple[TrialEvaluation, ...]
    sensitivity: Sensitivity
    evidence: CellEvidence
    verdict: CellVerdict


def decide(sensitivity: Sensitivity, evidence: CellEvidence) -> Decision:
    """Return the verdict; the first of leak, broken, unproven, surge, cache, clean that holds."""
    if not evidence.judged:
        return Decision(verdict=Verdict.UNPROVEN, because=_why_not_judged(evidence))
    leaking = _carrier(evidence.growth)
    if leaking is not None:
        return _leak(evidence, leaking)
    if evidence.objects.grown:
        return _object_leak(evidence)
    broken = _out_of_memory_or_broken(evidence)
    if broken is not None:
        return broken
    doubt = not_excluded(
        evidence.floors,
        evidence.growth,
        evidence.reference.floors if evidence.reference is not None else None,
        limit_kib=sensitivity.leak_kib_per_round,
    )
    doubt = doubt or _other_counter(evidence) or _suspected_objects(evidence)
    if doubt is not None:
        return Decision(verdict=Verdict.UNPROVEN, because=doubt)
    return _between_floors(sensitivity, evidence) or _clean(sensitivity, evidence)


def _verdict(sensitivity: Sensitivity, evidence: CellEvidence) -> CellVerdict:
    decision = decide(sensitivity, evidence)
    carrier = evidence.growth.get(decision.carrier) if decision.rate_known else None
    return CellVerdict(
        cell=evidence.cell,
        outcome=evidence.outcome,
        verdict=decision.verdict,
        because=_of_judged_trials(decision.because, evidence),
        rate_kib_per_round=carrier.rate if carrier is not None else None,
        rate_ci95_kib=carrier.interval if carrier is not None else None,
        signature=decision.signature,
        signature_detail=decision.detail,
        classes={c: growth.class_rate() for c, growth in evidence.growth.items()},
        rounds=evidence.floors.used_rounds,
        warm_up=evidence.floors.warm_up,
        trials=len(evidence.all),
        reference=evidence.reference_cell,
        incident=evidence.incident,
        floors={
            memory_class: tuple(trial.values for trial in series)
            for memory_class, series in evidence.floors.series.items()
        },
        objects=_object_rates(evidence),
        object_bound=evidence.objects.bound(),
    )


def _object_rates(evidence: CellEvidence) -> dict[ObjectSeries, ObjectRate]:
    """Return what is known of counts of objects; of those that grew, what their caches grew by."""
    return {
        series: replace(
            rate,
            kib=cache_growth(series, evidence.judged) if rate.grew else None,
            merged=merged_names(series, evidence.judged),
        )
        for series, rate in evidence.objects.rates().items()
    }


def _of_judged_trials(because: VerdictReason, evidence: CellEvidence) -> VerdictReason:
    left_out = tuple(
        (outcome, count)
        for outcome in (Outcome.LOST, Outcome.NOT_RUN)
        if (count := sum(r.outcome is outcome for r in evidence.all))
    )
    if not evidence.judged or not left_out:
        return because
    return TrialsLeftOut(judged=because, trials=len(evidence.all), left_out=left_out)


def _why_not_judged(evidence: CellEvidence) -> VerdictReason:
    worst = evidence.worst
    if worst is None:
        return NotRun()
    return NotJudged(outcome=worst.outcome, detail=worst.detail)


def _carrier(growth: Mapping[MemoryClass, GrowthTest]) -> GrowthTest | None:
    """Return the class that a leak is about: of those that grew, the one that grew most.

    Memory that no counter counts is accused only when it is more than all counted growth
    together. Slab that is of threads first is not accused beside their stacks, which weigh less
    where the processor has much state to keep. Used memory alone is accused only when nothing is
    known of its classes.
    """
    leaky = {GrowthKind.KERNEL, GrowthKind.USER}
    grown = [d for c, d in growth.items() if d.grew and TRAITS[c].kind in leaky]
    counted = [d for d in grown if d.memory_class is not MemoryClass.UNACCOUNTED]
    unaccounted = next((d for d in grown if d.memory_class is MemoryClass.UNACCOUNTED), None)
    if unaccounted is not None and unaccounted.rate > sum(d.rate for d in counted):
        return unaccounted
    if any(d.memory_class is MemoryClass.KERNEL_STACKS for d in counted):
        counted = [d for d in counted if not of_threads(d.memory_class, d.top)]
    if counted:
        return max(counted, key=lambda d: (d.rate, d.memory_class))
    known = any(TRAITS[c].kind is GrowthKind.KERNEL for c in growth)
    used = growth.get(MemoryClass.USED)
    return used if used is not None and used.grew and not known else None


def _leak(evidence: CellEvidence, leaking: GrowthTest) -> Decision:
    carrier, floors = leaking.memory_class, evidence.floors
    detail = signature_detail(
        carrier, leaking.top, leaking.rate, leaking.interval, floors.trials, floors.warm_up
    )
    rates = {c: of.class_rate() for c, of in evidence.growth.items()}
    objects = evidence.objects.grown
    series = None
    if isinstance(detail, SlabCache):
        series = ObjectSeries(kind=ObjectKind.SLAB, name=detail.name)
        counted = {one.series: one.rate for one in objects}.get(series, detail.objects)
        merged = merged_names(series, floors.trials)
        detail = replace(detail, objects=counted, merged=merged)
    because = GrowthProven(
        memory_class=carrier,
        rate_kib=leaking.rate,
        ci95_kib=leaking.interval,
        sample=_sample(floors),
        detail=detail,
        steps=leaking.steps,
        reference=_reference(evidence, carrier),
        others=tuple(
            (c, d.rate)
            for c, d in evidence.growth.items()
            if d.grew and c is not carrier and TRAITS[c].kind is not GrowthKind.TOTAL
        ),
        in_all_kib=sum(leaking_kib(rates).values()),
        perhaps=tuple(perhaps_leaking(rates).items()),
        more_used=more_used(rates),
        objects=_without(objects, series),
        end=None if evidence.outcome is Outcome.PASSED else _end(evidence),
    )
    return Decision(
        verdict=Verdict.LEAK,
        because=because,
        carrier=carrier,
        signature=TRAITS[carrier].signature,
        detail=detail,
    )


def _object_leak(evidence: CellEvidence) -> Decision:
    """Return the verdict where counts of objects grew, and no class of memory provably."""
    objects = evidence.objects.grown
    most = objects[0]
    carrier = class_of(most.series)
    detail = object_detail(most.series, most.rate, evidence.floors.trials)
    because = ObjectsGrew(
        series=most.series,
        rate=most.rate,
        ci95=most.interval,
        sample=_object_sample(most, evidence),
        detail=detail,
        reference=_reference_objects(most, evidence),
        others=_without(objects, most.series),
        end=None if evidence.outcome is Outcome.PASSED else _end(evidence),
        slabs=most.slabs,
    )
    return Decision(
        verdict=Verdict.LEAK,
        because=because,
        carrier=carrier,
        signature=TRAITS[carrier].signature or Signature.OBJECT,
        detail=detail,
    )


_LACKING: Final = MappingProxyType(
    {
        ObjectGrowth.ONE_GUEST: ObjectEvidence.GUEST,
        ObjectGrowth.SUSPECTED: ObjectEvidence.ROUNDS,
        ObjectGrowth.NO_REFERENCE: ObjectEvidence.REFERENCE,
        ObjectGrowth.SLABS: ObjectEvidence.SLABS,
    }
)
"""What would tell of a growth that is in doubt."""


def _suspected_objects(evidence: CellEvidence) -> ObjectsSuspected | None:
    """Return that a count of objects seems to grow; a clean cell must not hide it."""
    doubts = evidence.objects.in_doubt
    if not doubts:
        return None
    most = doubts[0]
    return ObjectsSuspected(
        series=most.series,
        rate=most.rate,
        ci95=most.interval,
        sample=_object_sample(most, evidence),
        lacking=_LACKING[most.growth],
        reference=_reference_objects(most, evidence),
        others=len(doubts) - 1,
        slabs=most.slabs,
    )


def _object_sample(of: ObjectTest, evidence: CellEvidence) -> FloorSample:
    return FloorSample(floors=of.floors, trials=len(evidence.floors.trials), warm_up=of.warm_up)


def _reference_objects(of: ObjectTest, evidence: CellEvidence) -> ReferenceObjects | None:
    if evidence.reference_cell is None or of.reference_rate is None:
        return None
    return ReferenceObjects(cell=evidence.reference_cell, rate=of.reference_rate)


def _without(
    objects: Sequence[ObjectTest], series: ObjectSeries | None
) -> tuple[tuple[ObjectSeries, float], ...]:
    return tuple((one.series, one.rate) for one in objects if one.series != series)


def _other_counter(evidence: CellEvidence) -> OtherCounterGrew | None:
    """Return that memory grew which we cannot lay to a file system, and cannot acquit of."""
    other = evidence.growth.get(MemoryClass.OTHER_COUNTED)
    if other is None or not other.grew:
        return None
    return OtherCounterGrew(counters=other.top, rate_kib=other.rate, ci95_kib=other.interval)


def _out_of_memory_or_broken(evidence: CellEvidence) -> Decision | None:
    if evidence.outcome is Outcome.OOM:
        return _out_of_memory(evidence)
    if evidence.outcome in BROKEN:
        return _broken(evidence)
    reported = gravest_incident(one.incident for one in evidence.judged)
    return _reported(evidence, reported) if reported is not None and reported.breaks else None


def _out_of_memory(evidence: CellEvidence) -> Decision:
    mine = evidence.peaks
    theirs = evidence.reference.peaks if evidence.reference is not None else None
    compare = theirs if comparable(mine, theirs) else None
    found = exhausting_class(mine, compare)
    pinned = pinned_cache(mine)
    if found is not None:
        memory_class, kib = found
        return Decision(
            verdict=Verdict.LEAK,
            because=MemoryExhausted(
                memory_class=memory_class,
                kib=kib,
                ram_kib=mine.ram,
                reference_kib=compare.growth.get(memory_class, 0.0) if compare else None,
            ),
            carrier=memory_class,
            signature=TRAITS[memory_class].signature,
            rate_known=False,
        )
    if pinned is not None:
        return Decision(
            verdict=Verdict.LEAK,
            because=PinnedPageCache(kib=pinned, ram_kib=mine.ram),
            carrier=MemoryClass.ORPHANED_FILE_PAGES,
            signature=Signature.PAGE_CACHE_REFERENCE,
            rate_known=False,
        )
    return _broken(evidence)


def _broken(evidence: CellEvidence) -> Decision:
    incident = evidence.incident
    kmap = incident is not None and any(
        word in line for line in _certain_lines(incident) for word in KMAP_WORDS
    )
    return Decision(
        verdict=Verdict.BROKEN,
        because=TrialBroke(end=_end(evidence), floors_flat=bool(evidence.growth)),
        signature=Signature.KMAP_SLOTS if kmap else _reported_signature(incident),
        detail=_reported_detail(incident),
    )


def _reported(evidence: CellEvidence, incident: Incident) -> Decision:
    """Return the verdict where the kernel found something wrong and went on to the end."""
    return Decision(
        verdict=Verdict.BROKEN,
        because=KernelError(incident=incident, floors_flat=bool(evidence.growth)),
        signature=_reported_signature(incident),
        detail=_reported_detail(incident),
    )


def _reported_signature(incident: Incident | None) -> Signature | None:
    return Signature.OBJECT if incident is not None and incident.leaked in OBJECTS else None


def _reported_detail(incident: Incident | None) -> SignatureDetail | None:
    if incident is None:
        return None
    if incident.leaked is not None:
        return NeverFreed(leaked=incident.leaked, subject=incident.subject)
    return BrokenFunction(name=incident.function) if incident.function else None


def _certain_lines(incident: Incident) -> list[str]:
    """Return the lines of an incident without frames that the kernel itself calls unsure ("? ")."""
    lines = [incident.title, incident.function or "", *incident.text.splitlines()]
    return [line for line in lines if not line.lstrip().startswith("? ")]


def _between_floors(sensitivity: Sensitivity, evidence: CellEvidence) -> Decision | None:
    """Return ``surge`` or ``cache`` when memory between flat floors is far above the reference."""
    mine = evidence.peaks
    theirs = evidence.reference.peaks if evidence.reference is not None else None
    if theirs is None or not comparable(mine, theirs):
        return None
    limit = sensitivity.surge_percent / 100.0 * mine.ram

    def above(here: float | None, there: float | None) -> tuple[float, float] | None:
        if here is None or there is None or here - there <= limit:
            return None
        return here, there

    if found := above(mine.uncached, theirs.uncached):
        peak = PeakAboveReference(kib=found[0], reference_kib=found[1])
        return Decision(verdict=Verdict.SURGE, because=peak)
    if found := above(mine.held, theirs.held):
        left = LeftToReclaim(kib=found[0], reference_kib=found[1], memory_class=mine.held_class)
        return Decision(verdict=Verdict.CACHE, because=left)
    if found := above(mine.used, theirs.used):
        cache = CachePeak(kib=found[0], reference_kib=found[1])
        return Decision(verdict=Verdict.CACHE, because=cache)
    return None


def _clean(sensitivity: Sensitivity, evidence: CellEvidence) -> Decision:
    memory_class, highest = highest_possible(evidence.growth)
    floors = evidence.floors
    told = len(floors.trials) >= MIN_GUESTS
    return Decision(
        verdict=Verdict.CLEAN,
        because=GrowthExcluded(
            limit_kib=sensitivity.leak_kib_per_round,
            sample=_sample(floors),
            memory_class=memory_class,
            at_most_kib=max(highest, 0.0),
            steps=tuple(kib for _, kib in steps_of(floors.total())) if told else (),
            objects=_excluded_objects(evidence),
        ),
    )


def _excluded_objects(evidence: CellEvidence) -> ExcludedObjects | None:
    bound = evidence.objects.bound()
    if bound is None:
        return None
    highest = tuple((one.series, one.at_most) for one in evidence.objects.not_excluded)
    return ExcludedObjects(bound=bound, highest=highest)


def _sample(floors: Floors) -> FloorSample:
    return FloorSample(floors=floors.used_rounds, trials=len(floors.trials), warm_up=floors.warm_up)


def _reference(evidence: CellEvidence, memory_class: MemoryClass) -> ReferenceRate | None:
    if evidence.reference_cell is None:
        return None
    growth = evidence.reference.growth if evidence.reference is not None else {}
    theirs = growth.get(memory_class)
    if theirs is None:
        return ReferenceRate(cell=evidence.reference_cell)
    return ReferenceRate(cell=evidence.reference_cell, rate_kib=theirs.rate, grew=theirs.grew)


def _end(evidence: CellEvidence) -> TrialEnd:
    worst = evidence.worst
    return TrialEnd(
        outcome=evidence.outcome,
        incident=evidence.incident,
        detail=worst.detail if worst is not None else "",
    )
