"""Grades: what makes an imbalance less than certain."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anyclue.review.pairs.model import Confidence, ConfidenceReason, Finding

Judge = Callable[[str], list[Finding]]

DOUBTS = {
    "a lock held where the function succeeds": (
        ConfidenceReason.RESULT_MAY_TELL,
        """
int f(struct work *w)
{
	int err;

	mutex_lock(&w->mutex);
	err = check(w);
	if (odd(w))
		goto out;
	return 0;
out:
	mutex_unlock(&w->mutex);
	return err;
}
""",
    ),
    "a lock of what is handed on": (
        ConfidenceReason.OBJECT_HANDED_ON,
        """
void f(struct cache *cache, struct work **found)
{
	struct work *w = cache->last;

	mutex_lock(&w->mutex);
	if (w->dead) {
		mutex_unlock(&w->mutex);
		return;
	}
	*found = w;
}
""",
    ),
}

SILENT = {
    "flags that say what is locked": """
int f(struct work *w)
{
	mutex_lock(&w->mutex);
	if (w->dead) {
		mutex_unlock(&w->mutex);
		return 0;
	}
	return WORK_LOCKED_A | WORK_LOCKED_B;
}
""",
    "given away with what it is stored in": """
struct rpc_task *f(struct client *c)
{
	struct call_data *data;
	struct rpc_task_setup setup = {
		.callback_ops = &ops,
	};

	data = kzalloc(sizeof(*data), GFP_NOFS);
	if (!data)
		return ERR_PTR(-ENOMEM);
	setup.callback_data = data;
	return rpc_run_task(&setup);
}
""",
    "another object than the super block": """
int f(struct super_block *sb)
{
	struct info *info = kzalloc(8, GFP_KERNEL);

	if (!info)
		return -ENOMEM;
	sb->s_fs_info = info;
	kfree(DEMO_SB(sb));
	return sb->s_flags;
}
""",
}


@pytest.mark.parametrize("name", list(DOUBTS))
def test_a_doubt_is_named(name: str, sure: Judge) -> None:
    reason, text = DOUBTS[name]
    assert [(one.confidence, one.reason) for one in sure(text)] == [(Confidence.MEDIUM, reason)]


@pytest.mark.parametrize("name", list(SILENT))
def test_what_may_well_be_meant_is_not_told(name: str, sure: Judge) -> None:
    assert sure(SILENT[name]) == []


def test_what_only_joined_facts_allow_is_not_certain(sure: Judge) -> None:
    asked = "".join(f"\tif (w->a{n})\n\t\tx{n} = 1;\n" for n in range(12))
    told = "".join(f"\tif (x{n})\n\t\tsettle(w, {n});\n" for n in range(12))
    head = "".join(f"\tint x{n} = 0;\n" for n in range(12))
    unlocks = "".join(f"\tif (x{n})\n\t\tmutex_unlock(&w->mutex{n});\n" for n in range(12))
    locks = "".join(f"\tif (x{n})\n\t\tmutex_lock(&w->mutex{n});\n" for n in range(12))
    text = f"int f(struct work *w)\n{{\n{head}{asked}{locks}{told}{unlocks}\treturn 0;\n}}\n"
    assert all(one.confidence != Confidence.HIGH for one in sure(text))


def test_a_parameter_of_the_same_name_as_a_variable_in_a_block_is_another(sure: Judge) -> None:
    text = """
int f(struct list *list, struct inode *inode)
{
	int n;

	for (n = 0; n < 8; n++) {
		struct inode *inode = ilookup(list->sb, n);

		if (!inode)
			continue;
		if (inode->i_size)
			iput(inode);
	}
	keep_inode(list, inode);
	return 0;
}
"""
    assert [one.pair for one in sure(text)] == ["inode-reference"]
