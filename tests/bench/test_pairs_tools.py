"""Messages of other tools, as they really print them."""

from __future__ import annotations

import pytest
from bench.pairs_bench.tools import TOOLS


@pytest.mark.parametrize(
    ("tool", "line", "at", "text"),
    [
        (
            "sparse",
            "mm/filemap.c:1436:17: warning: context imbalance in 'wait' - unexpected unlock",
            1436,
            "warning: context imbalance in 'wait' - unexpected unlock",
        ),
        ("spatch", "mm/filemap.c:4:2-8: preceding lock on line 2", 4, "preceding lock on line N"),
        (
            "smatch",
            "mm/filemap.c:9 get() warn: inconsistent returns '&box->lock'.",
            9,
            "get() warn: inconsistent returns '&box->lock'.",
        ),
        (
            "clang",
            "mm/filemap.c:24:9: warning: Use of memory after it is freed [unix.Malloc]",
            24,
            "warning: Use of memory after it is freed [unix.Malloc]",
        ),
    ],
)
def test_a_message_is_read(tool: str, line: str, at: int, text: str) -> None:
    (message,) = TOOLS[tool].messages("mm/filemap.c", f"In file included from a.h:1:\n{line}\n")
    assert (message.line, message.text) == (at, text)


@pytest.mark.parametrize(
    ("tool", "line"),
    [
        ("sparse", "include/linux/mm.h:3:1: warning: context imbalance in 'f'"),
        ("gcc", "mm/filemap.c:9:1: warning: label 'out' defined but not used [-Wunused-label]"),
        ("clang", "mm/filemap.c:9:1: warning: Value stored to 'x' is never read [deadcode]"),
        ("clang", "mm/filemap.c:9:1: note: Assuming 'x' is null"),
    ],
)
def test_what_is_of_another_file_or_beside_the_point_is_left_out(tool: str, line: str) -> None:
    assert not TOOLS[tool].messages("mm/filemap.c", f"{line}\n")
