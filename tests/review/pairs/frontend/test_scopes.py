"""What the end of a scope releases, as the compiler's cleanup attribute has it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anyclue.review.pairs.model import Finding, FindingKind

Judge = Callable[[str], list[Finding]]

BALANCED = {
    "a lock beside a variable with __free()": """
int f(struct pid *pid)
{
	struct task_struct *task __free(put_task) = get_pid_task(pid, PIDTYPE_PID);
	int nice;

	if (!task)
		return -ESRCH;
	task_lock(task);
	nice = task->nice;
	task_unlock(task);
	return nice;
}
""",
    "a pointer that is taken out of its variable": """
char *f(int n)
{
	char *p __free(kfree) = kmalloc(n, GFP_KERNEL);

	if (!p)
		return NULL;
	if (fill(p, n))
		return NULL;
	return no_free_ptr(p);
}
""",
    "return_ptr()": """
char *f(int n)
{
	char *p __free(kfree) = kmalloc(n, GFP_KERNEL);

	if (!p)
		return NULL;
	p[0] = 1;
	return_ptr(p);
}
""",
    "retain_and_null_ptr() behind a call that took it over": """
int f(struct queue *queue, int n)
{
	struct item *item __free(kfree) = kzalloc(n, GFP_KERNEL);

	if (!item)
		return -ENOMEM;
	list_add(&item->list, &queue->items);
	retain_and_null_ptr(item);
	return 0;
}
""",
    "set later": """
int f(int n)
{
	char *p __free(kfree) = NULL;

	if (!n)
		return 0;
	p = kmalloc(n, GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	return fill(p, n);
}
""",
    "AUTO_KFREE()": """
int f(int n)
{
	char AUTO_KFREE(p);

	p = kmalloc(n, GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	return fill(p, n);
}
""",
    "break leaves scoped_guard() alone": """
int f(struct work *w)
{
	char *p;

	while (more(w)) {
		p = kmalloc(8, GFP_KERNEL);
		if (!p)
			return -ENOMEM;
		scoped_guard(mutex, &w->mutex) {
			if (w->done)
				break;
			use(p);
		}
		kfree(p);
	}
	return 0;
}
""",
    "scoped_class() runs once": """
int f(struct dentry *dentry)
{
	struct item *item;

	scoped_class(prepared, creds, dentry)
		item = kzalloc(8, GFP_KERNEL);
	if (!item)
		return -ENOMEM;
	kfree(item);
	return 0;
}
""",
    "FD_PREPARE() owns the file": """
int f(const struct path *path)
{
	FD_PREPARE(fdf, O_CLOEXEC, dentry_open(path, O_RDONLY, current_cred()));
	if (fdf.err)
		return fdf.err;
	return fd_publish(fdf);
}
""",
    "the operand of kzalloc_obj() is not evaluated": """
int f(struct conn *c)
{
	struct vars *v;
	int rc;

again:
	v = kzalloc_obj(*v);
	if (!v)
		return -ENOMEM;
	rc = send(c);
	kfree(v);
	if (rc == -EAGAIN)
		goto again;
	return rc;
}
""",
    "a jump to the release where the lock is refused": """
int f(struct work *w)
{
	char *p = kmalloc(8, GFP_KERNEL);
	int ret = -EINTR;

	if (!p)
		return -ENOMEM;
	scoped_cond_guard(mutex_intr, goto out, &w->mutex)
		ret = fill(p, 8);
out:
	kfree(p);
	return ret;
}
""",
    "returned where the lock is refused": """
char *f(struct work *w)
{
	char *p = kmalloc(8, GFP_KERNEL);

	if (!p)
		return NULL;
	scoped_cond_guard(mutex_try, return p, &w->mutex)
		w->done = 1;
	kfree(p);
	return NULL;
}
""",
    "handed on where the lock is refused": """
int f(struct work *w)
{
	char *p = kmalloc(8, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	scoped_cond_guard(mutex_try, return queue_later(p), &w->mutex)
		w->done = 1;
	kfree(p);
	return 0;
}
""",
    "nothing done where the lock is refused": """
int f(struct work *w)
{
	char *p = kmalloc(8, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	scoped_cond_guard(mutex_try, ;, &w->mutex)
		w->done = 1;
	kfree(p);
	return 0;
}
""",
}

UNBALANCED = {
    "freed by hand and by the scope": (
        FindingKind.DOUBLE_RELEASE,
        """
int f(int n)
{
	char *p __free(kfree) = kmalloc(n, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	if (fill(p, n)) {
		kfree(p);
		return -EIO;
	}
	return 0;
}
""",
    ),
    "freed by hand, declared by a macro": (
        FindingKind.DOUBLE_RELEASE,
        """
int f(struct btrfs_root *root)
{
	BTRFS_PATH_AUTO_FREE(path);

	path = btrfs_alloc_path();
	if (!path)
		return -ENOMEM;
	if (find(root, path)) {
		btrfs_free_path(path);
		return -EIO;
	}
	return 0;
}
""",
    ),
    "taken out of its variable and lost": (
        FindingKind.LEAK,
        """
int f(int n)
{
	char *p __free(kfree) = kmalloc(n, GFP_KERNEL);
	char *q;

	if (!p)
		return -ENOMEM;
	q = no_free_ptr(p);
	if (fill(q, n))
		return -EIO;
	kfree(q);
	return 0;
}
""",
    ),
    "a lock of an object with __free()": (
        FindingKind.LEAK,
        """
int f(struct pid *pid)
{
	struct task_struct *task __free(put_task) = get_pid_task(pid, PIDTYPE_PID);

	if (!task)
		return -ESRCH;
	task_lock(task);
	if (!task->nice)
		return -ENOENT;
	task_unlock(task);
	return 0;
}
""",
    ),
    "lost where the lock is refused": (
        FindingKind.LEAK,
        """
int f(struct work *w)
{
	char *p = kmalloc(8, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	scoped_cond_guard(mutex_intr, return -EINTR, &w->mutex)
		w->done = fill(p, 8);
	kfree(p);
	return 0;
}
""",
    ),
    "break meant to leave the loop": (
        FindingKind.DOUBLE_RELEASE,
        """
int f(struct work *w)
{
	char *p = kmalloc(8, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	for (;;) {
		scoped_guard(mutex, &w->mutex) {
			if (w->done) {
				kfree(p);
				break;
			}
		}
		kfree(p);
		return 0;
	}
	return 0;
}
""",
    ),
}


@pytest.mark.parametrize("name", list(BALANCED))
def test_what_a_scope_releases_is_no_leak(name: str, sure: Judge) -> None:
    assert sure(BALANCED[name]) == []


@pytest.mark.parametrize("name", list(UNBALANCED))
def test_what_goes_wrong_with_a_scope_is_found(name: str, sure: Judge) -> None:
    kind, text = UNBALANCED[name]
    assert [one.kind for one in sure(text)] == [kind]
