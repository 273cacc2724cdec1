from __future__ import annotations

from anyclue.review.source.model import Choice
from anyclue.review.source.parse import read

FILE = b"""\
#include <linux/foo.h>
EXPORT_SYMBOL(other)

static int __init foo_init(struct list_head *head)
{
\tstruct foo *pos;

\tlist_for_each_entry(pos, head, list) {
\t\tstruct bar *bar = container_of(pos, struct bar, foo);

\t\tif (!bar)
\t\t\treturn -ENOMEM;
\t}
\treturn 0; /* anyclue: transfers to the caller */
}
"""


def test_reads_a_function() -> None:
    source = read(FILE)
    [function] = source.functions
    assert (function.name, function.first_line, function.last_line) == ("foo_init", 4, 15)
    assert function.static
    assert not function.broken
    assert source.lines == 15
    assert source.notes == {14: "transfers to the caller"}
    assert list(source.macros.values()) == ["list_for_each_entry"]
    assert len(source.text) == len(FILE)
    assert source.unread == ()


def test_choice_picks_the_arm() -> None:
    text = b"#ifdef A\nint f(void)\n{\n}\n#else\nint g(void)\n{\n}\n#endif\n"
    assert [f.name for f in read(text).functions] == ["f"]
    assert [f.name for f in read(text, Choice.OFF).functions] == ["g"]
    assert read(text).choices == ((1, 9),)
