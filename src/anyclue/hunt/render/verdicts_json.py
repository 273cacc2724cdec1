"""``verdicts.json``: the findings for machines; documented in ``docs/verdicts-schema.md``."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from pydantic import Field, NonNegativeInt

from anyclue.fstests.core.model import CheckStatus, TestFinding
from anyclue.fstests.render import words as tests_words
from anyclue.fstests.render.reasons import detail_text, reason_text
from anyclue.hunt.model import Factor, RunVerdicts
from anyclue.hunt.render.sentence import verdict_sentence
from anyclue.hunt.render.verdict_words import factor_reason, not_judged
from anyclue.model.recording import LeakedObject, Outcome
from anyclue.model.scenario import Axis, Scenario
from anyclue.model.verdict import (
    CellVerdict,
    ClassRate,
    MemoryClass,
    ObjectKind,
    ObjectRate,
    ObjectSeries,
    Signature,
    Verdict,
)
from anyclue.report.json_document import (
    Block,
    DocumentModel,
    Interval,
    Line,
    Number,
    document_text,
)

MOST_OBJECTS: Final = 50
"""So many counts of objects are listed, those that grew first."""

MemoryVerdict: TypeAlias = Literal[Verdict.CLEAN, Verdict.LEAK, Verdict.BROKEN, Verdict.UNPROVEN]


class CounterDocument(DocumentModel):
    """One part of a class."""

    name: Line
    """A slab cache, a vmalloc caller."""
    kib_per_round: Number
    """Its growth, KiB per round."""


class ClassDocument(DocumentModel):
    """How one class of memory moved over rounds."""

    rate_kib_per_round: Number
    """Growth of this class, KiB per round."""
    rate_ci95_kib: Interval
    """Its 95 % interval, [low, high]."""
    grew: bool
    """Whether it grew, after correction for the number of classes."""
    top: tuple[CounterDocument, ...]
    """What inside the class grew most."""


class ObjectDocument(DocumentModel):
    """How one count of objects moved over rounds."""

    kind: ObjectKind
    """What is counted."""
    name: Line
    """A slab cache, the name of threads, a type of file system, a caller of vmalloc."""
    objects_per_round: Number
    """Growth of this count, objects per round."""
    ci95: Interval
    """Its 95 % interval, [low, high]."""
    at_most: Number
    """Objects per round that a leak of it may be: the upper end, or that beyond the reference."""
    grew: bool
    """Whether it grew, after correction for the number of counts."""
    kib_per_round: Number
    """What its slab cache grew by, KiB per round."""
    merged: tuple[Line, ...]
    """The other names under which the kernel keeps objects in that slab cache."""


class ObjectBoundDocument(DocumentModel):
    """What counts of objects exclude."""

    series: NonNegativeInt
    """How many counts there are."""
    excluded: NonNegativeInt
    """In how many of them a leak of so many objects a round is excluded."""
    limit: NonNegativeInt
    """So many objects a round."""


class IncidentDocument(DocumentModel):
    """Something that broke."""

    kind: Line
    """bug, oops, panic, kasan, kfence, kmsan, lockdep, leak (of which the kernel itself speaks),
    kcsan, ubsan, oom, stall, hung-task or warning."""
    t_s: Number
    """Seconds on the clock of the guest's kernel log."""
    title: Line
    """Its first telling line."""
    function: Line | None
    """The function that it names."""
    text: Block
    """The whole of it, lines separated by line ends."""
    leaked: LeakedObject | None
    """What the kernel itself says was never freed."""
    subject: Line | None
    """Its name or number, as the kernel gives it: a slab cache, a file system, a dentry."""


class TestDocument(DocumentModel):
    """A test of fstests."""

    __test__ = False  # pytest takes the name for a test of its own

    test: Line
    """Its name, as check names it."""
    section: Line
    """The section of local.config; empty where it has none."""
    check: CheckStatus
    """What check said."""
    reason: Line
    """Why it failed, was not run or is lost."""
    seconds: Number
    """How long it took, in the mean."""
    memory: MemoryVerdict | None
    """The verdict on its memory; null when it did not run."""
    because: Line
    """What that rests on."""
    rate_kib_per_run: Number
    """How memory moved a run."""
    rate_ci95_kib: Interval
    """Its 95 % interval, [low, high]."""
    signature: Signature | None
    """Which kind of release is missing."""
    steps_kib: tuple[Number, ...]
    """By run, how much higher the floor was after it."""
    after: tuple[Line, ...]
    """The tests before it where it leaks, without which it is clean."""
    killed: Line
    """How the guest ended during it; empty when it lived on."""
    disagreement: Line
    """Where check's own report contradicts what it printed; empty where it does not."""
    known: Line | None
    """Why its failure is no news."""
    outdated: Line
    """What the list of known failures says of it and no longer holds; or empty."""
    refuses: Line | None
    """Since when and why it refuses to run."""


class CellDocument(DocumentModel):
    """A cell and its verdict."""

    cell: Line
    """The cell's id: its values, joined by dots."""
    kernel: Line
    """Name of the kernel."""
    machine: Line
    """Name of the machine."""
    mkfs: Line
    """Name of the mkfs options."""
    mount: Line
    """Name of the mount options."""
    workload: Line
    """Name of the workload."""
    outcome: Outcome
    """How the trials ended; the worst one."""
    verdict: Verdict
    """The verdict."""
    because: Line
    """What the verdict rests on, in words."""
    rate_kib_per_round: Number
    """Growth of the class that carries the verdict, KiB per round."""
    rate_ci95_kib: Interval
    """Its 95 % interval, [low, high]."""
    signature: Signature | None
    """Which kind of release is missing."""
    signature_detail: Line
    """What the signature adds in words: a slab cache, pages a file."""
    classes: dict[MemoryClass, ClassDocument]
    """Classes of memory."""
    objects: tuple[ObjectDocument, ...] = ()
    """Counts of objects that grew or may have grown, at most 50; all others are excluded."""
    objects_excluded: ObjectBoundDocument | None = None
    """What counts of objects exclude; null where they were not exact."""
    rounds: NonNegativeInt
    """Floors used, warm-up excluded."""
    warm_up: NonNegativeInt
    """Rounds set aside at the beginning of each trial."""
    trials: NonNegativeInt
    """Guests that ran this cell."""
    reference: Line | None
    """Id of the cell it was compared with."""
    incident: IncidentDocument | None
    """The first thing that broke."""
    tests: tuple[TestDocument, ...] | None
    """Of a cell that runs fstests: its tests; else null."""


