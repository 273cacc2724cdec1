"""What is said of a fix and of the branches that may need it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import TypeAlias

from anyclue.git.model import CherryPick


class MatchKind(StrEnum):
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


class Doubt(Enum):
    """Why something is probable only."""

    TITLE = auto()
    """Only the title is the same, and it could be another commit."""
    REVERT_TITLE = auto()
    """A commit with the title of its revert is there."""
    SHALLOW = auto()
    """The history is cut off in this shallow clone."""
    NOT_COMPARED = auto()
    """Objects are missing, so changes could not be compared."""
    EMPTY_PICK = auto()
    """A cherry-pick of the fix would change nothing."""


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
        how: how it was recognised; None when it never was there.
        commit: id of the commit that brought it.
        version: the first tagged version that has that commit.
        reverted: id of the last commit that took it back; empty when it was not taken back.
        doubt: why that is not certain; None when it is.
    """

    there: bool
    how: MatchKind | None = None
    commit: str = ""
    version: str = ""
    reverted: str = ""
    doubt: Doubt | None = None

    @property
    def sure(self) -> bool:
        """Whether it is certain."""
        return self.doubt is None


@dataclass(frozen=True, kw_only=True)
class BranchVerdict:
    """How a branch stands to a fix, and what that hangs on when it is not plain.

    Attributes:
        status: the verdict.
        probably: what it is probably, where it is unknown.
        doubt: why that is not certain.
        reverted: ids of the commits that took back the culprits or, where it is needed, the fix.
    """

    status: BranchStatus
    probably: BranchStatus | None = None
    doubt: Doubt | None = None
    reverted: tuple[str, ...] = ()


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
        verdict: how it stands to the fix.
        culprits: where each culprit stands, in their order.
        fix: where the fix stands.
        pick: what a cherry-pick would do, where the fix is needed.
        pick_failure: why that is not known, where the fix is needed.
        lacking: ids of follow-ups of the fix that are not there.
    """

    name: str
    ref: str
    tip: str
    verdict: BranchVerdict
    culprits: tuple[Presence, ...]
    fix: Presence
    pick: CherryPick | None = None
    pick_failure: PickFailure | None = None
    lacking: tuple[str, ...] = ()

    @property
    def status(self) -> BranchStatus:
        """How it stands to the fix."""
        return self.verdict.status


@dataclass(frozen=True, kw_only=True)
class TitleMismatch:
    """A ``Fixes:`` line gives a commit another title than it has.

    Attributes:
        line: what the line says.
        commit: id of the commit.
        title: its title.
    """

    line: str
    commit: str
    title: str


@dataclass(frozen=True, kw_only=True)
class UpstreamRevert:
    """The fix itself was reverted upstream, by this commit."""

    commit: str


Note: TypeAlias = TitleMismatch | UpstreamRevert


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
    notes: tuple[Note, ...] = ()

    def count(self, status: BranchStatus) -> int:
        """Return how many branches stand so."""
        return sum(one.status is status for one in self.branches)
