"""The review of a merge as a page: functions side by side; it fetches nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from anyclue.report.pages import environment
from anyclue.report.text import clean, clean_block, code_block, counted, safe_path, shorten
from anyclue.review.merge.core.guest_test import MergeTest
from anyclue.review.merge.core.model import (
    EVIL,
    DroppedChange,
    Exercise,
    FunctionPanes,
    FunctionResolution,
    Imbalance,
    LineMark,
    MergeReview,
    Pane,
    PaneRow,
    RepeatedDefinition,
    Resolution,
)
from anyclue.review.merge.render import words as merge_words
from anyclue.review.pairs.render.words import labels

LISTED = 500
"""So many entries of each list are on the page."""
DIFF_LINES = 200
"""So many lines of one diff are on the page."""

TAB = 4
"""A tab is so wide in panes, which are narrow."""
_COLUMNS = 240


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class _Named:
    """A function; ``anchor`` is where its panes are, if they are on the page."""

    place: str
    name: str
    anchor: str


@dataclass(frozen=True, kw_only=True)
class _Function(_Named):
    git_left: str
    taken: str
    look: bool
    was: str


@dataclass(frozen=True, kw_only=True)
class _Dropped(_Named):
    what: str
    commits: Sequence[str]
    lines: Sequence[str]
    more: int


@dataclass(frozen=True, kw_only=True)
class _Imbalance(_Named):
    message: str
    labels: str
    dated: str
    steps: Sequence[tuple[int, str, str, str]]


@dataclass(frozen=True, kw_only=True)
class _Repeated:
    what: str
    places: Sequence[str]
    how: str


@dataclass(frozen=True, kw_only=True)
class _Files:
    what: str
    paths: Sequence[str]
    more: int


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A resolution; of each list, how many entries are not on the page."""

    title: str
    functions: Sequence[_Function]
    more_functions: int
    files: Sequence[_Files]
    repeated: Sequence[_Repeated]
    more_repeated: int
    dropped: Sequence[_Dropped]
    more_dropped: int
    imbalances: Sequence[_Imbalance]
    more_imbalances: int
    unjudged: Sequence[str]
    more_unjudged: int


@dataclass(frozen=True, kw_only=True)
class _Exercise:
    names: Sequence[_Named]
    more: int
    lines: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class _Test:
    kernel: str
    run: str
    versions: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str], str]]
    other: str
    untested: Sequence[str]
    more_untested: int


@dataclass(frozen=True, kw_only=True)
class _Compared(_Named):
    likeness: str
    diff: Sequence[str]
    more: int


@dataclass(frozen=True, kw_only=True)
class _PaneLine:
    """A row: its colour, the word in front, and of each version number and text."""

    mark: str
    word: str
    cells: Sequence[tuple[int, str] | None]
    skipped: str


@dataclass(frozen=True, kw_only=True)
class _PanesView:
    """A function's panes as a page has them; ``heads`` are its versions, and where they are."""

    title: str
    place: str
    anchor: str
    heads: Sequence[tuple[str, str]]
    lines: Sequence[_PaneLine]
    left_out: str


_Anchors = Mapping[tuple[str, str], str]


def merge_html(review: MergeReview) -> str:
    """Return a review of a merge as a page; it says what it leaves out for its size."""
    anchors = {(one.path, one.function): f"panes-{n}" for n, one in enumerate(review.panes)}
    against = review.against
    compared, more_compared = _some(review.compared)
    listed = {(one.path, one.function) for one in review.result.functions}
    without = len(listed - anchors.keys())
    return (
        environment()
        .get_template("merge.html.j2")
        .render(
            title=clean(review.result.title),
            verdict=merge_words.verdict(review),
            counts=f"{counted(review.files, 'file')} compared, "
            f"{counted(review.conflicts, 'file')} with a conflict",
            sides=[(clean(one.name), merge_words.short_id(one.commit)) for one in review.sides],
            result=_part(review.result, anchors),
            against=_part(against, anchors) if against is not None else None,
            other_verdict=merge_words.other_verdict(against) if against is not None else "",
            compared=[
                _Compared(
                    place=safe_path(one.path),
                    name=merge_words.function_name(one.function),
                    anchor=anchors.get((one.path, one.function), ""),
                    likeness=one.similarity.value,
                    diff=(lines := code_block(one.diff).split("\n") if one.diff else [])[
                        :DIFF_LINES
                    ],
                    more=max(0, len(lines) - DIFF_LINES),
                )
                for one in compared
            ],
            more_compared=more_compared,
            exercises=[_exercise(one, anchors) for one in review.exercises[:LISTED]],
            test=_test(review.test) if review.test is not None else None,
            panes=[
                _panes(one, anchors[one.path, one.function], len(review.sides))
                for one in review.panes
            ],
            without=counted(without, "more listed function") if without else "",
            legend=merge_words.MARKS,
        )
    )


def _part(resolution: Resolution, anchors: _Anchors) -> _Part:
    functions, more_functions = _some(resolution.functions)
    repeated, more_repeated = _some(resolution.repeated)
    dropped, more_dropped = _some(resolution.dropped)
    imbalances, more_imbalances = _some(resolution.imbalances)
    unjudged, more_unjudged = _some(resolution.unjudged)
    return _Part(
        title=clean(resolution.title),
        functions=[_function(one, anchors) for one in functions],
        more_functions=more_functions,
        files=[_files(what, paths) for what, paths in merge_words.files(resolution)],
        repeated=[_repeated(one) for one in repeated],
        more_repeated=more_repeated,
        dropped=[_dropped(one, anchors) for one in dropped],
        more_dropped=more_dropped,
        imbalances=[_imbalance(one, anchors) for one in imbalances],
        more_imbalances=more_imbalances,
        unjudged=[
            f"{safe_path(one.path)}:{max(one.line, 1)}: {code_line(one.what)}" for one in unjudged
        ],
        more_unjudged=more_unjudged,
    )


