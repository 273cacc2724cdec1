"""What a bisection asks, what it was told, and what it says of each commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from anyclue.hunt.clue.model import Place


class Shown(StrEnum):
    """What one run at a commit showed."""

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
        shown: what it showed.
        rates: how often such a run errs, where it is not as the settings say.
        ratio: how much likelier the measurement is with the bug than without; it stands above
            the rates.
        because: the reason, in words.
        made: whether a run was made here; else a log tells it, which steers the search and proves
            nothing.
    """

    commit: str
    shown: Shown
    rates: Rates | None = None
    ratio: float | None = None
    because: str = ""
    made: bool = True


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


class Why(StrEnum):
    """What the next run is for."""

    ENDS = "ends"
    SEARCH = "search"
    PROOF = "proof"


@dataclass(frozen=True, kw_only=True)
class NextRun:
    """The next run: at which commit, what for, and the bits it is expected to teach."""

    commit: str
    why: Why
    bits: float


@dataclass(frozen=True, kw_only=True)
class Demand:
    """A part of a proof: runs that a commit still needs, all to show the same."""

    commit: str
    expected: Shown
    runs: int


@dataclass(frozen=True, kw_only=True)
class Status:
    """What a bisection says after some runs.

    Attributes:
        standing: how far it is.
        next: the next run; None when it has ended.
        accused: the likeliest commit, or the commits that cannot be told from it, oldest first.
        confidence: the probability of these together.
        proof: what is missing of their proof.
        bad_is_clean: probability that the bad end is clean.
        good_is_bad: probability that the bug is older than the range.
        no_one_commit: probability that nothing of all this fits.
    """

    standing: BisectionStatus
    next: NextRun | None
    accused: tuple[str, ...]
    confidence: float
    proof: tuple[Demand, ...]
    bad_is_clean: float
    good_is_bad: float
    no_one_commit: float


@dataclass(frozen=True, kw_only=True)
class Reverted:
    """What the bad end showed without the accused commit's change, or with the fix.

    Attributes:
        shown: the worst of all runs; None when it could not be made.
        because: why, in words.
        runs: how many runs.
        fix: what the user calls the fix; "" where the change was taken back.
    """

    shown: Shown | None
    because: str
    runs: int = 0
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class Named:
    """A commit with its subject (hostile text)."""

    commit: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """A run as reports tell it.

    Attributes:
        seen: what it showed.
        seconds: of all of it, wall-clock; None where another session made it.
        build_seconds: of making the kernel and its guest, as part of that.
    """

    seen: Observation
    seconds: float | None = None
    build_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Bisected:
    """A bisection that has ended, as reports tell it.

    Attributes:
        standing: how.
        accused: the commit, or those that cannot be told from it, oldest first.
        confidence: the probability of these together.
        commits: so many were in the range.
        cell: what was run, without the kernel.
        wanted: what the bad end is guilty of; "" where that is not known.
        runs: every run, in order.
        reverted: what the bad end showed without the accused commit's change.
        run: the run directory, as the user would name it.
        places: where in the accused commit the fault may be, the likeliest first.
    """

    standing: BisectionStatus
    accused: tuple[Named, ...]
    confidence: float
    commits: int
    cell: str
    wanted: str
    runs: tuple[RunReport, ...]
    reverted: Reverted | None
    run: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """How a strategy does in simulation.

    Attributes:
        strategy: its name.
        runs: guest runs, mean.
        right: share of bisections that name the culprit.
    """

    strategy: str
    runs: float
    right: float
