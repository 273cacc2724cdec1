"""A review as JSON, for machines; documented in ``docs/pairs-schema.md``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

from anyclue.report.text import clean, code_block, safe_path
from anyclue.review.pairs.model import Finding, PathStep, Review, Suggestion, Unjudged
from anyclue.review.pairs.render.words import fingerprints

SCHEMA = "anyclue.pairs/1"

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def review_json(review: Review) -> str:
    """Return a review as JSON, in ASCII, ended by a line end; the same input, the same text."""
    document: Json = {
        "schema": SCHEMA,
        "change": clean(review.change) if review.change else None,
        "findings": _findings(review.findings),
        "fixed": _findings(review.fixed),
        "unjudged": [_unjudged(one) for one in review.unjudged],
        "files": review.files,
        "functions": review.functions,
        "lines": review.lines,
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _findings(findings: Sequence[Finding]) -> Json:
    prints = fingerprints(findings)
    return [_finding(one, of) for one, of in zip(findings, prints, strict=True)]


def _finding(finding: Finding, fingerprint: str) -> Json:
    return {
        "kind": finding.kind.value,
        "pair": clean(finding.pair),
        "resource": clean(finding.resource),
        "function": clean(finding.function),
        "path": safe_path(finding.path),
        "line": finding.line,
        "column": finding.column,
        "acquired_line": finding.acquired_line,
        "acquired_by": clean(finding.acquired_by),
        "release": [clean(one) for one in finding.release],
        "message": clean(finding.message),
        "steps": [_step(one) for one in finding.steps],
        "confidence": finding.confidence.value,
        "reason": clean(finding.reason),
        "suggestion": _suggestion(finding.suggestion) if finding.suggestion else None,
        "also": [*finding.also],
        "fingerprint": fingerprint,
    }


def _step(step: PathStep) -> Json:
    return {
        "line": step.line,
        "kind": step.kind.value,
        "text": clean(step.text),
        "note": clean(step.note),
    }


def _suggestion(suggestion: Suggestion) -> Json:
    return {
        "before_line": suggestion.before_line,
        "text": code_block(suggestion.text).replace("\n", " "),
        "diff": code_block(suggestion.diff),
    }


def _unjudged(one: Unjudged) -> Json:
    return {
        "path": safe_path(one.path),
        "line": one.line,
        "function": clean(one.function),
        "what": clean(one.what),
    }
