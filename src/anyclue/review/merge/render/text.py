"""The review of a merge for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from anyclue.report.text import (
    ascii_block,
    ascii_line,
    code_block,
    counted,
    safe_path,
    shorten,
    table,
)
from anyclue.review.merge.core.guest_test import MergeTest
from anyclue.review.merge.core.model import (
    DroppedChange,
    Exercise,
    Imbalance,
    MergeReview,
    RepeatedDefinition,
    Resolution,
)
from anyclue.review.merge.render import words as merge_words
from anyclue.review.pairs.render.words import labels

BRIEF = 5
_COLUMNS = 160
_INDENT = "    "


def merge_text(review: MergeReview) -> str:
    """Return a review of a merge, ended by a line end; the last line is the verdict."""
    title = ascii_line(review.result.title)
    parents = (f"{one.name} {merge_words.short_id(one.commit)}" for one in review.sides)
    sides = ascii_line(", ".join(parents))
    blocks = [
        [
            f"merge {title} ({sides})",
            f"{counted(review.files, 'file')} compared, {counted(review.conflicts, 'file')} "
            "with a conflict",
        ],
        *_resolution(review.result),
    ]
    if review.against is not None:
        blocks.append([f"against {ascii_line(review.against.title)}"])
        if review.compared:
            rows = [
                (
                    f"{safe_path(one.path)}: {merge_words.function_name(one.function)}",
                    one.similarity,
                )
                for one in review.compared
            ]
            blocks.append(table([("function", "beside the other resolution"), *rows]))
        blocks += [
            [
                f"{safe_path(one.path)}: {merge_words.function_name(one.function)}: "
                "from the other resolution to the result",
                *(f"{_INDENT}{line}" for line in ascii_block(code_block(one.diff)).split("\n")),
            ]
            for one in review.compared
            if one.diff
        ]
        blocks += _resolution(review.against)
        blocks.append([merge_words.other_verdict(review.against)])
    if review.exercises:
        lines = (line for one in review.exercises for line in _exercise(one))
        blocks.append(["what reaches these functions:", *lines])
    if review.test is not None:
        blocks += _tested(review.test)
    blocks.append([merge_words.verdict(review)])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _exercise(one: Exercise) -> Iterator[str]:
    names = [
        f"{safe_path(path)}: {merge_words.function_name(name)}" for path, name in one.functions
    ]
    more = f", and {len(names) - BRIEF} more" if len(names) > BRIEF else ""
    yield f"{_INDENT}{', '.join(names[:BRIEF])}{more}"
    yield from (f"{_INDENT * 2}{line}" for line in map(ascii_line, merge_words.exercise(one)))


def _tested(test: MergeTest) -> Iterator[list[str]]:
    yield [f"in guests: {ascii_line(merge_words.kernel(test))}; run: {ascii_line(test.run)}"]
    head = ("machine, mkfs, mount, workload", *test.versions, "so the result")
    rows = []
    for row in test.rows:
        verdicts = (merge_words.guest_verdict(row.of(one)) for one in test.versions)
        blame = merge_words.blame(row.result, row.sides)
        rows.append((", ".join(row.conditions), *verdicts, blame))
    yield table([tuple(map(ascii_line, row)) for row in (head, *rows)])
    if test.other_blame is not None:
        yield [f"the other resolution, in guests: {merge_words.blame(test.other_blame)}"]
    if test.untested:
        shown = ", ".join(safe_path(one) for one in test.untested[:BRIEF])
        more = len(test.untested) - BRIEF
        what = "changed by this merge elsewhere, and not in those guests: "
        yield [f"{what}{shown}{f', and {more} more' if more > 0 else ''}"]


def _resolution(resolution: Resolution) -> Iterator[list[str]]:
    if resolution.functions:
        rows = [
            (
                f"{merge_words.place(one)}: {merge_words.function_name(one.function)}",
                "conflict" if one.conflict else "no conflict",
                merge_words.taken(one),
                f"was {ascii_line(merge_words.former_place(one.moved_from))}"
                if one.moved_from
                else "",
            )
            for one in resolution.functions
        ]
        yield table([("function", "git left", "the result is", ""), *rows])
    for one in resolution.functions:
        for what, lines in merge_words.departures(one):
            yield [
                f"{safe_path(one.path)}: {merge_words.function_name(one.function)}: {what}",
                *(f"{_INDENT}{line.line}: {_code(line.text)}" for line in lines),
            ]
    for what, paths in merge_words.files(resolution):
        rest = [f"{_INDENT}... and {len(paths) - BRIEF} more"] * (len(paths) > BRIEF)
        yield [what, *(f"{_INDENT}{safe_path(path)}" for path in paths[:BRIEF]), *rest]
    yield from (_repeated(one) for one in resolution.repeated)
    yield from (_dropped(one) for one in resolution.dropped)
    yield from (_imbalance(one) for one in resolution.imbalances)
    if resolution.unjudged:
        shown = resolution.unjudged[:BRIEF]
        more = len(resolution.unjudged) - len(shown)
        yield [
            f"not judged, and so not known to be clean: {len(resolution.unjudged):,}",
            *(
                f"{safe_path(one.path)}:{max(one.line, 1)}: note: {_code(one.what)}"
                for one in shown
            ),
            *[f"... and {more:,} more; --json lists all"] * (more > 0),
        ]


def _repeated(one: RepeatedDefinition) -> list[str]:
    first, *others = (ascii_line(f"{safe_path(at.path)}:{at.line}") for at in one.places)
    return [
        f"{others[-1]}: warning: {ascii_line(merge_words.repeated(one))}",
        *(f"{other}: note: it is defined here" for other in (first, *others[:-1])),
        f"{others[-1]}: note: {merge_words.repeated_by(one)}",
    ]


def _dropped(one: DroppedChange) -> list[str]:
    return [
        f"{safe_path(one.path)}: {merge_words.function_name(one.function)}: "
        f"{merge_words.dropped(one)}",
        *(
            f"{_INDENT}{'+' if line.added else '-'} {line.line}: {_code(line.text)}"
            for line in one.lines
        ),
        *(f"{_INDENT}of {ascii_line(merge_words.commit(two))}" for two in one.commits),
    ]


def _imbalance(one: Imbalance) -> list[str]:
    finding = one.finding
    place = f"{safe_path(finding.path)}:{finding.line}:{finding.column}"
    message = ascii_line(finding.message).rstrip(".")
    name = merge_words.function_name(finding.function)
    return [
        f"{place}: warning: {name}: {message} [{ascii_line(labels(finding))}]",
        f"{place}: note: {merge_words.origin(one)}",
    ]


def _code(text: str) -> str:
    return shorten(ascii_line(text), _COLUMNS)
