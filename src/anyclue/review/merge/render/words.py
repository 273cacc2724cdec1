"""How reports word the review of a merge; all text out of sources is made harmless here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anyclue.git.model import CommitSubject
from anyclue.report.text import ascii_line, clean, counted, safe_path, shorten
from anyclue.report.words import kind_label
from anyclue.review.merge.core.definitions import DefinitionKind
from anyclue.review.merge.core.guest_test import AGAINST, BASE, Blame, MergeTest, VersionVerdict
from anyclue.review.merge.core.model import (
    EVIL,
    OUTSIDE,
    DroppedChange,
    Exercise,
    FormerPlace,
    FunctionPanes,
    FunctionResolution,
    Imbalance,
    LineMark,
    MergeReview,
    Origin,
    Pane,
    PaneRow,
    RepeatedDefinition,
    Resolution,
    SourceLine,
    TextSource,
)

DIGITS = 12
"""So many digits of a commit's id are shown."""
_COLUMNS = 160
NAMED = 12
"""So many functions are named in a verdict."""
_VERSIONS = {BASE: "merge base", AGAINST: "the other resolution"}
TAKEN = {
    TextSource.AUTOMATIC: "same as git's",
    TextSource.COMBINED: "combined",
    TextSource.CUT: "cut",
    TextSource.REORDERED: "reordered",
    TextSource.NEW_TEXT: "new text",
    TextSource.REMOVED: "removed",
}
"""Where a function's text comes from, when that is no side."""
MARKS = (
    ("ours", "ours", "only ours added it; the result has it"),
    ("theirs", "theirs", "only theirs added it; the result has it"),
    ("both", "both", "both sides (all, of an octopus) added it; the result has it"),
    ("new", "new", "the result has it, and no side has"),
    ("lost", "LOST", "part of a dropped change"),
    ("cut", "cut", "both sides kept it; the result has it no more"),
    ("back", "back", "a side removed it; the result has it"),
    ("left", "not taken", "a side added it; the result has not got it"),
    ("removed", "- ours", "that side removed it, and so did the result"),
    ("moved", "moved", "it stands elsewhere in the function, in the result or on a side"),
    ("other", "other", "only the other resolution has it"),
)
"""What stands beside lines that are side by side: colour, word, meaning. Nothing: alike."""


def function_name(name: str) -> str:
    """Return a function as ``name()``, or words for what is in no function."""
    return "(outside functions)" if name == OUTSIDE else f"{clean(name)}()"


def place(one: FunctionResolution) -> str:
    """Return file and line of a function, or only the file when it is gone."""
    return f"{safe_path(one.path)}:{one.line}" if one.line else safe_path(one.path)


def taken(one: FunctionResolution) -> str:
    """Return what a resolution did to a function, in a word or two."""
    if one.taken is TextSource.SIDE:
        return clean(one.side)
    return TAKEN[one.taken]


def former_place(one: FormerPlace | None) -> str:
    """Return where a side has a function, when that is elsewhere: ``f() in a.c, theirs``."""
    if one is None:
        return ""
    where = f" in {one.path}" if one.path else ""
    return clean(f"{one.function}(){where}, {one.side}")


def short_id(commit_id: str) -> str:
    """Return the first digits of a commit's id."""
    return clean(commit_id)[:DIGITS]


def commit(one: CommitSubject) -> str:
    """Return a commit, as ``0123456789ab (its subject)``."""
    return f"{short_id(one.id)} ({shorten(ascii_line(one.subject), _COLUMNS)})"


def departures(one: FunctionResolution) -> list[tuple[str, tuple[SourceLine, ...]]]:
    """Return what a function has that no side asked for: in words, and the lines."""
    every = (
        ("lines beyond those of the sides", one.new_lines),
        ("lines that every side has are gone", one.cut_lines),
        ("lines in an order, or behind a condition, that no side has", one.moved_lines),
    )
    return [(what, lines) for what, lines in every if lines]


def files(one: Resolution) -> list[tuple[str, tuple[str, ...]]]:
    """Return which files a resolution left or changed as a whole: in words, and the paths."""
    every = (
        ("conflict markers are left in", one.unresolved),
        ("no C source, not looked into, and not what git merges:", one.beyond),
    )
    return [(what, paths) for what, paths in every if paths]


def repeated(one: RepeatedDefinition) -> str:
    """Return what is defined how often: ``f() is defined twice``."""
    count = len(one.places)
    times = "twice" if count == 2 else f"{count} times"
    return f"{_defined_name(one)} is defined {times}"


def _defined_name(one: RepeatedDefinition) -> str:
    if one.kind is DefinitionKind.FUNCTION:
        return function_name(one.name)
    before = {
        DefinitionKind.MACRO: "the macro ",
        DefinitionKind.TYPEDEF: "the type ",
        DefinitionKind.ENUM_CONSTANT: "the constant ",
        DefinitionKind.VARIABLE: "the variable ",
        DefinitionKind.MEMBER: "the member ",
    }.get(one.kind, "")
    return f"{before}{clean(one.name)}"


def repeated_by(one: RepeatedDefinition) -> str:
    """Return how it came to be defined so often."""
    made = {
        Origin.MERGE: "no side has it so often; git merged it so, without a conflict",
        Origin.RESOLUTION: "no side has it so often; the resolution made it",
    }[one.origin]
    return f"added by {clean(' and by '.join(one.added))}; {made}" if one.added else made


def origin(one: Imbalance) -> str:
    """Return where an imbalance comes from: ``came with theirs``, and the commit."""
    sides = clean(" and ".join(one.sides))
    text = {
        Origin.CAME: f"came with {sides}",
        Origin.RESOLUTION: "made by the resolution",
        Origin.MERGE: "made by the merge: no side has it, and nothing was resolved there",
        Origin.LOST: f"fix lost by the resolution; it was fixed on {sides}",
    }[one.origin]
    commits = " and ".join(map(commit, one.commits))
    return f"{text}, in {commits}" if commits else text


