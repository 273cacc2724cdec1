"""Paths: for every construct a function that is balanced, and the same broken in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from anyclue.review.pairs.model import Finding, FindingKind

Judge = Callable[[str], list[Finding]]

LEAK = FindingKind.LEAK
OVERWRITTEN = FindingKind.OVERWRITTEN
DOUBLE = FindingKind.DOUBLE_RELEASE
UNHELD = FindingKind.UNHELD
USE = FindingKind.USE_AFTER_RELEASE
ORDER = FindingKind.WRONG_ORDER
MODE = FindingKind.WRONG_MODE


@dataclass(frozen=True)
class Case:
    """A balanced function; with ``old`` replaced by ``new`` once it is broken."""

    name: str
    code: str
    old: str
    new: str
    kind: FindingKind
    good_fails: str = ""
    bad_fails: str = ""

    @property
    def broken(self) -> str:
        assert self.code.count(self.old) == 1, (self.name, self.code.count(self.old))
        return self.code.replace(self.old, self.new)


CASES = [
    # Branches and jumps
    Case(
        "early return",
        """
int f(struct super_block *sb, sector_t nr)
{
	struct buffer_head *bh = sb_bread(sb, nr);

	if (!bh)
		return -EIO;
	if (bh->b_size < 512) {
		brelse(bh);
		return -EINVAL;
	}
	brelse(bh);
	return 0;
}
""",
        "{\n\t\tbrelse(bh);\n\t\treturn -EINVAL;\n\t}",
        "\n\t\treturn -EINVAL;",
        LEAK,
    ),
    Case(
        "goto and labels",
        """
int f(struct super_block *sb, sector_t a, sector_t b)
{
	struct buffer_head *one, *two;
	int err = 0;

	one = sb_bread(sb, a);
	if (!one)
		return -EIO;
	two = sb_bread(sb, b);
	if (!two) {
		err = -EIO;
		goto out_one;
	}
	if (memcmp(one->b_data, two->b_data, 512)) {
		err = -EUCLEAN;
		goto out_two;
	}
	mark_buffer_dirty(one);
out_two:
	brelse(two);
out_one:
	brelse(one);
	return err;
}
""",
        "goto out_two;",
        "goto out_one;",
        LEAK,
    ),
    Case(
        "backward goto",
        """
int f(struct address_space *mapping, pgoff_t index)
{
	struct page *page;
again:
	page = find_get_page(mapping, index);
	if (!page)
		return -ENOENT;
	if (PageWriteback(page)) {
		put_page(page);
		goto again;
	}
	put_page(page);
	return 0;
}
""",
        "\t\tput_page(page);\n\t\tgoto again;",
        "\t\tgoto again;",
        OVERWRITTEN,
    ),
    Case(
        "both arms of an if",
        """
void f(struct work *w, int fast)
{
	mutex_lock(&w->mutex);
	if (fast) {
		w->quick++;
		mutex_unlock(&w->mutex);
	} else {
		w->slow++;
		mutex_unlock(&w->mutex);
		settle(w);
	}
}
""",
        "w->slow++;\n\t\tmutex_unlock(&w->mutex);",
        "w->slow++;",
        LEAK,
    ),
    Case(
        "switch with a default",
        """
int f(struct work *w, int op)
{
	int ret = 0;

	mutex_lock(&w->mutex);
	switch (op) {
	case 1:
		w->a++;
		break;
	case 2:
		w->b++;
		mutex_unlock(&w->mutex);
		return 1;
	default:
		ret = -EINVAL;
	}
	mutex_unlock(&w->mutex);
	return ret;
}
""",
        "default:\n\t\tret = -EINVAL;",
        "default:\n\t\treturn -EINVAL;",
        LEAK,
    ),
    Case(
        "switch with fallthrough",
        """
