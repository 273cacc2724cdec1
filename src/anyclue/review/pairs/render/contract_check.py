"""Contracts against a tree, for a reader and as JSON; documented in ``docs/contracts.md``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from anyclue.report.json_document import DocumentModel, Line, document_text
from anyclue.report.text import ascii_line, counted, safe_path
from anyclue.review.pairs.contracts.coverage import ContractCoverage
from anyclue.review.pairs.render.json_document import Count, FilePath, LineNumber

BRIEF = 40
"""So many families are listed in text; JSON has all."""


class AbsentCallDocument(DocumentModel):
    """A call that contracts name."""

    call: Line
    """Its name."""
    pairs: tuple[Line, ...]
    """The pairs that name it."""


class UnknownCleanupDocument(DocumentModel):
    """A guard, a class or a name of __free() that no contract knows."""

    name: Line
    """Its name."""
    macro: Line
    """The macro that defines it."""
    path: FilePath
    """The file that defines it, relative to the tree."""
    line: LineNumber
    """The line there."""
    uses: Count
    """How often it is used in the tree."""


class UnknownPairDocument(DocumentModel):
    """Two functions whose names say that one takes back the other."""

    acquire: Line
    """The one that would acquire."""
    release: Line
    """The one that would release."""
    calls: Count
    """How often both are called in the tree."""


class ContractCheckDocument(DocumentModel):
    """What contracts and a tree know of each other."""

    schema_: Literal["anyclue.contract-check/1"] = Field(
        default="anyclue.contract-check/1", serialization_alias="schema"
    )
    """Name and version of this format."""
    version: Line | None
    """The tree's version, as its top Makefile has it; null: it has none."""
    files: Count
    """Files read."""
    calls: Count
    """Calls that contracts name for this version."""
    absent: tuple[AbsentCallDocument, ...]
    """Those that are nowhere in the tree."""
    excluded: tuple[AbsentCallDocument, ...]
    """Calls that the tree has, though since or until says that it has not."""
    cleanups: Count
    """Guards, classes and names of __free() that the tree defines."""
    cleanup_uses: Count
    """How often these are used."""
    unknown_cleanups: tuple[UnknownCleanupDocument, ...]
    """Those that no contract knows, most used first."""
    unknown_pairs: tuple[UnknownPairDocument, ...]
    """Functions that go together by name and are in no contract, most called first."""


def contract_check(found: ContractCoverage, *, as_json: bool) -> str:
    """Return what contracts and a tree know of each other, for a terminal or as JSON."""
    if as_json:
        version = _version(found) or None
        values = {**vars(found), "version": version}
        return document_text(ContractCheckDocument.model_validate(values, from_attributes=True))
    return "\n".join(_lines(found)) + "\n"


def _version(found: ContractCoverage) -> str:
    return ".".join(str(one) for one in found.version or ())


def _lines(found: ContractCoverage) -> Iterator[str]:
    tree = f"Linux {_version(found)}" if found.version else "a tree that tells no version"
    yield f"contracts against {tree}, {counted(found.files, 'file')}"
    yield ""
    yield f"{len(found.absent):,} of {counted(found.calls, 'call')} of contracts are nowhere in it"
    for one in found.absent:
        yield f"  {ascii_line(one.call)} ({', '.join(one.pairs)})"
    if found.excluded:
        number = counted(len(found.excluded), "call")
        yield ""
        yield f"{number} that it has, though since or until says that it has not"
        for one in found.excluded:
            yield f"  {ascii_line(one.call)} ({', '.join(one.pairs)})"
    unused = sum(one.uses for one in found.unknown_cleanups)
    yield ""
    yield (
        f"{len(found.unknown_cleanups):,} of {found.cleanups:,} guards, classes and names of "
        f"__free() have no contract ({unused:,} of {counted(found.cleanup_uses, 'use')})"
    )
    for cleanup in found.unknown_cleanups:
        place = f"{safe_path(cleanup.path)}:{cleanup.line}"
        name = f"{ascii_line(cleanup.macro)}({ascii_line(cleanup.name)})"
        yield f"  {place}: {name}, {counted(cleanup.uses, 'use')}"
    families = found.unknown_pairs
    yield ""
    yield f"{counted(len(families), 'pair')} of functions go together by name and have no contract"
    for family in families[:BRIEF]:
        names = f"{ascii_line(family.acquire)}, {ascii_line(family.release)}"
        yield f"  {names}: {counted(family.calls, 'call')}"
    if len(families) > BRIEF:
        yield f"  ... and {len(families) - BRIEF:,} more; --json lists all"
