"""The line that fstests' check writes to /dev/kmsg when a test begins."""

from __future__ import annotations

import re
from collections.abc import Sequence

from anyclue.model.recording import LogLine

_TEST = re.compile(r"^run fstests (\w[\w.+-]{0,59}(?:/\w[\w.+-]{0,59})?) at \d", re.ASCII)
_DAY = re.compile(r"run fstests \S+ at (\d{4}-\d\d-\d\d) ", re.ASCII)


def begun_test(text: str) -> str | None:
    """Return the test that a line of the kernel log begins."""
    match = _TEST.match(text)
    return match[1] if match else None


def first_day(log: Sequence[LogLine]) -> str:
    """Return the day on which the first test began, as check wrote it; "" when none did."""
    found = (_DAY.match(line.text) for line in log if begun_test(line.text))
    return next((match[1] for match in found if match), "")
