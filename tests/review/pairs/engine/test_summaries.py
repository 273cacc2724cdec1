"""What helpers do is inferred: each with a caller that is right, and one that is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from anyclue.review.pairs.model import Finding, FindingKind, Review
from anyclue.review.pairs.rules.program import Program

Judge = Callable[[str], list[Finding]]

LEAK = FindingKind.LEAK
DOUBLE = FindingKind.DOUBLE_RELEASE


@dataclass(frozen=True)
class Case:
    """A helper, a caller that balances with it, and the caller broken in one place."""

    name: str
    helper: str
    caller: str
    old: str
    new: str
    kind: FindingKind = LEAK
    good_fails: str = ""
    bad_fails: str = ""

    @property
    def good(self) -> str:
        return f"{self.helper}\n{self.caller}"

    @property
    def broken(self) -> str:
        assert self.caller.count(self.old) == 1, self.name
        return f"{self.helper}\n{self.caller.replace(self.old, self.new)}"


USES_PAGE = """
int f(struct inode *inode)
{
	struct page *page = helper(inode);

	if (!page)
		return -ENOENT;
	if (PageError(page)) {
		put_page(page);
		return -EIO;
	}
	put_page(page);
	return 0;
}
"""
DROPS_PAGE = "{\n\t\tput_page(page);\n\t\treturn -EIO;\n\t}"
JUST_RETURNS = "\n\t\treturn -EIO;"

CASES = [
    Case(
        "acquires and returns",
        """
static struct page *helper(struct inode *inode)
{
	return find_get_page(inode->i_mapping, 0);
}
""",
        USES_PAGE,
        DROPS_PAGE,
        JUST_RETURNS,
    ),
    Case(
        "acquires and returns what passed a test",
        """
static struct page *helper(struct inode *inode)
{
	struct page *page = find_get_page(inode->i_mapping, 0);

	if (!page)
		return NULL;
	if (!PageUptodate(page)) {
		put_page(page);
		return NULL;
	}
	return page;
}
""",
        USES_PAGE,
        DROPS_PAGE,
        JUST_RETURNS,
    ),
    Case(
        "acquires through another helper",
        """
static struct page *inner(struct address_space *mapping, pgoff_t i)
{
	struct page *page;

	page = find_get_page(mapping, i);
	return page;
}

static struct page *helper(struct inode *inode)
{
	struct page *page = inner(inode->i_mapping, 0);

	if (page)
		mark_page_accessed(page);
	return page;
}
""",
        USES_PAGE,
        DROPS_PAGE,
        JUST_RETURNS,
    ),
    Case(
        "acquires and returns an ERR_PTR where it fails",
        """
static struct buffer_head *helper(struct super_block *sb)
{
	struct buffer_head *bh = sb_bread(sb, 1);

	if (!bh)
		return ERR_PTR(-EIO);
	return bh;
}
""",
        """
int f(struct super_block *sb)
{
	struct buffer_head *bh = helper(sb);

	if (IS_ERR(bh))
		return PTR_ERR(bh);
	if (bh->b_size != 512) {
		brelse(bh);
		return -EINVAL;
	}
	brelse(bh);
	return 0;
}
""",
        "{\n\t\tbrelse(bh);\n\t\treturn -EINVAL;\n\t}",
        "\n\t\treturn -EINVAL;",
    ),
    Case(
        "acquires by an out-parameter, on success only",
        """
static int helper(struct super_block *sb, struct buffer_head **bhp)
{
	struct buffer_head *bh = sb_bread(sb, 1);

	if (!bh)
		return -EIO;
	if (bh->b_size != 512) {
		brelse(bh);
		return -EINVAL;
	}
	*bhp = bh;
	return 0;
}
""",
        """
int f(struct super_block *sb)
{
	struct buffer_head *bh;
	int err = helper(sb, &bh);

	if (err)
		return err;
	if (bh->b_blocknr) {
		brelse(bh);
		return -ERANGE;
	}
	brelse(bh);
	return 0;
}
""",
        "{\n\t\tbrelse(bh);\n\t\treturn -ERANGE;\n\t}",
        "\n\t\treturn -ERANGE;",
    ),
    Case(
        "acquires into a field of what it is given",
        """
struct both { struct buffer_head *one; int n; };

static int helper(struct super_block *sb, struct both *both)
{
	both->one = sb_bread(sb, 1);
	if (!both->one)
		return -EIO;
	return 0;
}
""",
        """
int f(struct super_block *sb)
{
	struct both both;
	int err = helper(sb, &both);

	if (err)
		return err;
	if (both.one->b_blocknr)
		err = -ERANGE;
	brelse(both.one);
	return err;
}
""",
        "\t\terr = -ERANGE;",
        "\t\treturn -ERANGE;",
    ),
    Case(
        "releases always",
        """
