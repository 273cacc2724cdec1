"""What the reports of a review of C source share: names, fingerprints."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from anyclue.report.text import clean, counted
from anyclue.review.pairs.model import Confidence, Finding, FindingKind, Review, Unjudged
from anyclue.review.pairs.model import ConfidenceReason as Reason


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


REASONS: Mapping[Reason, str] = {
    Reason.RELEASED_ELSEWHERE: "released on other paths of the same function",
    Reason.HANDOVER: "somebody else may release it later",
    Reason.STORED: (
        "other failing paths release it; here it stays stored, and may be released later"
    ),
    Reason.OWN_CONTRACT: "a contract says that the function itself acquires or releases it",
    Reason.ANNOTATED: "the function is annotated as one that acquires or releases",
    Reason.RESULT_NAMES_LOCK: "the returned value says that it is held",
    Reason.MAY_BE_RELEASED_BY_CALL: "a function that may release it is called on other paths",
    Reason.HELD_AT_EVERY_EXIT: (
        "it is held at every way out, so this may be a function that acquires by design"
    ),
    Reason.RESULT_TELLS: "the returned value tells whether it is held, so this may be by design",
    Reason.RESULT_MAY_TELL: (
        "it is held only where the function reports success, so this may be by design"
    ),
    Reason.OBJECT_HANDED_ON: (
        "what is locked is stored where the caller finds it, so this may be by design"
    ),
    Reason.BOUND_REACHED: (
        "more is known on the paths than is kept apart, so this one may not be possible"
    ),
    Reason.ERROR_TAKEN_FOR_NONE: (
        "on the path something is not 0 and then no error, so it may not be possible"
    ),
    Reason.LOOP_NOT_ENTERED: (
        "the path enters no turn of a loop that does something to it, so it may not be possible"
    ),
    Reason.NOT_ACQUIRED_HERE: (
        "the function never acquired it, and other ways out did not release it before either"
    ),
    Reason.UNKNOWN_ACQUIRE: "nothing says that the call acquires",
    Reason.INFERRED_ACQUIRE: (
        "no contract says that the call acquires, but its result is released elsewhere"
    ),
    Reason.REFERENCE_MAY_STAY: "no path releases it, so the reference may be meant to stay",
    Reason.RELEASED_ON_FAILURE_ONLY: (
        "released on failure only; something else may end it after success"
    ),
    Reason.RELEASED_ELSEWHERE_MAY_ESCAPE: (
        "released on other paths of the same function; an unknown function was given it"
    ),
    Reason.LOST_ON_FAILURE: "handed on when the function succeeds, and lost when it fails",
    Reason.MAY_HAVE_ESCAPED: "an unknown function was given it, and may have taken it over",
    Reason.ESCAPES_ELSEWHERE: "handed on by other paths of the same function",
    Reason.NEVER_RELEASED: "no path releases it or hands it on",
    Reason.ON_ONE_PATH: "it happens on one path",
    Reason.NO_CONTRACT: "no contract says that the call acquires",
    Reason.MAY_HAVE_ESCAPED_BEFORE: "an unknown function was given it before",
    Reason.UNCHECKED_ACQUIRE: "the path does not ask whether it was acquired at all",
    Reason.LAST_ALIAS_LOST: "its only name is overwritten while it is held",
    Reason.ACQUIRED_TWICE: "acquired a second time without a release between",
    Reason.MAY_HOLD_ANOTHER: "a function was given it before, and may have taken a reference",
    Reason.BOTH_ON_ONE_PATH: "both follow each other on one path",
    Reason.LIFO: "what was acquired last must be released first",
    Reason.NEXT_ITERATION: "it is the same release in the next turn",
    Reason.BRANCH_BETWEEN: "conditions are asked between the two releases",
    Reason.TWO_REFERENCES: "two references may have been handed over",
    Reason.UNKNOWN_MODE: "the mode in which it was acquired is not seen",
    Reason.ACQUIRED_ELSEWHERE: "acquired on other paths of the same function",
    Reason.CALLERS_LOCK: "the caller's lock is released on other paths of the same function",
    Reason.BALANCED_BEFORE: "before the change it was released on every way out",
    Reason.SAME_EXIT_RELEASED: "before the change the same way out released it",
    Reason.EVERY_EXIT_RELEASED: "before the change every such way out released it",
    Reason.SOME_EXIT_RELEASED: "before the change some such way out released it",
    Reason.RELEASED_LESS_OFTEN: "before the change no such way released it as often",
}
"""Why a finding has its confidence."""


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
    if review.known:
        parts.append(f"{review.known:,} known")
    if review.cut:
        parts.append(f"{review.cut:,} less probable")
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
