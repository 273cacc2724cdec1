"""What a bisection is asked, what runs and other evidence say of commits, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class BisectTerm(StrEnum):
    """What a run says of its commit, in the words of ``git bisect``."""

    BAD = "bad"
    GOOD = "good"
    SKIP = "skip"
    """It does not build or boot, or breaks in another way: it says nothing of the bug."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How often one run errs.

    Attributes:
        false_bad: share of runs without the bug that show it.
        false_good: share of runs with the bug that do not.
    """

    false_bad: float = 0.0
    false_good: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One run at a commit.

    Attributes:
        commit: its id.
        term: what it showed.
        rates: how often such a run errs, where it is not as the settings say.
        ratio: how much likelier the measurement is with the bug than without; it stands above
            the rates.
        because: the reason, in words.
        imported: whether a log of ``git bisect`` says it and nothing was run here: it steers the
            search and proves nothing.
    """

    commit: str
    term: BisectTerm
    rates: Rates | None = None
    ratio: float | None = None
    because: str = ""
    imported: bool = False


@dataclass(frozen=True, kw_only=True)
class CommitEvidence:
    """What is known of a commit before it is run.

    Attributes:
        commit: its id.
        ratio: how much likelier this is of the culprit than of another commit.
        because: what was seen, in words.
    """

    commit: str
    ratio: float
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a bisection keeps to.

    Attributes:
        confidence: the probability at which a commit is accused; its proof has to reach the same
            odds by itself.
        rates: how often a run errs.
        floor: share of the prior that evidence cannot move: each of n commits keeps floor / n.
        repeats: runs that the accused commit and each of its parents have at least.
    """

    confidence: float = 0.99
    rates: Rates = field(default_factory=Rates)
    floor: float = 0.1
    repeats: int = 2


class BisectionStatus(StrEnum):
    """How far a bisection is."""

    SEARCHING = "searching"
    FOUND = "found"
    """One commit is accused, and proven."""
    RANGE = "range"
    """One of several commits, which runs cannot tell apart because those between are skipped."""
    BAD_IS_CLEAN = "bad-is-clean"
    GOOD_IS_BAD = "good-is-bad"
    NO_ONE_COMMIT = "no-one-commit"
    """The runs fit no first bad commit, nor a wrong end."""
    STUCK = "stuck"
    """What has to be run next, an end or a part of the proof, cannot be run."""
