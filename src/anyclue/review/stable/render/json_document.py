"""Which branches need a fix as JSON, for machines; documented in ``docs/stable.md``."""

from __future__ import annotations

import json
from typing import TypeAlias

from anyclue.report.text import clean, safe_path
from anyclue.review.stable.core.model import (
    Branch,
    BranchStatus,
    KnownCommit,
    Presence,
    StableReview,
)
from anyclue.review.stable.render import words

SCHEMA = "anyclue.stable/1"

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def stable_json(review: StableReview) -> str:
    """Return a review of a fix as JSON, in ASCII, ended by a line end."""
    document: Json = {
        "schema": SCHEMA,
        "verdict": words.verdict(review),
        "fix": _known(review.fix),
        "culprits": [_known(one) for one in review.culprits],
        "cc": words.cc_line(review),
        "upstream_line": words.upstream_line(review.fix),
        "branches": [_branch(one, review.fix) for one in review.branches],
        "follow_ups": [_known(one) for one in review.follow_ups],
        "notes": [clean(one) for one in review.notes],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _known(one: KnownCommit) -> Json:
    return {"commit": one.id, "title": clean(one.title), "version": clean(one.version)}


def _branch(one: Branch, fix: KnownCommit) -> Json:
    return {
        "name": clean(one.name),
        "tip": one.tip,
        "standing": one.standing.value,
        "why": clean(one.why),
        "culprits": [_presence(culprit) for culprit in one.culprits],
        "fix": _presence(one.fix),
        "cherry_pick": _pick(one),
        "command": words.command(one, fix) if one.standing is BranchStatus.NEEDS else "",
        "lacking": [*one.lacking],
    }


def _presence(one: Presence) -> Json:
    return {
        "there": one.there,
        "sure": one.sure,
        "how": one.how.value if one.how else None,
        "commit": one.commit,
        "version": clean(one.version),
        "reverted_by": one.reverted,
        "why": clean(one.why),
    }


def _pick(one: Branch) -> Json:
    if one.pick is None and one.pick_failure is None:
        return None
    return {
        "conflicts": [safe_path(path) for path in one.pick.conflicts] if one.pick else [],
        "empty": one.pick is not None and one.pick.empty,
        "unknown": words.pick_failure(one),
    }