class FactorDocument(DocumentModel):
    """Whether an axis matters."""

    factor: Axis
    """The axis."""
    matters: bool | None
    """true: it matters; false: acquitted; null: these cells cannot tell."""
    because: Line
    """Why."""
    evidence: tuple[tuple[Line, Line], ...]
    """Pairs of cells that differ on this axis."""


class VerdictsDocument(DocumentModel):
    """What a hunt found."""

    schema_: Literal["anyclue.verdicts/1"] = Field(
        default="anyclue.verdicts/1", serialization_alias="schema"
    )
    """Name and version of this format."""
    title: Line
    """The scenario's title."""
    sentence: Line
    """The clue, as one would say it."""
    cells: tuple[CellDocument, ...]
    """One entry for each cell that was judged."""
    factors: tuple[FactorDocument, ...]
    """One entry for each axis that was looked at."""
    not_judged: tuple[Line, ...]
    """What has no verdict, and why."""


def verdicts_json(findings: RunVerdicts, scenario: Scenario) -> str:
    """Return the findings as JSON, in ASCII, ended by a line end; the same input, the same text.

    Numbers that are not finite become null: JSON has no word for them.
    """
    document = VerdictsDocument(
        title=scenario.title,
        sentence=verdict_sentence(findings),
        cells=tuple(_cell(verdict, findings.tests.get(verdict.cell)) for verdict in findings.cells),
        factors=tuple(map(_factor, findings.factors)),
        not_judged=tuple(not_judged(findings, scenario)),
    )
    return document_text(document)


def _cell(verdict: CellVerdict, tests: tuple[TestFinding, ...] | None) -> CellDocument:
    cell, classes = verdict.cell, verdict.classes
    incident = None
    if verdict.incident is not None:
        incident = IncidentDocument.model_validate(verdict.incident, from_attributes=True)
    return CellDocument(
        cell=cell.id,
        kernel=cell.kernel,
        machine=cell.machine,
        mkfs=cell.mkfs,
        mount=cell.mount,
        workload=cell.workload,
        outcome=verdict.outcome,
        verdict=verdict.verdict,
        because=reason_text(verdict.because),
        rate_kib_per_round=verdict.rate_kib_per_round,
        rate_ci95_kib=verdict.rate_ci95_kib,
        signature=verdict.signature,
        signature_detail=detail_text(verdict.signature_detail),
        classes={name: _class(classes[name]) for name in MemoryClass if name in classes},
        objects=tuple(_object(*item) for item in list(verdict.objects.items())[:MOST_OBJECTS]),
        objects_excluded=(
            ObjectBoundDocument.model_validate(verdict.object_bound, from_attributes=True)
            if verdict.object_bound is not None
            else None
        ),
        rounds=verdict.rounds,
        warm_up=verdict.warm_up,
        trials=verdict.trials,
        reference=verdict.reference.id if verdict.reference else None,
        incident=incident,
        tests=tuple(map(_test, tests)) if tests is not None else None,
    )


def _test(test: TestFinding) -> TestDocument:
    memory = test.memory
    seconds = [result.seconds for result in test.results if result.seconds is not None]
    return TestDocument(
        test=test.id.test,
        section=test.id.section,
        check=test.status,
        reason=test.reason,
        seconds=sum(seconds) / len(seconds) if seconds else None,
        memory=memory.verdict if memory else None,  # type: ignore[arg-type]  # pydantic checks it
        because=reason_text(memory.because) if memory else "",
        rate_kib_per_run=memory.rate_kib_per_run if memory else None,
        rate_ci95_kib=memory.rate_ci95_kib if memory else None,
        signature=memory.signature if memory else None,
        steps_kib=tuple(run.step_kib for run in memory.runs) if memory else (),
        after=tuple(map(str, test.after)),
        killed=str(test.killed) if test.killed else "",
        disagreement=tests_words.disagreement(test),
        known=test.known.reason if test.known else None,
        outdated=tests_words.outdated(test),
        refuses=tests_words.refusal(test) or None,
    )


def _class(found: ClassRate) -> ClassDocument:
    return ClassDocument(
        rate_kib_per_round=found.rate_kib,
        rate_ci95_kib=found.ci95_kib,
        grew=found.grew,
        top=tuple(CounterDocument(name=name, kib_per_round=kib) for name, kib in found.top),
    )


def _object(series: ObjectSeries, found: ObjectRate) -> ObjectDocument:
    return ObjectDocument(
        kind=series.kind,
        name=series.name,
        objects_per_round=found.rate,
        ci95=found.ci95,
        at_most=found.at_most,
        grew=found.grew,
        kib_per_round=found.kib,
        merged=found.merged,
    )


def _factor(factor: Factor) -> FactorDocument:
    return FactorDocument(
        factor=factor.factor,
        matters=factor.matters,
        because=factor_reason(factor),
        evidence=tuple((one.id, other.id) for one, other in factor.evidence),
    )
