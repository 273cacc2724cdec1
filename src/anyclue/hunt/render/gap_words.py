"""What was not tested, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from anyclue.fstests.render.reasons import reason_text
from anyclue.hunt.clue.model import Conjunction
from anyclue.hunt.model import Gap, RunVerdicts
from anyclue.hunt.render.factor_words import open_factors
from anyclue.hunt.select.factors import gravest
from anyclue.hunt.suspects.model import TheoryContext
from anyclue.model.recording import Outcome
from anyclue.model.verdict import Verdict

_GAPS: Final[Mapping[Gap, str]] = MappingProxyType(
    {
        Gap.NO_PLACES: "places were not looked for: anyclue clue RUN does that",
        Gap.NO_GOOD_SOURCE: "places: there is no good source to compare the bad one with",
        Gap.NO_REPRODUCER: "a smaller form was not looked for, or not to the end: no reproducer",
        Gap.NO_SCRIPT: "reproducer: no script was seen to leak in the same way",
        Gap.SURGE: "a surge leaves nothing behind: no place, probe or smaller form was looked for",
    }
)


def not_tested(
    context: TheoryContext, gaps: Iterable[Gap | str], conjunction: Conjunction | None
) -> tuple[str, ...]:
    """Return what was not tested, a line each; gaps that are words were kept with the sources."""
    said = [_GAPS[gap] if isinstance(gap, Gap) else gap for gap in gaps]
    return tuple(dict.fromkeys([*said, *_left_out(conjunction), *_of_cells(context)]))


def _left_out(conjunction: Conjunction | None) -> Iterable[str]:
    if conjunction is not None and conjunction.cells_run < conjunction.cells_full:
        left = conjunction.cells_full - conjunction.cells_run
        full = conjunction.cells_full
        yield f"{left} of {full} combinations: what shows only there was not seen"


def _of_cells(context: TheoryContext) -> Iterable[str]:
    findings = context.findings
    if context.guilty:
        yield from open_factors(one for one in findings.factors if one.matters is None)
    for one in findings.cells:
        if one.verdict is Verdict.UNPROVEN:
            yield f"{one.cell.id}: {reason_text(one.because)}"
    accused = context.accused
    if accused is None:
        return
    if accused.good is None:
        yield f"kernel {accused.bad}: no innocent kernel ran under the same conditions"
    others = _other_kernels(findings, accused.bad)
    if others:
        yield f"places were looked for in kernel {accused.bad} only; guilty too: {others}"
    if not context.readings:
        yield "no probe looked at the guilty cell"


def _other_kernels(findings: RunVerdicts, bad: str) -> str:
    guilty = {one.cell.kernel for one in gravest(findings.cells) if one.outcome is not Outcome.LOST}
    return ", ".join(sorted(guilty - {bad}))
