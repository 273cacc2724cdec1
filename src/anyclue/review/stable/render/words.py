"""How reports word which branches need a fix; hostile text is made harmless here."""

from __future__ import annotations

import re
import shlex

from anyclue.report.text import ascii_line, counted
from anyclue.review.stable.core.model import (
    Branch,
    BranchStatus,
    BranchVerdict,
    Doubt,
    KnownCommit,
    MatchKind,
    Note,
    PickFailure,
    Presence,
    StableReview,
    TitleMismatch,
)

DIGITS = 12
_LOCAL = "refs/heads/"
_VERSION = re.compile(r"v(\d+(?:\.\d+)*)(.*)")
_PLAIN = re.compile(r"[!-~]+")
_HOW = {
    MatchKind.ANCESTOR: "the commit itself",
    MatchKind.UPSTREAM: "backport, by its message",
    MatchKind.PATCH_ID: "backport, by patch id",
    MatchKind.TITLE: "probably, by title only",
}
_DOUBTS = {
    Doubt.TITLE: "only the title is the same, and it could be another commit",
    Doubt.REVERT_TITLE: "a commit with the title of its revert is there",
    Doubt.SHALLOW: "the history is cut off in this shallow clone",
    Doubt.NOT_COMPARED: "objects are missing, so changes could not be compared",
    Doubt.EMPTY_PICK: "a cherry-pick of the fix would change nothing there",
}
_PICK_FAILURES = {
    PickFailure.NO_PARENT: "the fix's parent is not in this clone",
    PickFailure.GIT: "git could not try it; objects may be missing",
}


def present(one: Presence) -> str:
    """Return where a commit stands on a branch: ``yes: 1234abcd, backport, v5.15.3``."""
    known = [one.commit[:DIGITS], _HOW[one.how]] if one.how else []
    since = [f"since {one.version}"] if one.version else []
    if one.there:
        return ", ".join([*known, *since])
    if one.reverted:
        probably = "" if one.sure else "probably "
        return f"{probably}reverted by {one.reverted[:DIGITS]}"
    return "no" if one.sure else "not found"


def doubt(one: Doubt | None) -> str:
    """Return why something is not certain; empty where it is."""
    return _DOUBTS[one] if one is not None else ""


def reason(verdict: BranchVerdict) -> str:
    """Return what a verdict hangs on; empty where it is plain."""
    if verdict.probably is not None:
        return f"probably {verdict.probably.value}: {doubt(verdict.doubt)}"
    if not verdict.reverted:
        return ""
    what = "fix" if verdict.status is BranchStatus.NEEDS else "culprit"
    by = " and ".join(one[:DIGITS] for one in verdict.reverted)
    return f"the {what} was reverted there by {by}"


def note(one: Note) -> str:
    """Return what else is to be known; it may hold hostile text."""
    if isinstance(one, TitleMismatch):
        return f"Fixes: {one.line}: the title of {one.commit[:DIGITS]} is: {one.title}"
    return f"the fix was reverted upstream by {one.commit[:DIGITS]}"


def pick(branch: Branch) -> str:
    """Return what a cherry-pick would do."""
    if branch.pick_failure is not None:
        return "not known"
    if branch.pick is None:
        return ""
    if branch.pick.empty:
        return "changes nothing"
    number = len(branch.pick.conflicts)
    return f"{counted(number, 'conflict')}" if number else "applies"


def pick_failure(branch: Branch) -> str:
    """Return why it is not known what a cherry-pick would do; empty where it is."""
    return _PICK_FAILURES[branch.pick_failure] if branch.pick_failure is not None else ""


def command(branch: Branch, fix: KnownCommit) -> str:
    """Return the shell command that takes the fix to a branch.

    A name that a terminal cannot show as it is is left out for the commit's id.
    """
    name = branch.ref.removeprefix(_LOCAL)
    if not branch.ref or not _PLAIN.fullmatch(branch.ref):
        switch = f"git switch --detach {branch.tip}"
    elif branch.ref.startswith(_LOCAL) and not name.startswith("-"):
        switch = f"git switch {shlex.quote(name)}"
    else:
        switch = f"git switch --detach {shlex.quote(branch.ref)}"
    return f"{switch} && git cherry-pick -x {fix.id}"


def upstream_line(fix: KnownCommit) -> str:
    """Return the line that a backport's message has to begin with."""
    return f"[ Upstream commit {fix.id} ]"


def cc_line(review: StableReview) -> str:
    """Return the line that asks for the fix on all branches since the oldest culprit's version."""
    versions = [one.version for one in review.culprits]
    line = "Cc: stable@vger.kernel.org"
    if not all(map(_VERSION.fullmatch, versions)) or not versions:
        return line
    oldest = min(versions, key=_order)
    found = _VERSION.fullmatch(oldest)
    return f"{line} # {found[1]}+" if found else line


def verdict(review: StableReview) -> str:
    """Return the whole review in one line."""
    parts = [
        f"{review.count(status)} {status.value}" for status in BranchStatus if review.count(status)
    ]
    return f"{counted(len(review.branches), 'branch', 'branches')}: {', '.join(parts)}"


def named(one: KnownCommit) -> str:
    """Return a commit as ``Fixes:`` names it, with its version when that is known."""
    version = f", since {one.version}" if one.version else ""
    return f'{one.id[:DIGITS]} ("{ascii_line(one.title)}"){version}'


def _order(version: str) -> tuple[list[int], bool]:
    found = _VERSION.fullmatch(version)
    numbers = [int(number) for number in found[1].split(".")] if found else []
    return numbers, "-rc" not in version
