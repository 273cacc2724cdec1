"""The case of the mail in shape: a refactoring brings a leak, and the merge is innocent.

Mainline goes back to mapping pages, one unmapping missing, and then mends that. The branch rewrites
the same functions, and drops a put_page().
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bench.merge_bench.case import Case
from bench.merge_bench.forge import Forge
from bench.merge_bench.seed_files import SeedFile, edited

LZO: Final = "fs/btrfs/lzo.c"
PACK: Final = "lzo_compress_pages"
UNPACK: Final = "lzo_decompress_bio"
_FIX: Final = "\t\tkunmap_local(kaddr);\n"
_REFACTORING: Final = {
    PACK: (
        ("\t\tASSERT(in_len);\n", "\t\tASSERT(in_len > 0 && in_len <= sectorsize);\n"),
        ("out:\n\tif (page_in)\n\t\tput_page(page_in);\n", "out:\n"),
    ),
    UNPACK: (
        ("\t\tASSERT(cur_page);\n", ""),
        (
            "(kaddr + offset_in_page(cur_in));\n",
            "(kaddr + offset_in_page(cur_in));\n\t\tcb->segments++;\n",
        ),
    ),
}
_SMALL: Final = f"""\
static inline size_t read_compress_length(const char *buf)
{{
	__le32 dlen;

	memcpy(&dlen, buf, LZO_LEN);
	return le32_to_cpu(dlen);
}}

int {PACK}(struct address_space *mapping, u64 start, u64 len, u32 sectorsize)
{{
	struct page *page_in = NULL;
	u64 cur_in = start;
	int ret = 0;

	while (cur_in < start + len) {{
		char *data_in;
		u32 in_len;

		if (!page_in)
			page_in = find_get_page(mapping, cur_in >> PAGE_SHIFT);
		in_len = min_t(u32, start + len - cur_in, sectorsize);
		ASSERT(in_len);
		data_in = kmap_local_page(page_in);
		ret = pack_one(data_in, in_len);
		kunmap_local(data_in);
		if (ret < 0)
			goto out;
		cur_in += in_len;
		if (IS_ALIGNED(cur_in, PAGE_SIZE)) {{
			put_page(page_in);
			page_in = NULL;
		}}
	}}
out:
	if (page_in)
		put_page(page_in);
	return ret;
}}

int {UNPACK}(struct compressed_bio *cb)
{{
	u32 cur_in = LZO_LEN;
	char *kaddr;
	u32 len_in;
	int ret = 0;

	kaddr = kmap_local_page(cb->compressed_pages[0]);
	len_in = read_compress_length(kaddr);
	kunmap_local(kaddr);
	while (cur_in < len_in) {{
		struct page *cur_page;
		u32 seg_len;

		cur_page = cb->compressed_pages[cur_in / PAGE_SIZE];
		ASSERT(cur_page);
		kaddr = kmap_local_page(cur_page);
		seg_len = read_compress_length(kaddr + offset_in_page(cur_in));
		kunmap_local(kaddr);
		cur_in += LZO_LEN;
		ret = unpack_one(cb, seg_len, &cur_in);
		if (ret)
			goto out;
	}}
out:
	return ret;
}}
"""


def _mail(forge: Forge, seed: SeedFile) -> Sequence[str]:
    fixed = seed.files.get(LZO, _SMALL)
    base = re.sub(r"\bkmap_local_page\(", "page_address(", fixed)
    base = re.sub(r"^\t+kunmap_local\(\w+\);\n", "", base, flags=re.MULTILINE)
    reverted, branch, result, other = _unmended(fixed), base, fixed, _unmended(fixed)
    for name, edits in _REFACTORING.items():
        branch = edited(branch, name, *edits)
        result = edited(result, name, *edits)
        other = edited(other, name, *edits)
    root = forge.commit("main", None, {**seed.files, LZO: base})
    forge.commit("mainline", root, {LZO: reverted})
    mainline = forge.commit("mainline", "mainline", {LZO: fixed})
    parents = [mainline, forge.commit("branch", root, {LZO: branch})]
    return [forge.merge(parents, {LZO: text}) for text in (result, other)]


def _unmended(text: str) -> str:
    """Return a text without the unmapping in the loop over segments."""
    head, seg_len, tail = text.partition("\t\tseg_len = read_compress_length(")
    return head + seg_len + tail.replace(_FIX, "", 1)


CASES: Final = (
    Case(
        name="mail",
        make=_mail,
        expected=(
            "innocent, exit 1",
            f"lzo.c {PACK}: conflict, combined",
            f"lzo.c {UNPACK}: conflict, combined",
            f"lzo.c {PACK}: imbalance came theirs",
            f"beside lzo.c {PACK}: same",
            f"beside lzo.c {UNPACK}: different",
            "other guilty",
            f"other lzo.c {PACK}: conflict, combined",
            f"other lzo.c {UNPACK}: conflict, combined",
            f"other lzo.c {UNPACK}: drops ours, conflict",
            f"other lzo.c {PACK}: imbalance came theirs",
            f"other lzo.c {UNPACK}: imbalance lost ours",
        ),
    ),
)
