"""The clue: what is guilty, where in the source, which suspects are innocent, how to see it again.

Amounts of memory are in KiB. Text that came from a guest, a tree or a repository (steps, subjects,
probes' words) is hostile: reports clean and escape it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from anyclue.model.scenario import Axis, Cell, Scalar
from anyclue.model.verdict import ObjectSeries, Signature, Verdict
from anyclue.review.pairs.model import Confidence, FindingKind, PathStep


class SuspectStatus(StrEnum):
    """What becomes of a suspect."""

    GUILTY = "guilty"
    ACQUITTED = "acquitted"
    UNPROVEN = "unproven"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One part of what has to come together: ``mount`` is ``lzo``, or has ``compress=lzo``.

    Attributes:
        axis: the axis.
        value: its value's name in the scenario.
        option: the single option (or test, or parameter) that is enough, where it was isolated.
    """

    axis: Axis
    value: str
    option: str = ""


@dataclass(frozen=True, kw_only=True)
class Conjunction:
    """The smallest conjunction that leaks, and what does not matter.

    Attributes:
        conditions: what has to come together.
        irrelevant: axes that were acquitted, each by a pair of cells that are guilty alike.
        proven: whether each condition was dropped by itself and the leak was gone.
        because: what is missing of the proof, or what it rests on.
        cells_run: cells that were run.
        cells_full: cells of the full product.
    """

    conditions: tuple[Condition, ...]
    irrelevant: tuple[tuple[Axis, tuple[Cell, Cell]], ...] = ()
    proven: bool = False
    because: str = ""
    cells_run: int = 0
    cells_full: int = 0


class DoseEvent(StrEnum):
    """What a round does besides, whatever its dose."""

    MOUNT = "mount"
    """A file system is made, mounted and unmounted: these three are not told apart."""
    ENOSPC = "ENOSPC"
    """A write fails for lack of space."""


