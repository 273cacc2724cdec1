"""Reviews of merges with a part of every kind, made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anyclue.git.model import CommitSubject
from anyclue.model.verdict import Signature, Verdict
from anyclue.review.merge.core.guest_test import Blame, GuestComparison, MergeTest, VersionVerdict
from anyclue.review.merge.core.model import (
    OUTSIDE,
    DroppedChange,
    Exercise,
    FormerPlace,
    FunctionComparison,
    FunctionKey,
    FunctionPanes,
    FunctionResolution,
    Imbalance,
    LineMark,
    LostLine,
    MergeReview,
    Origin,
    Pane,
    PaneRow,
    Parent,
    Resolution,
    Similarity,
    SourceLine,
    TextSource,
)
from anyclue.review.pairs.model import (
    Confidence,
    ConfidenceReason,
    Finding,
    FindingKind,
    PathStep,
    StepKind,
    Unjudged,
)

COMMITS = (
    CommitSubject(id="2cf3f8133bda" + "0" * 28, subject="btrfs: fix missing kunmap"),
    CommitSubject(id="0123456789ab" + "0" * 28, subject="another"),
)
PATH = "fs/pack/lzo.c"


def at(line: int, text: str) -> SourceLine:
    return SourceLine(line=line, text=text)


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
PACK = FunctionResolution(
    path=PATH,
    function="pack_pages",
    line=1,
    conflict=True,
    taken=TextSource.NEW_TEXT,
    new_lines=(at(4, "\tmade_up(page_in);"),),
)
FUNCTIONS = (
    PACK,
    FunctionResolution(
        path=PATH, function=OUTSIDE, line=1, conflict=False, taken=TextSource.COMBINED
    ),
    FunctionResolution(
        path=PATH,
        function="unpack_bio",
        line=40,
        conflict=True,
        taken=TextSource.SIDE,
        side="theirs",
        moved_from=FormerPlace(function="unpack", path="fs/pack/zlib.c", side="ours"),
    ),
    FunctionResolution(
        path=PATH, function="reset", line=0, conflict=False, taken=TextSource.REMOVED
    ),
    FunctionResolution(
        path=PATH, function="trace", line=60, conflict=False, taken=TextSource.AUTOMATIC
    ),
)
DROPPED = DroppedChange(
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
SIDES = (
    Parent(name="ours", commit="0123456789ab"),
    Parent(name="theirs", commit="ba9876543210"),
)
HEADS = ("base", "ours", "theirs", "result", "against")
PANES = FunctionPanes(
    path=PATH,
    function="pack_pages",
    panes=tuple(
        Pane(version=one, path="" if one == "base" else PATH, function="pack_pages")
        for one in HEADS
    ),
    rows=(
        PaneRow(mark=LineMark.SAME, lines=(None, *[at(1, "int pack_pages(void)")] * 4)),
        PaneRow(mark=LineMark.SAME, skipped=1200),
        PaneRow(
            mark=LineMark.TAKEN,
            sides=("ours",),
            lines=(None, at(3, "\tours();"), None, at(3, ""), None),
        ),
        PaneRow(
            mark=LineMark.TAKEN,
            sides=("ours", "theirs"),
            lines=(None, at(3, "both();"), at(3, "both();"), at(3, "both();"), None),
        ),
        PaneRow(mark=LineMark.NEW, lines=(None, None, None, at(4, "\tmade_up(page_in);"), None)),
        PaneRow(
            mark=LineMark.LEFT, sides=("theirs",), lines=(None, None, at(4, "left();"), None, None)
        ),
        PaneRow(
            mark=LineMark.REMOVED,
            sides=("theirs",),
            lines=(at(4, "a"), at(5, "a"), None, None, None),
        ),
        PaneRow(
            mark=LineMark.LOST,
            sides=("ours",),
            lines=(None, at(42, "kunmap(page);"), None, None, None),
        ),
        PaneRow(mark=LineMark.CUT, lines=(at(5, "b"), at(5, "b"), at(5, "b"), None, None)),
        PaneRow(
            mark=LineMark.BACK,
            sides=("ours",),
            lines=(at(6, "c"), None, at(6, "c"), at(6, "c"), None),
        ),
        PaneRow(mark=LineMark.MOVED, lines=(None, None, None, at(7, "d"), None)),
        PaneRow(mark=LineMark.OTHER, lines=(None, None, None, None, at(7, "other();"))),
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
            Imbalance(finding=LEAK, origin=origin, sides=sides, commits=COMMITS[: len(sides)])
            for origin, sides in (
                (Origin.CAME, ("ours", "theirs")),
                (Origin.RESOLUTION, ()),
                (Origin.MERGE, ()),
                (Origin.LOST, ("ours",)),
            )
        ),
        unjudged=UNJUDGED,
    )
    diff = "@@ -1,2 +1,2 @@\n int pack_pages(void)\n-\told();\n+\tmade_up(page_in);"
    return MergeReview(
        sides=SIDES,
        files=1200,
        conflicts=1,
        result=result,
        against=replace(result, title="for-5.16-resolve"),
        compared=(
            FunctionComparison(path=PATH, function="reset", similarity=Similarity.SAME),
            FunctionComparison(path=PATH, function=OUTSIDE, similarity=Similarity.EQUIVALENT),
            FunctionComparison(
                path=PATH, function="pack_pages", similarity=Similarity.DIFFERENT, diff=diff
            ),
        ),
        exercises=(
            Exercise(
                functions=(FunctionKey(PATH, "pack_pages"), FunctionKey(PATH, OUTSIDE)),
                mount=("compress=lzo", ""),
                how="write, drop caches, read back",
                workloads=("compression-mix",),
                fstests=("compress", "quick"),
            ),
            Exercise(functions=(FunctionKey(PATH, "reset"),)),
        ),
        test=TEST,
        panes=(PANES,),
    )


@pytest.fixture
def nothing() -> MergeReview:
    """A review that has nothing to say."""
    return MergeReview(
        sides=(*SIDES, Parent(name="theirs 2", commit="aa11bb22cc33")),
        files=1,
        conflicts=0,
        result=Resolution(title="the work tree"),
    )
