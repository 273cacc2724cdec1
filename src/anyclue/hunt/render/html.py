"""``report.html``: one file with all in it; it fetches nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anyclue.fstests.render import words as tests_words
from anyclue.fstests.render.reasons import detail_text, reason_text
from anyclue.hunt.clue.model import Clue
from anyclue.hunt.model import Factor, Reproduction, RunVerdicts
from anyclue.hunt.render import clue_text, fault_words, scenario_words, verdict_words
from anyclue.hunt.render.selection import (
    classes_by_status,
    common_axes,
    is_incident_line,
    last_facts,
    log_excerpt,
    notable_cells,
    representative,
    varying_axes,
    was_broken,
)
from anyclue.hunt.render.sentence import verdict_sentence
from anyclue.hunt.render.text import log_text
from anyclue.hunt.select.faults import carrier_class
from anyclue.model.recording import Incident, LogLine, Recording
from anyclue.model.scenario import Axis, Cell, Scenario
from anyclue.model.verdict import CellVerdict, MemoryClass
from anyclue.report import words
from anyclue.report.pages import Figure, environment
from anyclue.report.text import clean_block
from anyclue.verdicts.class_growth import GrowthStatus

DETAILED_CELLS = 24
_INCIDENT_LINES = 400
_STATUS_LABELS = {
    GrowthStatus.PROVEN: "yes",
    GrowthStatus.OF_PARTS: "parts of it",
    GrowthStatus.UNDECIDED: "may have",
    GrowthStatus.EXCLUDED: "no",
}


@dataclass(frozen=True, kw_only=True)
class _ClassRow:
    name: str
    meaning: str
    rate: str
    interval: str
    grew: bool
    status: str
    top: str


@dataclass(frozen=True, kw_only=True)
class _LogRow:
    text: str
    hot: bool


@dataclass(frozen=True, kw_only=True)
class _Detail:
    """What the page says of one cell beyond its row."""

    verdict: CellVerdict
    look_for: str
    figures: Sequence[Figure]
    classes: Sequence[_ClassRow]
    incident: Incident | None
    incident_text: str
    log: Sequence[_LogRow]
    facts: Sequence[tuple[str, str]]
    provenance: Sequence[tuple[str, str]]


def report_html(
    findings: RunVerdicts,
    scenario: Scenario,
    recordings: Mapping[Cell, Sequence[Recording]],
    reproduction: Reproduction,
    clue: Clue | None = None,
) -> str:
    """Return the report as a page.

    Cells that are neither clean nor unproven are shown in detail, the worst first, up to
    ``DETAILED_CELLS``; the page says how many it leaves out.
    """
    from anyclue.hunt.render import figures  # noqa: PLC0415 - Altair takes most of a second to load

    cells = [verdict.cell for verdict in findings.cells]
    least_kib = 4 * scenario.sensitivity.leak_kib_per_round
    by_cell = {verdict.cell: verdict for verdict in findings.cells}
    clue = clue or Clue(sentence=verdict_sentence(findings))
    left_out = [f"left out: {one}" for one in clue.left_out]
    not_judged = verdict_words.not_judged(findings, scenario)
    not_tested = dict.fromkeys([*not_judged, *clue.not_tested, *left_out])
    notable = notable_cells(findings)
    shown = notable[:DETAILED_CELLS]
    return (
        environment(__package__)
        .get_template("report.html.j2")
        .render(
            findings=findings,
            because=verdict_words.factor_reason,
            factor_groups=_factor_groups(findings),
            scenario=scenario,
            counts=verdict_words.verdict_counts(findings, scenario),
            axes=varying_axes(cells) if cells else tuple(Axis),
            shared=common_axes(cells) if cells else (),
            anchors={verdict.cell: f"cell-{index}" for index, verdict in enumerate(shown)},
            overviews=figures.overviews(findings.cells, least_kib),
            details=[
                _detail(
                    verdict,
                    recordings,
                    figures.cell_figures(
                        verdict,
                        by_cell.get(verdict.reference) if verdict.reference else None,
                        recordings,
                        least_kib,
                        f"c{index}",
                    ),
                    scenario.sensitivity.leak_kib_per_round,
                )
                for index, verdict in enumerate(shown)
            ],
            left_out=len(notable) - len(shown),
            not_judged=list(not_tested),
            clue=clue,
            clue_text=clue_text,
            scenario_words=scenario_words.meanings(scenario),
            limits=scenario_words.limits_sentence(
                scenario, max((one.trials for one in findings.cells), default=0)
            ),
            reproduction=reproduction,
            words=words,
            verdict_words=verdict_words,
            reason_text=reason_text,
            detail_text=detail_text,
            tests_words=tests_words,
        )
    )


def _factor_groups(findings: RunVerdicts) -> list[tuple[str, Sequence[Factor]]]:
    """Return the factors of each fault, with its name where there are several."""
    if len(findings.faults) < 2:
        return [("", findings.factors)]
    return [(fault_words.fault_label(fault), fault.factors) for fault in findings.faults]


def _detail(
    verdict: CellVerdict,
    recordings: Mapping[Cell, Sequence[Recording]],
    drawn: Sequence[Figure],
    limit_kib: float,
) -> _Detail:
    recording = representative(verdict, recordings)
    broke = was_broken(verdict)
    log: Sequence[LogLine] = log_excerpt(verdict, recording) if recording and broke else ()
    provenance = recording.provenance.items() if recording else ()
    return _Detail(
        verdict=verdict,
        look_for=words.SIGNATURES[verdict.signature].look_for if verdict.signature else "",
        figures=drawn,
        classes=_class_rows(verdict, limit_kib),
        incident=verdict.incident,
        incident_text=_cut(verdict.incident.text) if verdict.incident else "",
        log=[_LogRow(text=log_text(line), hot=is_incident_line(verdict, line)) for line in log],
        facts=[(key, words.scalar(value)) for key, value in last_facts(recording)],
        provenance=[(key, words.scalar(value)) for key, value in provenance],
    )


def _class_rows(verdict: CellVerdict, limit_kib: float) -> list[_ClassRow]:
    carrier = carrier_class(verdict)
    by_status = classes_by_status(verdict, limit_kib)
    by_status[GrowthStatus.PROVEN].sort(key=lambda item: item[0] is not carrier)
    return [
        _ClassRow(
            name=name.value,
            meaning=words.CLASSES[MemoryClass(name)],
            rate=words.number(of.rate_kib),
            interval=words.interval(of.ci95_kib),
            grew=of.grew,
            status=_STATUS_LABELS[status],
            top=verdict_words.top_growth_text(of),
        )
        for status in _STATUS_LABELS
        for name, of in by_status[status]
    ]


def _cut(text: str) -> str:
    lines = clean_block(text).strip("\n").split("\n")
    if len(lines) <= _INCIDENT_LINES:
        return "\n".join(lines)
    left = len(lines) - _INCIDENT_LINES
    return "\n".join([*lines[:_INCIDENT_LINES], f"... {left} more lines in the recording"])
