from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anyclue.review.merge.core.model import Resolution
from anyclue.review.merge.render.text import merge_text
from anyclue.review.merge.render.words import NAMED

if TYPE_CHECKING:
    from anyclue.review.merge.core.model import MergeReview


def test_everything_is_said(full: MergeReview) -> None:
    text = merge_text(full)
    lines = text.splitlines()
    assert lines[0] == "merge HEAD (ours 0123456789ab, theirs ba9876543210)"
    assert lines[1] == "1,200 files compared, 1 file with a conflict"
    for part in (
        "fs/pack/lzo.c:1: pack_pages()         conflict     new text",
        "fs/pack/lzo.c:40: unpack_bio()        conflict     theirs",
        "fs/pack/lzo.c: reset()                no conflict  removed",
        "was unpack() in fs/pack/zlib.c, ours",
        "fs/pack/lzo.c: pack_pages(): lines beyond those of the sides\n    4: made_up(page_in);",
        "unpack_bio(): a change of ours is lost, in the conflict\n    + 42: kunmap(page);",
        "    - 39: stale(page);\n    of 2cf3f8133bda (btrfs: fix missing kunmap)\n    of 0123",
        "(outside functions): a change of theirs is lost, outside any conflict",
        "fs/pack/lzo.c:24:2: warning: pack_pages(): page reference `page_in` is not released",
        "fs/pack/lzo.c:24:2: note: came with ours and theirs",
        "note: made by the resolution",
        "note: fix lost by the resolution; it was fixed on ours",
        "not judged, and so not known to be clean: 8",
        "... and 3 more; --json lists all",
        "against for-5.16-resolve",
        "    +       made_up(page_in);",
        "what reaches these functions:\n    fs/pack/lzo.c: pack_pages(), fs/pack/lzo.c: (outside",
        "        mount with -o compress=lzo, or no option",
        "        fstests: -g compress -g quick",
        "in guests: Debian's 6.1 with fs/pack of each version; run: runs/merge-1",
        "leak (page-cache-reference)  the resolution is guilty: each parent is clean",
        "came with theirs",
        "the other resolution, in guests: came with a parent",
        "and not in those guests: mm/a.c, mm/b.c",
    ):
        assert part in text
    assert "innocent" not in lines[-1]
    assert lines[-1].startswith("a fix was lost; an imbalance was made by the resolution; ")
    named = "look at: pack_pages(), unpack_bio(), (outside functions), reset()"
    assert lines[-1].endswith(f"{named}; in guests: the resolution is guilty: each parent is clean")


def test_nothing_to_say(nothing: MergeReview) -> None:
    lines = merge_text(nothing).splitlines()
    assert lines[0].endswith("theirs 2 aa11bb22cc33)")
    assert lines[-1] == "resolution innocent"


def test_a_verdict_names_some_functions(full: MergeReview) -> None:
    many = tuple(replace(full.result.functions[0], function=f"f{n}") for n in range(NAMED + 3))
    one = replace(full, result=Resolution(title="x", functions=many), against=None, test=None)
    assert merge_text(one).splitlines()[-1].endswith(f"f{NAMED - 1}(), and 3 more")
