"""A review with a finding of every kind of part, as of the mail's function."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anyclue.review.pairs.model import (
    Confidence,
    ConfidenceReason,
    Finding,
    FindingKind,
    PathStep,
    Review,
    StepKind,
    Suggestion,
    Unjudged,
)

DIFF = """\
--- a/fs/btrfs/lzo.c
+++ b/fs/btrfs/lzo.c
@@ -309,6 +309,7 @@ int lzo_compress_pages(void)
 \t}
\x20
 out:
+\tput_page(page_in);
 \t*out_pages = nr_pages;
 \treturn ret;
 }
"""

LEAK = Finding(
    kind=FindingKind.LEAK,
    pair="page-reference",
    resource="page_in",
    function="lzo_compress_pages",
    path="fs/btrfs/lzo.c",
    line=312,
    column=2,
    acquired_line=280,
    acquired_by="find_get_page",
    release=("put_page(page_in)", "folio_put(page_folio(page_in))"),
    message="page reference `page_in` is not released on this path.",
    steps=(
        PathStep(
            line=280,
            kind=StepKind.ACQUIRE,
            text="page_in = find_get_page(mapping, start >> PAGE_SHIFT);",
            note="takes a reference",
        ),
        PathStep(line=296, kind=StepKind.BRANCH, text="if (ret < 0)", note="taken"),
        PathStep(line=297, kind=StepKind.GOTO, text="goto out;"),
        PathStep(line=312, kind=StepKind.RETURN, text="return ret;", note="still held"),
    ),
    confidence=Confidence.HIGH,
    reason=ConfidenceReason.RELEASED_ELSEWHERE,
    suggestion=Suggestion(before_line=312, text="\tput_page(page_in);", diff=DIFF),
    also=(301,),
)
SWAPPED = Finding(
    kind=FindingKind.WRONG_ORDER,
    pair="kmap-local",
    resource="data_in",
    function="lzo_decompress_bio",
    path="fs/btrfs/lzo.c",
    line=401,
    column=3,
    acquired_line=390,
    acquired_by="kmap_local_page",
    release=("kunmap_local(data_in)",),
    message="local mapping `data_in` is released before `data_out`, which was mapped later",
    steps=(),
    confidence=Confidence.MEDIUM,
    reason=ConfidenceReason.LIFO,
)
HANDED = replace(
    SWAPPED,
    kind=FindingKind.UNHELD,
    acquired_line=None,
    acquired_by="",
    line=12,
    path="fs/a b/größe.c",
    confidence=Confidence.LOW,
)
UNJUDGED = (
    Unjudged(path="fs/xfs/odd.c", line=7, function="odd", what="more than 20,000 paths"),
    Unjudged(path="fs/xfs/broken.c", line=0, function="", what="it cannot be read as C"),
    *(
        Unjudged(path="fs/many.c", line=number, function=f"f{number}", what="too deep")
        for number in range(1, 9)
    ),
)


@pytest.fixture
def tree() -> Review:
    """The review of a tree."""
    return Review(
        findings=(LEAK, SWAPPED),
        unjudged=UNJUDGED[:1],
        files=143,
        functions=5012,
        lines=153_000,
    )


@pytest.fixture
def change() -> Review:
    """The review of a change."""
    return Review(
        findings=(LEAK, SWAPPED, HANDED),
        fixed=(replace(LEAK, line=280, path="fs/btrfs/zlib.c", suggestion=None),),
        unjudged=UNJUDGED,
        files=3,
        functions=1,
        lines=900,
        change="v6.1..v6.2",
    )


@pytest.fixture
def clean_tree() -> Review:
    """A review that found nothing."""
    return Review(findings=(), files=1, functions=20, lines=400)
