"""Changes: what breaks a pair is introduced, what changes nothing is not, what mends is fixed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from anyclue.review.pairs.contracts.read import built_in
from anyclue.review.pairs.driver.changes import FileChange, SourceChange
from anyclue.review.pairs.driver.review import Reviewer
from anyclue.review.pairs.model import Confidence, FindingKind, Review

Compare = Callable[[str, str], Review]

LOST = {FindingKind.LEAK, FindingKind.LOST_RELEASE, FindingKind.OVERWRITTEN}
TWICE = {FindingKind.DOUBLE_RELEASE, FindingKind.UNHELD, FindingKind.USE_AFTER_RELEASE}

OWN = {
    "page": """
int page(struct inode *inode, struct work *w)
{
	struct page *page = find_get_page(inode->i_mapping, 0);
	int err = 0;

	if (!page)
		return -ENOENT;
	if (PageError(page)) {
		put_page(page);
		return -EIO;
	}
	err = step(w);
	if (err)
		goto out;
	w->n++;
out:
	put_page(page);
	return err;
}
""",
    "buffers": """
int buffers(struct super_block *sb, struct work *w)
{
	struct buffer_head *one, *two;
	int err = -EIO;

	one = sb_bread(sb, 1);
	if (!one)
		return -EIO;
	two = sb_bread(sb, 2);
	if (!two)
		goto out_one;
	err = step(w);
	if (err)
		goto out_two;
	w->n++;
out_two:
	brelse(two);
out_one:
	brelse(one);
	return err;
}
""",
    "memory": """
int memory(struct work *w, int n)
{
	char *buf = kmalloc(n, GFP_KERNEL);
	int i, err = 0;

	if (!buf)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		err = fill(buf, i);
		if (err < 0)
			goto out;
	}
	w->sum = total(buf, n);
out:
	kfree(buf);
	return err;
}
""",
    "mutex": """
int mutex(struct work *w, int op)
{
	int ret = 0;

	mutex_lock(&w->mutex);
	switch (op) {
	case 1:
		w->a++;
		break;
	case 2:
		ret = -EBUSY;
		goto out;
	default:
		mutex_unlock(&w->mutex);
		return -EINVAL;
	}
	w->b++;
out:
	mutex_unlock(&w->mutex);
	return ret;
}
""",
    "turns": """
int turns(struct address_space *mapping, pgoff_t last)
{
	pgoff_t i;
	int n = 0;

	for (i = 0; i < last; i++) {
		struct page *page = find_lock_page(mapping, i);

		if (!page)
			continue;
		if (!PageDirty(page)) {
			unlock_page(page);
			put_page(page);
			continue;
		}
		n++;
		unlock_page(page);
		put_page(page);
	}
	return n;
}
""",
    "maps": """
int maps(struct page *a, struct page *b, int n)
{
	char *from, *to;
	int ret = 0;

	from = kmap_local_page(a);
	to = kmap_local_page(b);
	if (from[0] == to[0]) {
		ret = -EEXIST;
		goto out;
	}
	memcpy(to, from, n);
out:
	kunmap_local(to);
	kunmap_local(from);
	return ret;
}
""",
    "void": """
void nothing(struct work *w)
{
	struct inode *inode = ilookup(w->sb, w->ino);

	if (!inode)
		return;
	if (inode->i_state)
		goto out;
	w->n++;
out:
	iput(inode);
}
""",
    "write": """
int write(struct file *file, struct path *path)
{
	struct dentry *dentry;
	int err;

	err = mnt_want_write(path->mnt);
	if (err)
		return err;
	dentry = dget_parent(path->dentry);
	err = change(dentry);
	if (err)
		goto out;
	err = settle(dentry);
out:
	dput(dentry);
	mnt_drop_write(path->mnt);
	return err;
}
""",
    "rcu": """
int rcu(struct work *w)
{
	struct item *item;
	int n = 0;

	rcu_read_lock();
	item = rcu_dereference(w->item);
	if (!item) {
		rcu_read_unlock();
		return -ENOENT;
	}
	n = item->n;
	rcu_read_unlock();
	return n;
}
""",
    "path": """
