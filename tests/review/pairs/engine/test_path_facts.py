"""Path facts: which paths can be taken, by what earlier branches and assignments tell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anyclue.review.pairs.model import Finding, FindingKind

Judge = Callable[[str], list[Finding]]

POSSIBLE = {
    "other bits of one word": """
int f(struct vol *v)
{
	int ret = 0;

	if (v->flags & VOL_A)
		return -EINVAL;
	if (!(v->flags & VOL_B))
		return -EINVAL;
	mutex_lock(&v->lock);
	if (dead(v))
		return -EPERM;
	mutex_unlock(&v->lock);
	return ret;
}
""",
    "a bit that was cleared": """
int f(struct vol *v, int flags)
{
	if (flags & VOL_A)
		mutex_lock(&v->lock);
	flags &= ~VOL_A;
	work(v);
	if (flags & VOL_A)
		mutex_unlock(&v->lock);
	return 0;
}
""",
    "what is compared with an address": """
int f(struct vol *v)
{
	mutex_lock(&v->lock);
	if (v->ops != &bad_ops)
		return -EIO;
	mutex_unlock(&v->lock);
	return 0;
}
""",
    "a helper that compares with an address": """
static bool is_bad(struct vol *v)
{
	return v->ops == &bad_ops;
}

int f(struct vol *v)
{
	mutex_lock(&v->lock);
	if (!is_bad(v))
		return -EIO;
	mutex_unlock(&v->lock);
	return 0;
}
""",
    "bits of an address": """
int f(struct vol *v)
{
	mutex_lock(&v->lock);
	if (!((unsigned long)&v->buf & ALIGNED))
		return -EIO;
	mutex_unlock(&v->lock);
	return 0;
}
""",
    "a member that is no more what it was compared with": """
int f(struct vol *v)
{
	struct ops *o = &bad_ops;

	if (o == v->ops)
		mutex_lock(&v->lock);
	v->ops = next(v);
	if (o == v->ops)
		mutex_unlock(&v->lock);
	return 0;
}
""",
    "two things that are equal no more": """
int f(struct vol *v, char *buf)
{
	char *p = v->buf;

	if (p == v->buf)
		mutex_lock(&v->lock);
	p = next(p);
	if (p == v->buf)
		mutex_unlock(&v->lock);
	return 0;
}
""",
    "a loop with a bound that may be 0": """
int f(struct vol *v, int n)
{
	int i;

	mutex_lock(&v->lock);
	for (i = 0; i < n; i++) {
		mutex_unlock(&v->lock);
		return 0;
	}
	return 0;
}
""",
    "two loops with different bounds": """
int f(struct vol *v, int n, int m)
{
	int i;

	for (i = 0; i < n; i++) {
		mutex_lock(&v->lock);
		break;
	}
	for (i = 0; i < m; i++) {
		mutex_unlock(&v->lock);
		break;
	}
	return 0;
}
""",
}

IMPOSSIBLE = {
    "an address that is NULL": """
int f(struct vol *v)
{
	struct buf *b = &v->bufs[0].head;

	mutex_lock(&v->lock);
	if (!b)
		return -EIO;
	mutex_unlock(&v->lock);
	return 0;
}
""",
    "the same bit": """
int f(struct vol *v, int flags)
{
	if (flags & VOL_A)
		mutex_lock(&v->lock);
	work(v);
	if (flags & VOL_A)
		mutex_unlock(&v->lock);
	return 0;
}
""",
    "a bit of several": """
int f(struct vol *v, int flags)
{
	if (flags & (VOL_A | VOL_B))
		mutex_lock(&v->lock);
	work(v);
	if (!(flags & (VOL_A | VOL_B)))
		return 0;
	mutex_unlock(&v->lock);
	return 0;
}
""",
    "another bit is set in between": """
int f(struct vol *v, int flags)
{
	if (flags & VOL_A)
		mutex_lock(&v->lock);
	flags |= VOL_B;
	if (flags & VOL_A)
		mutex_unlock(&v->lock);
	return 0;
}
""",
    "a bit that is set beside the lock": """
int f(struct vol *v, int deep)
{
	int flags = 0;

	if (deep) {
		mutex_lock(&v->lock);
		flags |= VOL_A;
	}
	work(v);
	if (flags & VOL_A)
		mutex_unlock(&v->lock);
	return 0;
}
""",
    "compared with itself": """
