"""The clue in words that all reports share."""

from __future__ import annotations

from collections.abc import Iterable

from anyclue.hunt.clue.model import (
    Clue,
    Condition,
    Conjunction,
    DoseResponse,
    Guilt,
    Place,
    Reason,
    Suspect,
    SuspectStatus,
    TouchedBy,
)
from anyclue.model.amounts import per_operation, probability_words
from anyclue.model.scenario import Axis, Scenario
from anyclue.report import words
from anyclue.review.pairs.model import LOST

PLACES = 5
"""So many places are told."""
DIGITS = 12
"""Of a commit's id, as the kernel's documentation wants it in Fixes:."""


def probability(value: float) -> str:
    """Return a probability as a reader needs it: never 0 or 1 where it is not."""
    return probability_words(value)


def ratio(reason: Reason) -> str:
    """Return how much a reason counts: ``x90``, ``x1.5``, ``x1/4``."""
    size = reason.ratio if reason.ratio >= 1 else 1 / reason.ratio
    told = f"{size:.0f}" if size >= 10 else f"{size:.2g}"
    return f"x{told}" if reason.ratio >= 1 else f"x1/{told}"


def condition(one: Condition, scenario: Scenario) -> str:
    """Return what has to come together, in words: ``mount lzo (compress=lzo)``."""
    meaning = one.option
    if not meaning and one.axis is Axis.MOUNT:
        meaning = scenario.mount.get(one.value, "")
    if not meaning and one.axis is Axis.MKFS:
        meaning = scenario.mkfs.get(one.value, "")
    return f"{one.axis.value} {one.value}" + (f" ({meaning})" if meaning else "")


def takes(guilt: Guilt, scenario: Scenario) -> str:
    """Return what it takes, and what is innocent, in a sentence or two."""
    if not guilt.conditions:
        return "What has to come together could not be told."
    said = "It takes " + _listed(condition(one, scenario) for one in guilt.conditions) + "."
    innocent = _listed(f"{one.axis.value} {one.value}" for one in guilt.innocent)
    if innocent:
        said += f" Innocent, all else equal: {innocent}."
    if guilt.acquitted:
        said += f" It does not matter: {_listed(one.value for one in guilt.acquitted)}."
    return said


def isolated(one: Conjunction) -> str:
    """Return how much was run, and what is not proven."""
    said = f"{one.cells_run} of {one.cells_full} combinations were run."
    if one.proven:
        return f"Each of these was proven by cells that differ in it alone; {said}"
    return said + (f" Not proven: {one.because}." if one.because else "")


def dose(one: DoseResponse) -> str:
    """Return the amount an operation, with its interval, and whether response follows dose."""
    if one.linear is None:
        return f"Dose and response: not told ({one.because})."
    if not one.linear or one.amount_kib is None:
        return f"Response does not follow dose: {one.because}."
    within = f" [{', '.join(map(per_operation, one.ci95_kib))}]" if one.ci95_kib else ""
    return f"It leaks {per_operation(one.amount_kib)} KiB a {one.unit}{within}: {one.because}."


def points(one: DoseResponse) -> list[str]:
    """Return what was measured, a line each."""
    return [
        f"{point.dose:g} {one.unit}s a round: {words.rate(point.rate_kib, point.ci95_kib)} KiB"
        for point in one.points
    ]


def place(one: Place) -> str:
    """Return a place on one line."""
    return f"{one.function}(), {one.path}:{one.line}"


def release(one: Place) -> str:
    """Return what is missing, as ``put_page() or __free_page() at the label out``; or ""."""
    lost = one.missing
    if lost is None or not lost.release or lost.kind not in LOST:
        return ""
    said = " or ".join(f"{name}()" for name in lost.release[:3])
    return said + (f" at the label {lost.label}" if lost.label else "")


def fixes(clue: Clue) -> list[str]:
    """Return the ``Fixes:`` lines to suggest: of a commit that is the only one to have done it."""
    if clue.commit is not None:
        return [_fixes(clue.commit)]
    first = next(iter(clue.places), None)
    commits = first.commits if first is not None else ()
    named = [one for one in commits if one.accused] or (list(commits) if len(commits) == 1 else [])
    return [_fixes(one) for one in named]


def _fixes(one: TouchedBy) -> str:
    return f'Fixes: {one.commit[:DIGITS]} ("{one.subject}")'


def touched(one: TouchedBy) -> str:
    """Return a commit on one line."""
    return f'{one.commit[:DIGITS]} ("{one.subject}"): {one.because}'


def suspects(clue: Clue) -> list[Suspect]:
    """Return the suspects, the guilty first, then the acquitted."""
    order = (SuspectStatus.GUILTY, SuspectStatus.ACQUITTED, SuspectStatus.UNPROVEN)
    return sorted(clue.suspects, key=lambda one: order.index(one.standing))


def _listed(parts: Iterable[str]) -> str:
    found = list(parts)
    return " and ".join(filter(None, [", ".join(found[:-1]), found[-1]])) if found else ""
