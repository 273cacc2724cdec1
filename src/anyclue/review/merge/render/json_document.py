"""The review of a merge as JSON, for machines; documented in ``docs/merge-schema.md``.

``docs/merge.schema.json`` is generated from these models: ``make schemas``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, AliasPath, BeforeValidator, Field, WithJsonSchema

from anyclue.report.json_document import DocumentModel, Line, document_text
from anyclue.review.merge.core.definitions import DefinitionKind
from anyclue.review.merge.core.guest_test import Blame, MergeTest, VersionVerdict
from anyclue.review.merge.core.model import FunctionResolution, MergeReview, Origin, Similarity
from anyclue.review.merge.render import words
from anyclue.review.pairs.model import Confidence, FindingKind
from anyclue.review.pairs.render.json_document import (
    CodeBlock,
    Count,
    FilePath,
    LineNumber,
    UnjudgedDocument,
)

_SIDE = "^(ours|theirs( [2-9]| [1-9][0-9]+)?)$"

_Side: TypeAlias = Annotated[Line, Field(json_schema_extra={"pattern": _SIDE})]
_CommitId: TypeAlias = Annotated[
    Line,
    AfterValidator(lambda one: one[: words.DIGITS]),
    Field(json_schema_extra={"pattern": "^[0-9a-f]+$"}),
]
_Taken: TypeAlias = Annotated[
    str,
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": _SIDE}, {"enum": [*words.TAKEN.values()]}]}
    ),
]


_P = TypeVar("_P", bound=DocumentModel)


def _read(document: type[_P], one: object, more: Mapping[str, object]) -> _P:
    """Return a document of an object's fields, and of more that the object has in other forms."""
    fields = document.model_fields.items()
    names = {str(field.validation_alias or name) for name, field in fields}
    values = {name: getattr(one, name) for name in names - more.keys() - {"schema_"}} | {**more}
    return document.model_validate(values, from_attributes=True)


class _Parent(DocumentModel):
    """One parent."""

    name: _Side
    """Its name."""
    commit: _CommitId
    """Its abbreviated id."""


class _Commit(DocumentModel):
    """A commit."""

    commit: _CommitId = Field(validation_alias="id")
    """Its abbreviated id."""
    subject: Line
    """The first line of its message."""


class _SourceLine(DocumentModel):
    """A line of a file."""

    line: LineNumber
    """Its number."""
    text: Line
    """The line."""


class _LostLine(DocumentModel):
    """A line of a side's change that the result lost."""

    added: bool
    """Whether the side added it; false: it removed it, and it is back."""
    line: LineNumber
    """Its number in the side's file; when the side removed it, in the base's."""
    text: Line
    """The line."""


class _Function(DocumentModel):
    """What a resolution did to one function."""

    path: FilePath
    """Its file in the result, or where it was last."""
    function: Line
    """Its name; empty for what is in no function."""
    line: Count
    """Where it begins in the result; 0: it is not there."""
    conflict: bool
    """Whether git left a conflict in it."""
    taken: _Taken
    """Where its text comes from; a side, or a word."""
    moved_from: Annotated[str, BeforeValidator(words.former_place)]
    """Where a side has it, under another path or name; else empty."""
    new_lines: tuple[_SourceLine, ...]
    """Lines that are on neither side."""
    cut_lines: tuple[_SourceLine, ...]
    """Lines that every side has, and the result has not; numbers on the first side."""
    moved_lines: tuple[_SourceLine, ...]
    """Lines in an order, or behind a condition, that no side has."""


class _DroppedChange(DocumentModel):
    """A change of one side, in one function, that the result lost."""

    path: FilePath
    """The function's file on that side."""
    function: Line
    """Its name there; empty for what is in no function."""
    side: _Side
    """Whose change it is."""
    conflict: bool
    """Whether git left a conflict in the function."""
    commits: tuple[_Commit, ...]
    """Those of the side that made the change; empty where that was not found in time."""
    lines: tuple[_LostLine, ...]
    """What was lost."""


class _Imbalance(DocumentModel):
    """A finding about pairing, and where it comes from."""

    dated: Origin = Field(validation_alias="origin")
    """Where it comes from."""
    sides: tuple[_Side, ...]
    """Which sides have it, or had mended it."""
    commits: tuple[_Commit, ...]
    """Those of a side that brought it; empty where that was not found in time."""
    path: FilePath = Field(validation_alias=AliasPath("finding", "path"))
    """The file."""
    line: LineNumber = Field(validation_alias=AliasPath("finding", "line"))
    """Where it goes wrong."""
    function: Line = Field(validation_alias=AliasPath("finding", "function"))
    """The function that holds it."""
    kind: FindingKind = Field(validation_alias=AliasPath("finding", "kind"))
    """What is wrong."""
    pair: Line = Field(validation_alias=AliasPath("finding", "pair"))
    """Name of the pair in the contracts."""
    resource: Line = Field(validation_alias=AliasPath("finding", "resource"))
    """The C expression that names the resource."""
    confidence: Confidence = Field(validation_alias=AliasPath("finding", "confidence"))
    """How much to trust it."""
    message: Line = Field(validation_alias=AliasPath("finding", "message"))
    """One sentence."""


