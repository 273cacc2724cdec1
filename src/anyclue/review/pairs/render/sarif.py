"""A review as SARIF 2.1.0, which code hosts and editors read.

A rule is a kind of finding; which pair it is about stands in a result's properties. What a change
fixes is no result, since readers would show it as a finding: it stands in the run's properties.
"""

from __future__ import annotations

import json
from typing import TypeAlias
from urllib.parse import quote

from anyclue.report.text import clean, code_block, safe_path
from anyclue.review.pairs.model import (
    Confidence,
    Finding,
    FindingKind,
    PathStep,
    Review,
    StepKind,
    Suggestion,
    Unjudged,
)
from anyclue.review.pairs.render.words import KINDS, REASONS, fingerprints
from anyclue.version import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "anycluePairs/v1"
ROOT = "SRCROOT"
NOT_JUDGED = "not-judged"

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_LEVELS = {Confidence.HIGH: "error", Confidence.MEDIUM: "warning", Confidence.LOW: "note"}
_STEPS: dict[StepKind, tuple[str, ...]] = {
    StepKind.ACQUIRE: ("acquire", "resource"),
    StepKind.BRANCH: ("branch",),
    StepKind.GOTO: ("branch",),
    StepKind.LOOP: ("branch",),
    StepKind.CALL: ("call",),
    StepKind.RELEASE: ("release", "resource"),
    StepKind.USE: ("resource", "danger"),
    StepKind.RETURN: ("return",),
    StepKind.END: ("exit",),
}


def sarif(review: Review) -> str:
    """Return a review as a SARIF log with one run, in ASCII, ended by a line end."""
    prints = fingerprints(review.findings)
    found = zip(review.findings, prints, strict=True)
    run: dict[str, Json] = {
        "tool": {"driver": _driver()},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(one) for one in review.unjudged],
            }
        ],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The directory that was reviewed."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, of, change=review.change) for one, of in found],
        "properties": _properties(review),
    }
    document: Json = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def uri(path: str) -> str:
    """Return a relative path as a relative URI, byte by byte percent-encoded where need be."""
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = path.encode("utf-8", "replace")
    return quote(raw.lstrip(b"/"), safe="/")


def _driver() -> Json:
    return {
        "name": "anyclue",
        "version": __version__,
        "rules": [_rule(kind) for kind in FindingKind],
        "notifications": [
            {
                "id": NOT_JUDGED,
                "shortDescription": {"text": "Not judged, and so not known to be clean."},
            }
        ],
    }


def _rule(kind: FindingKind) -> Json:
    words = KINDS[kind]
    return {
        "id": kind.value,
        "name": "".join(part.capitalize() for part in kind.value.split("-")),
        "shortDescription": {"text": words.title},
        "fullDescription": {"text": words.meaning},
        "defaultConfiguration": {"level": "warning"},
        "help": {
            "text": f"{words.meaning} The steps of the result are the path; a comment "
            "`// anyclue: transfers`, with a reason, silences it where the resource is handed on."
        },
        "properties": {"tags": ["resource-pairing"]},
    }


def _result(finding: Finding, fingerprint: str, *, change: str) -> Json:
    result: dict[str, Json] = {
        "ruleId": finding.kind.value,
        "ruleIndex": list(FindingKind).index(finding.kind),
        "level": _LEVELS[finding.confidence],
        "message": {
            "text": f"{clean(finding.message).rstrip('.')} ({clean(finding.pair)}). "
            f"Confidence {finding.confidence.value}: {REASONS[finding.reason]}"
        },
        "locations": [_location(finding, finding.line, finding.column)],
        "partialFingerprints": {FINGERPRINT: fingerprint},
        "properties": {
            "pair": clean(finding.pair),
            "resource": clean(finding.resource),
            "function": clean(finding.function),
            "confidence": finding.confidence.value,
            "reason": REASONS[finding.reason],
            "acquiredBy": clean(finding.acquired_by),
            "release": [clean(one) for one in finding.release],
        },
    }
    if change:
        result["baselineState"] = "new"
    if finding.steps:
        flow: Json = [_step(finding, step, at) for at, step in enumerate(finding.steps, start=1)]
        result["codeFlows"] = [{"threadFlows": [{"locations": flow}]}]
    related = _related(finding)
    if related:
        result["relatedLocations"] = related
    if finding.suggestion is not None:
        result["fixes"] = [_fix(finding, finding.suggestion)]
    return result


def _location(finding: Finding, line: int, column: int | None = None) -> dict[str, Json]:
    region: dict[str, Json] = {"startLine": max(line, 1)}
    if column is not None:
        region["startColumn"] = max(column, 1)
    return {
        "physicalLocation": {"artifactLocation": _artifact(finding.path), "region": region},
        "logicalLocations": [{"name": clean(finding.function), "kind": "function"}],
    }


def _artifact(path: str) -> Json:
    return {"uri": uri(path), "uriBaseId": ROOT}


def _step(finding: Finding, step: PathStep, order: int) -> Json:
    text = " -- ".join(part for part in (clean(step.text), clean(step.note)) if part)
    location = _location(finding, step.line)
    location["message"] = {"text": text or step.kind.value}
    return {"location": location, "kinds": [*_STEPS[step.kind]], "executionOrder": order}


def _related(finding: Finding) -> list[Json]:
    places = [(line, "the same happens here") for line in finding.also]
    if finding.acquired_line is not None:
        places.insert(0, (finding.acquired_line, "acquired here"))
    return [
        {**_location(finding, line), "id": number, "message": {"text": text}}
        for number, (line, text) in enumerate(places)
    ]


def _fix(finding: Finding, suggestion: Suggestion) -> Json:
    line = max(suggestion.before_line, 1)
    text = code_block(suggestion.text).replace("\n", " ")
    return {
        "description": {"text": f"Insert before line {line}: {clean(suggestion.text)}"},
        "artifactChanges": [
            {
                "artifactLocation": _artifact(finding.path),
                "replacements": [
                    {
                        "deletedRegion": {"startLine": line, "startColumn": 1, "endColumn": 1},
                        "insertedContent": {"text": f"{text}\n"},
                    }
                ],
            }
        ],
    }


def _notification(one: Unjudged) -> Json:
    of = f"{clean(one.function)}() " if one.function else ""
    location: dict[str, Json] = {"artifactLocation": _artifact(one.path)}
    if one.line > 0:
        location["region"] = {"startLine": one.line}
    return {
        "descriptor": {"id": NOT_JUDGED, "index": 0},
        "level": "warning",
        "message": {"text": f"{of}was not judged: {clean(one.what)}"},
        "locations": [{"physicalLocation": location}],
    }


def _properties(review: Review) -> Json:
    prints = fingerprints(review.fixed)
    return {
        "change": clean(review.change),
        "files": review.files,
        "functions": review.functions,
        "lines": review.lines,
        "fixed": [
            {
                "ruleId": one.kind.value,
                "message": clean(one.message),
                "pair": clean(one.pair),
                "path": safe_path(one.path),
                "line": one.line,
                "fingerprint": of,
            }
            for one, of in zip(review.fixed, prints, strict=True)
        ],
    }
