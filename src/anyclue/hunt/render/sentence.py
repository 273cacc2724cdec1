"""The finding and the clue, as one would say them: made once, from facts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from math import ceil
from typing import Final

from anyclue.fstests.render.reasons import detail_text
from anyclue.hunt.clue.model import DoseResponse, FaultClue, Place
from anyclue.hunt.model import Factor, Fault, RunVerdicts
from anyclue.hunt.render.clue_text import dose_amount
from anyclue.hunt.select.factors import gravest
from anyclue.hunt.select.faults import carrier_class
from anyclue.model.reason import (
    GrowthExcluded,
    ObjectsGrew,
    SlabCache,
    grown_objects,
    judged_reason,
)
from anyclue.model.recording import Outcome
from anyclue.model.verdict import CellVerdict, ClassRate, MemoryClass, Signature, Verdict
from anyclue.report.reasons import incident_text
from anyclue.report.words import (
    CLASSES,
    SIGNATURES,
    first_few,
    listed,
    objects,
    per_operation,
    rate,
    series_name,
)
from anyclue.review.pairs.model import LOST
from anyclue.verdicts.breakdown import kib_per_file
from anyclue.verdicts.class_growth import HALF, leaking_kib, more_used, perhaps_leaking

MESSAGE_LENGTH: Final = 100
"""Characters of a guest's message that fit into a sentence."""

_NAMED: Final = 3
"""So many names of a cache are told."""

SURGE: Final = "memory peaks far above the reference and comes back,"
CACHE: Final = "memory grows only as cache, and reclaim gives it back,"
FILE: Final = "file"
"""The unit of a dose of files."""
LIKELY: Final = 0.5
"""The sentence names a place that is at least so likely."""
ALMOST_CERTAIN: Final = 0.95


def clue_sentence(findings: RunVerdicts, faults: Sequence[FaultClue] = ()) -> str:
    """Return the clue in plain words: what, how much, which suspects are innocent, where it is.

    How much it is per file is what the dose showed, and left out where that showed no such thing.
    """
    doses = [of.dose for of in faults]
    said = verdict_sentence(findings, doses)
    for of in faults:
        first = next(iter(of.places), None)
        if first is None or first.probability < LIKELY:
            continue
        likely = "Almost certainly" if first.probability >= ALMOST_CERTAIN else "Probably"
        if len(faults) > 1:
            likely = f"{_capital(of.guilt.name)}: {likely.lower()}"
        said += f" {likely} in {first.function}() at {first.path}:{first.line}{missing(first)}."
    return said


def missing(place: Place) -> str:
    """Return what is missing at a place, to follow its name; "" where nothing is known."""
    lost = place.missing
    if lost is None or lost.kind not in LOST or not lost.release:
        return ""
    at = f" at the label {lost.label}" if lost.label else ""
    resource = f" of {lost.resource}" if lost.resource else ""
    return f", where {lost.release[0]}(){resource} is missing{at}"


def verdict_sentence(findings: RunVerdicts, doses: Sequence[DoseResponse | None] = ()) -> str:
    """Return what the verdicts say: what, how much, with which conditions.

    ``doses`` are of each fault, where they were measured.
    """
    verdicts, faults = findings.cells, findings.faults
    if not any(v.trials for v in verdicts):
        return "No cell was run, so nothing can be said."
    grave = gravest(verdicts)
    known = [_factors(fault.factors) for fault in faults]
    alike = len(set(known)) == 1
    parts = []
    for fault, dose, factors in zip_longest(faults, doses[: len(faults)], known):
        said = f"{_what(fault, findings, dose)} {_where(fault.cells, fault.factors)}"
        parts.append(said if alike or not factors else f"{said} ({factors})")
    if alike:
        parts.append(known[0])
    for of, words in ((Verdict.SURGE, SURGE), (Verdict.CACHE, CACHE)):
        others = [v for v in verdicts if v.verdict is of and v not in grave]
        if others:
            parts.append(f"{words} {_where(others, ())}")
    unproven = sum(v.verdict is Verdict.UNPROVEN for v in verdicts)
    clean = sum(v.verdict is Verdict.CLEAN for v in verdicts)
    if clean and not grave:
        excluded = _excluded(verdicts)
        parts.append(f"{'' if parts else 'nothing found: '}{_cells(clean)} clean{excluded}")
    if unproven:
        parts.append(f"{_cells(unproven)} unproven, which is not clean")
    return f"{_capital('; '.join(part for part in parts if part))}."


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _what(fault: Fault, findings: RunVerdicts, dose: DoseResponse | None) -> str:
    match fault.verdict:
        case Verdict.LEAK:
            return _leak(fault, findings, dose)
        case Verdict.SURGE:
            return SURGE
    return _broken(fault.cells)


