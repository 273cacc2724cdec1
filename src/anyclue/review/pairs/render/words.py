"""What the reports of a review of C source share: names, fingerprints."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anyclue.report.text import clean, counted
from anyclue.review.pairs.model import Confidence, Finding, FindingKind, Review, Unjudged


@dataclass(frozen=True, kw_only=True)
class KindWords:
    """A kind of finding in words: in short, and what it means exactly."""

    title: str
    meaning: str


KINDS = {
    FindingKind.LEAK: KindWords(
        title="A resource is not released.",
        meaning="A resource is acquired, and a path through the function ends without its release.",
    ),
    FindingKind.OVERWRITTEN: KindWords(
        title="A resource is overwritten while it is held.",
        meaning="A resource is acquired again, or its only name gets another value, while it is "
        "still held.",
    ),
    FindingKind.DOUBLE_RELEASE: KindWords(
        title="A resource is released twice.",
        meaning="A path releases a resource that it has released before.",
    ),
    FindingKind.UNHELD: KindWords(
        title="A resource is released without being held.",
        meaning="A path that did not acquire a resource releases it.",
    ),
    FindingKind.USE_AFTER_RELEASE: KindWords(
        title="A resource is used after its release.",
        meaning="A path dereferences a resource after it has released it.",
    ),
    FindingKind.WRONG_ORDER: KindWords(
        title="Resources are released in the wrong order.",
        meaning="A resource is released while one is still held that was acquired later and has to "
        "be released first.",
    ),
    FindingKind.WRONG_MODE: KindWords(
        title="A resource is released in the wrong mode.",
        meaning="A resource is released in another mode than it was acquired in, as for reading "
        "instead of for writing.",
    ),
    FindingKind.LOST_RELEASE: KindWords(
        title="A release is taken away.",
        meaning="A change takes away a release that the function did before.",
    ),
}


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """Return what each finding is recognised by in another version: no line is part of it.

    Made of path, function, pair, kind and resource; the second of two that are alike in all of
    that has a number behind it.
    """
    seen: Counter[str] = Counter()
    found: list[str] = []
    for one in findings:
        parts = [one.path, one.function, one.pair, one.kind.value, one.resource]
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
        seen[digest] += 1
        found.append(digest if seen[digest] == 1 else f"{digest}-{seen[digest]}")
    return found


def labels(finding: Finding) -> str:
    """Return pair, kind and confidence, as ``page-reference leak, high``."""
    return f"{clean(finding.pair)} {finding.kind.value}, {finding.confidence.value}"


def summary_line(review: Review) -> str:
    """Return how many of everything, in one line."""
    parts = [_findings(review.findings)]
    if review.fixed:
        parts.append(f"{len(review.fixed):,} fixed")
    parts += _not_judged(review.unjudged)
    parts += [counted(review.files, "file"), counted(review.functions, "function")]
    return ", ".join(parts)


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return "no findings"
    number = Counter(one.confidence for one in findings)
    ranked = sorted(Confidence, key=lambda confidence: -confidence.rank)
    shown = ", ".join(f"{number[one]:,} {one.value}" for one in ranked if number[one])
    return f"{counted(len(findings), 'finding')} ({shown})"


def _not_judged(unjudged: Iterable[Unjudged]) -> list[str]:
    number = Counter(
        "function" if one.function else "place" if one.line > 0 else "file" for one in unjudged
    )
    kinds = ("function", "place", "file")
    return [f"{counted(number[kind], kind)} not judged" for kind in kinds if number[kind]]
