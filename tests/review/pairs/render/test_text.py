"""The review as text: what editors jump by, and what is said last."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from anyclue.review.pairs.render.text import BRIEF, review_text

if TYPE_CHECKING:
    from pathlib import Path

    from anyclue.review.pairs.model import Review

TREE = """\
fs/btrfs/lzo.c:312:2: warning: page reference `page_in` is not released on this path \
[page-reference leak, high]
fs/btrfs/lzo.c:280: note:   acquire  page_in = find_get_page(mapping, start >> PAGE_SHIFT); \
-- takes a reference
fs/btrfs/lzo.c:296: note:   branch   if (ret < 0) -- taken
fs/btrfs/lzo.c:297: note:   goto     goto out;
fs/btrfs/lzo.c:312: note:   return   return ret; -- still held
fs/btrfs/lzo.c:301: note: the same happens here
fs/btrfs/lzo.c:312: note: released by put_page(page_in) or folio_put(page_folio(page_in))
fs/btrfs/lzo.c:312: note: confidence high: released on other paths of the same function
fs/btrfs/lzo.c:312: note: one insertion, before line 312, mends every path:
    --- a/fs/btrfs/lzo.c
    +++ b/fs/btrfs/lzo.c
    @@ -309,6 +309,7 @@ int lzo_compress_pages(void)
     \t}

     out:
    +\tput_page(page_in);
     \t*out_pages = nr_pages;
     \treturn ret;
     }

fs/btrfs/lzo.c:401:3: warning: local mapping `data_in` is released before `data_out`, which was \
mapped later [kmap-local wrong-order, medium]
fs/btrfs/lzo.c:390: note:   acquire  kmap_local_page
fs/btrfs/lzo.c:401: note: confidence medium: what was acquired last must be released first

not judged, and so not known to be clean: 1
fs/xfs/odd.c:7: note: not judged: odd(): more than 20,000 paths

2 findings (1 high, 1 medium), 1 function not judged, 143 files, 5,012 functions
"""


def test_a_tree(tree: Review) -> None:
    assert review_text(tree) == TREE


def test_a_clean_tree(clean_tree: Review) -> None:
    assert review_text(clean_tree) == "no findings, 1 file, 20 functions\n"


def test_a_change_tells_new_from_fixed(change: Review) -> None:
    text = review_text(change)
    blocks = text.split("\n\n")
    assert blocks[0] == "introduced by v6.1..v6.2: 3 findings"
    at = blocks.index("fixed by v6.1..v6.2: 1 finding, at places in the old version")
    assert ": warning: " not in "".join(blocks[at:])
    assert blocks[at + 1] == (
        "fs/btrfs/zlib.c:280:2: fixed: page reference `page_in` is not released on this path "
        "[page-reference leak, high]"
    )
    assert blocks[-1] == (
        "3 findings (1 high, 1 medium, 1 low), 1 fixed, 9 functions not judged, "
        "1 file not judged, 3 files, 1 function\n"
    )
    assert "fs/btrfs/zlib.c:296: note:" in review_text(change, verbose=True)


def test_a_change_that_only_mends(change: Review) -> None:
    text = review_text(replace(change, findings=(), unjudged=()))
    assert text.startswith("introduced by v6.1..v6.2: 0 findings\n\nfixed by")
    assert text.endswith("\nno findings, 1 fixed, 3 files, 1 function\n")


def test_what_was_not_judged_is_listed_briefly(change: Review) -> None:
    brief, full = (review_text(change, verbose=verbose) for verbose in (False, True))
    number = len(change.unjudged)
    assert brief.count(": note: not judged: ") == BRIEF
    assert f"... and {number - BRIEF} more; --verbose lists all" in brief
    assert full.count(": note: not judged: ") == number
    assert "--verbose" not in full
    assert "fs/xfs/broken.c:1: note: not judged: it cannot be read as C\n" in brief


def test_every_line_of_a_finding_leads_to_its_place(change: Review) -> None:
    place = re.compile(r"(.+?):(\d+):(?:(\d+):)? (warning|note|fixed): .+")
    known = {one.path for one in (*change.findings, *change.fixed)}
    known |= {one.path for one in change.unjudged}
    for line in review_text(change, verbose=True).splitlines():
        if line.startswith("fs/"):
            match = place.fullmatch(line)
            assert match, line
            assert match[1] in known
    assert "fs/a b/größe.c:12:3: warning: " in review_text(change)


def test_long_code_is_cut(tree: Review) -> None:
    (first, *steps), *_ = (one.steps for one in tree.findings)
    long = replace(tree.findings[0], steps=(replace(first, text="x" * 5000), *steps))
    text = review_text(replace(tree, findings=(long,)))
    assert max(map(len, text.splitlines())) < 300


@pytest.mark.skipif(shutil.which("vim") is None, reason="vim is not installed")
def test_vim_reads_it_as_errors(tree: Review, tmp_path: Path) -> None:
    (tmp_path / "errors").write_text(review_text(tree))
    script = (
        "for i in getqflist() | if i.valid | "
        "call writefile([bufname(i.bufnr).':'.i.lnum.':'.i.col], 'seen', 'a') | endif | endfor"
    )
    command = ["vim", "-u", "NONE", "-es", "-c", "cgetfile errors", "-c", script, "-c", "qa!"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60, stdin=subprocess.DEVNULL)
    seen = (tmp_path / "seen").read_text().splitlines()
    wanted = re.findall(r"^(fs/\S+?):(\d+):(?:(\d+):)?", TREE, re.MULTILINE)
    assert seen == [f"{path}:{line}:{column or 0}" for path, line, column in wanted]