int path(struct work *w)
{
	struct btrfs_path *path = btrfs_alloc_path();
	int ret;

	if (!path)
		return -ENOMEM;
	ret = btrfs_search_slot(NULL, w->root, &w->key, path, 0, 0);
	if (ret < 0)
		goto out;
	if (ret > 0) {
		ret = -ENOENT;
		goto out;
	}
	w->n++;
out:
	btrfs_free_path(path);
	return ret;
}
""",
}
"""Functions that acquire what they release."""

HANDED = {
    "parameter": """
int finish(struct work *w, struct page *page)
{
	int err = step(w);

	if (err)
		goto out;
	w->n++;
out:
	put_page(page);
	return err;
}
""",
    "field": """
void drop(struct work *w)
{
	if (w->n)
		settle(w);
	kfree(w->name);
	brelse(w->bh);
	iput(w->inode);
}
""",
    "whole object": """
void destroy(struct work *w)
{
	cancel(w);
	dput(w->dentry);
	kfree(w->buf);
	kfree(w);
}
""",
    "lock of the caller": """
int end(struct work *w)
{
	if (!w->n) {
		spin_unlock(&w->lock);
		return 0;
	}
	w->n--;
	spin_unlock(&w->lock);
	return 1;
}
""",
    "unknown source": """
int peek(struct work *w)
{
	struct item *item = first(w);
	int n;

	if (!item)
		return -ENOENT;
	n = item->n;
	kfree(item->name);
	kfree(item);
	return n;
}
""",
    "elements": """
void free_all(struct work *w)
{
	int i;

	for (i = 0; i < w->n; i++)
		put_page(w->pages[i]);
	kfree(w->pages);
}
""",
    "list": """
void free_list(struct work *w)
{
	struct item *item, *next;

	list_for_each_entry_safe(item, next, &w->list, list) {
		list_del(&item->list);
		kfree(item->name);
		kfree(item);
	}
}
""",
    "success only": """
int commit(struct work *w, struct buffer_head *bh)
{
	int err = check(w);

	if (err)
		return err;
	mark_buffer_dirty(bh);
	brelse(bh);
	return 0;
}
""",
}
"""Functions that release what they did not acquire."""

ALL = OWN | HANDED
RELEASE = re.compile(
    r"^\t+(put_page|brelse|kfree|mutex_unlock|unlock_page|kunmap_local|iput|dput|mnt_drop_write|"
    r"rcu_read_unlock|btrfs_free_path|spin_unlock)\(.*\);$"
)


def _releases(name: str) -> list[int]:
    return [i for i, line in enumerate(ALL[name].split("\n")) if RELEASE.match(line)]


def _edited(name: str, number: int, lines: list[str]) -> str:
    listed = ALL[name].split("\n")
    return "\n".join([*listed[:number], *lines, *listed[number + 1 :]])


def _marked(kind: str, listed: list[tuple[str, int]]) -> list[object]:
    found: list[object] = []
    for name, number in listed:
        code = ALL[name].split("\n")[number].strip()
        why = MISSED.get((kind, name, code)) or MISSED.get((kind, name, str(number)))
        marks = [pytest.mark.xfail(strict=True, reason=why)] if why else []
        found.append(pytest.param(name, number, id=f"{name}-{number}-{code}", marks=marks))
    return found


_UNLISTED = "what no path released is too weak a finding to be listed as fixed"
_JOINED = "ways that did not decide are not compared with one that does"
_ELEMENT = "elements of an array are not counted"
MISSED: Mapping[tuple[str, str, str], str] = {
    ("doubled", "elements", "put_page(w->pages[i]);"): _ELEMENT,
    ("fixed", "memory", "kfree(buf);"): _UNLISTED,
    ("fixed", "write", "dput(dentry);"): _UNLISTED,
    ("fixed", "write", "mnt_drop_write(path->mnt);"): _UNLISTED,
}
"""By kind of edit, function and code or line: what is not found, with the reason."""

WRONG: dict[tuple[str, str], str] = {}
"""By function and kind of change: what is introduced though nothing changed, with the reason."""

RELEASES = [(name, number) for name in ALL for number in _releases(name)]
GOTOS = [
    (name, number)
    for name in ALL
    for number, line in enumerate(ALL[name].split("\n"))
    if line.strip().startswith("goto ")
]


def test_the_functions_are_balanced(sure: Callable[[str], list[object]]) -> None:
    for name, text in ALL.items():
        assert sure(text) == [], name


@pytest.mark.parametrize(("name", "number"), _marked("deleted", RELEASES))
def test_a_deleted_release_is_introduced(name: str, number: int, change: Compare) -> None:
    without = _edited(name, number, [";"] if _lonely(name, number) else [])
    found = change(ALL[name], without).findings
    assert LOST & {one.kind for one in found}


def _lonely(name: str, number: int) -> bool:
    """Tell whether a line is the only statement of an ``if``, a loop or a label."""
    before, after = ALL[name].split("\n")[number - 1 : number + 2 : 2]
    return before.endswith(")") or (before.endswith(":") and after == "}")


@pytest.mark.parametrize(("name", "number"), _marked("goto", GOTOS))
def test_a_return_in_place_of_a_goto_is_introduced(name: str, number: int, change: Compare) -> None:
    value = "return;" if ALL[name].lstrip().startswith("void") else "return -EIO;"
    found = change(ALL[name], _edited(name, number, [f"\t\t{value}"])).findings
    assert LOST & {one.kind for one in found}


@pytest.mark.parametrize(("name", "number"), _marked("doubled", RELEASES))
def test_a_doubled_release_is_introduced(name: str, number: int, change: Compare) -> None:
    line = ALL[name].split("\n")[number]
    lines = [f"{line.replace(line.strip(), '')}{{", line, line, "}"]
    found = change(ALL[name], _edited(name, number, lines)).findings
    assert TWICE & {one.kind for one in found}


def test_lifo_order_swapped_is_introduced(change: Compare) -> None:
    new = OWN["maps"].replace("(to);\n\tkunmap_local(from);", "(from);\n\tkunmap_local(to);")
    assert [one.kind for one in change(OWN["maps"], new).findings] == [FindingKind.WRONG_ORDER]


def test_lifo_order_of_what_was_handed_over_swapped_is_introduced(change: Compare) -> None:
    old = """
