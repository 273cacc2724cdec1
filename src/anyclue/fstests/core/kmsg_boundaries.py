"""Where tests begin, by the line that fstests' check writes to /dev/kmsg."""

from __future__ import annotations

import re
from collections.abc import Sequence

from anyclue.model.recording import LogLine

_TEST = re.compile(r"^run fstests (\w[\w.+-]{0,59}(?:/\w[\w.+-]{0,59})?) at \d", re.ASCII)


def begun_test(text: str) -> str | None:
    """Return the test that a line of the kernel log begins."""
    match = _TEST.match(text)
    return match[1] if match else None


def begun_tests(log: Sequence[LogLine]) -> tuple[tuple[str, int], ...]:
    """Return the tests that a kernel log begins, in its order, each with its line's index."""
    begun = ((begun_test(line.text), at) for at, line in enumerate(log))
    return tuple((test, at) for test, at in begun if test)