static void helper(struct work *w, struct buffer_head *bh)
{
	w->n++;
	brelse(bh);
}
""",
        """
int f(struct work *w, struct super_block *sb)
{
	struct buffer_head *bh = sb_bread(sb, 1);

	if (!bh)
		return -EIO;
	if (bh->b_size != 512)
		w->n = 0;
	helper(w, bh);
	return 0;
}
""",
        "w->n = 0;",
        "return -EINVAL;",
    ),
    Case(
        "releases, and the caller does so again",
        """
static void helper(struct work *w, char *buf)
{
	w->n++;
	kfree(buf);
}
""",
        """
int f(struct work *w)
{
	char *buf = kmalloc(8, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	helper(w, buf);
	return 0;
}
""",
        "\thelper(w, buf);\n",
        "\thelper(w, buf);\n\tkfree(buf);\n",
        DOUBLE,
    ),
    Case(
        "releases on failure only",
        """
static int helper(struct work *w, struct buffer_head *bh)
{
	if (w->n) {
		brelse(bh);
		return -EIO;
	}
	return 0;
}
""",
        """
int f(struct work *w, struct super_block *sb)
{
	struct buffer_head *bh = sb_bread(sb, 1);
	int err;

	if (!bh)
		return -EIO;
	err = helper(w, bh);
	if (err)
		return err;
	mark_buffer_dirty(bh);
	brelse(bh);
	return 0;
}
""",
        "\tbrelse(bh);\n\treturn 0;",
        "\treturn 0;",
    ),
    Case(
        "releases on failure only, and the caller too",
        """
static int helper(struct work *w, struct buffer_head *bh)
{
	if (w->n) {
		brelse(bh);
		return -EIO;
	}
	return 0;
}
""",
        """
int f(struct work *w, struct super_block *sb)
{
	struct buffer_head *bh = sb_bread(sb, 1);
	int err;

	if (!bh)
		return -EIO;
	err = helper(w, bh);
	if (err)
		return err;
	mark_buffer_dirty(bh);
out:
	brelse(bh);
	return err;
}
""",
        "if (err)\n\t\treturn err;",
        "if (err)\n\t\tgoto out;",
        DOUBLE,
    ),
    Case(
        "releases through a container",
        """
struct item { struct list_head list; int n; };

static void helper(struct list_head *ws)
{
	struct item *item = list_entry(ws, struct item, list);

	kfree(item);
}
""",
        """
int f(struct work *w)
{
	struct item *item = kmalloc(sizeof(*item), GFP_KERNEL);

	if (!item)
		return -ENOMEM;
	item->n = prepare(w);
	if (item->n < 0)
		goto out;
	w->n = item->n;
out:
	helper(&item->list);
	return 0;
}
""",
        "\t\tgoto out;",
        "\t\treturn -EIO;",
    ),
    Case(
        "lock wrappers by design",
        """
static void helper_lock(struct work *w)
{
	mutex_lock(&w->mutex);
	w->owner = current;
}

static void helper_unlock(struct work *w)
{
	w->owner = NULL;
	mutex_unlock(&w->mutex);
}
""",
        """
int f(struct work *w)
{
	helper_lock(w);
	if (w->n) {
		helper_unlock(w);
		return -EBUSY;
	}
	helper_unlock(w);
	return 0;
}
""",
        "{\n\t\thelper_unlock(w);\n\t\treturn -EBUSY;\n\t}",
        "\n\t\treturn -EBUSY;",
    ),
    Case(
        "a lock wrapper that may fail",
        """
static int helper_lock(struct work *w)
{
	mutex_lock(&w->mutex);
	if (w->dead) {
		mutex_unlock(&w->mutex);
		return -ESHUTDOWN;
	}
	return 0;
}
""",
        """
int f(struct work *w)
{
	int err = helper_lock(w);

	if (err)
		return err;
	if (w->n)
		err = -EBUSY;
	mutex_unlock(&w->mutex);
	return err;
}
""",
        "\t\terr = -EBUSY;",
        "\t\treturn -EBUSY;",
    ),
    Case(
        "a lock wrapper that answers true",
        """
static bool helper_lock(struct work *w)
{
	spin_lock(&w->lock);
	if (!w->dead)
		return true;
	spin_unlock(&w->lock);
	return false;
}
""",
        """
int f(struct work *w)
{
	int n = 0;

	if (!helper_lock(w))
		return -ESHUTDOWN;
	if (w->n)
		n = 1;
	spin_unlock(&w->lock);
	return n;
}
""",
        "\t\tn = 1;",
        "\t\treturn 1;",
    ),
    Case(
        "a lock dropped and taken again",
        """
static void helper(struct work *w)
{
	spin_unlock(&w->lock);
	cond_resched();
	spin_lock(&w->lock);
}
""",
        """
int f(struct work *w)
{
	int n = 0;

	spin_lock(&w->lock);
	helper(w);
	if (w->n)
		n = 1;
	spin_unlock(&w->lock);
	return n;
}
""",
        "\t\tn = 1;",
        "\t\treturn 1;",
    ),
    Case(
        "keeps what it is given",
        """
static void helper(struct work *w, char *buf)
{
	w->buf = buf;
}
""",
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
	helper(w, buf);
	return 0;
}
""",
        "{\n\t\tkfree(buf);\n\t\treturn -EBUSY;\n\t}",
        "\n\t\treturn -EBUSY;",
    ),
    Case(
        "only looks at what it is given",
        """
static int helper(struct work *w, const char *buf)
{
	return buf[0] == w->n;
}
""",
        """
int f(struct work *w)
{
	char *buf = kmalloc(8, GFP_KERNEL);
	int n;

	if (!buf)
		return -ENOMEM;
	n = helper(w, buf);
	kfree(buf);
	return n;
}
""",
        "\tkfree(buf);\n",
        "",
    ),
    Case(
        "returns what it was given",
        """
static struct page *helper(struct page *page)
{
	mark_page_accessed(page);
	return page;
}
""",
        """
int f(struct inode *inode)
{
	struct page *page = find_get_page(inode->i_mapping, 0);
	struct page *same;

	if (!page)
		return -ENOENT;
	same = helper(page);
	if (PageError(same)) {
		put_page(same);
		return -EIO;
	}
	put_page(same);
	return 0;
}
""",
        "{\n\t\tput_page(same);\n\t\treturn -EIO;\n\t}",
        "\n\t\treturn -EIO;",
    ),
    Case(
        "calls itself",
        """
static void helper(struct work *w, char *buf, int depth)
{
	if (depth) {
		helper(w, buf, depth - 1);
		return;
	}
	kfree(buf);
}
""",
        """
int f(struct work *w)
{
	char *buf = kmalloc(8, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	if (w->n)
		w->n = 2;
	helper(w, buf, 3);
	return 0;
}
""",
        "w->n = 2;",
        "return -EBUSY;",
    ),
    Case(
        "call each other",
        """
static struct page *helper(struct inode *inode);

static struct page *other(struct inode *inode, int again)
{
	if (again)
		return helper(inode);
	return find_get_page(inode->i_mapping, 0);
}

static struct page *helper(struct inode *inode)
{
	return other(inode, inode->i_state);
}
""",
        USES_PAGE,
        DROPS_PAGE,
        JUST_RETURNS,
    ),
    Case(
        "ends the program",
        """
static void helper(struct work *w)
{
	printk("no");
	panic("not this one");
}
""",
        """
int f(struct work *w)
{
	mutex_lock(&w->mutex);
	if (w->n) {
		helper(w);
		return 0;
	}
	mutex_unlock(&w->mutex);
	return 0;
}
""",
        "helper(w);",
        "settle(w);",
        good_fails="a helper that ends in panic() has a closing brace, so it is said to come back",
    ),
]


