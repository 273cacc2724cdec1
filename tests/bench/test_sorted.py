"""Findings that were sorted by hand, found again."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.sorted import SortedFinding, found_again

from anyclue.review.pairs.model import Confidence
from anyclue.review.pairs.rules.probability import Likeness

CODE = """
int lost_lock(struct vol *v)
{
	mutex_lock(&v->lock);
	if (v->dead)
		return -EIO;
	mutex_unlock(&v->lock);
	return 0;
}

int lost_object(struct vol *v)
{
	char *p = kmalloc(8, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	if (v->dead)
		return -EIO;
	kfree(p);
	return 0;
}
"""


def test_each_is_counted_with_those_like_it_however_it_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tree = tmp_path / "tree"
    (tree / "fs").mkdir(parents=True)
    (tree / "fs" / "a.c").write_text(CODE)

    def row(function: str, pair: str, *, real: bool) -> dict[str, object]:
        place: dict[str, object] = {"file": "fs/a.c", "line": 1, "function": function}
        return {**place, "pair": pair, "kind": "leak", "real": real}

    rows = [
        row("lost_lock", "mutex", real=False),
        row("lost_object", "slab-memory", real=True),
        row("mended", "mutex", real=True),
    ]
    assert found_again(tree, rows, 1) == [
        SortedFinding(real=False, confidence=Confidence.MEDIUM, like=Likeness.SCOPED),
        SortedFinding(real=True, confidence=Confidence.HIGH, like=Likeness.UNTOUCHED_OBJECT),
        None,
    ]
