"""Why a verdict was given, in words: the reasons and details of ``model/reason.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from anyclue.model.reason import (
    BrokenFunction,
    CachePeak,
    CountedObjects,
    ExcludedObjects,
    FloorSample,
    GrowthExcluded,
    GrowthProven,
    GrowthUndecided,
    KernelError,
    LargeKmalloc,
    LeftToReclaim,
    MemoryExhausted,
    NeverFreed,
    NotJudged,
    NotRun,
    ObjectEvidence,
    ObjectsGrew,
    ObjectsSuspected,
    OtherCounterGrew,
    OtherFault,
    PeakAboveReference,
    PerFile,
    PinnedPageCache,
    ReferenceObjects,
    ReferenceRate,
    RefusedAlike,
    Settlement,
    SingleSteps,
    SlabCache,
    SlabSteps,
    TooFewFloors,
    TrialBroke,
    TrialEnd,
    TrialsLeftOut,
    VmallocCaller,
)
from anyclue.model.recording import Incident, Outcome
from anyclue.model.verdict import MemoryClass, ObjectSeries, SignatureDetail, VerdictReason
from anyclue.report.words import (
    CLASSES,
    LEAKED,
    OUTCOMES,
    count_number,
    first_few,
    kind_label,
    listed,
    mib,
    number,
    objects,
    per_operation,
    probability_words,
    rate,
    series_name,
)

TITLE_LENGTH: Final = 120
"""Characters of a guest's message that fit into a sentence."""

NAMED: Final = 3
"""So many counts of objects are named."""

LEAST_SLAB_KIB: Final = 4.0
"""A slab is a page or more: below that in a round, KiB tell of slabs and not of objects."""


def growth_reason_text(
    reason: VerdictReason, *, unit: str = "round", reclaimed: bool = True
) -> str:
    """Return a reason of the statistics as a sentence without its full stop.

    Args:
        reason: the reason.
        unit: what lies between two floors.
        reclaimed: whether caches were dropped before every floor.

    Raises:
        TypeError: it is no reason of the statistics.
    """
    match reason:
        case NotRun():
            return "not run"
        case RefusedAlike():
            detail = f": {reason.detail}" if reason.detail else ""
            return f"not run, since {reason.cell.id} was refused, and this would be alike{detail}"
        case NotJudged():
            detail = f": {reason.detail}" if reason.detail else ""
            again = "; run it again" if reason.outcome is Outcome.LOST else ""
            return f"{OUTCOMES[reason.outcome]}{detail}{again}"
        case TrialsLeftOut():
            judged = growth_reason_text(reason.judged, unit=unit, reclaimed=reclaimed)
            left_out = ", ".join(f"{count} {outcome.value}" for outcome, count in reason.left_out)
            return f"{judged}; left out of {reason.trials} trials: {left_out}"
        case GrowthProven():
            return _growth_proven(reason, unit, reclaimed=reclaimed)
        case ObjectsGrew():
            return _objects_grew(reason, unit)
        case ObjectsSuspected():
            return _objects_suspected(reason, unit)
        case PinnedPageCache():
            return (
                f"the guest ran out of memory while {mib(reason.kib)} of clean page cache,"
                f" {_share(reason.kib, reason.ram_kib)} of its RAM, could not be reclaimed:"
                " somebody holds references on its pages; too few floors for a rate"
            )
        case MemoryExhausted():
            there = reason.reference_kib
            against = f", against {mib(there)} in the reference" if there is not None else ""
            return (
                f"the guest ran out of memory while {CLASSES[reason.memory_class]} grew by"
                f" {mib(reason.kib)}, {_share(reason.kib, reason.ram_kib)} of its RAM{against};"
                " too few floors for a rate"
            )
        case TrialBroke():
            flat = "; no leak was proven in the floors before it" if reason.floors_flat else ""
            return _end(reason.end) + flat
        case KernelError():
            incident = reason.incident
            said = "itself reported a leak" if incident.leaked else "reported an error and went on"
            flat = "; no leak was proven in the floors" if reason.floors_flat else ""
            return f"the kernel {said}: {incident_text(incident)}{flat}"
        case TooFewFloors():
            return (
                f"{reason.floors} floors are too few to judge {_subject(reason.memory_class)}:"
                f" at least {reason.needed} are needed after the warm-up"
            )
        case SingleSteps():
            steps = [f"{number(k)} KiB before the floor of {unit} {n}" for n, k in reason.steps]
            return (
                f"{_subject(reason.memory_class)} made a step of {listed(steps)}, and besides"
                f" grows by no more than {number(max(reason.at_most_kib, 0.0))} KiB a {unit}:"
                " a one-time cost or a rare leak; more guests would tell"
            )
        case GrowthUndecided():
            return _growth_undecided(reason, unit)
        case OtherCounterGrew():
            return _other_counter_grew(reason, unit)
        case PeakAboveReference():
            return (
                f"memory that is no cache peaked at {mib(reason.kib)} above its lowest,"
                f" {mib(reason.reference_kib)} in the reference; a leak is excluded"
            )
        case LeftToReclaim():
            held = reason.memory_class
            mostly = f", mostly {CLASSES[held]}" if held is not None else ""
            return (
                f"a {unit} left {mib(reason.kib)} behind{mostly}"
                f" ({mib(reason.reference_kib)} in the reference), and reclaim gave it back:"
                " a leak is excluded"
            )
        case OtherFault():
            return f"it is {kind_label(reason.verdict, reason.signature)}, which is another fault"
        case CachePeak():
            return (
                f"use peaked at {mib(reason.kib)} above its lowest"
                f" ({mib(reason.reference_kib)} in the reference), all of it cache that was"
                " given back: a leak is excluded"
            )
        case GrowthExcluded():
            return _growth_excluded(reason, unit)
    raise TypeError(f"no words for {type(reason).__name__}")