void f(char *a, char *b, int n)
{
	memcpy(a, b, n);
	kunmap_local(b);
	kunmap_local(a);
}

void g(struct page *p, struct page *q)
{
	char *a = kmap_local_page(p);
	char *b = kmap_local_page(q);

	f(a, b, 8);
}
"""
    new = old.replace("(b);\n\tkunmap_local(a);", "(a);\n\tkunmap_local(b);")
    assert not change(new, old).findings
    assert FindingKind.WRONG_ORDER in {one.kind for one in change(old, new).findings}


# What changes nothing


def _renamed(text: str) -> str:
    for old, new in (("page", "pg"), ("err", "rc"), ("buf", "data"), ("one", "first_bh")):
        text = re.sub(rf"(?<![\w>]){old}\b(?! \*)(?!\()", new, text)
    return text


def _inverted(text: str) -> str:
    return re.sub(r"if \(!(\w+)\)", r"if (\1 == NULL)", text)


NO_CHANGES: Mapping[str, Callable[[str], str]] = {
    "spaces for tabs": lambda text: text.replace("\t", "    "),
    "broken lines": lambda text: text.replace("(", "(\n").replace(";", "\n;"),
    "comments": lambda text: text.replace(";\n", "; /* put_page(page); } */\n// {\n"),
    "moved down": lambda text: "int unrelated(void)\n{\n\treturn 3;\n}\n" * 1 + "\n" * 40 + text,
    "variables renamed": _renamed,
    "function renamed": lambda text: re.sub(r"^((?:int|void) )(\w+)\(", r"\1new_\2(", text.strip()),
    "!x as x == NULL": _inverted,
    "labels renamed": lambda text: re.sub(r"\bout(\w*)(;|:)", r"done\1\2", text),
    "static": lambda text: "static " + text.lstrip(),
    "braces around single statements": lambda text: re.sub(
        r"(\n\t+(?:if|for) \([^\n]*\))\n(\t+[^\n]*;)", r"\1 {\n\2\n\t}", text
    ),
    "unlikely": lambda text: re.sub(r"if \((\w+)\)", r"if (unlikely(\1))", text),
    "printing": lambda text: (
        re.sub(r"(\n\t+)(goto|return) ", r'\1pr_debug("x");\1\2 ', text)
        if " {" not in text or "goto" not in text
        else text
    ),
    "a new last function": lambda text: text + "int more(void)\n{\n\treturn 1;\n}\n",
}


def _no_changes() -> list[object]:
    return [
        pytest.param(
            name,
            how,
            id=f"{name}-{how}",
            marks=[pytest.mark.xfail(strict=True, reason=WRONG[name, how])]
            if (name, how) in WRONG
            else [],
        )
        for name in ALL
        for how in NO_CHANGES
    ]


@pytest.mark.parametrize(("name", "how"), _no_changes())
def test_what_changes_nothing_introduces_and_fixes_nothing(
    name: str, how: str, change: Compare
) -> None:
    if how == "printing" and re.search(r"\)\n\t+(goto|return)", ALL[name]):
        return  # it would stand behind an if without braces
    review = change(ALL[name], NO_CHANGES[how](ALL[name]))
    assert [(one.kind, one.resource, one.reason) for one in review.findings] == []
    assert [(one.kind, one.resource) for one in review.fixed] == []


@pytest.mark.parametrize("name", list(ALL))
def test_a_function_moved_to_another_file_introduces_nothing(
    name: str, change_files: Callable[[Mapping[str, str], Mapping[str, str]], Review]
) -> None:
    other = "int unrelated(void)\n{\n\treturn 3;\n}\n"
    review = change_files({"a.c": ALL[name], "b.c": other}, {"a.c": "", "b.c": other + ALL[name]})
    assert not review.findings
    assert not review.fixed


@pytest.mark.parametrize("name", list(ALL))
def test_a_file_renamed_introduces_nothing(name: str, tmp_path: Path) -> None:
    text = ALL[name].encode()
    file = FileChange(old_path="a.c", new_path="b.c", old=text, new=text + b"\n")
    review = Reviewer(tmp_path, contracts=built_in(), cache=None, jobs=1).change(
        SourceChange(title="renamed", root=tmp_path, files=(file,))
    )
    assert not review.findings


REFACTORED = {
    "if and else inverted": (
        """
