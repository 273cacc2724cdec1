"""Which branches need a fix as JSON, for machines; documented in ``docs/stable.md``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from anyclue.report.json_document import DocumentModel, Line, document_text
from anyclue.review.pairs.render.json_document import FilePath
from anyclue.review.stable.core.model import (
    Branch,
    BranchStatus,
    KnownCommit,
    MatchKind,
    StableReview,
)
from anyclue.review.stable.render import words


class _Commit(DocumentModel):
    commit: str = Field(validation_alias="id")
    title: Line
    version: Line


class _Presence(DocumentModel):
    there: bool
    sure: bool
    how: MatchKind | None
    commit: str
    version: Line
    reverted_by: str = Field(validation_alias="reverted")
    why: Annotated[str, BeforeValidator(words.doubt)] = Field(validation_alias="doubt")


class _CherryPick(DocumentModel):
    conflicts: tuple[FilePath, ...]
    empty: bool
    unknown: str


class _Branch(DocumentModel):
    name: Line
    tip: str
    standing: BranchStatus
    why: str
    culprits: tuple[_Presence, ...]
    fix: _Presence
    cherry_pick: _CherryPick | None
    command: str
    lacking: tuple[str, ...]


class StableDocument(DocumentModel):
    """Which branches need a fix."""

    schema_: Literal["anyclue.stable/1"] = Field(
        default="anyclue.stable/1", serialization_alias="schema"
    )
    verdict: str
    fix: _Commit
    culprits: tuple[_Commit, ...]
    cc: str
    upstream_line: str
    branches: tuple[_Branch, ...]
    follow_ups: tuple[_Commit, ...]
    notes: tuple[Annotated[Line, BeforeValidator(words.note)], ...]


def stable_json(review: StableReview) -> str:
    """Return a review of a fix as JSON, in ASCII, ended by a line end."""
    document = {
        **vars(review),
        "verdict": words.verdict(review),
        "cc": words.cc_line(review),
        "upstream_line": words.upstream_line(review.fix),
        "branches": [_branch(one, review.fix) for one in review.branches],
    }
    return document_text(StableDocument.model_validate(document, from_attributes=True))


def _branch(one: Branch, fix: KnownCommit) -> dict[str, object]:
    return {
        "name": one.name,
        "tip": one.tip,
        "standing": one.status,
        "why": words.reason(one.verdict),
        "culprits": one.culprits,
        "fix": one.fix,
        "cherry_pick": _cherry_pick(one),
        "command": words.command(one, fix) if one.status is BranchStatus.NEEDS else "",
        "lacking": one.lacking,
    }


def _cherry_pick(one: Branch) -> dict[str, object] | None:
    if one.pick is not None:
        return {"conflicts": one.pick.conflicts, "empty": one.pick.empty, "unknown": ""}
    failure = words.pick_failure(one)
    return {"conflicts": (), "empty": False, "unknown": failure} if failure else None
