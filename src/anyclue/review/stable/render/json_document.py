"""Which branches need a fix as JSON, for machines; documented in ``docs/stable.md``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from anyclue.report.json_document import DocumentModel, Line, document_text
from anyclue.report.text import safe_path
from anyclue.review.stable.core.model import (
    Branch,
    BranchStatus,
    KnownBy,
    KnownCommit,
    Presence,
    StableReview,
)
from anyclue.review.stable.render import words


class _Commit(DocumentModel):
    commit: str
    title: Line
    version: Line


class _Presence(DocumentModel):
    there: bool
    sure: bool
    how: KnownBy | None
    commit: str
    version: Line
    reverted_by: str
    why: str


class _CherryPick(DocumentModel):
    conflicts: tuple[str, ...]
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
    notes: tuple[Line, ...]


def stable_json(review: StableReview) -> str:
    """Return a review of a fix as JSON, in ASCII, ended by a line end."""
    return document_text(
        StableDocument(
            verdict=words.verdict(review),
            fix=_commit(review.fix),
            culprits=tuple(map(_commit, review.culprits)),
            cc=words.cc_line(review),
            upstream_line=words.upstream_line(review.fix),
            branches=tuple(_branch(one, review.fix) for one in review.branches),
            follow_ups=tuple(map(_commit, review.follow_ups)),
            notes=tuple(map(words.note, review.notes)),
        )
    )


def _commit(one: KnownCommit) -> _Commit:
    return _Commit(commit=one.id, title=one.title, version=one.version)


def _branch(one: Branch, fix: KnownCommit) -> _Branch:
    return _Branch(
        name=one.name,
        tip=one.tip,
        standing=one.status,
        why=words.reason(one.verdict),
        culprits=tuple(map(_presence, one.culprits)),
        fix=_presence(one.fix),
        cherry_pick=_cherry_pick(one),
        command=words.command(one, fix) if one.status is BranchStatus.NEEDS else "",
        lacking=one.lacking,
    )


def _presence(one: Presence) -> _Presence:
    return _Presence(
        there=one.there,
        sure=one.sure,
        how=one.how,
        commit=one.commit,
        version=one.version,
        reverted_by=one.reverted,
        why=words.doubt(one),
    )


def _cherry_pick(one: Branch) -> _CherryPick | None:
    if one.pick is None:
        failure = words.pick_failure(one)
        return _CherryPick(conflicts=(), empty=False, unknown=failure) if failure else None
    conflicts = tuple(map(safe_path, one.pick.conflicts))
    return _CherryPick(conflicts=conflicts, empty=one.pick.empty, unknown="")
