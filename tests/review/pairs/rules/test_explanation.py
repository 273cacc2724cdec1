"""Findings in words: the steps, the places, and the line that mends."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from anyclue.review.pairs.model import Finding, FindingKind, StepKind

Judge = Callable[[str], list[Finding]]

LEAK = """\
int f(struct inode *inode, struct work *w)
{
	struct page *page;
	int err;

	page = find_get_page(inode->i_mapping, 0);
	if (!page)
		return -ENOENT;
	err = step(w);
	if (err) {
		w->n++;
		goto fail;
	}
	put_page(page);
	return 0;
fail:
	w->m++;
	return err;
}
"""
OTHERS = {
    "double": """\
int f(struct super_block *sb)
{
	struct buffer_head *bh = sb_bread(sb, 1);

	if (!bh)
		return -EIO;
	brelse(bh);
	if (sb->s_flags)
		brelse(bh);
	return 0;
}
""",
    "order": """\
void f(struct page *a, struct page *b)
{
	char *from = kmap_local_page(a);
	char *to = kmap_local_page(b);

	memcpy(to, from, 8);
	kunmap_local(from);
	kunmap_local(to);
}
""",
    "mode": """\
void f(struct work *w)
{
	down_read(&w->rwsem);
	w->n++;
	up_write(&w->rwsem);
}
""",
    "use": """\
int f(struct work *w)
{
	struct item *item = kmalloc(sizeof(*item), GFP_KERNEL);

	if (!item)
		return -ENOMEM;
	kfree(item);
	return item->n;
}
""",
    "overwritten": """\
int f(struct address_space *mapping, int n)
{
	struct page *page = NULL;
	int i;

	for (i = 0; i < n; i++) {
		page = find_get_page(mapping, i);
		if (!page)
			return -ENOENT;
	}
	put_page(page);
	return 0;
}
""",
    "loop": """\
int f(struct address_space *mapping, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		struct page *page = find_get_page(mapping, i);

		if (!page)
			continue;
		if (PageDirty(page)) {
			n--;
			break;
		}
		put_page(page);
	}
	return 0;
}
""",
    "token": """\
int f(struct work *w)
{
	int n;

	rcu_read_lock();
	n = w->n;
	if (n) {
		w->m++;
		return 1;
	}
	rcu_read_unlock();
	if (w->k)
		return 2;
	return 0;
}
""",
    "end": """\
void f(struct inode *inode, struct work *w)
{
	struct page *page = find_get_page(inode->i_mapping, 0);

	if (!page)
		return;
	if (w->n)
		goto out;
	put_page(page);
	return;
out:
	w->n = 0;
}
""",
}


def test_a_leak_is_told_in_the_codes_own_words(found: Judge) -> None:
    (one,) = found(LEAK)
    assert one.kind == FindingKind.LEAK
    assert (one.function, one.path, one.line, one.column) == ("f", "x.c", 18, 2)
    assert (one.resource, one.pair) == ("page", "page-reference")
    assert (one.acquired_line, one.acquired_by) == (6, "find_get_page")
    assert one.release[0] == "put_page"
    assert "page" in one.message
    assert "line 6" in one.message
    assert one.reason
    assert [(step.kind, step.line, step.text) for step in one.steps] == [
        (StepKind.ACQUIRE, 6, "page = find_get_page(inode->i_mapping, 0);"),
        (StepKind.BRANCH, 7, "if (!page)"),
        (StepKind.BRANCH, 10, "if (err) {"),
        (StepKind.GOTO, 12, "goto fail;"),
        (StepKind.RETURN, 18, "return err;"),
    ]
    assert one.steps[0].note == "acquired here"
    assert one.steps[1].note == "page is not 0"
    assert one.steps[2].note == "err is not 0"
    assert one.steps[-1].note == "still held here"


def test_who_releases_something_else_is_not_named(found: Judge) -> None:
    (one,) = found(
        """\
