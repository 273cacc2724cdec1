"""A review in the style of a compiler, so that editors jump from line to line of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anyclue.report.text import ascii_line, clean, code_block, counted, safe_path, shorten
from anyclue.review.pairs.model import Finding, FindingKind, PathStep, Review, StepKind, Unjudged
from anyclue.review.pairs.render.words import REASONS, labels, summary_line

BRIEF = 5
_COLUMNS = 200
_INDENT = "    "
_WANTS_RELEASE = frozenset({FindingKind.LEAK, FindingKind.OVERWRITTEN, FindingKind.LOST_RELEASE})


def review_text(review: Review, *, verbose: bool = False) -> str:
    """Return a review for a terminal or an editor, ended by a line end; the last line sums it up.

    Each line that is about a place begins with ``path:line:``. What a change fixes, and what was
    not judged, is listed briefly unless ``verbose``.
    """
    blocks = [list(_finding(one)) for one in review.findings]
    if review.change:
        number = counted(len(review.findings), "finding")
        blocks.insert(0, [f"introduced by {ascii_line(review.change)}: {number}"])
    if review.fixed:
        number = counted(len(review.fixed), "finding")
        title = f"fixed by {ascii_line(review.change)}: {number}, at places in the old version"
        blocks.append([title])
        fixed = [list(_fixed(one, verbose=verbose)) for one in review.fixed]
        blocks += fixed if verbose else [[line for lines in fixed for line in lines]]
    if review.unjudged:
        blocks.append(list(_unjudged(review.unjudged, verbose=verbose)))
    blocks.append([summary_line(review)])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _finding(finding: Finding) -> Iterator[str]:
    path = safe_path(finding.path)
    yield f"{path}:{finding.line}:{finding.column}: warning: {_headline(finding)}"
    yield from _path_lines(finding)
    for line in finding.also:
        yield f"{path}:{line}: note: the same happens here"
    if finding.release and finding.kind in _WANTS_RELEASE:
        calls = " or ".join(ascii_line(call) for call in finding.release)
        yield f"{path}:{finding.line}: note: released by {shorten(calls, _COLUMNS)}"
    yield (
        f"{path}:{finding.line}: note: confidence {finding.confidence.value}: "
        f"{REASONS[finding.reason]}"
    )
    if finding.suggestion is not None:
        line = finding.suggestion.before_line
        yield f"{path}:{line}: note: one insertion, before line {line}, mends every path:"
        for text in code_block(finding.suggestion.diff).rstrip("\n").split("\n"):
            yield f"{_INDENT}{text}" if text.strip() else ""


def _fixed(finding: Finding, *, verbose: bool) -> Iterator[str]:
    path = safe_path(finding.path)
    yield f"{path}:{finding.line}:{finding.column}: fixed: {_headline(finding)}"
    if verbose:
        yield from _path_lines(finding)


def _headline(finding: Finding) -> str:
    return f"{ascii_line(finding.message).rstrip('.')} [{ascii_line(labels(finding))}]"


def _path_lines(finding: Finding) -> Iterator[str]:
    path = safe_path(finding.path)
    has_acquire = any(step.kind is StepKind.ACQUIRE for step in finding.steps)
    if finding.acquired_line is not None and not has_acquire:
        by = ascii_line(finding.acquired_by)
        yield f"{path}:{finding.acquired_line}: note:   acquire  {shorten(by, _COLUMNS)}".rstrip()
    for step in finding.steps:
        yield f"{path}:{step.line}: note:   {_step(step)}"


def _step(step: PathStep) -> str:
    words = [f"{step.kind.value:<8}", shorten(ascii_line(step.text), _COLUMNS)]
    if step.note:
        words.append(f"-- {ascii_line(step.note)}" if step.text else ascii_line(step.note))
    return " ".join(word for word in words if word).rstrip()


def _unjudged(unjudged: Sequence[Unjudged], *, verbose: bool) -> Iterator[str]:
    shown = unjudged if verbose else unjudged[:BRIEF]
    yield f"not judged, and so not known to be clean: {len(unjudged):,}"
    for one in shown:
        of = f"{clean(one.function)}(): " if one.function else ""
        what = shorten(ascii_line(f"{of}{one.what}"), _COLUMNS)
        yield f"{safe_path(one.path)}:{max(one.line, 1)}: note: not judged: {what}"
    if len(shown) < len(unjudged):
        yield f"... and {len(unjudged) - len(shown):,} more; --verbose lists all"
