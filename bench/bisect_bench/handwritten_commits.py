"""Commits that are written by hand: to lzo.c, the culprit among them, compression.c and zlib.c."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.merge_bench.seed_files import function

LZO: Final = "fs/btrfs/lzo.c"
COMPRESSION: Final = "fs/btrfs/compression.c"
ZLIB: Final = "fs/btrfs/zlib.c"
PACK: Final = "lzo_compress_pages"
RELEASE: Final = "\tif ({name})\n\t\tput_page({name});\n"
SPARED: Final = ((COMPRESSION, "btrfs_compress_pages"), (ZLIB, "zlib_compress_pages"))
"""Functions that commits here need as they are."""
_COUNT: Final = "\t*out_pages = DIV_ROUND_UP(cur_out, PAGE_SIZE);\n"
_NOTED: Final = f"\t/* Pages that were not filled are the caller's, too. */\n{_COUNT}"
_HELPER: Final = """\
/*
 * Compress @in_len bytes of @in_page, at most one sector, and append them to
 * the output.
 */
static int compress_one_sector(struct workspace *workspace,
		struct page *in_page, u64 cur_in, u32 in_len,
		struct page **pages, unsigned long max_nr_page,
		u32 *cur_out, const u32 sectorsize)
{
	size_t out_len;
	char *data_in;
	int ret;

	data_in = kmap_local_page(in_page);
	ret = lzo1x_1_compress(data_in + offset_in_page(cur_in), in_len,
			workspace->cbuf, &out_len, workspace->mem);
	kunmap_local(data_in);
	if (ret < 0) {
		pr_debug("BTRFS: lzo in loop returned %d\\n", ret);
		return -EIO;
	}

	return copy_compressed_data_to_page(workspace->cbuf, out_len, pages,
			max_nr_page, cur_out, sectorsize);
}

"""
_CALL: Final = """\
		ret = compress_one_sector(workspace, in_page, cur_in, in_len,
				pages, max_nr_page, &cur_out, sectorsize);