def _leak(fault: Fault, findings: RunVerdicts, dose: DoseResponse | None) -> str:
    group, signature = fault.cells, fault.signature
    grown = [grew for v in group if (grew := grown_objects(v.because)) is not None]
    if len(grown) == len(group):
        return _objects_leak(grown, signature, dose)
    first = fault.looked_into
    kinds = SIGNATURES[signature].leaked if signature else "memory of an unknown kind"
    if first.signature in {Signature.OBJECT, Signature.VMALLOC} and first.signature_detail:
        kinds += f" ({_short(detail_text(first.signature_detail))})"
    rates = [v.rate_kib_per_round for v in group if v.rate_kib_per_round is not None]
    if not rates:
        return f"leak, {kinds}: it used up the guest's memory"
    each = dose_amount(dose)
    if not each and (per_file := _kib_per_file(group, findings, dose)) is not None:
        each = f"{per_operation(per_file)} KiB per file"
    each = f" ({each})" if each else ""
    return f"leak, {kinds}: {_range(rates)} KiB a round{each}{_beside(group, findings)}"


def _objects_leak(
    grown: Sequence[ObjectsGrew], signature: Signature | None, dose: DoseResponse | None
) -> str:
    names = dict.fromkeys(_short(_counted(of)) for of in grown)
    low, high = (objects(of([one.rate for one in grown])) for of in (min, max))
    amount = low if low == high else f"{low} to {high}"
    leaked = SIGNATURES[signature].leaked if signature else "objects never freed"
    each = f" ({said})" if (said := dose_amount(dose)) else ""
    return f"leak, {leaked} ({listed(list(names))}): {amount} a round{each}"


def _counted(grew: ObjectsGrew) -> str:
    """Return the count that grew; a cache by all its names: the first is chance."""
    merged = grew.detail.merged if isinstance(grew.detail, SlabCache) else ()
    beside = f", merged with {first_few(merged, _NAMED)}" if merged else ""
    return f"{series_name(grew.series)}{beside}"


def _excluded(verdicts: Sequence[CellVerdict]) -> str:
    """Return below what the clean cells are clean: objects where all counted them, and KiB."""
    clean = [v for v in verdicts if v.verdict is Verdict.CLEAN]
    reasons = [judged_reason(v.because) for v in clean]
    kib = [of.at_most_kib for of in reasons if isinstance(of, GrowthExcluded)]
    if len(kib) < len(clean):
        return ""
    most = f"{ceil(max(*kib, 1.0))} KiB"
    bounds = [v.object_bound for v in clean if v.object_bound is not None]
    if len(bounds) < len(clean):
        return f": no leak of {most} a round"
    limit = objects(max(bound.limit for bound in bounds))
    least = min(bounds, key=lambda bound: bound.excluded / bound.series)
    if least.excluded == least.series:
        return f": no leak of {limit} or {most} a round"
    counts = f"{least.excluded} of {least.series} counts"
    return f": no leak of {most} a round, nor of {limit} in {counts} of objects"


