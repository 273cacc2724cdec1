"""What a commit's message names: what it fixes, what it is a backport of, what it reverts.

A message is hostile text; whatever it holds, it is read to its end and nothing is raised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from anyclue.git.model import Commit

LEAST_DIGITS = 7
"""Git's own shortest abbreviation; what is shorter is no id."""

_NESTED = 64

_ID = rf"([0-9a-f]{{{LEAST_DIGITS},64}})\b"
_TRAILER = re.compile(r"^Fixes[ \t]*:(.*)$", re.MULTILINE | re.IGNORECASE)
_LINK = re.compile(r"<?https?://", re.IGNORECASE)
_NAMED = re.compile(r"(?:commit[ \t]+)?([0-9a-f]{4,64})(?![0-9a-z_])[ \t,:-]*(.*)", re.IGNORECASE)
_QUOTED = re.compile(r'^\(?[ \t]*["\u201c](.*)["\u201d][ \t]*\)?[.,]?$|^\((.*)\)$')
_REVERTS = re.compile(
    rf"\bThis[ \t]+reverts[ \t]+commit\s+{_ID}(?:,?\s+which\s+(?:is|was)\s+(?:upstream\s+)?"
    rf"commit\s+{_ID}(?:\s+upstream)?)?",
    re.IGNORECASE,
)
_UPSTREAM = re.compile(
    rf"^[ \t]*(?:\[[ \t]*)?commit[ \t]+{_ID}[ \t]+upstream\b"
    rf"|^[ \t]*(?:\[[ \t]*)?upstream[ \t]+commit[ \t]+{_ID}"
    rf"|\((?:cherry[ -]picked|backported)[ \t]+from[ \t]+(?:upstream[ \t]+)?commit[ \t]+{_ID}",
    re.MULTILINE | re.IGNORECASE,
)
_TITLE = re.compile(r'(Revert|Reapply) "(.*)"', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class FixesTag:
    """A ``Fixes:`` line: what it says, and the id and title in it (empty when not there)."""

    text: str
    id: str
    title: str


def fixes_tags(message: str) -> tuple[FixesTag, ...]:
    """Return the ``Fixes:`` lines of a message; those that are links name no commit."""
    found = []
    for line in _TRAILER.finditer(message):
        text = line[1].strip()
        if _LINK.match(text):
            continue
        named = _NAMED.match(text)
        if named is None or len(named[1]) < LEAST_DIGITS:
            found.append(FixesTag(text=text, id="", title=""))
            continue
        quoted = _QUOTED.match(named[2])
        title = (quoted[1] or quoted[2] or "") if quoted else named[2]
        found.append(FixesTag(text=text, id=named[1].lower(), title=" ".join(title.split())))
    return tuple(found)


def upstream_ids(message: str) -> tuple[str, ...]:
    """Return the ids, maybe abbreviated, of what a message says it is a backport of."""
    rest = _REVERTS.sub("", message)
    return tuple(next(filter(None, one.groups())).lower() for one in _UPSTREAM.finditer(rest))


def reverted_ids(message: str) -> tuple[str, ...]:
    """Return the ids, maybe abbreviated, of what a message says it reverts."""
    return tuple(
        number.lower() for one in _REVERTS.finditer(message) for number in one.groups() if number
    )


def unwrap_reverts(title: str) -> tuple[str, int]:
    """Return the title within ``Revert "..."``, and how often it is reverted."""
    times = 0
    while times < _NESTED and (found := _TITLE.fullmatch(title)):
        times += 1 if found[1] == "Revert" else 2
        title = found[2]
    return title, times


def matches_id(written: str, commit_id: str) -> bool:
    """Return whether an id as written, maybe abbreviated, is that of a commit."""
    return len(written) >= LEAST_DIGITS and commit_id.startswith(written)


def fixes_commit(commit: Commit, commit_id: str) -> bool:
    """Return whether a commit says that it fixes another one."""
    return any(tag.id and matches_id(tag.id, commit_id) for tag in fixes_tags(commit.message))