def detail_text(detail: SignatureDetail | None, *, unit: str = "round") -> str:
    """Return what a signature adds in a few words, with numbers; "" for nothing.

    Raises:
        TypeError: it is no detail of the statistics.
    """
    match detail:
        case None:
            return ""
        case SlabCache():
            return _slab_cache(detail, unit)
        case CountedObjects():
            return f"{series_name(detail.series)}: {objects(detail.rate)} a {unit}"
        case LargeKmalloc():
            return "no slab cache explains it: kmalloc of more than two pages goes past the caches"
        case VmallocCaller():
            return f"allocated by {detail.function}: {number(detail.kib)} KiB a {unit}"
        case PerFile():
            return f"{per_operation(detail.kib)} KiB per file"
        case BrokenFunction():
            return detail.name
        case NeverFreed():
            named = f" ({detail.subject})" if detail.subject else ""
            return f"{LEAKED[detail.leaked]}{named}, the kernel itself says"
    raise TypeError(f"no words for {type(detail).__name__}")


def incident_text(incident: Incident | None, length: int = TITLE_LENGTH) -> str:
    """Return what broke, on one line, its title not longer than that; "" for nothing."""
    if incident is None:
        return ""
    title = " ".join(incident.title.split())
    if len(title) > length:
        title = title[: length - 3] + "..."
    function = incident.function
    where = f" in {function}" if function and function not in title else ""
    return f"{title}{where}"


def _growth_proven(reason: GrowthProven, unit: str, *, reclaimed: bool) -> str:
    parts = [
        f"{CLASSES[reason.memory_class]} grew by {number(reason.rate_kib)} KiB a {unit}"
        f" ({_interval(reason.ci95_kib)}) {_sample(reason.sample, unit)}"
        + (" and no reclaim gave it back" if reclaimed else ""),
        detail_text(reason.detail, unit=unit),
    ]
    if reason.steps:
        parts.append(f"{reason.steps} single step(s) set aside")
    parts.append(_reference(reason.reference, unit))
    others = [f"{CLASSES[c]} ({number(kib)} KiB)" for c, kib in reason.others]
    others += [first_few(_counts(reason.objects), NAMED)] if reason.objects else []
    if others:
        parts.append(f"{listed(others)} grew too")
    if reason.in_all_kib is not None and reason.in_all_kib > reason.rate_kib:
        parts.append(f"{number(reason.in_all_kib)} KiB a {unit} leak in all")
    perhaps = [f"{CLASSES[c]} ({rate(of.rate_kib, of.ci95_kib)} KiB)" for c, of in reason.perhaps]
    if perhaps:
        parts.append(f"{listed(perhaps)} may have grown too, which is not proven")
    used = reason.more_used
    if used is not None:
        parts.append(f"used memory grew by more: {rate(used.rate_kib, used.ci95_kib)} KiB")
    if reason.end is not None:
        parts.append(_end(reason.end))
    return "; ".join(part for part in parts if part)


