"""Which branches need a fix, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from anyclue.report.text import ascii_line, safe_path, shorten, table
from anyclue.review.stable.core.model import Branch, BranchStatus, StableReview
from anyclue.review.stable.render import words

_COLUMNS = 160
_INDENT = "    "


def stable_text(review: StableReview) -> str:
    """Return a review of a fix, ended by a line end; the last line is the verdict."""
    blocks = [
        [
            f"fix      {_line(words.named(review.fix))}",
            *(f"culprit  {_line(words.named(one))}" for one in review.culprits),
            *(f"note: {_line(ascii_line(words.note(one)))}" for one in review.notes),
        ],
        _table(review),
        *_reasons(review),
        [words.cc_line(review)],
        *_picks(review),
        *_follow_ups(review),
        [words.verdict(review)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _table(review: StableReview) -> list[str]:
    several = len(review.culprits) > 1
    names = [
        f"culprit {one.id[: words.DIGITS]}" if several else "culprit" for one in review.culprits
    ]
    rows = [
        (
            ascii_line(one.name),
            one.status.value,
            *(words.present(culprit) for culprit in one.culprits),
            words.present(one.fix),
            words.pick(one),
        )
        for one in review.branches
    ]
    return table([("branch", "verdict", *names, "fix", "cherry-pick"), *rows])


def _reasons(review: StableReview) -> Iterator[list[str]]:
    lines = [
        f"{ascii_line(one.name)}: {_line(ascii_line(reason))}"
        for one in review.branches
        if (reason := words.reason(one.verdict))
    ]
    if lines:
        yield lines


def _picks(review: StableReview) -> Iterator[list[str]]:
    needing = [one for one in review.branches if one.status is BranchStatus.NEEDS]
    for one in needing:
        yield [
            f"{ascii_line(one.name)}:",
            f"{_INDENT}{words.command(one, review.fix)}",
            *_obstacles(one),
        ]
    if needing:
        yield [
            "the first line of a backport's message, below its title:",
            f"{_INDENT}{words.upstream_line(review.fix)}",
        ]


def _obstacles(branch: Branch) -> Iterator[str]:
    if branch.pick is not None:
        yield from (f"{_INDENT}conflict in {safe_path(path)}" for path in branch.pick.conflicts)
    if branch.pick_failure is not None:
        yield f"{_INDENT}whether it applies is not known: {words.pick_failure(branch)}"


def _follow_ups(review: StableReview) -> Iterator[list[str]]:
    if not review.follow_ups:
        return
    lines = ["the fix was fixed itself; take along:"]
    for one in review.follow_ups:
        lines.append(f"{_INDENT}{_line(words.named(one))}")
        without = [
            ascii_line(branch.name)
            for branch in review.branches
            if one.id in branch.lacking and branch.status in (BranchStatus.HAS, BranchStatus.NEEDS)
        ]
        if without:
            lines.append(f"{_INDENT}not in {', '.join(without)}")
    yield lines


def _line(text: str) -> str:
    return shorten(text, _COLUMNS)
