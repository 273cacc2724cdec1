"""Candidates as findings: silenced, suggested, each once; and what could not be judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anyclue.review.pairs.driver.cache import LARGEST
from anyclue.review.pairs.ir.function import FunctionIR
from anyclue.review.pairs.model import Finding, FindingKind, Unjudged
from anyclue.review.pairs.rules.explanation import SourceText, explain
from anyclue.review.pairs.rules.imbalances import Candidate
from anyclue.review.pairs.rules.program import Program
from anyclue.review.pairs.rules.suggestion import with_suggestion

SILENCED = "transfers"
"""The first word of a comment for anyclue that silences a finding."""

_LOST = (FindingKind.LEAK, FindingKind.OVERWRITTEN)


def finding_of(
    path: str,
    function: FunctionIR,
    candidate: Candidate,
    text: bytes,
    program: Program,
    *,
    siblings: Sequence[Candidate] | None = None,
) -> Finding | None:
    """Return a candidate as a finding; None when a comment in the source silences it.

    Args:
        path: the file.
        function: the function.
        candidate: what is wrong in it.
        text: the file's content.
        program: the functions around it.
        siblings: all that is wrong in the function; None where nothing is to be suggested.
    """
    quoted = SourceText(text)
    callees = program.callees(path)
    one = explain(path, function, candidate, quoted, callees)
    notes = program.files[path].unit.notes
    for line in (one.acquired_line, one.line):
        for near in (line, line - 1) if line is not None else ():
            if notes.get(near, "").startswith(SILENCED):
                return None
    if siblings is None:
        return one
    return with_suggestion(one, function, candidate, siblings, quoted, callees)


def deduplicate(found: Sequence[Finding]) -> list[Finding]:
    """Return findings by place, without those that say the same of one place in other words."""
    kept: dict[tuple[object, ...], Finding] = {}
    for one in sorted(
        found, key=lambda one: (one.path, -one.confidence.rank, one.kind not in _LOST[:1], one.line)
    ):
        lost = one.kind in _LOST and one.acquired_line is not None
        place = kept.setdefault((one.path, one.kind, one.line, one.resource), one)
        if place is not one or not lost:
            continue
        # One acquisition that is lost in two ways is one mistake.
        first = kept.setdefault((one.path, one.acquired_line, one.pair, one.resource), one)
        if first is not one:
            del kept[one.path, one.kind, one.line, one.resource]
    return sorted(dict.fromkeys(kept.values()), key=lambda one: (one.path, one.line, one.kind))


def unjudged(program: Program, texts: Mapping[str, bytes]) -> list[Unjudged]:
    """Return what could not be read, or not be followed to its end."""
    found = [
        Unjudged(path=path, line=function.line, function=function.name, what=why)
        for path, function, why in program.unjudged()
    ]
    for path, file in program.files.items():
        if len(texts[path]) > LARGEST:
            found.append(Unjudged(path=path, line=0, function="", what="too large to be read"))
            continue
        found += [
            Unjudged(path=path, line=first, function="", what="could not be parsed")
            for first, _ in file.unit.unread
        ]
    # A function with #if is read twice.
    return list(dict.fromkeys(found))
