"""What ``check -n`` lists: the tests that it would run, and those that it leaves out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anyclue.fstests.core.check_line import TEST_ID

_LISTED = re.compile(rf"^({TEST_ID})(?: *| +\[(expunged)\])$", re.ASCII)
_UNKNOWN = re.compile(r"^([^\s]{1,100}) - unknown test, ignored$")


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Tests in check's order; ``unknown`` is what was asked for and is no test."""

    tests: tuple[str, ...]
    expunged: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def parse_listing(text: str) -> Listing:
    """Return what the output of ``check -n`` lists. Never raises."""
    lines = text.split("\n")
    matches = [match for match in map(_LISTED.match, lines) if match]
    return Listing(
        tests=tuple(dict.fromkeys(m[1] for m in matches if not m[2])),
        expunged=tuple(dict.fromkeys(m[1] for m in matches if m[2])),
        unknown=tuple(m[1] for m in map(_UNKNOWN.match, lines) if m),
    )