int f(struct inode *inode)
{
	struct page *page = find_get_page(inode->i_mapping, 0);
	int ret;

	if (!page)
		return -ENOENT;
	if (PageUptodate(page)) {
		ret = 0;
		put_page(page);
	} else {
		put_page(page);
		ret = -EIO;
	}
	return ret;
}
""",
        """
int f(struct inode *inode)
{
	struct page *page = find_get_page(inode->i_mapping, 0);
	int ret;

	if (!page)
		return -ENOENT;
	if (!PageUptodate(page)) {
		put_page(page);
		ret = -EIO;
	} else {
		ret = 0;
		put_page(page);
	}
	return ret;
}
""",
    ),
    "declarations reordered": (
        """
int f(struct super_block *sb)
{
	int err = 0;
	struct buffer_head *bh = sb_bread(sb, 1);
	struct work *w = sb->s_fs_info;

	if (!bh)
		return -EIO;
	err = w->n;
	brelse(bh);
	return err;
}
""",
        """
int f(struct super_block *sb)
{
	struct work *w = sb->s_fs_info;
	struct buffer_head *bh;
	int err;

	err = 0;
	bh = sb_bread(sb, 1);
	if (!bh)
		return -EIO;
	err = w->n;
	brelse(bh);
	return err;
}
""",
    ),
    "release moved into a new helper": (
        OWN["buffers"],
        """
static void put_both(struct buffer_head *one, struct buffer_head *two)
{
	brelse(two);
	brelse(one);
}

int buffers(struct super_block *sb, struct work *w)
{
	struct buffer_head *one, *two = NULL;
	int err = -EIO;

	one = sb_bread(sb, 1);
	if (!one)
		return -EIO;
	two = sb_bread(sb, 2);
	if (!two)
		goto out;
	err = step(w);
	if (err)
		goto out;
	w->n++;
out:
	put_both(one, two);
	return err;
}
""",
    ),
    "release of a field moved into a new helper": (
        HANDED["field"],
        """