static void drop(struct work *w)
{
	kfree(w);
}

int f(struct work *w)
{
	if (!kmalloc(8, GFP_KERNEL))
		return -ENOMEM;
	drop(w);
	return 0;
}
"""
    )
    assert one.resource == "kmalloc(...)"
    assert one.release[0] == "kfree"
    assert "drop" not in one.release


def test_who_releases_it_elsewhere_is_named_first(found: Judge) -> None:
    (one,) = found(
        """\
static void drop(struct work *w)
{
	kfree(w);
}

int f(struct device *d)
{
	struct work *w = kmalloc(8, GFP_KERNEL);

	if (!w)
		return -ENOMEM;
	if (d->off)
		return 0;
	drop(w);
	return 0;
}
"""
    )
    assert one.release[:2] == ("drop", "kfree")


@pytest.mark.parametrize("name", ["leak", *OTHERS])
def test_steps_are_in_order_and_name_real_lines(name: str, found: Judge) -> None:
    text = {"leak": LEAK, **OTHERS}[name]
    lines = text.split("\n")
    listed = found(text)
    assert listed
    for one in listed:
        assert one.steps
        for step in one.steps:
            assert 1 <= step.line < len(lines)
            assert step.text.startswith(" ".join(lines[step.line - 1].split()))
        assert one.steps[-1].line == one.line
        assert 1 <= one.column <= len(lines[one.line - 1]) + 1
        if one.acquired_line is not None:
            assert f"{one.acquired_by}(" in lines[one.acquired_line - 1]
            assert one.steps[0].line == one.acquired_line
            assert one.steps[0].kind == StepKind.ACQUIRE
        assert set(one.also).isdisjoint({one.line})
        jumps = {StepKind.LOOP, StepKind.GOTO}
        for before, after in zip(one.steps, one.steps[1:], strict=False):
            forward = after.line >= before.line
            assert forward or after.kind in jumps or name in ("overwritten", "loop")


@pytest.mark.xfail(
    strict=True, reason="the turn after an acquire inside the loop is the first seen"
)
def test_a_turn_of_a_loop_is_a_step(found: Judge) -> None:
    (one,) = [one for one in found(OTHERS["overwritten"]) if one.kind == FindingKind.OVERWRITTEN]
    assert StepKind.LOOP in [step.kind for step in one.steps]
    assert (one.acquired_line, one.line) == (7, 7)


def test_further_ways_out_are_named_in_the_same_finding(found: Judge) -> None:
    text = LEAK.replace("err = step(w);", "if (w->k)\n\t\treturn 7;\n\terr = step(w);")
    (one,) = found(text)
    assert (one.line, one.also) == (10, (20,))


def test_long_code_is_cut_and_white_space_folded(found: Judge) -> None:
    condition = " ||\n\t    ".join(f"w->a{n}" for n in range(60))
    (one,) = found(LEAK.replace("if (err) {", f"if ({condition}) {{"))
    assert all(len(step.text) <= 160 and "\n" not in step.text for step in one.steps)


# The line that mends

MENDED = {
    "before a return behind a label": (LEAK, 18, "\tput_page(page);"),
    "before a break": (OTHERS["loop"], 12, "\t\t\tput_page(page);"),
    "a token": (OTHERS["token"], 9, "\t\trcu_read_unlock();"),
    "a lock": (
        """\
int f(struct work *w)
{
	mutex_lock(&w->mutex);
	if (w->n) {
		w->m++;
		return -EBUSY;
	}
	mutex_unlock(&w->mutex);
	return 0;
}
""",
        6,
        "\t\tmutex_unlock(&w->mutex);",
    ),
    "in a mode": (
        """\
int f(struct work *w)
{
	down_write(&w->rwsem);
	if (w->n) {
		w->m++;
		return -EBUSY;
	}
	up_write(&w->rwsem);
	return 0;
}
""",
        6,
        "\t\tup_write(&w->rwsem);",
    ),
    "before the end": (
        """\