def _function(one: FunctionResolution, anchors: _Anchors) -> _Function:
    return _Function(
        place=merge_words.place(one),
        name=merge_words.function_name(one.function),
        anchor=anchors.get((one.path, one.function), ""),
        git_left="conflict" if one.conflict else "no conflict",
        taken=merge_words.taken(one),
        look=one.taken in EVIL,
        was=merge_words.former_place(one),
    )


def _files(what: str, paths: Sequence[str]) -> _Files:
    shown, more = _some(paths)
    return _Files(what=what.rstrip(":"), paths=[safe_path(one) for one in shown], more=more)


def _repeated(one: RepeatedDefinition) -> _Repeated:
    return _Repeated(
        what=merge_words.repeated(one),
        places=[f"{safe_path(at.path)}:{at.line}" for at in one.places],
        how=merge_words.repeated_by(one),
    )


def _dropped(one: DroppedChange, anchors: _Anchors) -> _Dropped:
    lines, more = _some(one.lines)
    return _Dropped(
        place=safe_path(one.path),
        name=merge_words.function_name(one.function),
        anchor=anchors.get((one.path, one.function), ""),
        what=merge_words.dropped(one),
        commits=[merge_words.commit(two) for two in one.commits],
        lines=[
            f"{'+' if line.added else '-'} {line.line}: {code_line(line.text.strip())}"
            for line in lines
        ],
        more=more,
    )


def _imbalance(one: Imbalance, anchors: _Anchors) -> _Imbalance:
    finding = one.finding
    return _Imbalance(
        place=f"{safe_path(finding.path)}:{finding.line}:{finding.column}",
        name=merge_words.function_name(finding.function),
        anchor=anchors.get((finding.path, finding.function), ""),
        message=clean(finding.message).rstrip("."),
        labels=clean(labels(finding)),
        dated=merge_words.origin(one),
        steps=[
            (step.line, step.kind.value, code_line(step.text), clean(step.note))
            for step in finding.steps
        ],
    )


def _exercise(one: Exercise, anchors: _Anchors) -> _Exercise:
    names, more = _some(one.functions)
    return _Exercise(
        names=[
            _Named(
                place=safe_path(path),
                name=merge_words.function_name(name),
                anchor=anchors.get((path, name), ""),
            )
            for path, name in names
        ],
        more=more,
        lines=merge_words.exercise(one),
    )


def _test(test: MergeTest) -> _Test:
    versions = list(dict.fromkeys(one.version for row in test.rows for one in row.verdicts))
    found = [
        {one.version: merge_words.guest_verdict(one) for one in row.verdicts} for row in test.rows
    ]
    untested, more = _some(test.untested)
    other = test.other_blame
    return _Test(
        kernel=clean(merge_words.kernel(test)),
        run=clean(test.run),
        versions=[clean(one) for one in versions],
        rows=[
            (
                clean(", ".join(row.conditions)),
                [clean(verdicts.get(one, "")) for one in versions],
                merge_words.blame(row.result, row.sides),
            )
            for row, verdicts in zip(test.rows, found, strict=True)
        ],
        other=merge_words.blame(other) if other is not None else "",
        untested=[safe_path(one) for one in untested],
        more_untested=more,
    )


def _some(entries: Sequence[T]) -> tuple[Sequence[T], int]:
    """Return the first entries, and how many more there are."""
    return entries[:LISTED], max(0, len(entries) - LISTED)


def _panes(one: FunctionPanes, anchor: str, sides: int) -> _PanesView:
    """Return a function's panes in words.

    Args:
        one: the function.
        anchor: what links to it.
        sides: how many the merge has.
    """
    return _PanesView(
        title=merge_words.function_name(one.function),
        place=safe_path(one.path),
        anchor=anchor,
        heads=[_head(pane, one) for pane in one.panes],
        lines=[_line(row, sides) for row in one.rows],
        left_out=counted(one.left_out, "more line" if one.rows else "line") if one.left_out else "",
    )


def _head(pane: Pane, one: FunctionPanes) -> tuple[str, str]:
    version = {"base": "merge base", "against": "the other resolution"}.get(pane.version)
    if not pane.there:
        where = "this version has no such function" if one.function else "no such file"
    elif (pane.path, pane.function) == (one.path, one.function):
        where = ""
    elif pane.function == one.function:
        where = safe_path(pane.path)
    else:
        where = f"{safe_path(pane.path)}: {merge_words.function_name(pane.function)}"
    return version or clean(pane.version), where


def _line(row: PaneRow, sides: int) -> _PaneLine:
    return _PaneLine(
        mark=_colour(row, sides),
        word=merge_words.mark(row, sides),
        cells=[
            (cell.line, code_line(cell.text.expandtabs(TAB))) if cell is not None else None
            for cell in row.lines
        ],
        skipped=counted(row.skipped, "line") if row.skipped else "",
    )


def _colour(row: PaneRow, sides: int) -> str:
    if row.mark is not LineMark.TAKEN:
        return row.mark.value
    if len(row.sides) == sides:
        return "both"
    return "ours" if row.sides == ("ours",) else "theirs"


def code_line(text: str) -> str:
    """Return a line of code on one line, harmless and not too long."""
    return shorten(clean_block(text).replace("\n", " "), _COLUMNS)