"""
_INLINE: Final = re.compile(
    r"\t\tdata_in = kmap_local_page\(page_in\);.*?&cur_out, sectorsize\);\n", re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class HandwrittenCommit:
    """A commit to one file."""

    subject: str
    path: str
    edit: Callable[[str], str]


def replaced(text: str, *edits: tuple[str, str]) -> str:
    """Return a text with replacements.

    Raises:
        LookupError: what is to be replaced is not there exactly once.
    """
    for before, after in edits:
        if text.count(before) != 1:
            raise LookupError(f"{text.count(before)} times there: {before!r}")
        text = text.replace(before, after)
    return text


def refactored(text: str, *, releases: bool) -> str:
    """Return lzo.c with a helper, and a variable's new name, in lzo_compress_pages().

    Without ``releases``, the page that is held at the end is not released: the bug of 2021.
    """
    old = function(text, PACK)
    new, calls = _INLINE.subn(lambda _: _CALL, old)
    if calls != 1:
        raise LookupError(f"{PACK}() does not compress in one place")
    new = replaced(
        new,
        ("\t\tchar *data_in;\n", ""),
        ("\t\tsize_t out_len;\n", ""),
        *(() if releases else ((RELEASE.format(name="page_in"), ""),)),
    )
    return replaced(text, (old, _HELPER + re.sub(r"\bpage_in\b", "in_page", new)))


def resolved(text: str) -> str:
    """Return the refactored lzo.c merged with `NOTED`, and the release lost in the conflict."""
    return replaced(text, (RELEASE.format(name="in_page") + _COUNT, _NOTED))


def mended(text: str) -> str:
    """Return lzo.c of a bad end with the release put back."""
    held = function(text, PACK)
    return replaced(text, (held, replaced(held, ("out:\n", "out:\n" + _in_page_released()))))


def _in_page_released() -> str:
    return RELEASE.format(name="in_page")


def _edits(*edits: tuple[str, str]) -> Callable[[str], str]:
    return lambda text: replaced(text, *edits)


def _counter(text: str) -> str:
    old = function(text, "zlib_compress_pages")
    return replaced(text, (old, re.sub(r"\bnr_pages\b", "nr_out_pages", old)))


CULPRIT: Final = HandwrittenCommit(
    subject="btrfs: lzo: compress one sector in a helper",
    path=LZO,
    edit=lambda text: refactored(text, releases=False),
)
REFACTORING: Final = HandwrittenCommit(
    subject=CULPRIT.subject, path=LZO, edit=lambda text: refactored(text, releases=True)
)
NOTED: Final = HandwrittenCommit(
    subject="btrfs: lzo: say whose the pages are", path=LZO, edit=_edits((_COUNT, _NOTED))
)
FIX: Final = HandwrittenCommit(
    subject="btrfs: lzo: release the last input page", path=LZO, edit=mended
)
CRASH: Final = HandwrittenCommit(
    subject="btrfs: compression: check what is handed to the compressors",
    path=COMPRESSION,
    edit=_edits(
        (
            "\tret = compression_compress_pages(",
            "\tBUG_ON(!IS_ALIGNED(*total_out, PAGE_SIZE));\n\tret = compression_compress_pages(",
        )
    ),
)
UNBUILDABLE: Final = HandwrittenCommit(
    subject="btrfs: zlib: say which pages are counted",
    path=ZLIB,
    edit=_edits(("\tint nr_pages = 0;\n", "\tint nr_out_pages = 0;\n")),
)
BUILDABLE: Final = HandwrittenCommit(
    subject="btrfs: zlib: use the counter's new name", path=ZLIB, edit=_counter
)
EARLY: Final = (
    HandwrittenCommit(
        subject="btrfs: lzo: say what the workspace's memory is for",
        path=LZO,
        edit=_edits(("\tvoid *mem;\n", "\tvoid *mem;\t/* what lzo itself works with */\n")),
    ),
    HandwrittenCommit(
        subject="btrfs: lzo: set a length where it is declared",
        path=LZO,
        edit=_edits(
            (
                "\t__le32 dlen;\n\n\tdlen = cpu_to_le32(len);\n",
                "\t__le32 dlen = cpu_to_le32(len);\n\n",
            )
        ),
    ),
    HandwrittenCommit(
        subject="btrfs: lzo: check the header's length at build time",
        path=LZO,
        edit=_edits(
            (
                "\tworkspace = kzalloc(",
                "\tBUILD_BUG_ON(LZO_LEN != sizeof(__le32));\n\n\tworkspace = kzalloc(",
            )
        ),
    ),
)
"""Harmless commits to lzo.c before the culprit."""
LATE: Final = (
    HandwrittenCommit(
        subject="btrfs: lzo: name the end of a segment",
        path=LZO,
        edit=_edits(
            (
                "\tu32 orig_in = *cur_in;\n\n\twhile (*cur_in < orig_in + len) {\n",
                "\tconst u32 orig_in = *cur_in;\n\tconst u32 end_in = orig_in + len;\n\n"
                "\twhile (*cur_in < end_in) {\n",
            )
        ),
    ),
    HandwrittenCommit(
        subject="btrfs: lzo: comment an assertion",
        path=LZO,
        edit=_edits(
            (
                "\tASSERT(max_nr_page > 0);\n",
                "\t/* There is always room for the header. */\n\tASSERT(max_nr_page > 0);\n",
            )
        ),
    ),
    HandwrittenCommit(
        subject="btrfs: lzo: put spaces around an operator",
        path=LZO,
        edit=_edits(
            (
                "memset(kaddr+bytes, 0, destlen-bytes);",
                "memset(kaddr + bytes, 0, destlen - bytes);",
            )
        ),
    ),
)
"""Harmless commits to lzo.c behind the culprit; its revert does not conflict with them."""