void f(struct work *w)
{
	char *buf = kmalloc(8, GFP_KERNEL);

	if (!buf)
		return;
	w->n = buf[0];
}
""",
        8,
        "\tkfree(buf);",
    ),
}
WHY = {
    "before a break": "no line before a break is tried",
}


def _apply(text: str, one: Finding) -> str:
    assert one.suggestion is not None
    lines = text.split("\n")
    lines.insert(one.suggestion.before_line - 1, one.suggestion.text)
    return "\n".join(lines)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[pytest.mark.xfail(strict=True, reason=WHY[name])] if name in WHY else [],
        )
        for name in MENDED
    ],
)
def test_the_suggested_line_makes_the_finding_vanish(name: str, found: Judge) -> None:
    text, line, code = MENDED[name]
    (one,) = [one for one in found(text) if one.kind == FindingKind.LEAK]
    assert one.suggestion is not None
    assert (one.suggestion.before_line, one.suggestion.text) == (line, code)
    assert found(_apply(text, one)) == []


@pytest.mark.parametrize("name", sorted(set(MENDED) - set(WHY)))
def test_the_diff_applies(name: str, found: Judge, tmp_path: Path) -> None:
    text = MENDED[name][0]
    (one,) = [one for one in found(text) if one.kind == FindingKind.LEAK]
    assert one.suggestion is not None
    (tmp_path / "x.c").write_text(text)
    subprocess.run(
        ["git", "apply", "-"],
        cwd=tmp_path,
        input=one.suggestion.diff,
        text=True,
        check=True,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
    )
    assert (tmp_path / "x.c").read_text() == _apply(text, one)


@pytest.mark.parametrize(
    "text",
    [
        # Two ways out, nothing in common.
        """\
int f(struct inode *inode, struct work *w)
{
	struct page *page = find_get_page(inode->i_mapping, 0);

	if (!page)
		return -ENOENT;
	if (w->a) {
		w->n++;
		return 1;
	}
	if (w->b) {
		w->m++;
		return 2;
	}
	put_page(page);
	return 0;
}
""",
        # The only statement of an if: a line more would be behind it, not in it.
        """\
int f(struct inode *inode, struct work *w)
{
	struct page *page = find_get_page(inode->i_mapping, 0);

	if (!page)
		return -ENOENT;
	if (w->a)
		return 1;
	put_page(page);
	return 0;
}
""",
        # A label that others that do not hold it come to.
        """\
int f(struct inode *inode, struct work *w)
{
	struct page *page;

	if (w->a)
		goto out;
	page = find_get_page(inode->i_mapping, 0);
	if (!page)
		goto out;
	if (w->b)
		goto out;
	put_page(page);
out:
	return 0;
}
""",
        OTHERS["double"],
        OTHERS["order"],
        OTHERS["mode"],
        OTHERS["use"],
    ],
    ids=["two ways", "no braces", "shared label", "double", "order", "mode", "use"],
)
def test_no_line_is_suggested_where_none_mends(text: str, found: Judge) -> None:
    listed = found(text)
    assert listed
    for one in listed:
        assert one.suggestion is None


LOCAL = """\
int f(struct inode *inode)
{
	struct work *w = inode->i_private;

	mutex_lock(&w->mutex);
	if (w->n) {
		w->m++;
		return -EBUSY;
	}
	mutex_unlock(&w->mutex);
	return 0;
}
"""


def test_a_lock_has_the_name_that_the_code_gives_it(found: Judge) -> None:
    (one,) = found(LOCAL)
    assert one.resource == "w->mutex"


def test_a_suggestion_has_the_names_that_the_code_has(found: Judge) -> None:
    (one,) = found(LOCAL)
    assert one.suggestion is not None
    assert one.suggestion.text == "\t\tmutex_unlock(&w->mutex);"