def _kib_per_file(
    group: Sequence[CellVerdict], findings: RunVerdicts, dose: DoseResponse | None
) -> float | None:
    """Return what leaks for each file, where the dose shows that, or else the rates themselves."""
    if dose is not None and dose.linear is not None:
        return dose.amount_kib if dose.linear and dose.unit == FILE else None
    each = {kib_per_file(v.rate_ci95_kib, findings.files_per_round.get(v.cell)) for v in group}
    return each.pop() if len(each) == 1 else None


def _beside(group: Sequence[CellVerdict], findings: RunVerdicts) -> str:
    """Return what else leaks in these cells or may do so, and how much it is in all.

    What is a fault of its own is told by itself.
    """
    said = ""
    own = {fault.memory_class for fault in findings.faults}
    leaking = [(verdict, leaking_kib(verdict.classes)) for verdict in group]
    others: dict[MemoryClass, list[float]] = {}
    for verdict, kib in leaking:
        for name in kib.keys() - {carrier_class(verdict)} - own:
            others.setdefault(name, []).append(kib[name])
    named = [f"{_range(others[name])} of {CLASSES[name]}" for name in MemoryClass if name in others]
    if named:
        in_all = _range([sum(kib.values()) for _, kib in leaking if kib])
        said = f" and {listed(named)}, {in_all} KiB in all,"
    perhaps = _perhaps(group)
    return said + (f" (perhaps more: {listed(perhaps)})" if perhaps else "")


def _perhaps(group: Sequence[CellVerdict]) -> list[str]:
    """Return what grew by its interval without proof, where that may be half of the leak."""
    found: dict[MemoryClass, ClassRate] = {}
    for verdict in group:
        known = HALF * sum(leaking_kib(verdict.classes).values())
        more = more_used(verdict.classes)
        beside = perhaps_leaking(verdict.classes)
        if more is not None:
            beside |= {MemoryClass.USED: more}
        for name, of in beside.items():
            if known and of.rate_kib is not None and of.rate_kib >= known:
                found.setdefault(name, of)
    return [f"{CLASSES[name]} {rate(of.rate_kib, of.ci95_kib)}" for name, of in found.items()]


def _range(rates: Sequence[float]) -> str:
    low, high = f"{min(rates):.0f}", f"{max(rates):.0f}"
    return low if low == high else f"{low} to {high}"


def _broken(group: Sequence[CellVerdict]) -> str:
    first = group[0]
    incident = next((v.incident for v in group if v.incident is not None), None)
    what = "broken" if first.outcome is Outcome.PASSED else f"broken, {first.outcome.value}"
    if first.signature is not None:
        what += f", {SIGNATURES[first.signature].leaked}"
    if incident is not None:
        what += f" ({incident_text(incident, MESSAGE_LENGTH)})"
    return what


def _where(group: Sequence[CellVerdict], factors: Sequence[Factor]) -> str:
    """Name the values that the guilty share on the axes that matter, or else the cells."""
    named = []
    for factor in factors:
        values = list(dict.fromkeys(v.cell.value(factor.factor) for v in group))
        if factor.matters and values:
            named.append(f"{factor.factor.value} {' or '.join(values)}")
    if named:
        return f"with {listed(named)}"
    ids = [v.cell.id for v in group]
    return f"in {ids[0]}" + (f" and {len(ids) - 1} more" if len(ids) > 1 else "")


def _factors(factors: Sequence[Factor]) -> str:
    yes = [f.factor.value for f in factors if f.matters is True]
    no = [f.factor.value for f in factors if f.matters is False]
    said = []
    if yes:
        said.append(f"{listed(yes)} {'matter' if len(yes) > 1 else 'matters'}")
    if no:
        said.append(f"{listed(no)} {'do' if len(no) > 1 else 'does'} not")
    if no and not yes:
        return f"{said[0]} matter"
    return ", ".join(said)


def _cells(count: int) -> str:
    return "1 cell is" if count == 1 else f"{count} cells are"


def _short(text: str) -> str:
    """Return a message of a guest on one line and not too long."""
    line = " ".join(text.split())
    return line if len(line) <= MESSAGE_LENGTH else f"{line[: MESSAGE_LENGTH - 3]}..."
