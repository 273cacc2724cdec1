"""Shapes of changes in kernels' stable series: what is right in them introduces nothing.

Each is a function, a part of it, and what the change puts there.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anyclue.review.pairs.model import Confidence, FindingKind, Review

Compare = Callable[[str, str], Review]

PICK = """
int pick(int dfd, const char *name)
{
	struct path target;
	int ret;

	ret = user_path_at(dfd, name, 0, &target);
	if (ret < 0)
		goto err;
	ret = -EINVAL;
	if (target.mnt->mnt_root != target.dentry)
		goto err_path;
	ret = use(&target);
	if (ret < 0)
		goto err_path;
	path_put(&target);
	return 0;

err_path:
	path_put(&target);
err:
	return ret;
}
"""
TRAILER = """
int trailer(struct op *op, struct iov_iter *iter)
{
	int ret = 0;

	op->trailer = vzalloc(op->size);
	if (!op->trailer)
		goto bad;
	if (!copy_from_iter_full(op->trailer, op->size, iter)) {
		vfree(op->trailer);
		goto bad;
	}
out:
	op_release(op);
	return ret;
bad:
	ret = -EFAULT;
	goto out;
}
"""
STID = """
struct stid *alloc_stid(struct state *state, struct nfs_file *fp)
{
	struct layout *ls = kmem_cache_alloc(layouts, GFP_KERNEL);
	struct stid *stp;