@dataclass(frozen=True, kw_only=True)
class DosePoint:
    """The growth at one dose.

    Attributes:
        dose: operations a round.
        rate_kib: KiB a round; None where it could not be told.
        ci95_kib: its 95 % interval.
        rate_objects: objects a round, where a count of objects leaks.
        ci95_objects: its 95 % interval.
        events: how often a round did what else it does.
    """

    dose: float
    rate_kib: float | None
    ci95_kib: tuple[float, float] | None = None
    rate_objects: float | None = None
    ci95_objects: tuple[float, float] | None = None
    events: Mapping[DoseEvent, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EventAmount:
    """How much leaks at every event of a kind, with its 95 % interval."""

    event: DoseEvent
    amount: float
    ci95: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class DoseResponse:
    """How the amount that leaks follows what is done.

    Attributes:
        unit: the operation in the singular: ``file``, ``loop``, ``MiB``.
        amount_kib: KiB for each of them; None where response does not follow dose.
        ci95_kib: its 95 % interval.
        linear: whether response follows dose; None when that could not be told.
        because: what it rests on.
        points: what was measured, smallest dose first.
        series: the count of objects that leaks: amounts are then in objects, too.
        amount_objects: objects for each operation; None where response does not follow dose.
        ci95_objects: its 95 % interval.
        events: where what leaks does not follow the dose, but is the same at every event of a kind:
            how much, in objects where there is a ``series``, else in KiB. Several kinds are not
            told apart.
    """

    unit: str
    amount_kib: float | None
    ci95_kib: tuple[float, float] | None
    linear: bool | None
    because: str
    points: tuple[DosePoint, ...] = ()
    series: ObjectSeries | None = None
    amount_objects: float | None = None
    ci95_objects: tuple[float, float] | None = None
    events: tuple[EventAmount, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reproducer:
    """The smallest thing that still leaks.

    Attributes:
        script: a shell script of a few lines; runs without anyclue.
        tests: the fewest tests of fstests that are enough, in order.
        parameters: of the workload, reduced.
        reduced: what was changed and still leaks, and what could not be: one line each.
        rate_kib: KiB a round that it leaks.
        more_guests: so many more guests would tell whether it is the smallest; 0: it is.
        series: the count of objects that leaks, where that is known by counts alone.
        rate_objects: how many of these it leaks a round.
    """

    script: str
    tests: tuple[str, ...] = ()
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    reduced: tuple[str, ...] = ()
    rate_kib: float | None = None
    more_guests: int = 0
    series: ObjectSeries | None = None
    rate_objects: float | None = None


@dataclass(frozen=True, kw_only=True)
class ProbeSummary:
    """What one probe contributed.

    Attributes:
        name: the probe.
        cell: the guilty cell that it looked at.
        says: its result in a sentence.
        limits: what it cannot see, or lost on the way.
    """

    name: str
    cell: str
    says: str
    limits: str = ""


class ReasonSource(StrEnum):
    """Where a reason for a place comes from."""

    PAIRS_CHANGE = "pairs-change"
    """Pairing: the change from the good kernel to the bad one made it wrong."""
    PAIRS_TREE = "pairs-tree"
    """Pairing: the bad source by itself is wrong there."""
    CHANGE = "change"
    """The function differs between the kernels; or it does not."""
    KIND = "kind"
    """Whether what is not released is of the kind that grew."""
    OPTIONS = "options"
    """The mount options, mkfs options or the workload of the guilty cells lead to it; or not."""
    PROBE = "probe"
    INCIDENT = "incident"
    COMMIT = "commit"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One piece of evidence for or against a place.

    Attributes:
        source: where it comes from.
        ratio: how much likelier this is to be seen if the place is the right one than if not.
        text: what was seen.
    """

    source: ReasonSource
    ratio: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Missing:
    """The release that is missing, and the path on which it is.

    Attributes:
        kind: what is wrong with the pairing.
        release: calls that would release it, the likeliest first; first those that a change took
            away.
        resource: the expression that names it.
        acquired_line: where it was acquired; None when the caller handed it over.
        acquired_by: the call that acquired it; "" when the caller handed it over.
        line: where the path ends without the release, or where a change took the release away.
        label: the label that the line stands behind, as ``out``; "" where there is none.
        message: one sentence.
        steps: the path.
        confidence: how far pairing may be trusted here.
        diff: the insertion that mends it; "" when there is no single one.
    """

    kind: FindingKind
    release: tuple[str, ...]
    resource: str
    acquired_line: int | None
    acquired_by: str
    line: int
    label: str
    message: str
    steps: tuple[PathStep, ...]
    confidence: Confidence
    diff: str = ""


@dataclass(frozen=True, kw_only=True)
class ChangingCommit:
    """A commit that changed a function between the good kernel and the bad one.

    Attributes:
        commit: its full id.
        subject: its subject.
        because: how it is known.
        accused: whether it is proven to be the first bad one, or the only one.
    """

    commit: str
    subject: str
    because: str
    accused: bool = False


@dataclass(frozen=True, kw_only=True)
class Place:
    """A function where the fault may be.

    Attributes:
        function: its name.
        path: its file, below the kernel's tree.
        line: where it goes wrong, or else where the function begins; in the bad source.
        probability: of this being the place, from 0 to 1.
        reasons: what speaks for it and against it, the strongest first.
        missing: the release that is missing, where pairing says so.
        commits: commits that touched it between the kernels.
    """

    function: str
    path: str
    line: int
    probability: float
    reasons: tuple[Reason, ...]
    missing: Missing | None = None
    commits: tuple[ChangingCommit, ...] = ()


class SuspectKind(StrEnum):
    """What a theory is tested by."""

    FACTOR = "factor"
    COMMIT = "commit"
    FUNCTION = "function"
    SUBSYSTEM = "subsystem"
    RESOURCE = "resource"
    ARCH = "arch"


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A theory in the user's words, and what became of it.

    Attributes:
        name: its name in the scenario.
        theory: the user's words.
        test: what it was tied to, in words.
        kind: the kind of that test.
        standing: guilty, acquitted or unproven.
        because: why, in a sentence.
        evidence: what was seen, with figures; one line each.
        settle: what would settle it; "" when it is settled.
    """

    name: str
    theory: str
    test: str
    kind: SuspectKind
    standing: SuspectStatus
    because: str
    evidence: tuple[str, ...] = ()
    settle: str = ""


@dataclass(frozen=True, kw_only=True)
class Guilt:
    """What the guilty cells have in common.

    Attributes:
        verdict: leak or broken.
        signature: which kind of release is missing.
        detail: what that adds, as the name of a slab cache.
        conditions: what has to come together.
        acquitted: axes that do not matter.
        innocent: values with which a cell is innocent that is guilty with another, all else equal.
        cells: the guilty cells' ids.
        name: how it is told from other faults of the run; "" of a surge beside graver ones.
    """

    verdict: Verdict
    signature: Signature | None
    detail: str
    conditions: tuple[Condition, ...]
    acquitted: tuple[Axis, ...]
    innocent: tuple[Condition, ...]
    cells: tuple[str, ...]
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class FaultClue:
    """What is known of one fault.

    Attributes:
        guilt: what its cells have in common.
        commit: the first bad commit, where a bisection proved one.
        places: where it may be, the likeliest first.
        elsewhere: probability that it is none of these.
        conjunction: the smallest conjunction.
        dose: dose and response, where it was measured.
        reproducer: the smallest reproducer, where there is one.
        companions: what only grows along with it, and which faults its cells cannot tell it from,
            in words; "" where there is nothing of the kind.
    """

    guilt: Guilt
    commit: ChangingCommit | None = None
    places: tuple[Place, ...] = ()
    elsewhere: float = 1.0
    conjunction: Conjunction | None = None
    dose: DoseResponse | None = None
    reproducer: Reproducer | None = None
    companions: str = ""


@dataclass(frozen=True, kw_only=True)
class Clue:
    """All that a run says about why, and about who is innocent.

    Places, conjunction, dose and reproducer are of the first fault; ``faults`` has the others.

    Attributes:
        sentence: the clue, as one would say it.
        commit: the first bad commit, where a bisection proved one.
        guilt: one for each way in which cells are guilty.
        places: where it may be, the likeliest first.
        elsewhere: probability that it is none of these.
        suspects: the user's theories, in the scenario's order.
        not_tested: what was not looked at, and why; one line each.
        conjunction: the smallest conjunction, where it was isolated.
        dose: dose and response, where it was measured.
        reproducer: the smallest reproducer, where there is one.
        probes: what was looked at in the guilty cell's repeat.
        companions: what only grows along with the first fault, and which it is not told from.
        faults: what else leaks or broke, each by itself.
        left_out: what guests or time did not suffice for, with the command that runs it.
    """

    sentence: str
    commit: ChangingCommit | None = None
    guilt: tuple[Guilt, ...] = ()
    places: tuple[Place, ...] = ()
    elsewhere: float = 1.0
    suspects: tuple[Suspect, ...] = ()
    not_tested: tuple[str, ...] = ()
    conjunction: Conjunction | None = None
    dose: DoseResponse | None = None
    reproducer: Reproducer | None = None
    probes: tuple[ProbeSummary, ...] = ()
    companions: str = ""
    faults: tuple[FaultClue, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def each_fault(self) -> tuple[FaultClue, ...]:
        """Every fault, the first among them; none where nothing is guilty."""
        if not self.guilt:
            return ()
        first = FaultClue(
            guilt=self.guilt[0],
            commit=self.commit,
            places=self.places,
            elsewhere=self.elsewhere,
            conjunction=self.conjunction,
            dose=self.dose,
            reproducer=self.reproducer,
            companions=self.companions,
        )
        return (first, *self.faults)
