"""The line that fstests' check writes to /dev/kmsg when a test begins."""

from __future__ import annotations

import re

_TEST = re.compile(r"^run fstests (\w[\w.+-]{0,59}(?:/\w[\w.+-]{0,59})?) at \d", re.ASCII)


def begun_test(text: str) -> str | None:
    """Return the test that a line of the kernel log begins."""
    match = _TEST.match(text)
    return match[1] if match else None