class _DefinitionPlace(DocumentModel):
    """Where something is defined."""

    path: FilePath
    """The file in the result."""
    line: LineNumber
    """The line."""


class _RepeatedDefinition(DocumentModel):
    """What the result defines more often than any side."""

    kind: DefinitionKind
    """What is defined."""
    name: Line
    """Its name."""
    places: tuple[_DefinitionPlace, ...]
    """The definitions."""
    added: tuple[_Side, ...]
    """Which sides added one; empty where they moved what the base had."""
    dated: Literal[Origin.MERGE, Origin.RESOLUTION] = Field(validation_alias="origin")
    """Whether git merged it so without a conflict, or the resolution made it."""


def _function(one: FunctionResolution) -> _Function:
    return _read(_Function, one, {"taken": words.taken(one)})


class _Resolution(DocumentModel):
    """What is said of one result of a merge."""

    title: Line
    """The result, in the user's words."""
    functions: tuple[Annotated[_Function, BeforeValidator(_function)], ...]
    """Those with a conflict, or other than git merges them."""
    dropped: tuple[_DroppedChange, ...]
    """Changes of a side that it lost."""
    imbalances: tuple[_Imbalance, ...]
    """Those that the merge base did not have."""
    unjudged: tuple[UnjudgedDocument, ...]
    """What was not judged."""
    unresolved: tuple[FilePath, ...]
    """Files in which conflict markers are left."""
    beyond: tuple[FilePath, ...]
    """Files that are no C sources, and not what git merges."""
    repeated: tuple[_RepeatedDefinition, ...]
    """What is defined more often than on any side."""


class _Comparison(DocumentModel):
    """One function of the result beside that of the other resolution."""

    path: FilePath
    """Its file in the result, or in the other resolution."""
    function: Line
    """Its name; empty for what is in no function."""
    likeness: Similarity = Field(validation_alias="similarity")
    """How they compare."""
    diff: CodeBlock
    """A unified diff from the other resolution to the result; empty unless they differ."""


class _FunctionKey(DocumentModel):
    """A function."""

    path: FilePath
    """Its file."""
    function: Line
    """Its name; empty for what is in no function."""


class _Exercise(DocumentModel):
    """What reaches functions."""

    functions: tuple[_FunctionKey, ...]
    """Which."""
    mount: tuple[Line, ...]
    """Options for mount -o, one set after another; an empty one is none."""
    do: Line = Field(validation_alias="how")
    """Operations, in words; empty when nothing is known of these functions."""
    workloads: tuple[Line, ...]
    """Names of built-in workloads."""
    fstests: tuple[Line, ...]
    """Groups of fstests."""


def _verdicts(found: Sequence[VersionVerdict]) -> dict[str, str]:
    return {one.version: words.guest_verdict(one) for one in found}


class _GuestComparison(DocumentModel):
    """What guests said under one set of conditions."""

    conditions: tuple[Line, ...]
    """Machine, mkfs and mount options and workload, by the scenario's names."""
    verdicts: Annotated[dict[Line, Line], BeforeValidator(_verdicts)]
    """Of each version that was run its verdict with its signature, by the version's kernel."""
    result: Blame
    """What that says of the result."""
    against: Blame | None
    """The same of the other resolution; null: there is none."""
    sides: tuple[Line, ...]
    """The parents that have the same."""


class _Test(DocumentModel):
    """A merge's versions in guests."""

    run: Line
    """The run directory."""
    kernel: Line
    """What kernel they ran in, and which directory of it was theirs."""
    result: Blame = Field(validation_alias="blame")
    """The verdict on the resolution."""
    against: Blame | None = Field(validation_alias="other_blame")
    """The same of the other resolution; null: there is none."""
    rows: tuple[_GuestComparison, ...]
    """What was found, by conditions."""
    untested: tuple[FilePath, ...]
    """C sources that differ outside that directory."""


def _test(one: MergeTest) -> _Test:
    return _read(_Test, one, {"kernel": words.kernel(one)})


class MergeDocument(DocumentModel):
    """What the resolution of a merge took, made up and lost."""

    schema_: Literal["anyclue.merge/1"] = Field(
        default="anyclue.merge/1", serialization_alias="schema"
    )
    """Name and version of this format."""
    verdict: str
    """The review in one line."""
    innocent: bool
    """Whether the resolution broke and lost nothing that either side had right."""
    sides: Annotated[tuple[_Parent, ...], Field(min_length=2)]
    """The parents, ours first."""
    files: Count
    """C files that two sides changed, or that are not what git merges."""
    conflicts: Count
    """Files in which git found a conflict."""
    result: _Resolution
    """What is said of the result."""
    against: _Resolution | None
    """The same of the other resolution; null: none was asked for."""
    compared: tuple[_Comparison, ...]
    """Functions of both resolutions, beside each other."""
    exercises: tuple[_Exercise, ...]
    """What to run so that the functions that the review names are reached."""
    test: _Test | None
    """What guests said; null: they were not asked."""


def merge_json(review: MergeReview) -> str:
    """Return a review of a merge as JSON, in ASCII, ended by a line end."""
    more = {
        "verdict": words.verdict(review),
        "innocent": review.result.innocent,
        "test": _test(review.test) if review.test is not None else None,
    }
    return document_text(_read(MergeDocument, review, more))
