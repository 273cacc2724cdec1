"""A review as JSON, for machines; documented in ``docs/pairs-schema.md``.

``docs/pairs.schema.json`` is generated from these models: ``make schemas``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from anyclue.report.json_document import DocumentModel, Line, document_text
from anyclue.report.text import code_block, safe_path
from anyclue.review.pairs.model import Confidence, Finding, FindingKind, Review, StepKind
from anyclue.review.pairs.render.words import REASONS, fingerprints

FORMAT: Final = "anyclue.pairs/1"
"""Name and version of the format of a review."""

FilePath = Annotated[str, AfterValidator(safe_path)]
CodeBlock = Annotated[str, AfterValidator(code_block)]
CodeLine = Annotated[str, AfterValidator(lambda text: code_block(text).replace("\n", " "))]
LineNumber = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]


class PathStepDocument(DocumentModel):
    """One step of a path."""

    line: LineNumber
    """Line in the finding's file."""
    kind: StepKind
    """What it is."""
    text: Line
    """The code, white space folded."""
    note: Line
    """What it means for the resource; may be empty."""


class SuggestionDocument(DocumentModel):
    """A single insertion."""

    before_line: LineNumber
    """It goes in before this line."""
    text: CodeLine
    """One line of C, indented, without its line end."""
    diff: CodeBlock
    """The same as a unified diff."""


class FindingDocument(DocumentModel):
    """One imbalance."""

    kind: FindingKind
    """What is wrong."""
    pair: Line
    """Name of the pair in the contracts."""
    resource: Line
    """The C expression that names the resource."""
    function: Line
    """The function that holds it."""
    path: FilePath
    """The file, relative to the tree."""
    line: LineNumber
    """Where it goes wrong."""
    column: LineNumber
    """Column of that place."""
    acquired_line: LineNumber | None
    """Where it was acquired; null: the caller handed it over."""
    acquired_by: Line
    """The call that acquired it; empty: the caller handed it over."""
    release: tuple[Line, ...]
    """What would release it, the likeliest first."""
    message: Line
    """One sentence."""
    steps: tuple[PathStepDocument, ...]
    """The path, in order."""
    confidence: Confidence
    """How much to trust it."""
    reason: Line
    """Why that much."""
    probability: Annotated[float, Field(ge=0, le=1)]
    """How many of ten findings like it were real, over ten, where they were sorted by hand."""
    suggestion: SuggestionDocument | None
    """The single insertion that mends every path; null: there is none."""
    also: tuple[LineNumber, ...]
    """Lines of further places where the same happens."""
    fingerprint: str
    """What recognises it in another version of the file."""


class UnjudgedDocument(DocumentModel):
    """Something that was not judged."""

    path: FilePath
    """The file, relative to the tree."""
    line: Count
    """Its first line; 0: the whole file."""
    function: Line
    """The function; empty where it is not known."""
    what: Line
    """Why."""


class ReviewDocument(DocumentModel):
    """What a review of C source says."""

    schema_: Literal["anyclue.pairs/1"] = Field(default=FORMAT, serialization_alias="schema")
    """Name and version of this format."""
    change: Line | None
    """What was compared; null: a tree as it lies there."""
    findings: tuple[FindingDocument, ...]
    """Of a tree: all; of a change: what it introduces."""
    fixed: tuple[FindingDocument, ...]
    """Of a change: what it takes away; places are in the old version."""
    known: Count = 0
    """Findings that the baseline has; they are in no other list."""
    cut: Count = 0
    """Findings that are less probable than the most probable ones that were asked for."""
    unjudged: tuple[UnjudgedDocument, ...]
    """What could not be judged."""
    files: Count
    """Files read."""
    functions: Count
    """Functions judged."""
    lines: Count
    """Lines read."""


def review_json(review: Review) -> str:
    """Return a review as JSON, in ASCII, ended by a line end; the same input, the same text."""
    values = {
        **vars(review),
        "change": review.change or None,
        "findings": _findings(review.findings),
        "fixed": _findings(review.fixed),
    }
    return document_text(ReviewDocument.model_validate(values, from_attributes=True))


def _findings(findings: Sequence[Finding]) -> list[FindingDocument]:
    # What `passed` says is in the probability.
    shown = [{name: it for name, it in vars(one).items() if name != "passed"} for one in findings]
    return [
        FindingDocument.model_validate(
            {**values, "reason": REASONS[one.reason], "fingerprint": fingerprint},
            from_attributes=True,
        )
        for values, one, fingerprint in zip(shown, findings, fingerprints(findings), strict=True)
    ]