int f(struct work *w, int op)
{
	char *buf = kmalloc(64, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	switch (op) {
	case 1:
		fill(w);
		fallthrough;
	case 2:
		kfree(buf);
		return 0;
	case 3:
		kfree(buf);
		break;
	default:
		kfree(buf);
		return -EINVAL;
	}
	return 1;
}
""",
        "fallthrough;\n\tcase 2:\n\t\tkfree(buf);\n",
        "fallthrough;\n\tcase 2:\n",
        LEAK,
    ),
    Case(
        "switch falls into a second release",
        """
void f(struct work *w, int op)
{
	char *buf = kmalloc(64, GFP_KERNEL);

	switch (op) {
	case 1:
		kfree(buf);
		break;
	default:
		kfree(buf);
	}
	settle(w);
}
""",
        "kfree(buf);\n\t\tbreak;",
        "kfree(buf);",
        DOUBLE,
    ),
    Case(
        "switch without a default",
        """
int f(struct work *w, int op)
{
	spin_lock(&w->lock);
	switch (op) {
	case 1:
	case 2:
		w->a++;
		break;
	}
	spin_unlock(&w->lock);
	return 0;
}
""",
        "\tcase 2:\n\t\tw->a++;\n\t\tbreak;",
        "\tcase 2:\n\t\treturn w->a++;",
        LEAK,
    ),
    # Loops
    Case(
        "for loop with continue",
        """
int f(struct address_space *mapping, pgoff_t last)
{
	pgoff_t i;
	int n = 0;

	for (i = 0; i < last; i++) {
		struct page *page = find_get_page(mapping, i);

		if (!page)
			continue;
		if (!PageDirty(page)) {
			put_page(page);
			continue;
		}
		n++;
		put_page(page);
	}
	return n;
}
""",
        "{\n\t\t\tput_page(page);\n\t\t\tcontinue;\n\t\t}",
        "\n\t\t\tcontinue;",
        LEAK,
    ),
    Case(
        "while loop with break",
        """
int f(struct address_space *mapping, pgoff_t i)
{
	struct page *page;

	while ((page = find_get_page(mapping, i)) != NULL) {
		if (PageWriteback(page)) {
			put_page(page);
			break;
		}
		put_page(page);
		i++;
	}
	return i;
}
""",
        "\t\t\tput_page(page);\n\t\t\tbreak;",
        "\t\t\tbreak;",
        LEAK,
    ),
    Case(
        "do while",
        """
int f(struct work *w)
{
	int again;

	do {
		spin_lock(&w->lock);
		again = w->pending--;
		if (again < 0) {
			spin_unlock(&w->lock);
			return -EIO;
		}
		spin_unlock(&w->lock);
	} while (again);
	return 0;
}
""",
        "{\n\t\t\tspin_unlock(&w->lock);\n\t\t\treturn -EIO;\n\t\t}",
        "\n\t\t\treturn -EIO;",
        LEAK,
    ),
    Case(
        "a loop of no turn",
        """
int f(struct work *w, int n)
{
	char *buf = kmalloc(64, GFP_KERNEL);
	int i;

	if (!buf)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		w->sum += buf[i];
	kfree(buf);
	return 0;
}
""",
        "for (i = 0; i < n; i++)\n\t\tw->sum += buf[i];\n\tkfree(buf);",
        "for (i = 0; i < n; i++) {\n\t\tkfree(buf);\n\t\tbreak;\n\t}",
        LEAK,
    ),
    Case(
        "a second turn",
        """
int f(struct address_space *mapping, int n)
{
	struct page *page = NULL;
	int i;

	for (i = 0; i < n; i++) {
		page = find_get_page(mapping, i);
		if (!page)
			return -ENOENT;
		put_page(page);
	}
	return 0;
}
""",
        "\t\tput_page(page);\n\t}\n",
        "\t}\n\tif (page)\n\t\tput_page(page);\n",
        OVERWRITTEN,
    ),
    Case(
        "released in every turn",
        """
void f(struct page *page, int n)
{
	char *p = kmap_local_page(page);
	int i;

	for (i = 0; i < n; i++)
		p[i] = 0;
	kunmap_local(p);
}
""",
        "\t\tp[i] = 0;\n\tkunmap_local(p);",
        "\t\tkunmap_local(p);",
        DOUBLE,
    ),
    Case(
        "a mapping moved on in a loop",
        """
int f(struct page **pages, int n)
{
	char *p = kmap_local_page(pages[0]);
	int i;

	for (i = 1; i < n; i++) {
		if (p[0] == 0)
			goto out;
		kunmap_local(p);
		p = kmap_local_page(pages[i]);
	}
out:
	kunmap_local(p);
	return i;
}
""",
        "\t\tkunmap_local(p);\n\t\tp = kmap",
        "\t\tp = kmap",
        OVERWRITTEN,
    ),
    Case(
        "an iterator macro",
        """
int f(struct list_head *head, struct super_block *sb)
{
	struct item *item;

	list_for_each_entry(item, head, list) {
		struct buffer_head *bh = sb_bread(sb, item->nr);

		if (!bh)
			return -EIO;
		if (item->skip) {
			brelse(bh);
			continue;
		}
		brelse(bh);
	}
	return 0;
}
""",
        "{\n\t\t\tbrelse(bh);\n\t\t\tcontinue;\n\t\t}",
        "\n\t\t\tcontinue;",
        LEAK,
    ),
    Case(
        "lock taken and dropped in turns",
        """
void f(struct work *w)
{
	spin_lock(&w->lock);
	while (!list_empty(&w->list)) {
		pop(w);
		spin_unlock(&w->lock);
		cond_resched();
		spin_lock(&w->lock);
	}
	spin_unlock(&w->lock);
}
""",
        "\t\tcond_resched();\n\t\tspin_lock(&w->lock);\n",
        "\t\tcond_resched();\n\t\tif (w->stop)\n\t\t\tcontinue;\n\t\tspin_lock(&w->lock);\n",
        DOUBLE,
    ),
    # Conditions that hang together
    Case(
        "if (page) put_page(page)",
        """
int f(struct address_space *mapping, pgoff_t i, int want)
{
	struct page *page = NULL;
	int ret = 0;

	if (want)
		page = find_get_page(mapping, i);
	ret = check(want);
	if (page)
		put_page(page);
	return ret;
}
""",
        "ret = check(want);\n",
        "ret = check(want);\n\tif (ret)\n\t\treturn ret;\n",
        LEAK,
    ),
    Case(
        "a flag",
        """
int f(struct work *w, int need)
{
	bool locked = false;

	if (need) {
		mutex_lock(&w->mutex);
		locked = true;
	}
	w->n++;
	if (locked)
		mutex_unlock(&w->mutex);
	return 0;
}
""",
        "locked = true;",
        "locked = false;",
        LEAK,
    ),
    Case(
        "the same parameter asked twice",
        """
int f(struct work *w, int need)
{
	if (need)
		mutex_lock(&w->mutex);
	w->n++;
	if (need)
		mutex_unlock(&w->mutex);
	return 0;
}
""",
        "w->n++;\n\tif (need)",
        "w->n++;\n\tif (w->n)",
        LEAK,
    ),
    Case(
        "a return code",
        """
int f(struct super_block *sb, sector_t nr)
{
	struct buffer_head *bh = NULL;
	int err = prepare(sb);

	if (!err) {
		bh = sb_bread(sb, nr);
		if (!bh)
			err = -EIO;
	}
	if (err)
		return err;
	brelse(bh);
	return 0;
}
""",
        "if (!bh)\n\t\t\terr = -EIO;",
        "if (bh->b_size)\n\t\t\terr = -EIO;",
        LEAK,
    ),
    Case(
        "ret < 0",
        """
int f(struct inode *dir, int n)
{
	char *buf = kmalloc(n, GFP_KERNEL);
	int ret;

	if (!buf)
		return -ENOMEM;
	ret = scan(dir);
	if (ret < 0)
		goto out;
	ret = 0;
out:
	kfree(buf);
	return ret;
}
""",
        "if (ret < 0)\n\t\tgoto out;",
        "if (ret < 0)\n\t\treturn ret;",
        LEAK,
    ),
    Case(
        "ret == -EEXIST",
        """
int f(struct work *w)
{
	char *buf = kmalloc(8, GFP_KERNEL);
	int ret = -ENOMEM;

	if (!buf)
		return ret;
	ret = scan(w);
	if (ret == -EEXIST) {
		kfree(buf);
		return 0;
	}
	kfree(buf);
	return ret;
}
""",
        "{\n\t\tkfree(buf);\n\t\treturn 0;\n\t}",
        "\n\t\treturn 0;",
        LEAK,
    ),
    Case(
        "and, or",
        """
int f(struct address_space *mapping, pgoff_t i)
{
	struct page *page = find_get_page(mapping, i);

	if (!page || !PageUptodate(page)) {
		if (page)
			put_page(page);
		return -EIO;
	}
	put_page(page);
	return 0;
}
""",
        "{\n\t\tif (page)\n\t\t\tput_page(page);\n\t\treturn -EIO;\n\t}",
        "\n\t\treturn -EIO;",
        LEAK,
    ),
    Case(
        "release only where both hold",
        """
int f(struct address_space *mapping, pgoff_t i, int done)
{
	struct page *page = find_get_page(mapping, i);

	if (page && done)
		put_page(page);
	else if (page)
		put_page(page);
	return 0;
}
""",
        "\telse if (page)\n\t\tput_page(page);\n",
        "",
        LEAK,
    ),
    Case(
        "a field asked twice, with a lock between",
        """
int f(struct work *w)
{
	char *buf = NULL;

	if (w->flags & 4)
		buf = kmalloc(4, GFP_KERNEL);
	spin_lock(&w->lock);
	w->n++;
	spin_unlock(&w->lock);
	if (w->flags & 4)
		kfree(buf);
	return 0;
}
""",
        "w->n++;\n",
        "w->n++;\n\tw->flags = 0;\n",
        LEAK,
        good_fails="taking a lock of w ends what was known of w->flags; the leak is called sure",
    ),
    # How failure shows
    Case(
        "NULL",
        """
int f(void)
{
	char *p = kmalloc(8, GFP_KERNEL);

	if (p == NULL)
		return -ENOMEM;
	kfree(p);
	return 0;
}
""",
        "p == NULL",
        "p[0] == 0",
        LEAK,
    ),
    Case(
        "ERR_PTR",
        """
int f(struct inode *dir)
{
	struct page *page = read_mapping_page(dir->i_mapping, 0, NULL);

	if (IS_ERR(page))
		return PTR_ERR(page);
	put_page(page);
	return 0;
}
""",
        "if (IS_ERR(page))\n\t\treturn PTR_ERR(page);",
        "if (IS_ERR(page))\n\t\treturn PTR_ERR(page);\n\tif (PageError(page))\n\t\treturn -EIO;",
        LEAK,
    ),
    Case(
        "PTR_ERR_OR_ZERO",
        """
int f(struct inode *dir)
{
	struct page *page = read_mapping_page(dir->i_mapping, 0, NULL);
	int err = PTR_ERR_OR_ZERO(page);

	if (err)
		return err;
	put_page(page);
	return 0;
}
""",
        "put_page(page);",
        "if (PageError(page))\n\t\treturn -EIO;\n\tput_page(page);",
        LEAK,
    ),
    Case(
        "negative",
        """
int f(struct vfsmount *mnt)
{
	int err = mnt_want_write(mnt);

	if (err < 0)
		return err;
	if (mnt->mnt_flags)
		err = -EROFS;
	mnt_drop_write(mnt);
	return err;
}
""",
        "err = -EROFS;",
        "return -EROFS;",
        LEAK,
    ),
    Case(
        "zero",
        """
int f(struct page *page)
{
	if (!get_page_unless_zero(page))
		return 0;
	lookup(page->index);
	put_page(page);
	return 1;
}
""",
        "put_page(page);\n",
        "if (page->index)\n\t\treturn 0;\n\tput_page(page);\n",
        LEAK,
    ),
    Case(
        "trylock",
        """
int f(struct work *w)
{
	if (!mutex_trylock(&w->mutex))
		return -EAGAIN;
	w->n++;
	mutex_unlock(&w->mutex);
	return 0;
}
""",
        "w->n++;\n",
        "if (w->n++)\n\t\treturn -EBUSY;\n",
        LEAK,
    ),
    Case(
        "trylock inside a condition",
        """
int f(struct work *w, int wait)
{
	if (wait)
		spin_lock(&w->lock);
	else if (!spin_trylock(&w->lock))
		return -EAGAIN;
	w->n++;
	spin_unlock(&w->lock);
	return 0;
}
""",
        "w->n++;\n",
        "if (w->n++)\n\t\treturn -EBUSY;\n",
        LEAK,
    ),
    Case(
        "killable",
        """
int f(struct work *w)
{
	if (mutex_lock_killable(&w->mutex))
		return -EINTR;
	w->n++;
	mutex_unlock(&w->mutex);
	return 0;
}
""",
        "w->n++;\n",
        "if (w->n++)\n\t\treturn -EBUSY;\n",
        LEAK,
    ),
    Case(
        "interruptible, result kept",
        """
int f(struct work *w)
{
	int ret;

	ret = down_interruptible(&w->sem);
	if (ret)
		return ret;
	w->n++;
	up(&w->sem);
	return ret;
}
""",
        "w->n++;\n",
        "if (w->n++)\n\t\treturn -EBUSY;\n",
        LEAK,
    ),
    Case(
        "release where it was not got",
        """
int f(struct work *w)
{
	if (!mutex_trylock(&w->mutex))
		return -EAGAIN;
	w->n++;
	mutex_unlock(&w->mutex);
	return 0;
}
""",
        "return -EAGAIN;",
        "goto out;\n\tw->m++;\nout:",
        UNHELD,
        bad_fails="a trylock that failed ends what was there from the entry",
    ),
    # Out-parameters, aliases
    Case(
        "out-parameter",
        """
int f(struct inode *inode)
{
	struct path path;
	int err = kern_path("/x", 0, &path);

	if (err)
		return err;
	if (path.dentry->d_inode != inode) {
		path_put(&path);
		return -ESTALE;
	}
	path_put(&path);
	return 0;
}
""",
        "{\n\t\tpath_put(&path);\n\t\treturn -ESTALE;\n\t}",
        "\n\t\treturn -ESTALE;",
        LEAK,
    ),
    Case(
        "field of an out-parameter",
        """
int f(struct inode *inode)
{
	struct ext4_iloc iloc;
	int err = ext4_get_inode_loc(inode, &iloc);

	if (err)
		return err;
	if (buffer_locked(iloc.bh))
		err = -EBUSY;
	brelse(iloc.bh);
	return err;
}
""",
        "\t\terr = -EBUSY;",
        "\t\treturn -EBUSY;",
        LEAK,
    ),
    Case(
        "alias",
        """
int f(struct super_block *sb, sector_t nr)
{
	struct buffer_head *bh, *last;

	bh = sb_bread(sb, nr);
	if (!bh)
		return -EIO;
	last = bh;
	bh = NULL;
	if (sb->s_flags) {
		brelse(last);
		return -EROFS;
	}
	brelse(last);
	return 0;
}
""",
        "{\n\t\tbrelse(last);\n\t\treturn -EROFS;\n\t}",
        "\n\t\treturn -EROFS;",
        LEAK,
    ),
    Case(
        "cast",
        """
int f(int n)
{
	unsigned long p = (unsigned long)kmalloc(n, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	if (n > 4) {
		kfree((void *)p);
		return -E2BIG;
	}
	kfree((void *)p);
	return 0;
}
""",
        "{\n\t\tkfree((void *)p);\n\t\treturn -E2BIG;\n\t}",
        "\n\t\treturn -E2BIG;",
        LEAK,
    ),
    Case(
        "pointer moved while held",
        """
int f(struct page *page, int n)
{
	char *start = kmap_local_page(page);
	char *p = start;

	while (n--)
		*p++ = 0;
	kunmap_local(start);
	return 0;
}
""",
        "\t\t*p++ = 0;\n",
        "\t\tif (*p++)\n\t\t\treturn -EIO;\n",
        LEAK,
    ),
    # Scopes
    Case(
        "__free()",
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
        " __free(kfree)",
        "",
        LEAK,
    ),
    Case(
        "__free() and a release by hand",
        """
int f(struct work *w)
{
	char *buf __free(kfree) = kmalloc(8, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	w->n++;
	return 0;
}
""",
        "w->n++;",
        "kfree(buf);",
        DOUBLE,
    ),
    Case(
        "guard()",
        """
int f(struct work *w)
{
	guard(mutex)(&w->mutex);
	if (w->n)
		return -EBUSY;
	w->n = 1;
	return 0;
}
""",
        "w->n = 1;",
        "mutex_unlock(&w->mutex);",
        DOUBLE,
    ),
    Case(
        "scoped_guard()",
        """
int f(struct work *w)
{
	scoped_guard(spinlock, &w->lock) {
		if (w->n)
			return -EBUSY;
		w->n = 1;
	}
	return 0;
}
""",
        "\t\tw->n = 1;",
        "\t\tspin_unlock(&w->lock);",
        DOUBLE,
    ),
    Case(
        "a helper that is true exactly where the error is 0",
        """
int f(struct xfs_scrub *sc, xfs_ino_t ino)
{
	struct xfs_inode *ip;
	int error;

	error = xchk_iget(sc, ino, &ip);
	if (!xchk_fblock_xref_process_error(sc, XFS_DATA_FORK, 0, &error))
		return error;
	error = check(ip);
	xchk_irele(sc, ip);
	return error;
}

int xchk_iget(struct xfs_scrub *sc, xfs_ino_t ino, struct xfs_inode **ipp)
{
	return xfs_iget(sc->mp, sc->tp, ino, 0, 0, ipp);
}

void xchk_irele(struct xfs_scrub *sc, struct xfs_inode *ip)
{
	xfs_irele(ip);
}
""",
        "\terror = check(ip);\n",
        "\terror = check(ip);\n\tif (error)\n\t\treturn error;\n",
        LEAK,
    ),
    Case(
        "an inode released through the object around it",
        """
int f(struct btrfs_root *root, u64 ino)
{
	struct btrfs_inode *inode;
	int ret;

	inode = btrfs_iget(ino, root);
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	ret = check(inode);
	iput(&inode->vfs_inode);
	return ret;
}
""",
        "\tret = check(inode);\n",
        "\tret = check(inode);\n\tif (ret)\n\t\treturn ret;\n",
        LEAK,
    ),
    Case(
        "a status that is 0 on success by another name",
        """
__be32 f(struct svc_rqst *rqstp, struct svc_fh *fhp)
{
	struct nfsd_file *nf;
	__be32 status;

	status = nfsd_file_acquire(rqstp, fhp, NFSD_MAY_WRITE, &nf);
	if (status != nfs_ok)
		return status;
	status = check(nf);
	nfsd_file_put(nf);
	return status;
}
""",
        "\tstatus = check(nf);\n",
        "\tstatus = check(nf);\n\tif (status != nfs_ok)\n\t\treturn nfserr_inval;\n",
        LEAK,
    ),
    Case(
        "a helper that drops another holder's reference, as its contract says",
        """
int f(struct buffer_head *bh)
{
	struct journal_head *jh = jbd2_journal_grab_journal_head(bh);
	int may_free;

	if (!jh)
		return 0;
	may_free = __dispose_buffer(jh);
	jbd2_journal_put_journal_head(jh);
	return may_free;
}

static int __dispose_buffer(struct journal_head *jh)
{
	jbd2_journal_put_journal_head(jh);
	return 1;
}
""",
        "\tjbd2_journal_put_journal_head(jh);\n\treturn may_free;",
        "\treturn may_free;",
        LEAK,
    ),
    Case(
        "a pointer that is set to an error",
        """
int f(struct work *w, int ret)
{
	struct page *page;

	page = find_get_page(w->mapping, 0);
	if (!page)
		return -ENOENT;
	if (ret) {
		put_page(page);
		page = ERR_PTR(ret);
	}
	if (IS_ERR(page)) {
		put_page(page);
		return -EIO;
	}
	put_page(page);
	return 0;
}
""",
        "\t\tpage = ERR_PTR(ret);\n",
        "\t\tw->n = ret;\n\t\tput_page(page);\n",
        DOUBLE,
    ),
    Case(
        "what is mapped second, and may have failed, is not to be unmapped first",
        """
int f(struct work *w)
{
	char *one, *other;

	one = kmap_local_page(w->page);
	other = map_other(w);
	if (IS_ERR(other)) {
		kunmap_local(one);
		return PTR_ERR(other);
	}
	kunmap_local(other);
	kunmap_local(one);
	return 0;
}

char *map_other(struct work *w)
{
	if (!w->n)
		return ERR_PTR(-EIO);
	return kmap_local_page(w->page);
}
""",
        "\tkunmap_local(other);\n\tkunmap_local(one);\n",
        "\tkunmap_local(other);\n",
        LEAK,
    ),
    Case(
        "break in scoped_guard() leaves nothing else",
        """
int f(struct work *w, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		mutex_lock(&w->mutex);
		scoped_guard(spinlock, &w->lock) {
			if (w->n == i)
				break;
			if (w->m == i)
				continue;
			w->n = i;
		}
		mutex_unlock(&w->mutex);
	}
	return 0;
}
""",
        "\t\tmutex_unlock(&w->mutex);\n",
        "\t\tif (w->n)\n\t\t\tmutex_unlock(&w->mutex);\n",
        LEAK,
    ),
    Case(
        "scoped_class() and scoped_with_...() run their body once",
        """
int f(struct work *w)
{
	char *buf;

	scoped_class(prepare_creds, creds) {
		if (IS_ERR(creds))
			return PTR_ERR(creds);
		scoped_with_creds(creds)
			buf = kmalloc(8, GFP_KERNEL);
	}
	if (!buf)
		return -ENOMEM;
	w->n = buf[0];
	kfree(buf);
	return 0;
}
""",
        "\tkfree(buf);\n",
        "\tif (w->n)\n\t\tkfree(buf);\n",
        LEAK,
    ),
    Case(
        "the operand of kzalloc_obj() is not read",
        """
int f(struct work *w)
{
	struct item *item;

	item = kzalloc_obj(*item);
	if (!item)
		return -ENOMEM;
	item->n = w->n;
	kfree(item);
	item = kzalloc_obj(*item, GFP_NOFS);
	if (!item)
		return -ENOMEM;
	w->n = item->n;
	kfree(item);
	return 0;
}
""",
        "\tw->n = item->n;\n\tkfree(item);\n",
        "\tkfree(item);\n\tw->n = item->n;\n",
        USE,
    ),
    Case(
        "AUTO_KFREE()",
        """
int f(struct work *w)
{
	struct item AUTO_KFREE(item);

	item = kzalloc_obj(*item);
	if (!item)
		return -ENOMEM;
	if (w->n)
		return -EINVAL;
	w->m = item->n;
	return 0;
}
""",
        "\tw->m = item->n;\n",
        "\tkfree(item);\n\tkfree(item);\n",
        DOUBLE,
    ),
    Case(
        "guard() left by goto, break and continue",
        """
int f(struct work *w, int n)
{
	int i, err = 0;

	for (i = 0; i < n; i++) {
		guard(mutex)(&w->mutex);
		if (w->n == i)
			continue;
		if (w->m == i)
			break;
		err = step(w);
		if (err)
			goto out;
	}
	mutex_lock(&w->mutex);
	w->n++;
	mutex_unlock(&w->mutex);
out:
	return err;
}
""",
        "\tmutex_unlock(&w->mutex);\n",
        "",
        LEAK,
    ),
    Case(
        "no_free_ptr()",
        """
char *f(struct work *w)
{
	char *buf __free(kfree) = kmalloc(8, GFP_KERNEL);

	if (!buf)
		return NULL;
	if (w->n)
		return NULL;
	return no_free_ptr(buf);
}
""",
        "return no_free_ptr(buf);",
        "no_free_ptr(buf);\n\treturn NULL;",
        LEAK,
    ),
    # What goes wrong
    Case(
        "reassigned while held",
        """
int f(int n)
{
	char *p = kmalloc(n, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	kfree(p);
	p = kmalloc(2 * n, GFP_KERNEL);
	kfree(p);
	return 0;
}
""",
        "\tkfree(p);\n\tp = kmalloc",
        "\tp = kmalloc",
        OVERWRITTEN,
    ),
    Case(
        "set to NULL while held",
        """
int f(int n)
{
	char *p = kmalloc(n, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	kfree(p);
	p = NULL;
	kfree(p);
	return 0;
}
""",
        "\tkfree(p);\n\tp = NULL;",
        "\tp = NULL;",
        OVERWRITTEN,
    ),
    Case(
        "double release",
        """
int f(struct super_block *sb, sector_t nr)
{
	struct buffer_head *bh = sb_bread(sb, nr);

	if (!bh)
		return -EIO;
	if (bh->b_size)
		goto out;
	mark_buffer_dirty(bh);
out:
	brelse(bh);
	return 0;
}
""",
        "\tmark_buffer_dirty(bh);\n",
        "\tbrelse(bh);\n",
        DOUBLE,
    ),
    Case(
        "use after release",
        """
int f(int n)
{
	struct work *w = kmalloc(sizeof(*w), GFP_KERNEL);

	if (!w)
		return -ENOMEM;
	w->n = n;
	n = w->n + 1;
	kfree(w);
	return n;
}
""",
        "n = w->n + 1;\n\tkfree(w);",
        "kfree(w);\n\tn = w->n + 1;",
        USE,
    ),
    Case(
        "use of an element after release",
        """
int f(int n)
{
	char *p = kmalloc(n, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	n = p[0];
	kfree(p);
	return n;
}
""",
        "\tn = p[0];\n\tkfree(p);",
        "\tkfree(p);\n\tn = p[0];",
        USE,
    ),
    Case(
        "use in a return after release",
        """
int f(int n)
{
	char *p = kmalloc(n, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	n = p[0];
	kfree(p);
	return n;
}
""",
        "return n;",
        "return p[0];",
        USE,
    ),
    Case(
        "unlock of what was unlocked",
        """
int f(struct work *w)
{
	spin_lock(&w->lock);
	if (w->n) {
		spin_unlock(&w->lock);
		settle(w);
		return 0;
	}
	spin_unlock(&w->lock);
	return 1;
}
""",
        "settle(w);\n\t\treturn 0;",
        "settle(w);",
        DOUBLE,
    ),
    Case(
        "unlock on a way that did not lock",
        """
int f(struct work *w, int quick)
{
	if (quick)
		goto out;
	mutex_lock(&w->mutex);
	w->n++;
	mutex_unlock(&w->mutex);
out:
	return 0;
}
""",
        "\tmutex_unlock(&w->mutex);\nout:",
        "out:\n\tmutex_unlock(&w->mutex);",
        UNHELD,
    ),
    Case(
        "a lock taken twice",
        """
int f(struct work *w)
{
	mutex_lock(&w->mutex);
	w->n++;
	mutex_unlock(&w->mutex);
	return 0;
}
""",
        "w->n++;",
        "mutex_lock(&w->mutex);",
        OVERWRITTEN,
    ),
    Case(
        "last in, first out",
        """
void f(struct page *a, struct page *b)
{
	char *from = kmap_local_page(a);
	char *to = kmap_local_page(b);

	memcpy(to, from, PAGE_SIZE);
	kunmap_local(to);
	kunmap_local(from);
}
""",
        "\tkunmap_local(to);\n\tkunmap_local(from);",
        "\tkunmap_local(from);\n\tkunmap_local(to);",
        ORDER,
    ),
    Case(
        "read against write",
        """
int f(struct work *w)
{
	down_read(&w->rwsem);
	w->n = w->m;
	up_read(&w->rwsem);
	return 0;
}
""",
        "up_read",
        "up_write",
        MODE,
    ),
    Case(
        "downgraded",
        """
int f(struct work *w)
{
	down_write(&w->rwsem);
	w->n = w->m;
	downgrade_write(&w->rwsem);
	settle(w);
	up_read(&w->rwsem);
	return 0;
}
""",
        "up_read",
        "up_write",
        MODE,
    ),
    # Assertions and expressions
    Case(
        "WARN_ON",
        """
int f(struct work *w)
{
	mutex_lock(&w->mutex);
	if (WARN_ON(!w->n)) {
		mutex_unlock(&w->mutex);
		return -EINVAL;
	}
	mutex_unlock(&w->mutex);
	return 0;
}
""",
        "{\n\t\tmutex_unlock(&w->mutex);\n\t\treturn -EINVAL;\n\t}",
        "\n\t\treturn -EINVAL;",
        LEAK,
    ),
    Case(
        "BUG_ON(!p) says that it is there",
        """
int f(struct address_space *mapping, struct work *w)
{
	struct page *page = find_get_page(mapping, 0);

	BUG_ON(!page);
	ASSERT(PageUptodate(page));
	put_page(page);
	return 0;
}
""",
        "\tput_page(page);\n",
        "\tif (w->n)\n\t\tput_page(page);\n",
        LEAK,
    ),
    Case(
        "BUG() ends",
        """
int f(struct work *w, int op)
{
	mutex_lock(&w->mutex);
	switch (op) {
	case 0:
		break;
	default:
		BUG();
		return 0;
	}
	mutex_unlock(&w->mutex);
	return 0;
}
""",
        "BUG();",
        "WARN_ON(1);",
        LEAK,
    ),
    Case(
        "unlikely()",
        """
int f(struct super_block *sb)
{
	struct buffer_head *bh = sb_bread(sb, 1);

	if (unlikely(!bh))
		return -EIO;
	if (likely(bh->b_size == 512)) {
		brelse(bh);
		return 0;
	}
	brelse(bh);
	return -EINVAL;
}
""",
        "\tbrelse(bh);\n\treturn -EINVAL;",
        "\treturn -EINVAL;",
        LEAK,
    ),
    Case(
        "ternary acquire",
        """
int f(struct address_space *mapping, int want)
{
	struct page *page = want ? find_get_page(mapping, 0) : NULL;

	if (!page)
		return -ENOENT;
	if (PageDirty(page))
		want = 0;
	put_page(page);
	return want;
}
""",
        "want = 0;",
        "return 0;",
        LEAK,
    ),
    Case(
        "ternary in a condition",
        """
int f(struct work *w, int a)
{
	char *p = kmalloc(8, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	if (a ? w->n : w->m) {
		kfree(p);
		return 1;
	}
	kfree(p);
	return 0;
}
""",
        "{\n\t\tkfree(p);\n\t\treturn 1;\n\t}",
        "\n\t\treturn 1;",
        LEAK,
    ),
    Case(
        "comma",
        """
int f(struct work *w)
{
	char *p;

	if ((p = kmalloc(8, GFP_KERNEL), !p))
		return -ENOMEM;
	if (w->n)
		return kfree(p), -EBUSY;
	kfree(p);
	return 0;
}
""",
        "return kfree(p), -EBUSY;",
        "return w->m++, -EBUSY;",
        LEAK,
    ),
    Case(
        "nested calls",
        """
int f(struct super_block *sb)
{
	struct inode *inode = igrab(d_inode(sb->s_root));

	if (!inode)
		return -EIO;
	if (i_size_read(inode))
		sb->s_flags = 1;
	iput(inode);
	return 0;
}
""",
        "\t\tsb->s_flags = 1;",
        "\t\treturn -EINVAL;",
        LEAK,
        bad_fails="the result of igrab() of a field or a call is not tracked",
    ),
    Case(
        "if ((ret = f()))",
        """
int f(struct vfsmount *mnt, struct work *w)
{
	int ret;

	if ((ret = mnt_want_write(mnt)))
		return ret;
	if ((ret = step(w)) != 0)
		goto out;
	w->n++;
out:
	mnt_drop_write(mnt);
	return ret;
}
""",
        "!= 0)\n\t\tgoto out;",
        "!= 0)\n\t\treturn ret;",
        LEAK,
    ),
    Case(
        "release in a condition",
        """
int f(struct work *w)
{
	struct bio *bio = bio_alloc(w->bdev, 1, 0, GFP_NOFS);

	if (w->n) {
		bio_put(bio);
		return 1;
	}
	bio_put(bio);
	return 0;
}
""",
        "\t\tbio_put(bio);\n\t\treturn 1;",
        "\t\treturn 1;",
        LEAK,
    ),
    Case(
        "statement expression",
        """
int f(struct work *w)
{
	int n;

	mutex_lock(&w->mutex);
	n = ({ int m = w->n; m + 1; });
	mutex_unlock(&w->mutex);
	return n;
}
""",
        "\tmutex_unlock(&w->mutex);\n",
        "\tif (n)\n\t\tmutex_unlock(&w->mutex);\n",
        LEAK,
    ),
    Case(
        "an extra reference",
        """
int f(struct inode *inode)
{
	struct dentry *dentry = d_find_alias(inode);

	if (!dentry)
		return -ENOENT;
	dget(dentry);
	if (dentry->d_flags)
		inode->i_state = 1;
	dput(dentry);
	dput(dentry);
	return 0;
}
""",
        "\tdput(dentry);\n\tdput(dentry);",
        "\tdput(dentry);",
        LEAK,
        good_fails="what is got of something held is a seed of its own, with one reference",
    ),
    Case(
        "a token",
        """
int f(struct work *w)
{
	rcu_read_lock();
	if (!rcu_dereference(w->p)) {
		rcu_read_unlock();
		return -ENOENT;
	}
	rcu_read_unlock();
	return 0;
}
""",
        "{\n\t\trcu_read_unlock();\n\t\treturn -ENOENT;\n\t}",
        "\n\t\treturn -ENOENT;",
        LEAK,
    ),
    Case(
        "irq flags",
        """
int f(struct work *w)
{
	unsigned long flags;

	spin_lock_irqsave(&w->lock, flags);
	if (w->n) {
		spin_unlock_irqrestore(&w->lock, flags);
		return 1;
	}
	spin_unlock_irqrestore(&w->lock, flags);
	return 0;
}
""",
        "{\n\t\tspin_unlock_irqrestore(&w->lock, flags);\n\t\treturn 1;\n\t}",
        "\n\t\treturn 1;",
        LEAK,
    ),
    Case(
        "the lock of another object",
        """
int f(struct work *a, struct work *b)
{
	spin_lock(&a->lock);
	spin_lock_nested(&b->lock, 1);
	a->n = b->n;
	spin_unlock(&b->lock);
	spin_unlock(&a->lock);
	return 0;
}
""",
        "\tspin_unlock(&b->lock);\n",
        "\tif (a->n)\n\t\tspin_unlock(&b->lock);\n",
        LEAK,
    ),
    Case(
        "a lock named by a local pointer",
        """
int f(struct inode *inode)
{
	struct work *w = inode->i_private;

	mutex_lock(&w->mutex);
	if (w->n) {
		mutex_unlock(&w->mutex);
		return -EBUSY;
	}
	mutex_unlock(&w->mutex);
	return 0;
}
""",
        "{\n\t\tmutex_unlock(&w->mutex);\n\t\treturn -EBUSY;\n\t}",
        "\n\t\treturn -EBUSY;",
        LEAK,
    ),
    Case(
        "arms of #ifdef",
        """
int f(struct work *w)
{
	mutex_lock(&w->mutex);
#ifdef CONFIG_QUICK
	if (w->n) {
		mutex_unlock(&w->mutex);
		return -EBUSY;
	}
#else
	if (w->m) {
		mutex_unlock(&w->mutex);
		return -EAGAIN;
	}
#endif
	mutex_unlock(&w->mutex);
	return 0;
}
""",
        "\tif (w->m) {\n\t\tmutex_unlock(&w->mutex);\n\t\treturn -EAGAIN;\n\t}",
        "\tif (w->m)\n\t\treturn -EAGAIN;",
        LEAK,
    ),
    # A pointer that moves over the object, and what hangs on something else
    Case(
        "a mapping that is walked over",
        """
int f(struct page *page, int n, int by)
{
	char *at = kmap_local_page(page);
	char *p = at;

	at += n - by;
	while (p <= at)
		p++;
	at--;
	kunmap_local(at);
	return 0;
}
""",
        "\tat--;\n\tkunmap_local(at);\n",
        "\tat--;\n\tif (by)\n\t\tkunmap_local(at);\n",
        LEAK,
    ),
    Case(
        "an array that the caller's pointer leads to",
        """
int f(struct super_block *sb, struct entry *e, sector_t nr)
{
	struct buffer_head **bhs = e->bhs;

	bhs[0] = sb_bread(sb, nr);
	if (!bhs[0])
		return -EIO;
	if (e->two) {
		bhs[1] = sb_bread(sb, nr + 1);
		if (!bhs[1])
			goto fail;
	}
	return 0;
fail:
	brelse(bhs[0]);
	return -EIO;
}
""",
        "struct buffer_head **bhs = e->bhs;",
        "struct buffer_head *bhs[2];",
        LEAK,
    ),
    Case(
        "a struct that is copied with what it holds",
        """
int f(struct args *args, int n)
{
	struct arg one = { .size = 0 };

	one.value = kmalloc(n, GFP_KERNEL);
	if (!one.value)
		return -ENOMEM;
	if (n > 4)
		args->in[n] = one;
	else
		kfree(one.value);
	return 0;
}
""",
        "args->in[n] = one;",
        "args->in[n] = other;",
        LEAK,
    ),
    Case(
        "a struct that is copied by memcpy()",
        """
int f(struct queue *q, int n)
{
	struct name s;
	char *text = kmalloc(n, GFP_KERNEL);

	if (!text)
		return -ENOMEM;
	s.text = text;
	if (n < 3) {
		kfree(text);
		return -EINVAL;
	}
	memcpy(&q->name, &s, sizeof(struct name));
	return 0;
}
""",
        "memcpy(&q->name, &s, sizeof(struct name));",
        "memcpy(&q->name, &q->old, sizeof(struct name));",
        LEAK,
    ),
    Case(
        "what hangs on an object that gets another name",
        """
int f(struct inode *dir, const struct cred *cred, bool old)
{
	struct deleg *d = find_deleg(dir), *freeme = NULL;

	d->cred = get_cred(cred);
	if (old) {
		freeme = d;
		d = NULL;
	} else {
		put_cred(d->cred);
	}
	if (freeme)
		put_cred(freeme->cred);
	return 0;
}
""",
        "\tif (freeme)\n\t\tput_cred(freeme->cred);\n",
        "",
        LEAK,
        bad_fails="it stays stored in what find_deleg() returned",
    ),
    Case(
        "a macro that stands for a place",
        """
int f(struct walk *w, int n)
{
	char *path = kmalloc(n, GFP_KERNEL);

	if (!path)
		return -ENOMEM;
	if (n < 3) {
		kfree(path);
		return -EINVAL;
	}
	walk_path(w) = path;
	return get_referral(w);
}
""",
        "walk_path(w) = path;",
        "walk_length(w) = n;",
        LEAK,
    ),
    Case(
        "a counter that counts no references",
        """
struct dev *f(int n)
{
	struct dev *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	atomic_inc(&d->dev_stats_ccnt);
	if (n) {
		kfree(d);
		return NULL;
	}
	return d;
}
""",
        "\t\tkfree(d);\n\t\treturn NULL;",
        "\t\treturn NULL;",
        LEAK,
    ),
    Case(
        "a local that stands for the argument before that moves",
        """
static int insert(struct run *dst, struct run *src, int n)
{
	struct run *first = src;

	if (n < 0)
		return -EINVAL;
	if (dst->end == src->begin)
		src++;
	merge(dst, src->begin);
	kfree(first);
	return 0;
}

int f(struct run *dst, int n)
{
	struct run *hole = kmalloc(sizeof(*hole), GFP_KERNEL);

	if (!hole)
		return -ENOMEM;
	if (insert(dst, hole, n)) {
		kfree(hole);
		return -EIO;
	}
	return 0;
}
""",
        "\t\tkfree(hole);\n\t\treturn -EIO;",
        "\t\treturn -EIO;",
        LEAK,
    ),
    # What the resource itself can be
    Case(
        "what is held is not NULL, whatever a call may have done",
        """
int f(struct super_block *sb, sector_t nr)
{
	struct buffer_head *bh = sb_bread(sb, nr);
	struct walk w;

	if (!bh)
		return -EIO;
	w.bh = bh;
	look_at(&w);
	if (w.bh)
		brelse(w.bh);
	return 0;
}
""",
        "\tif (w.bh)\n\t\tbrelse(w.bh);\n",
        "\tif (w.size)\n\t\tbrelse(w.bh);\n",
        LEAK,
    ),
    Case(
        "what was just allocated is no part of something else",
        """
int f(struct buffer_head *bh, int n)
{
	struct head *h;

	if (n)
		h = HDR(bh);
	else
		h = kzalloc(4096, GFP_KERNEL);
	if (!h)
		return -ENOMEM;
	fill(h);
	if (!(bh && h == HDR(bh)))
		kfree(h);
	return 0;
}
""",
        "if (!(bh && h == HDR(bh)))",
        "if (!(bh && n == HDR(bh)))",
        LEAK,
    ),
    Case(
        "the result of dget() is no error",
        """
int f(struct dentry *parent, bool dot, const char *name)
{
	struct dentry *child;

	if (dot)
		child = dget(parent);
	else
		child = lookup_one_positive_unlocked(&nop_mnt_idmap, name, parent);
	if (IS_ERR(child))
		return -ENOENT;
	dput(child);
	return 0;
}
""",
        "\tdput(child);\n\treturn 0;",
        "\tif (!dot)\n\t\tdput(child);\n\treturn 0;",
        LEAK,
    ),
    Case(
        "memory for nothing",
        """
int f(struct map *map, int n)
{
	struct cap *caps = kcalloc(n, sizeof(*caps), GFP_KERNEL);
	int i;

	if (!caps)
		return -ENOMEM;
	if (!n)
		return 0;
	for (i = 0; i < n; i++)
		caps[i].bits = map->bits;
	kfree(caps);
	return 0;
}

int g(struct map *map, int n)
{
	struct cap *caps = NULL;

	if (n && map->closed)
		goto out;
	caps = kcalloc(n, sizeof(*caps), GFP_KERNEL);
	if (!caps)
		return -ENOMEM;
out:
	if (n)
		kfree(caps);
	return 0;
}
""",
        "\tif (n)\n\t\tkfree(caps);\n",
        "\tif (map->open)\n\t\tkfree(caps);\n",
        LEAK,
        good_fails="of the result of the call before the question, nothing is known",
    ),
    Case(
        "a call that returns nothing but errors",
        """
int f(struct super_block *sb, sector_t nr, int n)
{
	struct buffer_head *bh = sb_bread(sb, nr);
	int status = 0;

	if (!bh)
		return -EIO;
	if (bh->b_size < 512) {
		status = ocfs2_error(sb, "too small");
		goto bail;
	}
	status = 0;
bail:
	if (status < 0)
		brelse(bh);
	else
		put_bh(bh);
	return status;
}
""",
        "\telse\n\t\tput_bh(bh);\n",
        "",
        LEAK,
    ),
    Case(
        "a helper that leaves one object in two places",
        """
static int set_buffer(struct buffer **bufp, struct vec *iov, int n)
{
	struct buffer *buf = kzalloc(n, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	*bufp = buf;
	iov->base = buf;
	return 0;
}

int f(int n)
{
	struct buffer *buf = NULL;
	struct vec iov;
	int rc = set_buffer(&buf, &iov, n);

	if (rc)
		return rc;
	send(&iov);
	kfree(buf);
	return 0;
}
""",
        "\tkfree(buf);\n\treturn 0;",
        "\tif (n > 4)\n\t\tkfree(buf);\n\treturn 0;",
        LEAK,
    ),
    Case(
        "a buffer of a folio, returned for the folio",
        """
struct buffer_head *f(struct address_space *mapping, pgoff_t index, int n)
{
	struct folio *folio = filemap_get_folio(mapping, index);
	struct buffer_head *bh;

	if (IS_ERR(folio))
		return ERR_CAST(folio);
	bh = folio_buffers(folio);
	while (n--)
		bh = bh->b_this_page;
	if (bh->b_size < 512) {
		folio_put(folio);
		return NULL;
	}
	return bh;
}
""",
        "\t\tfolio_put(folio);\n\t\treturn NULL;",
        "\t\treturn NULL;",
        LEAK,
    ),
    Case(
        "a mode that the contract of another call names",
        """
int f(struct xfs_inode *ip, int n)
{
	struct xfs_trans *tp;
	int error = xfs_trans_alloc_inode(ip, &resv, n, 0, false, &tp);

	if (error)
		return error;
	error = xfs_trans_commit(tp);
	xfs_iunlock(ip, XFS_ILOCK_EXCL);
	return error;
}
""",
        "XFS_ILOCK_EXCL",
        "XFS_ILOCK_SHARED",
        LEAK,
    ),
    Case(
        "a path whose parts are stored one by one",
        """
int f(struct super_block *sb, const char *name)
{
	struct path path;
	int rc = kern_path(name, LOOKUP_FOLLOW, &path);

	if (rc)
		return rc;
	if (path.dentry->d_sb == sb) {
		path_put(&path);
		return -EINVAL;
	}
	sb->lower_mnt = path.mnt;
	return 0;
}
""",
        "\tsb->lower_mnt = path.mnt;\n",
        "",
        LEAK,
    ),
    Case(
        "a result that is an error or there",
        """
int f(struct address_space *mapping, struct file *file)
{
	struct folio *folio = NULL;
	void *header;
	int error = 0;

	folio = read_mapping_folio(mapping, 0, file);
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	header = kmap_local_folio(folio, 0);
	error = look_at(header);
	if (!IS_ERR_OR_NULL(folio))
		folio_release_kmap(folio, header);
	return error;
}
""",
        "if (!IS_ERR_OR_NULL(folio))",
        "if (!IS_ERR_OR_NULL(folio) && !error)",
        LEAK,
    ),
    Case(
        "a pointer into what was allocated",
        """
int f(struct set *set, struct kmem_cache *cache)
{
	struct bio *bio = take_one(set);
	void *p = NULL;

	if (!bio) {
		p = kmem_cache_alloc(cache, GFP_KERNEL);
		if (p)
			bio = p + set->pad;
	}
	if (!bio)
		return -ENOMEM;
	if (p)
		kmem_cache_free(cache, p);
	return 0;
}
""",
        "\tif (p)\n\t\tkmem_cache_free",
        "\tif (set->pad)\n\t\tkmem_cache_free",
        LEAK,
    ),
    Case(
        "a reference that is stored where it is taken",
        """
int f(struct area *vma, struct file *file, int n)
{
	vma->file = get_file(file);
	if (n < 0) {
		fput(file);
		return -EINVAL;
	}
	return 0;
}
""",
        "vma->file = get_file(file);",
        "get_file(file);",
        LEAK,
    ),
    Case(
        "a list whose entries are put in front",
        """
int f(int n)
{
	struct entry *one, *head = NULL;
	int err = 0;

	while (n--) {
		one = kmalloc(sizeof(*one), GFP_KERNEL);
		if (!one) {
			err = -ENOMEM;
			break;
		}
		one->next = head;
		head = one;
	}
	while (head) {
		one = head;
		head = one->next;
		kfree(one);
	}
	return err;
}
""",
        "\t\t\tbreak;",
        "\t\t\treturn err;",
        LEAK,
    ),
    Case(
        "1 for a reference that was got",
        """
int f(struct folio *folio, struct page *page)
{
	if (folio_try_get(folio)) {
		if (folio == page_folio(page))
			return 1;
		folio_put(folio);
	}
	return 0;
}
""",
        "return 1;",
        "return -EBUSY;",
        LEAK,
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
def test_nothing_is_said_of_a_balanced_function(case: Case, sure: Judge) -> None:
    assert [(one.kind, one.resource, one.line) for one in sure(case.code)] == []


@pytest.mark.parametrize("case", _cases(broken=True))
def test_what_is_broken_in_it_is_found(case: Case, found: Judge) -> None:
    assert case.kind in [one.kind for one in found(case.broken)]