static void drop_buffers(struct work *w)
{
	brelse(w->bh);
	iput(w->inode);
}

void drop(struct work *w)
{
	if (w->n)
		settle(w);
	kfree(w->name);
	drop_buffers(w);
}
""",
    ),
    "acquire moved into a new helper": (
        OWN["page"],
        """
static struct page *get_first(struct inode *inode)
{
	return find_get_page(inode->i_mapping, 0);
}
"""
        + OWN["page"].replace("find_get_page(inode->i_mapping, 0)", "get_first(inode)"),
    ),
    "helper inlined": (
        """
static void finish(struct work *w, struct page *page)
{
	w->n++;
	put_page(page);
}

int f(struct work *w, struct inode *inode)
{
	struct page *page = find_get_page(inode->i_mapping, 0);

	if (!page)
		return -ENOENT;
	finish(w, page);
	return 0;
}
""",
        """
int f(struct work *w, struct inode *inode)
{
	struct page *page = find_get_page(inode->i_mapping, 0);

	if (!page)
		return -ENOENT;
	w->n++;
	put_page(page);
	return 0;
}
""",
    ),
    "error paths merged into one label": (
        """
int f(struct super_block *sb, struct work *w)
{
	struct buffer_head *bh = sb_bread(sb, 1);

	if (!bh)
		return -EIO;
	if (w->a) {
		brelse(bh);
		return -EBUSY;
	}
	if (w->b) {
		brelse(bh);
		return -EINVAL;
	}
	brelse(bh);
	return 0;
}
""",
        """
int f(struct super_block *sb, struct work *w)
{
	struct buffer_head *bh = sb_bread(sb, 1);
	int err = 0;

	if (!bh)
		return -EIO;
	if (w->a) {
		err = -EBUSY;
		goto out;
	}
	if (w->b) {
		err = -EINVAL;
		goto out;
	}
out:
	brelse(bh);
	return err;
}
""",
    ),
    "error paths of what was handed over merged": (
        """
int f(struct work *w, struct buffer_head *bh)
{
	if (w->a) {
		brelse(bh);
		return -EBUSY;
	}
	if (w->b) {
		brelse(bh);
		return -EINVAL;
	}
	brelse(bh);
	return 0;
}
""",
        """
int f(struct work *w, struct buffer_head *bh)
{
	int err = 0;

	if (w->a)
		err = -EBUSY;
	else if (w->b)
		err = -EINVAL;
	brelse(bh);
	return err;
}
""",
    ),
    "nested ifs made flat": (
        """
int f(struct work *w)
{
	int ret = -ENOMEM;
	char *buf = kmalloc(8, GFP_KERNEL);

	if (buf) {
		ret = fill(w, buf);
		if (!ret)
			w->n++;
		kfree(buf);
	}
	return ret;
}
""",
        """
