"""What is said of a fix and of the branches that may need it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from anyclue.git.model import CherryPick


class KnownBy(StrEnum):
    """How a commit was recognised on a branch; the surest first."""

    ANCESTOR = "ancestor"
    """It is in the branch's history itself."""
    UPSTREAM = "upstream-line"
    """A commit's message says which commit it is a backport of."""
    PATCH_ID = "patch-id"
    """A commit makes the same change."""
    TITLE = "title"
    """A commit has the same title, and another change: probably, not surely."""


class BranchStatus(StrEnum):
    """How a branch stands to a fix."""

    NEEDS = "needs the fix"
    HAS = "has the fix"
    NOT_AFFECTED = "not affected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class KnownCommit:
    """A commit that is asked about.

    Attributes:
        id: its id.
        title: its title.
        version: the first tagged version that has it; empty when no tag tells.
    """

    id: str
    title: str
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Presence:
    """Whether a commit is in a branch, and how that is known.

    Attributes:
        there: whether its change is in the branch's last commit.
        sure: whether that is certain; else it is only probable.
        how: how it was recognised; None when it never was there.
        commit: id of the commit that brought it.
        version: the first tagged version that has that commit.
        reverted: id of the last commit that took it back; empty when it was not taken back.
        why: why it is not certain.
    """

    there: bool
    sure: bool = True
    how: KnownBy | None = None
    commit: str = ""
    version: str = ""
    reverted: str = ""
    why: str = ""


class PickFailure(Enum):
    """Why it is not known what a cherry-pick of the fix would do."""

    NO_PARENT = auto()
    """The fix's parent is not in this clone."""
    GIT = auto()
    """Git could not try it; objects may be missing."""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """What is said of one branch.

    Attributes:
        name: the ref in short, or the user's words.
        ref: the full name of the ref; empty when it is none.
        tip: id of its last commit.
        standing: the verdict.
        culprits: where each culprit stands, in their order.
        fix: where the fix stands.
        why: what the verdict hangs on, when it is not plain.
        pick: what a cherry-pick would do, where the fix is needed.
        pick_failure: why that is not known, where the fix is needed.
        lacking: ids of follow-ups of the fix that are not there.
    """

    name: str
    ref: str
    tip: str
    standing: BranchStatus
    culprits: tuple[Presence, ...]
    fix: Presence
    why: str = ""
    pick: CherryPick | None = None
    pick_failure: PickFailure | None = None
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StableReview:
    """A fix, and how each branch stands to it.

    Attributes:
        fix: the fix.
        culprits: what it fixes.
        branches: the verdicts.
        follow_ups: commits whose ``Fixes:`` names the fix; oldest first.
        notes: what else is to be known.
    """

    fix: KnownCommit
    culprits: tuple[KnownCommit, ...]
    branches: tuple[Branch, ...]
    follow_ups: tuple[KnownCommit, ...] = ()
    notes: tuple[str, ...] = ()

    def number(self, standing: BranchStatus) -> int:
        """Return how many branches stand so."""
        return sum(one.standing is standing for one in self.branches)