def _cases(*, broken: bool) -> list[object]:
    listed: list[object] = []
    for case in CASES:
        why = case.bad_fails if broken else case.good_fails
        marks = [pytest.mark.xfail(strict=True, reason=why)] if why else []
        listed.append(pytest.param(case, id=case.name, marks=marks))
    return listed


@pytest.mark.parametrize("case", _cases(broken=False))
def test_nothing_is_said_of_a_caller_that_is_right(case: Case, sure: Judge) -> None:
    assert [(one.function, one.kind, one.resource) for one in sure(case.good)] == []


@pytest.mark.parametrize("case", _cases(broken=True))
def test_a_caller_that_is_not_right_is_found(case: Case, found: Judge) -> None:
    assert ("f", case.kind) in [(one.function, one.kind) for one in found(case.broken)]


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a field", "w->page = page;\n\treturn 0;"),
        ("an array", "w->pages[w->n++] = page;\n\treturn 0;"),
        ("a list", "list_add(&page->lru, &w->list);\n\treturn 0;"),
        ("a tree", "return xa_insert(&w->pages, 0, page, GFP_NOFS);"),
        ("an out-parameter", "*pagep = page;\n\treturn 0;"),
        ("a global", "the_page = page;\n\treturn 0;"),
        ("a work item", "w->page = page;\n\tqueue_work(w->queue, &w->work);\n\treturn 0;"),
        ("a callback", "return w->ops->take(w, page);"),
        ("a structure literal", "*w = (struct work){ .page = page };\n\treturn 0;"),
    ],
)
def test_what_escapes_is_let_go_silently(name: str, ending: str, sure: Judge) -> None:
    text = f"""
int f(struct inode *inode, struct work *w, struct page **pagep)
{{
	struct page *page = find_get_page(inode->i_mapping, 0);

	if (!page)
		return -ENOENT;
	{ending}
}}
"""
    assert sure(text) == [], name