int f(struct work *w)
{
	int ret;
	char *buf = kmalloc(8, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	ret = fill(w, buf);
	if (ret)
		goto out;
	w->n++;
out:
	kfree(buf);
	return ret;
}
""",
    ),
    "by hand made __free()": (
        """
int f(struct work *w)
{
	char *buf = kmalloc(8, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	if (w->n) {
		kfree(buf);
		return -EBUSY;
	}
	kfree(buf);
	return 0;
}
""",
        """
int f(struct work *w)
{
	char *buf __free(kfree) = kmalloc(8, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	if (w->n)
		return -EBUSY;
	return 0;
}
""",
    ),
    "by hand made guard()": (
        """
int f(struct work *w)
{
	int n;

	mutex_lock(&w->mutex);
	n = w->n;
	mutex_unlock(&w->mutex);
	return n;
}
""",
        """
int f(struct work *w)
{
	guard(mutex)(&w->mutex);
	return w->n;
}
""",
    ),
    "release moved to the caller": (
        """
static int use(struct work *w, struct page *page)
{
	int n = w->n;

	put_page(page);
	return n;
}

int f(struct work *w, struct inode *inode)
{
	struct page *page = find_get_page(inode->i_mapping, 0);

	if (!page)
		return -ENOENT;
	return use(w, page);
}
""",
        """
static int use(struct work *w, struct page *page)
{
	return w->n;
}

int f(struct work *w, struct inode *inode)
{
	struct page *page = find_get_page(inode->i_mapping, 0);
	int n;

	if (!page)
		return -ENOENT;
	n = use(w, page);
	put_page(page);
	return n;
}
""",
    ),
    "page made folio": (
        OWN["page"],
        OWN["page"]
        .replace("struct page *page = find_get_page", "struct folio *folio = filemap_get_folio")
        .replace("put_page(page)", "folio_put(folio)")
        .replace("PageError(page)", "folio_test_error(folio)")
        .replace("!page", "IS_ERR(folio)"),
    ),
    "resource and its release gone together": (
        OWN["memory"],
        """
int memory(struct work *w, int n)
{
	int i, err = 0;

	for (i = 0; i < n; i++) {
		err = fill(w, i);
		if (err < 0)
			return err;
	}
	return err;
}
""",
    ),
    "a new early return before the acquire": (
        OWN["page"],
        OWN["page"]
        .replace("struct page *page = find_get_page(inode->i_mapping, 0);", "struct page *page;")
        .replace(
            "\tif (!page)",
            "\tif (!w)\n\t\treturn -EINVAL;\n"
            "\tpage = find_get_page(inode->i_mapping, 0);\n\tif (!page)",
        ),
    ),
    "a new function that is right": (OWN["page"], OWN["page"] + OWN["memory"]),
    "a function gone": (OWN["page"] + OWN["memory"], OWN["memory"]),
    "a loop made a helper": (
        HANDED["elements"],
        """
static void put_pages(struct page **pages, int n)
{
	while (n--)
		put_page(pages[n]);
}

void free_all(struct work *w)
{
	put_pages(w->pages, w->n);
	kfree(w->pages);
}
""",
    ),
}


@pytest.mark.parametrize("name", REFACTORED)
def test_a_refactoring_introduces_nothing(name: str, change: Compare) -> None:
    review = change(*REFACTORED[name])
    assert [(one.function, one.kind, one.resource, one.reason) for one in review.findings] == []


# Fixes


@pytest.mark.parametrize(
    ("name", "number"), _marked("fixed", [(n, i) for n, i in RELEASES if n in OWN])
)
def test_a_fix_introduces_nothing_and_is_listed(name: str, number: int, change: Compare) -> None:
    review = change(_edited(name, number, [";"] if _lonely(name, number) else []), ALL[name])
    assert [(one.kind, one.resource, one.reason) for one in review.findings] == []
    assert LOST & {one.kind for one in review.fixed}
    assert all(one.confidence != Confidence.LOW for one in review.fixed)


@pytest.mark.parametrize(
    ("name", "number"), [(n, i) for n, i in RELEASES if n in HANDED and not _lonely(n, i)]
)
def test_a_release_added_of_what_was_handed_over_introduces_nothing(
    name: str, number: int, change: Compare
) -> None:
    review = change(_edited(name, number, [";"] if _lonely(name, number) else []), ALL[name])
    assert [(one.kind, one.resource, one.reason) for one in review.findings] == []


@pytest.mark.parametrize(("name", "number"), [(n, i) for n, i in GOTOS if n in OWN])
def test_a_return_made_a_goto_is_a_fix(name: str, number: int, change: Compare) -> None:
    value = "return;" if ALL[name].lstrip().startswith("void") else "return -EIO;"
    review = change(_edited(name, number, [f"\t\t{value}"]), ALL[name])
    assert [(one.kind, one.resource, one.reason) for one in review.findings] == []
    assert LOST & {one.kind for one in review.fixed}


@pytest.mark.parametrize(("name", "number"), [(n, i) for n, i in RELEASES if n in OWN])
def test_a_doubled_release_made_one_introduces_nothing(
    name: str, number: int, change: Compare
) -> None:
    line = ALL[name].split("\n")[number]
    review = change(_edited(name, number, [line, line]), ALL[name])
    assert [(one.kind, one.resource, one.reason) for one in review.findings] == []


def test_what_was_there_before_is_not_introduced(change: Compare) -> None:
    broken = OWN["page"].replace("{\n\t\tput_page(page);\n\t\treturn -EIO;\n\t}", "\n\t\treturn 1;")
    review = change(broken, broken.replace("w->n++", "w->n--"))
    assert not review.findings
    assert not review.fixed


@pytest.mark.xfail(strict=True, reason=_JOINED)
def test_a_second_leak_of_the_same_resource_is_introduced(change: Compare) -> None:
    broken = OWN["page"].replace("{\n\t\tput_page(page);\n\t\treturn -EIO;\n\t}", "\n\t\treturn 1;")
    review = change(broken, broken.replace("goto out;", "return err;"))
    assert [one.kind for one in review.findings] == [FindingKind.LEAK]


def test_a_leak_in_a_new_function_is_introduced(change: Compare) -> None:
    broken = OWN["page"].replace("{\n\t\tput_page(page);\n\t\treturn -EIO;\n\t}", "\n\t\treturn 1;")
    review = change(OWN["memory"], OWN["memory"] + broken)
    assert [(one.function, one.kind) for one in review.findings] == [("page", FindingKind.LEAK)]


def test_a_leak_in_a_function_that_was_moved_and_renamed_is_introduced(change: Compare) -> None:
    moved = OWN["page"].replace("int page(", "int other(").replace("goto out;", "return err;")
    review = change(OWN["page"] + OWN["memory"], OWN["memory"] + moved)
    assert [(one.function, one.kind) for one in review.findings] == [("other", FindingKind.LEAK)]


def test_a_helper_that_does_not_release_any_more_is_introduced_once(change: Compare) -> None:
    old = """
static void helper(struct work *w, struct page *page)
{
	w->n++;
	put_page(page);
}

int f(struct work *w, struct inode *inode)
{
	struct page *page = find_get_page(inode->i_mapping, 0);

	if (!page)
		return -ENOENT;
	helper(w, page);
	return 0;
}
"""
    review = change(old, old.replace("\tput_page(page);\n", ""))
    assert len(review.findings) == 1
    assert LOST & {one.kind for one in review.findings}


def test_a_helper_that_acquires_now_is_seen_in_its_callers(
    change_files: Callable[[Mapping[str, str], Mapping[str, str]], Review],
) -> None:
    helper = "struct page *first(struct inode *i)\n{\n\treturn i->i_private;\n}\n"
    caller = """
struct page *first(struct inode *i);
int f(struct inode *inode)
{
	struct page *page = first(inode);

	return page ? page->index : 0;
}
"""
    files = {"a.c": helper, "b.c": caller}
    new = files | {"a.c": helper.replace("i->i_private", "find_get_page(i->i_mapping, 0)")}
    review = change_files(files, new)
    assert [(one.path, one.function) for one in review.findings] == [("b.c", "f")]


def test_a_comment_silences(change: Compare) -> None:
    told = OWN["page"].replace(
        "{\n\t\tput_page(page);\n\t\treturn -EIO;",
        "{\n\t\t// anyclue: transfers the caller has it\n\t\treturn -EIO;",
    )
    assert not change(OWN["page"], told).findings


def test_nothing_is_introduced_by_a_file_that_is_gone(
    change_files: Callable[[Mapping[str, str], Mapping[str, str]], Review],
) -> None:
    assert not change_files(ALL, {}).findings


def test_a_new_file_is_judged(
    change_files: Callable[[Mapping[str, str], Mapping[str, str]], Review],
) -> None:
    broken = OWN["page"].replace("goto out;", "return err;")
    review = change_files({}, {"a.c": broken})
    assert [one.kind for one in review.findings] == [FindingKind.LEAK]


def test_an_unlock_of_what_nobody_locked_may_go(change: Compare) -> None:
    stray = """
static int skip(struct ses *ses, struct srv *srv)
{
	if (srv->secondary) {
		reconnect(srv);
		mutex_unlock(&ses->mutex);
		return -EHOSTDOWN;
	}
	lower(ses);
	return 0;
}
"""
    review = change(stray, stray.replace("\t\tmutex_unlock(&ses->mutex);\n", ""))
    assert all(one.confidence == Confidence.LOW for one in review.findings)
