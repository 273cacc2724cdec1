"""What the pre-pass tells about the macros it rewrote."""

from __future__ import annotations

from anyclue.review.source.model import Cleanup
from anyclue.review.source.parse import read

LOOPS = b"""\
int f(void)
{
\tlist_for_each_entry(pos, &a->list, link) {
\t\tg(pos);
\t}
\tdo_each_pid(p) {
\t} while_each_pid(p);
\tif_debug(X) {
\t}
\tEACH(a) {
\t}
}
"""

GUARDS = b"""\
int f(struct foo *foo)
{
\tstruct bar *a __free(kfree) = make();
\tchar *b __cleanup(freep);
\tguard(mutex)(&foo->lock);
\tCLASS(fd, file)(3);
\tscoped_guard (rcu)
\t\ta++;
\tscoped_cond_guard(mutex_intr, return -EINTR, &foo->lock) {
\t}
\tACQUIRE(mutex_intr, lock)(&foo->lock);
\tfoo_guard(x);
}
"""


def test_loops_keep_their_place() -> None:
    source = read(LOOPS)
    assert {source.text[at : at + 5]: name for at, name in source.macros.items()} == {
        b"while": "while_each_pid",
        b"do   ": "do_each_pid",
        b"if   ": "if_debug",
        b"if  (": "EACH",
    } | {b"while": "while_each_pid"}
    for at, name in source.macros.items():
        assert source.original[at:].startswith(name.encode())
    assert b"while              (pos, &a->list, link) {" in source.text


def test_cleanups() -> None:
    source = read(GUARDS)
    assert not source.functions[0].broken
    for cleanup in source.cleanups:
        assert source.original[cleanup.offset :].startswith(cleanup.text.encode())
    assert [(one.kind, one.name, one.text) for one in source.cleanups] == [
        ("free", "kfree", "__free(kfree)"),
        ("cleanup", "freep", "__cleanup(freep)"),
        ("guard", "mutex", "guard(mutex)(&foo->lock)"),
        ("class", "fd", "CLASS(fd, file)(3)"),
        ("scoped_guard", "rcu", "scoped_guard (rcu)"),
        (
            "scoped_guard",
            "mutex_intr",
            "scoped_cond_guard(mutex_intr, return -EINTR, &foo->lock)",
        ),
        ("class", "mutex_intr", "ACQUIRE(mutex_intr, lock)(&foo->lock)"),
    ]
    assert isinstance(source.cleanups[0], Cleanup)
    assert sorted(source.macros.values()) == ["scoped_cond_guard", "scoped_guard"]
