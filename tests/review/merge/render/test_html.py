from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from anyclue.review.merge.core.model import LineMark, PaneRow, SourceLine
from anyclue.review.merge.render import words as merge_words
from anyclue.review.merge.render.html import DIFF_LINES, LISTED, merge_html

if TYPE_CHECKING:
    from anyclue.review.merge.core.model import MergeReview

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Collects a page's elements, attributes and text; fails on elements left open."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.said: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.said.append(data)


def test_everything_is_said(full: MergeReview) -> None:
    page = Page(merge_html(full))
    assert page.text.index(merge_words.verdict(full)) < page.text.index("1,200 files compared")
    for part in (
        "ours 0123456789ab theirs ba9876543210",
        "pack_pages() conflict new text fs/pack/lzo.c:1",
        "theirs fs/pack/lzo.c:40 unpack() in fs/pack/zlib.c, ours",
        "in the conflict , of 2cf3f8133bda (btrfs: fix missing kunmap), of 0123456789ab (another)",
        ": + 42: kunmap(page); - 39: stale(page);",
        "page reference `page_in` is not released on this path [page-reference leak, high]",
        "came with ours and theirs, in 2cf3f8133bda (btrfs: fix missing kunmap) and 0123456789ab",
        "24 return return ret; still held",
        "fs/pack/lzo.c:7: it cannot be read as C",
        "4 more listed functions would make this page too large",
        "(outside functions) equivalent",
        "from the other resolution to the result @@ -1,2 +1,2 @@ int pack_pages(void) - old();",
        "for-5.16-resolve: a fix was lost",
        "lzo, small-files clean clean leak (page-cache-reference) the resolution is guilty: each",
        "The other resolution, in guests: came with a parent.",
        "and not in those guests: mm/a.c mm/b.c",
        "pack_pages() fs/pack/lzo.c , (outside functions) fs/pack/lzo.c write, drop caches",
        "mount with -o compress=lzo, or no option",
    ):
        assert part in page.text, part


def test_panes(full: MergeReview) -> None:
    page = Page(merge_html(full))
    text = page.text.partition("pack_pages() fs/pack/lzo.c line merge base")[2]
    text = text.partition("Against")[0]
    assert text.startswith(" this version has no such function ours theirs result the other")
    for part in (
        "1,200 lines alike in every version",
        "ours 3 ours(); 3 both 3 both(); 3 both(); 3 both();",
        "new 4 made_up(page_in);",
        "not taken 4 left();",
        "- theirs 4 a 5 a LOST 42 kunmap(page);",
        "cut 5 b 5 b 5 b back 6 c 6 c 6 c moved 7 d other 7 other();",
        "31 more lines would make this page too large, and are not here.",
    ):
        assert part in text, part


def test_every_word_has_a_row_in_the_legend(full: MergeReview) -> None:
    told = {word for _, word, _ in merge_words.MARKS}
    (panes,) = full.panes
    shown = {merge_words.mark(row, len(full.sides)) for row in panes.rows} - {""}
    assert {row.mark for row in panes.rows} == set(LineMark)
    assert {word.replace("theirs", "ours") for word in shown} <= told


def test_an_octopus_has_words_of_its_own() -> None:
    sides = ("ours", "theirs", "theirs 2")
    assert merge_words.mark(PaneRow(mark=LineMark.TAKEN, sides=sides), 3) == "all"
    assert merge_words.mark(PaneRow(mark=LineMark.TAKEN, sides=sides[1:]), 3) == "theirs, theirs 2"
    assert merge_words.mark(PaneRow(mark=LineMark.REMOVED, sides=sides[2:]), 3) == "- theirs 2"


def test_nothing_to_say(nothing: MergeReview) -> None:
    page = Page(merge_html(nothing))
    assert "resolution innocent" in page.text
    assert "No change of a side was dropped." in page.text
    assert "No function is listed." in page.text
    assert "theirs 2 aa11bb22cc33" in page.text
    assert "Against" not in page.text


def test_nothing_is_fetched_and_links_point_at_one_element_each(
    full: MergeReview, nothing: MergeReview
) -> None:
    for source in (merge_html(full), merge_html(nothing)):
        page = Page(source)
        assert not page.tags & {"script", "link", "img", "iframe", "object", "base", "svg", "use"}
        ids = [value for _, name, value in page.attributes if name == "id"]
        assert len(ids) == len(set(ids))
        for _, name, value in page.attributes:
            assert not name.startswith("on")
            assert name != "src"
            if name == "href":
                assert value[0] == "#"
                assert value[1:] in ids
            if name == "aria-labelledby":
                assert value in ids
        assert not re.search(r"@import|url\(|https?://", source)


def test_large_reviews_make_pages_of_bounded_size(full: MergeReview) -> None:
    many = LISTED * 20
    (panes,) = full.panes
    diff = "\n".join(f"+line {n}" for n in range(DIFF_LINES * 10))
    row = PaneRow(
        mark=LineMark.NEW, lines=(None, None, None, SourceLine(line=4, text="<" * 100_000), None)
    )
    large = replace(
        full.result,
        functions=full.result.functions * many,
        dropped=full.result.dropped * many,
        imbalances=full.result.imbalances * many,
        unjudged=full.result.unjudged * many,
    )
    source = merge_html(
        replace(
            full,
            result=large,
            panes=(replace(panes, rows=(row,)),),
            compared=(replace(full.compared[-1], diff=diff),) * many,
        )
    )
    text = Page(source).text
    assert len(source) < 12_000_000
    assert f"{len(large.functions) - LISTED} more are not on this page" in text
    assert f"{len(large.dropped) - LISTED} more are not on this page" in text
    assert f"{len(large.imbalances) - LISTED} more are not on this page" in text
    assert f"{len(large.unjudged) - LISTED} more are not on this page" in text
    assert f"{DIFF_LINES * 9} more are not on this page" in text
