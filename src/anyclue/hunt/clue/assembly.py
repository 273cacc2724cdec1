"""The clue put together: guilt, places, suspects, and what was not tested."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from anyclue.hunt.clue.model import (
    Clue,
    Conjunction,
    DoseResponse,
    Place,
    ProbeSaid,
    Reproducer,
    TouchedBy,
)
from anyclue.hunt.localise.cells import guilt
from anyclue.hunt.model import RunVerdicts
from anyclue.hunt.probes.core.model import ProbeFinding, ProbeReading
from anyclue.hunt.suspects.judge import suspects
from anyclue.hunt.suspects.ruling import TheoryContext
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Axis
from anyclue.model.verdict import Verdict
from anyclue.review.pairs.model import LOST

_PER_FILE: Final = re.compile(r" \([0-9.]+ KiB per file\)")
LIKELY: Final = 0.5
"""The sentence names a place that is at least so likely."""


def assembled(
    hearing: TheoryContext,
    notes: Iterable[str] = (),
    *,
    conjunction: Conjunction | None = None,
    commit: TouchedBy | None = None,
    dose: DoseResponse | None = None,
    reproducer: Reproducer | None = None,
) -> Clue:
    """Return the clue.

    Args:
        hearing: what the guests and the sources say.
        notes: what could not be had, one line each.
        conjunction: what was isolated, if it was.
        commit: the first bad commit, if a bisection proved one.
        dose: how the amount follows what is done, if that was measured.
        reproducer: the smallest reproducer, if there is one.
    """
    findings, ranked = hearing.findings, hearing.ranked
    return Clue(
        sentence=_sentence(_without_dose(findings.sentence, dose), ranked.places),
        commit=commit,
        guilt=guilt(findings, conjunction),
        places=ranked.places,
        elsewhere=ranked.elsewhere,
        suspects=suspects(hearing),
        not_tested=tuple(dict.fromkeys([*notes, *_left_out(conjunction), *_not_tested(hearing)])),
        conjunction=conjunction,
        dose=dose,
        reproducer=reproducer,
        probes=tuple(_said(one) for one in hearing.readings),
    )


def _without_dose(sentence: str, dose: DoseResponse | None) -> str:
    """Leave out how much it is per file, where response does not follow the files."""
    if dose is None or dose.linear is not False:
        return sentence
    return _PER_FILE.sub("", sentence)


def _sentence(sentence: str, places: Iterable[Place]) -> str:
    first = next(iter(places), None)
    if first is None or first.probability < LIKELY:
        return sentence
    where = f"{first.function}() at {first.path}:{first.line}"
    said = "Almost certainly" if first.probability >= 0.95 else "Probably"
    return f"{sentence} {said} in {where}{missing(first)}."


def missing(place: Place) -> str:
    """Return what is missing at a place, to follow its name; "" where nothing is known."""
    lost = place.missing
    if lost is None or lost.kind not in LOST or not lost.release:
        return ""
    at = f" at the label {lost.label}" if lost.label else ""
    resource = f" of {lost.resource}" if lost.resource else ""
    return f", where {lost.release[0]}(){resource} is missing{at}"


def _left_out(of: Conjunction | None) -> Iterable[str]:
    if of is not None and of.cells_run < of.cells_full:
        left = of.cells_full - of.cells_run
        yield f"{left} of {of.cells_full} combinations: what shows only there was not seen"


def _not_tested(hearing: TheoryContext) -> Iterable[str]:
    findings = hearing.findings
    for factor in findings.factors:
        if factor.matters is None and hearing.guilty:
            yield f"{factor.factor.value}: {factor.because}"
    yield from findings.not_judged
    accused = hearing.accused
    if accused is None:
        return
    if accused.good is None:
        yield f"kernel {accused.bad}: no innocent kernel ran under the same conditions"
    others = _other_kernels(findings, accused.bad)
    if others:
        yield f"places were looked for in kernel {accused.bad} only; guilty too: {others}"
    if not hearing.readings:
        yield "no probe looked at the guilty cell"


def _other_kernels(findings: RunVerdicts, bad: str) -> str:
    guilty = {
        one.cell.value(Axis.KERNEL)
        for one in findings.cells
        if one.verdict in (Verdict.LEAK, Verdict.BROKEN) and one.outcome is not Outcome.LOST
    }
    return ", ".join(sorted(guilty - {bad}))


def _said(one: ProbeReading) -> ProbeSaid:
    lost = ", ".join(f"{count} {name} lost" for name, count in one.lost.items())
    says = _found(one.findings[0]) if one.findings else "nothing stayed that should not"
    return ProbeSaid(
        name=one.probe,
        cell=one.cell.id,
        says=one.could_not or says,
        limits="; ".join(part for part in (one.cannot_see, lost) if part),
    )


def _found(one: ProbeFinding) -> str:
    """Return the figures, and what they are of: a name, and the module's innermost function."""
    frame = next((f for f in one.stack if f.module), next(iter(one.stack), None))
    of = [one.subject] if one.subject else []
    of += [f"in {frame.symbol.partition('.')[0]}()"] if frame is not None else []
    return f"{one.because} ({', '.join(of)})" if of else one.because
