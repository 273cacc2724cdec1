"""What comes out of a bisection, and out of a simulation of many, as reports show it."""

from __future__ import annotations

from dataclasses import dataclass

from anyclue.bisect.core.model import BisectionStatus, BisectTerm, Observation
from anyclue.hunt.clue.model import Place


@dataclass(frozen=True, kw_only=True)
class RevertProof:
    """The last part of a proof: the bad end without the accused commit's change, or with the fix.

    Attributes:
        terms: what each run showed; empty where the change cannot be taken back by itself, or the
            fix does not apply.
        because: what the last run showed, in words.
        fix: what the user calls the fix; "" where the change was taken back.
    """

    terms: tuple[BisectTerm, ...] = ()
    because: str = ""
    fix: str = ""

    @property
    def worst(self) -> BisectTerm | None:
        """What the worst run showed; None where there was none."""
        order = (BisectTerm.BAD, BisectTerm.SKIP, BisectTerm.GOOD)
        return next((one for one in order if one in self.terms), None)


@dataclass(frozen=True, kw_only=True)
class NamedCommit:
    """A commit with its subject (hostile text)."""

    commit: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """A run of a commit, and how long it took.

    Attributes:
        observation: what it showed.
        seconds: of all of it, wall-clock; None where another session made it.
        build_seconds: of making the kernel and its guest, as part of that.
    """

    observation: Observation
    seconds: float | None = None
    build_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class BisectionResult:
    """A bisection that has ended.

    Attributes:
        status: how.
        accused: the commit, or those that cannot be told from it, oldest first.
        confidence: the probability of these together.
        commits: so many were in the range.
        cell: what was run, without the kernel.
        failure: what the bad end is guilty of; "" where that is not known.
        runs: every run, in order.
        proof: what the bad end showed without the accused commit's change; None where no one
            commit is accused.
        run: the run directory, as the user would name it.
        places: where in the accused commit the fault may be, the likeliest first.
    """

    status: BisectionStatus
    accused: tuple[NamedCommit, ...]
    confidence: float
    commits: int
    cell: str
    failure: str
    runs: tuple[RunReport, ...]
    proof: RevertProof | None
    run: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StrategyResult:
    """How a strategy does in simulation.

    Attributes:
        strategy: its name.
        runs: guest runs, mean.
        right: share of bisections that name the culprit.
    """

    strategy: str
    runs: float
    right: float