@pytest.mark.parametrize(
    "ending",
    ["return page;", "return page_address(page) ? page : page;", "return (void *)page;"],
)
def test_what_is_returned_is_let_go_silently(ending: str, sure: Judge) -> None:
    text = f"""
struct page *f(struct inode *inode)
{{
	struct page *page = find_get_page(inode->i_mapping, 0);

	{ending}
}}
"""
    assert sure(text) == []


def test_a_function_that_locks_for_its_caller_is_no_finding_of_weight(sure: Judge) -> None:
    text = """
struct work *h(struct list_head *head)
{
	struct work *w = first(head);

	spin_lock(&w->lock);
	if (w->n)
		return ERR_PTR(-EAGAIN);
	return w;
}

void f(struct work *w)
	__acquires(&w->lock)
{
	spin_lock(&w->lock);
	w->n++;
}

void g(struct work *w)
	__releases(&w->lock)
{
	w->n--;
	spin_unlock(&w->lock);
}
"""
    assert sure(text) == []


@pytest.mark.xfail(strict=True, reason="what a pointer pointed to does not say that it is not NULL")
def test_a_function_that_returns_what_it_locked_or_null_is_no_finding(sure: Judge) -> None:
    text = """
struct work *f(struct work *w)
{
	spin_lock(&w->lock);
	if (w->n)
		return w;
	spin_unlock(&w->lock);
	return NULL;
}
"""
    assert sure(text) == []


CLEARS = """
static void helper(struct ctl *ctl)
{
	kfree(ctl->pages);
	ctl->pages = NULL;
}

int f(struct ctl *ctl)
{
	int err = -ENOMEM;

	ctl->pages = kmalloc(ctl->n, GFP_KERNEL);
	if (!ctl->pages)
		return -ENOMEM;
	if (begin(ctl)) {
		helper(ctl);
		goto out;
	}
	err = 0;
out:
	helper(ctl);
	return err;
}
"""


def test_what_a_helper_sets_to_null_may_be_released_again(sure: Judge, found: Judge) -> None:
    assert sure(CLEARS) == []
    kinds = {one.kind for one in found(CLEARS.replace("\tctl->pages = NULL;\n", ""))}
    assert DOUBLE in kinds


def test_a_long_chain_of_helpers_is_seen_through(found: Judge) -> None:
    helpers = ["static struct page *h0(struct inode *i)\n{\n\treturn find_get_page(i, 0);\n}\n"]
    helpers += [
        f"static struct page *h{n}(struct inode *i)\n{{\n\treturn h{n - 1}(i);\n}}\n"
        for n in range(1, 60)
    ]
    text = "".join(helpers) + USES_PAGE.replace("helper", "h59").replace(DROPS_PAGE, JUST_RETURNS)
    assert [(one.function, one.kind, one.acquired_by) for one in found(text)] == [
        ("f", LEAK, "h59")
    ]


def test_a_helper_in_another_file_is_seen(
    change_files: Callable[[Mapping[str, str], Mapping[str, str]], Review],
) -> None:
    helper = "struct page *helper(struct inode *i)\n{\n\treturn find_get_page(i, 0);\n}\n"
    files = {"a.c": helper, "b.c": USES_PAGE}
    broken = files | {"b.c": USES_PAGE.replace(DROPS_PAGE, JUST_RETURNS)}
    assert [(one.path, one.kind) for one in change_files(files, broken).findings] == [("b.c", LEAK)]


def test_a_static_helper_of_another_file_is_not_taken_for_this_ones(
    analyse: Callable[[str], Program],
) -> None:
    text = "static struct page *helper(struct inode *i)\n{\n\treturn find_get_page(i, 0);\n}\n"
    program = analyse(text)
    assert "helper" not in program.shared
    assert "helper" in program.files["x.c"].own


def test_what_is_stored_in_itself_is_still_returned(sure: Judge) -> None:
    text = """
static struct inode *get(struct super_block *sb, unsigned long ino)
{
	struct inode *inode = iget_locked(sb, ino);

	if (!inode)
		return NULL;
	DEMO_I(inode)->base = DEMO_I(inode);
	inode->i_private = inode;
	return inode;
}

int f(struct super_block *sb)
{
	struct inode *inode = get(sb, 2);

	if (!inode)
		return -ENOMEM;
	if (inode->i_size)
		return -EIO;
	iput(inode);
	return 0;
}
"""
    assert [(one.function, one.pair) for one in sure(text)] == [("f", "inode-reference")]
