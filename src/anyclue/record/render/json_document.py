"""``tests.json`` and ``compared.json``: what is said of recordings, for programs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from anyclue.fstests.render.reasons import reason_text
from anyclue.model.machine_recording import TestRun, TestVerdict
from anyclue.model.recording import IncidentKind, LeakedObject
from anyclue.model.verdict import MemoryClass, Signature, Verdict
from anyclue.record.core.model import (
    Direction,
    FigureDifference,
    RecordedComparison,
    RecordingVerdicts,
    TestComparison,
)
from anyclue.record.render.notes import comparison_notes, recording_notes, report_notes
from anyclue.report.json_document import DocumentModel, Line, document_text


class _Run(DocumentModel):
    number: int
    seconds: float | None
    joined: bool
    peak_kib: float | None
    floor_before_kib: float | None
    floor_after_kib: float | None
    quiesced: bool
    classes_kib: dict[MemoryClass, float]
    top_kib: dict[Line, float]
    incident: Line | None
    incident_kind: IncidentKind | None
    leaked: LeakedObject | None
    subject: Line | None


class _Test(DocumentModel):
    test: Line
    verdict: Verdict
    because: Line
    rate_kib_per_run: float | None
    rate_ci95_kib: tuple[float, float] | None
    signature: Signature | None
    runs: tuple[_Run, ...]


class TestsDocument(DocumentModel):
    """``tests.json``; documented in ``docs/record.md``."""

    __test__ = False

    schema_: Literal["anyclue.tests/1"] = Field(
        default="anyclue.tests/1", serialization_alias="schema"
    )
    command: tuple[Line, ...]
    host: Line
    release: Line
    machine: Line
    ram_kib: float
    begin: Line
    hz: float
    quiesce: bool
    samples: int
    ended: str | None
    status: int | None
    tests: tuple[_Test, ...]
    notes: tuple[Line, ...]


class _Figure(DocumentModel):
    here_kib: float
    there_kib: float
    ci95_kib: tuple[float, float] | None
    standing: Direction


class _ComparedTest(DocumentModel):
    test: Line
    runs_here: int
    runs_there: int
    verdict_here: Verdict
    verdict_there: Verdict
    peak: _Figure | None
    step: _Figure | None


class ComparedDocument(DocumentModel):
    """``compared.json``; documented in ``docs/record.md``."""

    schema_: Literal["anyclue.compared/1"] = Field(
        default="anyclue.compared/1", serialization_alias="schema"
    )
    here: Line
    there: Line
    tests: tuple[_ComparedTest, ...]
    only_here: tuple[Line, ...]
    only_there: tuple[Line, ...]
    notes: tuple[Line, ...]


def recorded_json(findings: RecordingVerdicts) -> str:
    """Return the verdicts on a recording as JSON text."""
    recorded = findings.recorded
    machine = recorded.machine
    document = TestsDocument(
        command=machine.command,
        host=machine.host,
        release=machine.release,
        machine=machine.machine,
        ram_kib=recorded.ram_kib,
        begin=machine.begin,
        hz=machine.hz,
        quiesce=machine.quiesce,
        samples=len(recorded.timeline),
        ended=recorded.ended,
        status=recorded.status,
        tests=tuple(map(_test, findings.tests)),
        notes=(*recording_notes(recorded), *report_notes(findings)),
    )
    return document_text(document, indent=1)


def _test(test: TestVerdict) -> _Test:
    return _Test(
        test=test.test,
        verdict=test.verdict,
        because=reason_text(test.because),
        rate_kib_per_run=test.rate_kib_per_run,
        rate_ci95_kib=test.rate_ci95_kib,
        signature=test.signature,
        runs=tuple(map(_run, test.runs)),
    )


def _run(run: TestRun) -> _Run:
    begin, end = run.span.begin_s, run.span.end_s
    return _Run(
        number=run.span.number,
        seconds=round(end - begin, 3) if end is not None else None,
        joined=run.span.joined,
        peak_kib=run.peak_kib,
        floor_before_kib=run.before_kib,
        floor_after_kib=run.after_kib,
        quiesced=run.quiesced,
        classes_kib=dict(run.classes),
        top_kib=dict(run.top),
        incident=run.incident.title if run.incident else None,
        incident_kind=run.incident.kind if run.incident else None,
        leaked=run.incident.leaked if run.incident else None,
        subject=run.incident.subject if run.incident else None,
    )


def comparison_json(compared: RecordedComparison) -> str:
    """Return a comparison as JSON text."""
    document = ComparedDocument(
        here=compared.here.recorded.machine.release,
        there=compared.there.recorded.machine.release,
        tests=tuple(map(_compared_test, compared.tests)),
        only_here=compared.only_here,
        only_there=compared.only_there,
        notes=comparison_notes(compared),
    )
    return document_text(document, indent=1)


def _compared_test(test: TestComparison) -> _ComparedTest:
    return _ComparedTest(
        test=test.here.test,
        runs_here=len(test.here.runs),
        runs_there=len(test.there.runs),
        verdict_here=test.here.verdict,
        verdict_there=test.there.verdict,
        peak=_figure(test.peak),
        step=_figure(test.step),
    )


def _figure(difference: FigureDifference | None) -> _Figure | None:
    if difference is None:
        return None
    return _Figure(
        here_kib=difference.here_kib,
        there_kib=difference.there_kib,
        ci95_kib=difference.ci95_kib,
        standing=difference.direction,
    )
