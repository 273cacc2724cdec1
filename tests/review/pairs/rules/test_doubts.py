"""Paths that nothing excludes, and that are doubtful all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anyclue.review.pairs.model import ConfidenceReason, Finding

Judge = Callable[[str], list[Finding]]

STATUS = """
int f(struct super_block *sb, sector_t nr)
{
	struct buffer_head *bh = sb_bread(sb, nr);
	int status;

	if (!bh)
		return -EIO;
	status = ask_elsewhere(nr);
	if (status)
		goto out;
	status = ask_elsewhere(nr + 1);
	if (status < 0)
		goto out;
	brelse(bh);
	return 0;
out:
	if (status < 0)
		brelse(bh);
	return status;
}
"""
LOOP = """
int f(struct keeper *k, int n)
{
	char *buf = kmalloc(n, GFP_KERNEL);
	int i;

	if (!buf)
		return -ENOMEM;
	for (i = 0; i < k->parts; i++)
		k->part[i] = buf;
	if (k->closed) {
		kfree(buf);
		return -EINVAL;
	}
	return 0;
}
"""
CASES = {
    "a status that is not 0, and no error": (STATUS, ConfidenceReason.ERROR_TAKEN_FOR_NONE),
    "a loop that would store it": (LOOP, ConfidenceReason.LOOP_NOT_ENTERED),
}
CLEAR = {
    "the status is set anew": STATUS.replace("out:", "out:\n\tstatus = ask_elsewhere(nr);"),
    "the status is asked for being an error each time": STATUS.replace(
        "if (status)", "if (status < 0)"
    ).replace("\tif (status < 0)\n\t\tbrelse", "\tif (nr)\n\t\tbrelse"),
    "the loop does nothing to it": LOOP.replace("k->part[i] = buf", "k->part[i] = NULL"),
}


@pytest.mark.parametrize("name", list(CASES))
def test_a_doubtful_path_is_not_sure(name: str, found: Judge) -> None:
    code, why = CASES[name]
    assert [(one.confidence.value, one.reason) for one in found(code)] == [("medium", why)]


@pytest.mark.parametrize("name", list(CLEAR))
def test_a_clear_path_is_sure(name: str, found: Judge) -> None:
    assert [one.confidence.value for one in found(CLEAR[name])] == ["high"]
