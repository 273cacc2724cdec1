"""A baseline: what an earlier review found, so that only news is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from anyclue.model.errors import RequestError
from anyclue.review.pairs.model import Review
from anyclue.review.pairs.render.json_document import FORMAT
from anyclue.review.pairs.render.words import fingerprints


def read_baseline(file: Path) -> frozenset[str]:
    """Return the fingerprints of what a review in a file found.

    Raises:
        RequestError: the file cannot be read, or is no review as JSON.
    """
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise _refused(file, f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _refused(file, "is no JSON") from error
    if not isinstance(document, dict) or document.get("schema") != FORMAT:
        raise _refused(file, f"is no review of pairs ({FORMAT})")
    found = document.get("findings")
    listed = found if isinstance(found, list) else [None]
    prints = [one.get("fingerprint") if isinstance(one, dict) else None for one in listed]
    if not all(isinstance(one, str) for one in prints):
        raise _refused(file, "holds findings without a fingerprint")
    return frozenset(map(str, prints))


def _refused(file: Path, what: str) -> RequestError:
    step = "make it with: anyclue pairs --json PATHS >FILE"
    return RequestError.of(what, where=str(file), next_step=step)


def without_known(review: Review, known: frozenset[str]) -> Review:
    """Return a review without the findings that a baseline has, and with their number."""
    prints = fingerprints(review.findings)
    news = tuple(
        one for one, print_ in zip(review.findings, prints, strict=True) if print_ not in known
    )
    return replace(review, findings=news, known=len(review.findings) - len(news))


def most_probable(review: Review, number: int | None) -> Review:
    """Return a review with so many of its most probable findings; all when there are no more."""
    if number is None or len(review.findings) <= number:
        return review
    return replace(review, findings=review.findings[:number], cut=len(review.findings) - number)
