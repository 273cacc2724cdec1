"""The case of the mail in shape: a refactoring brings a leak, and the merge is innocent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anyclue.model.merge import Dated

if TYPE_CHECKING:
    from tests.hunts.merges.conftest import Forge

PATH = "fs/pack/lzo.c"
BASE = """\
int pack_pages(struct address_space *mapping, u64 start, int len)
{
	struct page *page_in = NULL;
	char *data_in;
	int ret = 0;

	while (len > 0) {
		page_in = find_get_page(mapping, start >> PAGE_SHIFT);
		if (!page_in)
			return -ENOENT;
		data_in = page_address(page_in);
		ret = pack_one(data_in, start);
		if (ret < 0)
			goto out;
		put_page(page_in);
		page_in = NULL;
		start += PAGE_SIZE;
		len -= PAGE_SIZE;
	}
out:
	if (page_in)
		put_page(page_in);
	return ret;
}

int unpack_bio(struct bio *bio, struct page *page)
{
	char *data;
	int ret;

	data = page_address(page);
	ret = unpack_header(data);
	if (ret < 0)
		goto done;
	ret = unpack_one(bio, data);
done:
	return ret;
}
"""
# Mainline goes back to kmap(), with one kunmap() missing, and then mends that.
PACK = (
    "\t\tdata_in = page_address(page_in);\n\t\tret = pack_one(data_in, start);\n",
    "\t\tdata_in = kmap(page_in);\n\t\tret = pack_one(data_in, start);\n\t\tkunmap(page_in);\n",
)
MAP = ("\tdata = page_address(page);\n", "\tdata = kmap(page);\n")
UNMAP = ("data);\ndone:\n", "data);\n\tkunmap(page);\ndone:\n")
MEND = (
    "\tif (ret < 0)\n\t\tgoto done;\n",
    "\tif (ret < 0) {\n\t\tkunmap(page);\n\t\tgoto done;\n\t}\n",
)
REVERTED = BASE.replace(*PACK).replace(*MAP).replace(*UNMAP)
FIXED = REVERTED.replace(*MEND)
# The branch rewrites both functions, and drops the put_page() under out.
REFACTORED = (
    BASE.replace("int len)\n", "unsigned int len)\n")
    .replace(
        "\t\tdata_in = page_address(page_in);\n",
        "\t\tpack_trace(start, len);\n\t\tdata_in = page_address(page_in);\n",
    )
    .replace("out:\n\tif (page_in)\n\t\tput_page(page_in);\n", "out:\n")
    .replace(
        "\tdata = page_address(page);\n",
        "\tunpack_trace(bio);\n\tdata = page_address(page);\n",
    )
    .replace("\tret = unpack_header(data);\n", "\tret = unpack_headers(data);\n")
)
UNFIXED = REFACTORED.replace(*PACK).replace(*MAP).replace(*UNMAP)
RESOLVED = UNFIXED.replace(*MEND)


@pytest.fixture
def parents(forge: Forge) -> list[str]:
    root = forge.commit("main", None, {PATH: BASE})
    forge.commit("mainline", root, {PATH: REVERTED})
    mainline = forge.commit("mainline", "mainline", {PATH: FIXED})
    return [mainline, forge.commit("branch", root, {PATH: REFACTORED})]


def test_the_resolution_is_innocent_and_the_other_one_lost_the_fix(
    forge: Forge, parents: list[str]
) -> None:
    found = forge.review(
        forge.merge(parents, {PATH: RESOLVED}), forge.merge(parents, {PATH: UNFIXED})
    )
    result, other = found.result, found.against
    assert found.conflicts == 1
    assert result.innocent
    assert {(o.finding.function, o.dated, o.sides) for o in result.imbalances} == {
        ("pack_pages", Dated.CAME, ("theirs",))
    }
    assert {"pack_pages", "unpack_bio"} <= {one.function for one in result.functions}
    assert other is not None
    assert not other.innocent
    assert ("unpack_bio", Dated.LOST, ("ours",)) in {
        (one.finding.function, one.dated, one.sides) for one in other.imbalances
    }