int f(struct vol *v, int flags)
{
	if ((flags & VOL_A) == VOL_A)
		mutex_lock(&v->lock);
	work(v);
	if (flags & VOL_A)
		mutex_unlock(&v->lock);
	return 0;
}
""",
    "test_bit()": """
int f(struct vol *v, struct state *s)
{
	if (test_bit(VOL_A, &s->flags))
		mutex_lock(&v->lock);
	work(v);
	if (test_bit(VOL_A, &s->flags))
		mutex_unlock(&v->lock);
	return 0;
}
""",
    "a flag of what is passed by address": """
int f(struct vol *v)
{
	struct request p = { 0 };

	ask(&p);
	if (p.arg.flags & VOL_A)
		mutex_lock(&v->lock);
	walk(v, &p);
	if (p.arg.flags & VOL_A)
		mutex_unlock(&v->lock);
	return 0;
}
""",
    "equal since it was set to it": """
int f(struct vol *v, int n)
{
	char *buf;

	buf = v->buf;
	if (buf)
		mutex_lock(&v->lock);
	else
		buf = kmalloc(n, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	work(v, buf);
	if (buf == v->buf)
		mutex_unlock(&v->lock);
	else
		kfree(buf);
	return 0;
}
""",
    "a loop with a fixed bound, not run": """
int f(struct vol *v)
{
	int i;

	mutex_lock(&v->lock);
	for (i = 0; i < 2; i++) {
		work(v, i);
		mutex_unlock(&v->lock);
		return 0;
	}
	return 0;
}
""",
    "a counter that is 0 in the first turn only": """
int f(struct vol *v)
{
	int index = 0;

	mutex_lock(&v->lock);
	while (more(v)) {
		if (index == 0) {
			index++;
			continue;
		}
		index++;
		if (index == 0)
			return -EINVAL;
	}
	mutex_unlock(&v->lock);
	return 0;
}
""",
    "two loops with one bound": """
int f(struct vol *v, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		mutex_lock(&v->lock);
		break;
	}
	for (i = 0; i < n; i++) {
		mutex_unlock(&v->lock);
		break;
	}
	return 0;
}
""",
    "an array that is no NULL": """
int f(int n)
{
	struct sg *few[6], **all = few;

	if (n > 6)
		all = kmalloc(n, GFP_KERNEL);
	if (!all)
		goto out;
	work(n);
out:
	if (all != few)
		kfree(all);
	return 0;
}
""",
    "something else than what it is compared with": """
int f(struct vol *v, struct acl *acl)
{
	struct acl *orig = acl;

	if (!acl)
		acl = posix_acl_from_mode(v->mode, GFP_KERNEL);
	if (IS_ERR(acl))
		return PTR_ERR(acl);
	work(v);
	if (acl != orig)
		posix_acl_release(acl);
	return 0;
}
""",
    "ZERO_OR_NULL_PTR()": """
int f(int n)
{
	char *data = kvmalloc(n, GFP_KERNEL);

	if (ZERO_OR_NULL_PTR(data))
		return -ENOMEM;
	work(n);
	kvfree(data);
	return 0;
}
""",
    "what a call returned, and an array": """
int f(int n)
{
	struct sg *few[6], **all = few, *sg = NULL;

	if (n > 6) {
		all = make(n);
		sg = kmalloc(n, GFP_KERNEL);
		if (!sg)
			return -ENOMEM;
	}
	work(n);
	if (all != few)
		kfree(sg);
	return 0;
}
""",
    "the address of a mapping, and of something else": """
int f(struct page *page, struct stream *s)
{
	char *at = kmap_local_page(page) + s->begin;

	work(s);
	if (at != (char *)sink)
		kunmap_local(at);
	return 0;
}
""",
    "a page of a folio that is no error": """
int f(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = filemap_get_folio(mapping, index);
	struct page *page;

	if (IS_ERR(folio))
		return PTR_ERR(folio);
	page = folio_file_page(folio, index);
	if (IS_ERR(page))
		return PTR_ERR(page);
	folio_put(folio);
	return 0;
}
""",
}


@pytest.mark.parametrize("name", list(POSSIBLE))
def test_a_path_that_can_be_taken_is_followed(name: str, found: Judge) -> None:
    assert FindingKind.LEAK in [one.kind for one in found(POSSIBLE[name])]


@pytest.mark.parametrize("name", list(IMPOSSIBLE))
def test_a_path_that_can_not_be_taken_is_not(name: str, sure: Judge) -> None:
    assert sure(IMPOSSIBLE[name]) == []
