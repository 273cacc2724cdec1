"""The review of a merge as JSON, for machines; documented in ``docs/merge-schema.md``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

from anyclue.report.text import clean, code_block, safe_path
from anyclue.review.merge.core.guest_test import MergeTest
from anyclue.review.merge.core.model import (
    DroppedChange,
    FunctionResolution,
    Imbalance,
    MergeReview,
    Resolution,
)
from anyclue.review.merge.render import words as merge_words

SCHEMA = "anyclue.merge/1"

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def merge_json(review: MergeReview) -> str:
    """Return a review of a merge as JSON, in ASCII, ended by a line end."""
    document: Json = {
        "schema": SCHEMA,
        "verdict": merge_words.verdict(review),
        "innocent": review.result.innocent,
        "sides": [{"name": clean(name), "commit": clean(rev)} for name, rev in review.sides],
        "files": review.files,
        "conflicts": review.conflicts,
        "result": _resolution(review.result),
        "against": _resolution(review.against) if review.against is not None else None,
        "compared": [
            {
                "path": safe_path(one.path),
                "function": clean(one.function),
                "likeness": one.likeness.value,
                "diff": code_block(one.diff),
            }
            for one in review.compared
        ],
        "exercises": [
            {
                "functions": [
                    {"path": safe_path(path), "function": clean(name)}
                    for path, name in one.functions
                ],
                "mount": _clean(one.mount),
                "do": clean(one.how),
                "workloads": _clean(one.workloads),
                "fstests": _clean(one.fstests),
            }
            for one in review.exercises
        ],
        "test": _test(review.test) if review.test is not None else None,
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _test(one: MergeTest) -> Json:
    other = one.other_blame
    return {
        "run": clean(one.run),
        "kernel": clean(merge_words.kernel(one)),
        "result": one.blame.value,
        "against": other.value if other is not None else None,
        "rows": [
            {
                "conditions": _clean(row.conditions),
                "verdicts": {
                    clean(verdict.version): clean(merge_words.guest_verdict(verdict))
                    for verdict in row.verdicts
                },
                "result": row.result.value,
                "against": row.against.value if row.against is not None else None,
                "sides": _clean(row.sides),
            }
            for row in one.rows
        ],
        "untested": [safe_path(path) for path in one.untested],
    }


def _resolution(one: Resolution) -> Json:
    return {
        "title": clean(one.title),
        "functions": [_function(two) for two in one.functions],
        "dropped": [_dropped(two) for two in one.dropped],
        "imbalances": [_imbalance(two) for two in one.imbalances],
        "unjudged": [
            {
                "path": safe_path(two.path),
                "line": two.line,
                "function": clean(two.function),
                "what": clean(two.what),
            }
            for two in one.unjudged
        ],
        "unresolved": [safe_path(path) for path in one.unresolved],
        "beyond": [safe_path(path) for path in one.beyond],
    }


def _function(one: FunctionResolution) -> Json:
    return {
        "path": safe_path(one.path),
        "function": clean(one.function),
        "line": one.line,
        "conflict": one.conflict,
        "taken": merge_words.taken(one),
        "moved_from": clean(one.moved_from),
        "new_lines": _numbered(one.new_lines),
        "cut_lines": _numbered(one.cut_lines),
        "moved_lines": _numbered(one.moved_lines),
    }


def _numbered(lines: Sequence[tuple[int, str]]) -> Json:
    return [{"line": number, "text": clean(text)} for number, text in lines]


def _dropped(one: DroppedChange) -> Json:
    return {
        "path": safe_path(one.path),
        "function": clean(one.function),
        "side": clean(one.side),
        "conflict": one.conflict,
        "commits": _commits(one.commits),
        "lines": [
            {"added": line.added, "line": line.line, "text": clean(line.text)} for line in one.lines
        ],
    }


def _imbalance(one: Imbalance) -> Json:
    finding = one.finding
    return {
        "dated": one.dated.value,
        "sides": _clean(one.sides),
        "commits": _commits(one.commits),
        "path": safe_path(finding.path),
        "line": finding.line,
        "function": clean(finding.function),
        "kind": finding.kind.value,
        "pair": clean(finding.pair),
        "resource": clean(finding.resource),
        "confidence": finding.confidence.value,
        "message": clean(finding.message),
    }


def _clean(texts: Sequence[str]) -> list[Json]:
    return [clean(text) for text in texts]


def _commits(commits: Sequence[tuple[str, str]]) -> Json:
    return [{"commit": clean(rev), "subject": clean(subject)} for rev, subject in commits]