def _slab_cache(detail: SlabCache, unit: str) -> str:
    kib = _slab_kib(detail)
    amounts = [objects(detail.objects)] if detail.objects > 0 or not kib else []
    amounts += [kib] if kib else []
    return f"slab cache {_cache_name(detail)}: {', '.join(amounts)} a {unit}"


def _slab_kib(detail: SlabCache) -> str:
    """Return the KiB of a cache that grew; "" where its objects are known and slabs hide them."""
    if detail.kib is None or (detail.objects > 0 and detail.kib < LEAST_SLAB_KIB):
        return ""
    return f"{number(detail.kib)} KiB"


def _cache_name(detail: SlabCache) -> str:
    merged = first_few(detail.merged, NAMED)
    return f"{detail.name} (which the kernel merged with {merged})" if merged else detail.name


def _objects_grew(reason: ObjectsGrew, unit: str) -> str:
    name, kib = series_name(reason.series), ""
    if isinstance(reason.detail, SlabCache):
        name = f"slab cache {_cache_name(reason.detail)}"
        kib = f", {in_kib}," if (in_kib := _slab_kib(reason.detail)) else ""
    each = "both" if reason.sample.trials == 2 else "each"
    parts = [
        f"{name} gained {objects(reason.rate)}{kib} a {unit} ({_count_interval(reason.ci95)})"
        f" {_sample(reason.sample, unit)}, in {each} of them and"
        f" {_when(reason.slabs, unit)}, and nothing brought them back",
        _reference_objects(reason.reference, unit),
    ]
    if reason.others:
        parts.append(f"{first_few(_counts(reason.others), NAMED)} grew too")
    if reason.end is not None:
        parts.append(_end(reason.end))
    return "; ".join(part for part in parts if part)


def _when(slabs: SlabSteps | None, unit: str) -> str:
    if slabs is None:
        return f"in nearly every {unit}"
    return f"in {slabs.seen} steps of whole slabs of {count_number(slabs.objects)} objects"


_WOULD_TELL: Final[Mapping[ObjectEvidence, str]] = MappingProxyType(
    {
        ObjectEvidence.GUEST: "guests differ a little by themselves; another one would tell",
        ObjectEvidence.ROUNDS: "that may be chance; more guests or {unit}s would tell",
        ObjectEvidence.REFERENCE: "in a good kernel it may do the same; a reference would tell",
        ObjectEvidence.SLABS: "a larger dose or more {unit}s, in the reference too, would tell",
    }
)


def _objects_suspected(reason: ObjectsSuspected, unit: str) -> str:
    others = ""
    if reason.others:
        others = f" (and {reason.others} other count{'' if reason.others == 1 else 's'} alike)"
    parts = [
        f"{series_name(reason.series)} gained {objects(reason.rate)} a {unit}"
        f" ({_count_interval(reason.ci95)}) {_sample(reason.sample, unit)}{others}",
        _reference_objects(reason.reference, unit),
        _slabs_seen(reason.slabs),
        _WOULD_TELL[reason.lacking].format(unit=unit),
    ]
    return "; ".join(part for part in parts if part)


def _slabs_seen(slabs: SlabSteps | None) -> str:
    """Return in which steps a count moves, and how many of them are proof; "" for none."""
    if slabs is None:
        return ""
    size = f"it is counted in whole slabs of {count_number(slabs.objects)} objects"
    if slabs.seen >= slabs.needed:
        return size
    return f"{size}, and took {slabs.seen} steps up where {slabs.needed} would be proof"


def _reference_objects(reference: ReferenceObjects | None, unit: str) -> str:
    if reference is None:
        return ""
    return f"{objects(reference.rate)} a {unit} in the reference {reference.cell.id}"


def _counts(of: Sequence[tuple[ObjectSeries, float]]) -> list[str]:
    return [f"{series_name(series)} ({objects(count)})" for series, count in of]


def _count_interval(ci95: tuple[float, float]) -> str:
    return f"95 % interval {ci95[0]:.1f} to {ci95[1]:.1f}"


def _growth_undecided(reason: GrowthUndecided, unit: str) -> str:
    return (
        f"{_subject(reason.memory_class)} moved by {number(reason.rate_kib)} KiB a {unit}"
        f" ({_interval(reason.ci95_kib)}), so a leak of {number(reason.limit_kib)} KiB a {unit} is"
        f" neither proven nor excluded; {_settlement(reason.settlement)}"
    )