def blame(value: Blame, sides: Sequence[str] = ()) -> str:
    """Return what guests say of a resolution, in words."""
    return {
        Blame.GUILTY: "the resolution is guilty: each parent is clean",
        Blame.CAME: f"came with {clean(' and '.join(sides)) or 'a parent'}",
        Blame.CLEAN: "clean",
        Blame.UNPROVEN: "unproven",
    }[value]


def kernel(test: MergeTest) -> str:
    """Return what the versions ran in."""
    return f"Debian's {test.series} with {test.directory} of each version"


def guest_verdict(one: VersionVerdict | None) -> str:
    """Return what was found in a version: ``leak (object)``; nothing when it was not run."""
    return kind_label(one.verdict, one.signature) if one is not None else ""


def exercise(one: Exercise) -> list[str]:
    """Return what an exercise consists of, a line each."""
    if not one.how:
        return ["not in the table of exercises: choose what to run by hand"]
    lines = [one.how]
    if one.mount:
        lines.append(
            f"mount with {', or '.join(f'-o {o}' if o else 'no option' for o in one.mount)}"
        )
    if one.workloads:
        lines.append(f"workloads of anyclue: {', '.join(one.workloads)}")
    if one.fstests:
        lines.append(f"fstests: {' '.join(f'-g {group}' for group in one.fstests)}")
    return [clean(line) for line in lines]


def dropped(one: DroppedChange) -> str:
    """Return whose change is lost: ``a change of ours is lost, in the conflict``."""
    where = "in the conflict" if one.conflict else "outside any conflict"
    return f"a change of {clean(one.side)} is lost, {where}"


def pane_version(pane: Pane) -> str:
    """Return which version a pane shows."""
    return _VERSIONS.get(pane.version) or clean(pane.version)


def pane_place(pane: Pane, one: FunctionPanes) -> str:
    """Return where a version has a function, when that is not where the result has it."""
    if not pane.there:
        return "this version has no such function" if one.function else "no such file"
    if pane.function != one.function:
        return f"{safe_path(pane.path)}: {function_name(pane.function)}"
    return safe_path(pane.path) if pane.path != one.path else ""


def mark(row: PaneRow, sides: int) -> str:
    """Return what became of a line, in a word or two; nothing when it is alike everywhere.

    Args:
        row: the line.
        sides: how many the merge has.
    """
    whose = clean(", ".join(row.sides))
    if len(row.sides) == sides:
        whose = "both" if sides == 2 else "all"
    return {
        LineMark.SAME: "",
        LineMark.TAKEN: whose,
        LineMark.LEFT: "not taken",
        LineMark.REMOVED: f"- {whose}",
        LineMark.LOST: "LOST",
    }.get(row.mark, row.mark.value)


def verdict(review: MergeReview) -> str:
    """Return the whole review in one line."""
    text = _verdict(review.result)
    if review.test is None:
        return text
    sides = dict.fromkeys(side for one in review.test.rows for side in one.sides)
    return "; ".join(
        part for part in (text, f"in guests: {blame(review.test.blame, [*sides])}") if part
    )


def other_verdict(resolution: Resolution) -> str:
    """Return what is to be text of the other resolution in one line."""
    return f"{ascii_line(resolution.title)}: {_verdict(resolution)}"


def _verdict(resolution: Resolution) -> str:
    parts = [*_resolved(resolution), *_repeated(resolution)]
    parts += [*_paired(resolution), *_lost(resolution)]
    look = dict.fromkeys(
        [
            *(function_name(one.finding.function) for one in resolution.imbalances),
            *(function_name(one.function) for one in resolution.dropped),
            *(function_name(one.function) for one in resolution.functions if one.taken in EVIL),
        ]
    )
    if look:
        named = ", ".join(map(ascii_line, [*look][:NAMED]))
        more = f", and {len(look) - NAMED} more" if len(look) > NAMED else ""
        parts.append(f"look at: {named}{more}")
    return "; ".join(parts)


def _resolved(resolution: Resolution) -> Iterator[str]:
    if resolution.unresolved:
        left = counted(len(resolution.unresolved), "file")
        yield f"not resolved yet: conflict markers in {left}"
    if resolution.innocent:
        limit = ", as far as it was judged" if resolution.unjudged or resolution.beyond else ""
        yield f"resolution innocent{limit}"


def _repeated(resolution: Resolution) -> Iterator[str]:
    yield from map(repeated, resolution.repeated[:NAMED])
    if (more := len(resolution.repeated) - NAMED) > 0:
        yield f"{more} more definitions are there more than once"


def _paired(resolution: Resolution) -> Iterator[str]:
    dates = {one.origin for one in resolution.imbalances}
    if Origin.LOST in dates:
        yield "a fix was lost"
    if Origin.RESOLUTION in dates:
        yield "an imbalance was made by the resolution"
    if Origin.MERGE in dates:
        yield "an imbalance was made by the merge as git did it"
    came = {
        side for one in resolution.imbalances if one.origin is Origin.CAME for side in one.sides
    }
    if came:
        yield f"imbalances came with {clean(' and '.join(sorted(came)))}"


def _lost(resolution: Resolution) -> Iterator[str]:
    if resolution.dropped:
        changes = counted(len(resolution.dropped), "change")
        yield f"{changes} of a side dropped"
    if cut := sum(bool(one.cut_lines) for one in resolution.functions):
        yield f"lines that every side has are gone in {counted(cut, 'function')}"
    if resolution.beyond:
        others = counted(len(resolution.beyond), "other file")
        yield f"not what git merges: {others}"