	if (!ls)
		return NULL;
	stp = &ls->stid;
	get_file(fp->file);
	ls->file = fp->file;
	if (set_lease(ls)) {
		fput(ls->file);
		kmem_cache_free(layouts, ls);
		return NULL;
	}
	publish(state, ls);
	return stp;
}
"""
LINKED = """
int link_tmpfile(struct ctx *c)
{
	struct dentry *upper, *linked = NULL;
	int err;

	upper = lookup_one_len(c->name, c->dir, c->length);
	err = PTR_ERR(upper);
	if (!IS_ERR(upper)) {
		err = do_link(c, upper);
		dput(upper);
	}
	if (err)
		return err;
	update(c, linked);
	return 0;
}
"""
WALK = """
void walk(struct range *range, struct mm_struct *mm)
{
	mmap_write_lock(mm);
	while (range->start != range->end)
		range++;
	mmap_write_unlock(mm);
}
"""
BITMAP = """
int load_bitmap(struct super_block *sb, struct info *sbi)
{
	int i, j;

	for (i = 0; i < sbi->count; i++) {
		sbi->maps[i] = sb_bread(sb, i);
		if (!sbi->maps[i]) {
			j = 0;
			while (j < i)
				brelse(sbi->maps[j++]);
			return -EIO;
		}
	}
	return 0;
}
"""
BUDDY = """
void discard(struct super_block *sb, struct inode *inode)
{
	struct buffer_head *bh = NULL;
	int err = ext4_get_inode_loc(inode, &bh);

	if (err)
		return;
	brelse(bh);
}
"""
BLOCKS = """
int read_blocks(struct buffer_head **bhs, int nr, int flags, int fresh)
{
	struct buffer_head *bh;
	int i, status = begin(bhs, flags);

	for (i = nr - 1; i >= 0; i--) {
		bh = bhs[i];
		if (!(flags & READAHEAD)) {
			if (status) {
				if (fresh && bh) {
					put_bh(bh);
					bhs[i] = NULL;
				} else if (bh && buffer_uptodate(bh)) {
					clear_buffer_uptodate(bh);
				}
				continue;
			}
		}
	}
	return status;
}
"""
MULTI = """
int recall(struct work *w)
{
	char *buf = kmalloc(w->n, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	if (fill(buf, w->n)) {
		kfree(buf);
		return -EFAULT;
	}
	kfree(buf);
	return 0;
}
"""

FOLIO = """
int write_begin(struct address_space *mapping, pgoff_t index)
{
	struct page *page = find_get_page(mapping, index);
	int ret;

	if (!page)
		return -ENOENT;
	ret = prepare(page);
	if (ret) {
		put_page(page);
		return ret;
	}
	put_page(page);
	return 0;
}
"""
LINK = """
const char *get_link(struct dentry *dentry, struct inode *inode)
{
	struct page *page;
	void *err;

	err = ERR_PTR(revalidate(inode));
	if (err)
		return err;
	page = find_get_page(&inode->i_data, 0);
	if (!page)
		return ERR_PTR(-ECHILD);
	if (!PageUptodate(page)) {
		put_page(page);
		return ERR_PTR(-ECHILD);
	}
	keep(dentry, page);
	return page_address(page);
}
"""
ORPHAN = """
int orphan_del(handle_t *handle, struct inode *inode, struct info *sbi)
{
	struct ext4_iloc iloc;
	int err = ext4_reserve_inode_write(handle, inode, &iloc);

	if (err)
		return err;
	if (inode->i_nlink)
		goto out_brelse;
	err = ext4_mark_iloc_dirty(handle, inode, &iloc);
	return err;

out_brelse:
	brelse(iloc.bh);
	return err;
}
"""

MEMBERS = """
int members(struct work *w)
{
	struct box *box = make_box(w);
	int err = -ENOMEM;

	if (!box)
		goto out;
	box->name = kstrdup(w->name, GFP_KERNEL);
	err = fill(w, box);
	kfree(box->name);
	kfree(box);
out:
	return err;
}
"""

HARMLESS = {
    "nothing hangs on what is not there": (
        MEMBERS,
        "	if (!box)\n		goto out;\n",
        "	if (!box)\n		return err;\n",
    ),
    "a page that became a folio": (
        FOLIO,
        "		put_page(page);\n		return ret;\n	}\n	put_page(page);\n",
        "		folio_put(page_folio(page));\n		return ret;\n	}\n"
        "	folio_put(page_folio(page));\n",
    ),
    "one more reason to fail": (
        PICK,
        "	ret = use(&target);\n",
        "	if (target.dentry->d_sb->s_flags & SB_NOUSER)\n		goto err_path;\n"
        "	ret = use(&target);\n",
    ),
    "what was freed is set to NULL": (
        TRAILER,
        "vfree(op->trailer);\n",
        "vfree(op->trailer);\n		op->trailer = NULL;\n",
    ),
    "a call that is new takes it over": (
        STID,
        "		fput(ls->file);\n		kmem_cache_free(layouts, ls);\n",
        "		put_stid(stp);\n",
    ),
    "freed by another call": (
        MULTI,
        MULTI[MULTI.index("		kfree(buf);") :],
        MULTI[MULTI.index("		kfree(buf);") :].replace("kfree", "kvfree"),
    ),
    "a second reference under another name": (
        LINKED,
        "		dput(upper);\n",
        "		if (!err)\n			linked = dget(upper);\n		dput(upper);\n",
    ),
    "a lock under the same condition": (
        WALK,
        "	while (range->start != range->end)\n		range++;\n",
        "	if (mm != &init_mm)\n		mmap_write_lock_nested(&init_mm, 1);\n"
        "	while (range->start != range->end)\n		range++;\n"
        "	if (mm != &init_mm)\n		mmap_write_unlock(&init_mm);\n",
    ),
    "a loop that releases all, moved behind a label": (
        BITMAP,
        "		if (!sbi->maps[i]) {\n			j = 0;\n			while (j < i)\n"
        "				brelse(sbi->maps[j++]);\n			return -EIO;\n		}\n"
        "	}\n	return 0;\n",
        "		if (!sbi->maps[i])\n			goto err_out;\n	}\n	if (!test_range(sbi))\n"
        "		goto err_out;\n	return 0;\n\nerr_out:\n	j = 0;\n	while (j < i)\n"
        "		brelse(sbi->maps[j++]);\n	return -EIO;\n",
    ),
    "a warning around the question": (
        BUDDY,
        "	if (err)\n",
        '	if (WARN_RATELIMIT(err, "failed (%d)", err))\n',
    ),
    "a branch that did nothing, gone": (
        BLOCKS,
        "				} else if (bh && buffer_uptodate(bh)) {\n"
        "					clear_buffer_uptodate(bh);\n				}\n",
        "				}\n",
    ),
    "by hand made __free()": (
        MULTI,
        MULTI[MULTI.index("	char") :],
        "	char *buf __free(kfree) = kmalloc(w->n, GFP_KERNEL);\n\n	if (!buf)\n"
        "		return -ENOMEM;\n	if (fill(buf, w->n))\n		return -EFAULT;\n	return 0;\n}\n",
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_change_that_is_right_introduces_nothing(name: str, change: Compare) -> None:
    text, part, instead = HARMLESS[name]
    assert part in text
    review = change(text, text.replace(part, instead))
    assert [(one.kind, one.resource, one.reason) for one in review.findings] == []


MINIX = """
int fill_super(struct super_block *s, struct info *sbi)
{
	struct buffer_head *bh = sb_bread(s, 1);
	int ret = -EINVAL;

	if (!bh)
		goto out;
	sbi->bh = bh;
	if (sbi->magic != MAGIC)
		goto out_no_fs;
	resize(s, sbi->size);
	ret = read_root(s);
	if (ret < 0)
		goto out_no_fs;
	return 0;

out_no_fs:
	brelse(bh);
out:
	s->s_fs_info = NULL;
	return ret;
}
"""
LEASE = """
struct opinfo *same_client(struct ci *ci, void *key)
{
	struct opinfo *opinfo, *found = NULL;

	read_lock(&ci->m_lock);
	list_for_each_entry(opinfo, &ci->list, entry) {
		read_unlock(&ci->m_lock);
		if (compare(opinfo, key)) {
			found = opinfo;
			note(opinfo);
		}
		read_lock(&ci->m_lock);
	}
	read_unlock(&ci->m_lock);
	return found;
}
"""
MISTAKES = {
    "behind an error pointer that may be NULL": (
        LINK,
        "		put_page(page);\n",
        "",
        {FindingKind.LEAK, FindingKind.LOST_RELEASE},
    ),
    "another variable is released": (
        ORPHAN,
        "	brelse(iloc.bh);\n",
        "	brelse(sbi->s_sbh);\n",
        {FindingKind.LEAK, FindingKind.LOST_RELEASE},
    ),
    "a failure that goes past the release": (
        MINIX,
        "	resize(s, sbi->size);\n",
        "	if (!resize(s, sbi->size))\n		goto out;\n",
        {FindingKind.LEAK, FindingKind.LOST_RELEASE},
    ),
    "a continue without the lock": (
        LEASE,
        "			found = opinfo;\n",
        "			if (!atomic_inc_not_zero(&opinfo->refcount))\n				continue;\n"
        "			found = opinfo;\n",
        {FindingKind.DOUBLE_RELEASE},
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_that_were_released(name: str, change: Compare) -> None:
    text, part, instead, kinds = MISTAKES[name]
    assert part in text
    found = change(text, text.replace(part, instead)).findings
    assert {one.kind for one in found} & kinds
    assert all(one.confidence != Confidence.LOW for one in found)