def _settlement(wanted: Settlement | None) -> str:
    if wanted is None:
        return "it is unlikely that more guests would tell"
    guests = [
        f"{count} more guest{'' if count == 1 else 's'} of {of}"
        for count, of in ((wanted.own, "this cell"), (wanted.reference, "its reference"))
        if count
    ]
    sure = f"with a probability of {probability_words(wanted.chance)}"
    return f"about {listed(guests)} would tell {sure}"


def _other_counter_grew(reason: OtherCounterGrew, unit: str) -> str:
    lines = listed([f"{name} ({number(kib)} KiB)" for name, kib in reason.counters])
    return (
        f"memory that /proc/meminfo counts apart{f' as {lines}' if lines else ''} grew by"
        f" {number(reason.rate_kib)} KiB a {unit} ({_interval(reason.ci95_kib)}): no leak of a file"
        f" system as far as is known, and else leaks are excluded"
    )


def _growth_excluded(reason: GrowthExcluded, unit: str) -> str:
    steps = listed([f"{number(kib)} KiB" for kib in reason.steps])
    aside = f"; single steps of {steps} are left out as one-time costs" if steps else ""
    return (
        f"leaks of {number(reason.limit_kib)} KiB a {unit} and more are excluded"
        f" {_sample(reason.sample, unit)}: no class of kernel memory grows by more than"
        f" {number(reason.at_most_kib)} KiB a {unit} ({CLASSES[reason.memory_class]},"
        f" upper end of the 95 % interval){aside}{_excluded_objects(reason.objects, unit)}"
    )


def _excluded_objects(excluded: ExcludedObjects | None, unit: str) -> str:
    """Return what counts of objects exclude, and of which they do not; "" where they say nothing.

    >>> from anyclue.model.verdict import ObjectBound
    >>> bound = ObjectBound(series=162, excluded=162, limit=1)
    >>> _excluded_objects(ExcludedObjects(bound=bound), "round")
    '; no leak of 1 object a round in any of 162 counts of objects'
    """
    if excluded is None:
        return ""
    bound = excluded.bound
    limit = objects(bound.limit)
    if bound.excluded == bound.series:
        return f"; no leak of {limit} a {unit} in any of {bound.series} counts of objects"
    return (
        f"; no leak of {limit} a {unit} in {bound.excluded} of {bound.series} counts of objects,"
        f" but not excluded in {open_counts_text(excluded)}"
    )


def open_counts_text(excluded: ExcludedObjects) -> str:
    """Return the counts in which a leak is not excluded: the first few, and how many; or ""."""
    highest = [f"{series_name(one)} (up to {objects(most)})" for one, most in excluded.highest]
    rest = [first_few(highest, NAMED)] if highest else []
    if excluded.unread:
        rest.append(f"{excluded.unread} of which too few floors could be read")
    return listed(rest)


def _reference(reference: ReferenceRate | None, unit: str) -> str:
    if reference is None:
        return ""
    name = f"the reference {reference.cell.id}"
    if reference.rate_kib is None:
        return f"{name} has no floors to compare with"
    rate = f"{number(reference.rate_kib)} KiB a {unit}"
    return f"{name} leaks too, {rate}" if reference.grew else f"{rate} in {name}"


def _end(end: TrialEnd) -> str:
    detail = incident_text(end.incident) or end.detail
    return f"{OUTCOMES[end.outcome]}: {detail}" if detail else OUTCOMES[end.outcome]


def _subject(memory_class: MemoryClass | None) -> str:
    if memory_class is None:
        return "used memory (without that of user space)"
    return CLASSES[memory_class]


def _sample(sample: FloorSample, unit: str) -> str:
    guests = f" in {sample.trials} guests" if sample.trials > 1 else ""
    many = "" if sample.warm_up == 1 else "s"
    aside = f" after {sample.warm_up} warm-up {unit}{many}" if sample.warm_up else ""
    return f"over {sample.floors} {unit}s{guests}{aside}"


def _interval(ci95_kib: tuple[float, float]) -> str:
    return f"95 % interval {number(ci95_kib[0])} to {number(ci95_kib[1])}"


def _share(kib: float, ram_kib: float) -> str:
    return f"{100.0 * kib / ram_kib:.0f} %"
