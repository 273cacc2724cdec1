"""Reviews of merges with a part of every kind, made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anyclue.model.verdict import Signature, Verdict
from anyclue.review.merge.core.guest_test import Blame, GuestComparison, MergeTest, VersionVerdict
from anyclue.review.merge.core.model import (
    OUTSIDE,
    Compared,
    Dated,
    Dropped,
    Exercise,
    Imbalance,
    Likeness,
    LostLine,
    MergeReview,
    Resolution,
    Resolved,
    Taken,
)
from anyclue.review.merge.core.panes import LineMark, Pane, Panes, Row
from anyclue.review.pairs.model import (
    Confidence,
    ConfidenceReason,
    Finding,
    FindingKind,
    PathStep,
    StepKind,
    Unjudged,
)

COMMITS = (("2cf3f8133bda", "btrfs: fix missing kunmap"), ("0123456789ab", "another"))
PATH = "fs/pack/lzo.c"
LEAK = Finding(
    kind=FindingKind.LEAK,
    pair="page-reference",
    resource="page_in",
    function="pack_pages",
    path=PATH,
    line=24,
    column=2,
    acquired_line=8,
    acquired_by="find_get_page",
    release=("put_page(page_in)",),
    message="page reference `page_in` is not released on this path.",
    steps=(
        PathStep(line=8, kind=StepKind.ACQUIRE, text="page_in = find_get_page(mapping, start);"),
        PathStep(line=24, kind=StepKind.RETURN, text="return ret;", note="still held"),
    ),
    confidence=Confidence.HIGH,
    reason=ConfidenceReason.RELEASED_ELSEWHERE,
)
PACK = Resolved(
    path=PATH,
    function="pack_pages",
    line=1,
    conflict=True,
    taken=Taken.NEW_TEXT,
    new_lines=((4, "\tmade_up(page_in);"),),
)
FUNCTIONS = (
    PACK,
    Resolved(path=PATH, function=OUTSIDE, line=1, conflict=False, taken=Taken.COMBINED),
    Resolved(
        path=PATH,
        function="unpack_bio",
        line=40,
        conflict=True,
        taken=Taken.SIDE,
        side="theirs",
        moved_from="unpack() in fs/pack/zlib.c, ours",
    ),
    Resolved(path=PATH, function="reset", line=0, conflict=False, taken=Taken.REMOVED),
    Resolved(path=PATH, function="trace", line=60, conflict=False, taken=Taken.AUTOMATIC),
)
DROPPED = Dropped(
    path=PATH,
    function="unpack_bio",
    side="ours",
    conflict=True,
    lines=(
        LostLine(added=True, line=42, text="kunmap(page);"),
        LostLine(added=False, line=39, text="stale(page);"),
    ),
    commits=COMMITS,
)
UNJUDGED = tuple(
    Unjudged(path=PATH, line=number, function="", what="it cannot be read as C")
    for number in range(8)
)
HEADS = ("base", "ours", "theirs", "result", "against")
PANES = Panes(
    path=PATH,
    function="pack_pages",
    panes=tuple(
        Pane(version=one, path="" if one == "base" else PATH, function="pack_pages")
        for one in HEADS
    ),
    rows=(
        Row(mark=LineMark.SAME, lines=(None, *[(1, "int pack_pages(void)")] * 4)),
        Row(mark=LineMark.SAME, skipped=1200),
        Row(
            mark=LineMark.TAKEN,
            sides=("ours",),
            lines=(None, (3, "\tours();"), None, (3, ""), None),
        ),
        Row(
            mark=LineMark.TAKEN,
            sides=("ours", "theirs"),
            lines=(None, (3, "both();"), (3, "both();"), (3, "both();"), None),
        ),
        Row(mark=LineMark.NEW, lines=(None, None, None, (4, "\tmade_up(page_in);"), None)),
        Row(mark=LineMark.LEFT, sides=("theirs",), lines=(None, None, (4, "left();"), None, None)),
        Row(mark=LineMark.REMOVED, sides=("theirs",), lines=((4, "a"), (5, "a"), None, None, None)),
        Row(
            mark=LineMark.LOST,
            sides=("ours",),
            lines=(None, (42, "kunmap(page);"), None, None, None),
        ),
        Row(mark=LineMark.CUT, lines=((5, "b"), (5, "b"), (5, "b"), None, None)),
        Row(mark=LineMark.BACK, sides=("ours",), lines=((6, "c"), None, (6, "c"), (6, "c"), None)),
        Row(mark=LineMark.MOVED, lines=(None, None, None, (7, "d"), None)),
        Row(mark=LineMark.OTHER, lines=(None, None, None, None, (7, "other();"))),
    ),
    left_out=31,
)
CLEAN = (Verdict.CLEAN, None)
PAGES = (Verdict.LEAK, Signature.PAGE_CACHE_REFERENCE)
OBJECT = (Verdict.LEAK, Signature.OBJECT)


def verdicts(*found: tuple[Verdict, Signature | None]) -> tuple[VersionVerdict, ...]:
    """Return what was found in ours, theirs and the result."""
    return tuple(
        VersionVerdict(version=name, verdict=verdict, signature=signature)
        for name, (verdict, signature) in zip(("ours", "theirs", "result"), found, strict=True)
    )


TEST = MergeTest(
    run="runs/merge-1",
    series="6.1",
    directory="fs/pack",
    rows=(
        GuestComparison(
            conditions=("x86_64-2g", "default", "lzo", "small-files"),
            verdicts=verdicts(CLEAN, CLEAN, PAGES),
            result=Blame.GUILTY,
            against=Blame.CAME,
        ),
        GuestComparison(
            conditions=("x86_64-2g", "default", "none", "small-files"),
            verdicts=verdicts(CLEAN, OBJECT, OBJECT),
            result=Blame.CAME,
            against=Blame.CLEAN,
            sides=("theirs",),
        ),
    ),
    untested=("mm/a.c", "mm/b.c"),
)


@pytest.fixture
def full() -> MergeReview:
    """A review that has something of everything, with another resolution."""
    result = Resolution(
        title="HEAD",
        functions=FUNCTIONS,
        dropped=(DROPPED, replace(DROPPED, function=OUTSIDE, side="theirs", conflict=False)),
        imbalances=tuple(
            Imbalance(finding=LEAK, dated=date, sides=sides, commits=COMMITS[: len(sides)])
            for date, sides in (
                (Dated.CAME, ("ours", "theirs")),
                (Dated.RESOLUTION, ()),
                (Dated.MERGE, ()),
                (Dated.LOST, ("ours",)),
            )
        ),
        unjudged=UNJUDGED,
    )
    diff = "@@ -1,2 +1,2 @@\n int pack_pages(void)\n-\told();\n+\tmade_up(page_in);"
    return MergeReview(
        sides=(("ours", "0123456789ab"), ("theirs", "ba9876543210")),
        files=1200,
        conflicts=1,
        result=result,
        against=replace(result, title="for-5.16-resolve"),
        compared=(
            Compared(path=PATH, function="reset", likeness=Likeness.SAME),
            Compared(path=PATH, function=OUTSIDE, likeness=Likeness.EQUIVALENT),
            Compared(path=PATH, function="pack_pages", likeness=Likeness.DIFFERENT, diff=diff),
        ),
        exercises=(
            Exercise(
                functions=((PATH, "pack_pages"), (PATH, OUTSIDE)),
                mount=("compress=lzo", ""),
                how="write, drop caches, read back",
                workloads=("compression-mix",),
                fstests=("compress", "quick"),
            ),
            Exercise(functions=((PATH, "reset"),)),
        ),
        test=TEST,
        panes=(PANES,),
    )


@pytest.fixture
def nothing() -> MergeReview:
    """A review that has nothing to say."""
    return MergeReview(
        sides=(("ours", "0123456789ab"), ("theirs", "ba9876543210"), ("theirs 2", "aa11bb22cc33")),
        files=1,
        conflicts=0,
        result=Resolution(title="the work tree"),
    )
