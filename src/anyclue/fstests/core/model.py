"""What fstests is asked to run, what ``check`` said of it, and what is said of a test.

A test's name is as ``check`` prints it, ``generic/001``. Times are in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from anyclue.model.artifact import ArtifactRef
from anyclue.model.machine_recording import TestVerdict
from anyclue.model.recording import EndState

TEST_ID = r"[a-z0-9][\w+-]{0,39}/\d{3}[\w-]{0,59}"
"""A regular expression of a test's name; none can leave a directory, as a path."""

TEST_NAME = re.compile(TEST_ID, re.ASCII)

SECTION_NAME = r"[A-Za-z0-9_-]{1,100}"
"""A regular expression of the names of sections that check reads."""


class CheckStatus(StrEnum):
    """What became of one run of a test.

    ``LOST``: it began, and nothing says how it ended. Only ``PASSED`` is a pass.
    """

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not-run"
    EXPUNGED = "expunged"
    LOST = "lost"

    @property
    def ran(self) -> bool:
        """Say whether the test itself ran, as far as check said."""
        return self not in (CheckStatus.NOT_RUN, CheckStatus.EXPUNGED)


WORST_FIRST = (
    *(CheckStatus.FAILED, CheckStatus.LOST, CheckStatus.PASSED),
    *(CheckStatus.NOT_RUN, CheckStatus.EXPUNGED),
)
"""The order in which the runs of a test count."""


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One run of one test, by what ``check`` printed or reported of it.

    Attributes:
        test: its id.
        status: how it ended.
        reason: why it failed, was not run or is lost; empty for a pass.
        seconds: how long it took; None where check does not say.
        section: the section of ``local.config``; empty where the file has none.
        number: which run of the test in this section it is, from 1 (``-i``, ``-I``, ``-L``).
        lines: what check printed below the test: the differences in its output.
    """

    test: str
    status: CheckStatus
    reason: str = ""
    seconds: float | None = None
    section: str = ""
    number: int = 1
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CheckRun:
    """One run of ``check``.

    Attributes:
        results: every run of every test, in the order in which they began.
        cut_short: what says that it did not come to its end; empty when it did.
    """

    results: tuple[CheckResult, ...]
    cut_short: str = ""


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A run of a test of which check printed something else than its report says.

    Attributes:
        printed: what it printed; None for nothing.
        reported: what its report says; None for nothing.
        has_report: whether check left a report at all.
    """

    printed: CheckStatus | None = None
    reported: CheckStatus | None = None
    has_report: bool = True


@dataclass(frozen=True, kw_only=True)
class KnownFailure:
    """A test that is known to fail.

    Attributes:
        test: its id.
        reason: why, in the words of who wrote the list.
        until: the first kernel version ("6.12") or the first day ("2027-01-31") at which the
            failure is no longer excused; None is for ever.
        kernels: globs over the kernel's release; none is every kernel.
        sections: globs over the section's name; none is every section.
    """

    test: str
    reason: str
    until: str | None = None
    kernels: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class KnownFailureMatch:
    """The results of a run beside what is known to fail.

    Attributes:
        known: failures that an entry excuses.
        passed: tests that an entry says fail, and whose every run passed.
        expired: entries for this kernel whose ``until`` has come.
    """

    known: tuple[tuple[CheckResult, KnownFailure], ...] = ()
    passed: tuple[tuple[CheckResult, KnownFailure], ...] = ()
    expired: tuple[KnownFailure, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConfigSection:
    """A section of ``local.config`` with the options that stand in it.

    ``name`` is empty for the only section of a file that has no ``[SECTION]`` line.
    """

    name: str
    options: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a test refuses to run somewhere, from upstream's history.

    Attributes:
        test: its id.
        reason: why its author does not let it run.
        commit: full id of fstests' commit that made it refuse.
        date: of that commit, ``2024-05-17``.
        subject: of that commit.
        instead: the built-in workload that does the same; None where there is none.
    """

    test: str
    reason: str
    commit: str
    date: str
    subject: str
    instead: str | None = None


class Part(StrEnum):
    """What a trial does: the list, one test over and over, or a test with those before it."""

    LIST = "list"
    REPEAT = "repeat"
    GROUP = "group"


@dataclass(frozen=True, kw_only=True, order=True)
class TestId:
    """A test in a section of ``local.config`` (empty where the file has none)."""

    __test__ = False  # pytest takes the name for a test of its own

    section: str
    test: str

    def __str__(self) -> str:
        return f"{self.section}:{self.test}" if self.section else self.test


@dataclass(frozen=True, kw_only=True)
class SectionPlan:
    """A section as a guest runs it: all its options, and a ``local.config`` without sections."""

    options: Mapping[str, str]
    config: str

    @property
    def fstyp(self) -> str:
        """Its type of file system."""
        return self.options["FSTYP"]

    @property
    def mkfs(self) -> str:
        """The options of mkfs for TEST_DEV."""
        return self.options.get("MKFS_OPTIONS", "")

    @property
    def mount(self) -> str:
        """The options of mount for SCRATCH_DEV, with their ``-o``."""
        return self.options.get("MOUNT_OPTIONS", "")


@dataclass(frozen=True, kw_only=True)
class TestPlan:
    """What one trial runs.

    Attributes:
        suite: the built tree.
        origin: which checkout that is, in words: its commit and content.
        sections: by name, in order; the one name is empty where there are none.
        selection: arguments by which ``check -n`` lists the tests.
        arguments: further ones for each run of ``check``.
        tests: what to run, in order; None is all that ``selection`` lists.
        part: see there.
        passes: how often the list is run.
        stop_at_failure: whether a failed test ends the list after its pass.
        least_kib: a test of the list after which memory moved by so much runs again at once.
    """

    __test__ = False

    suite: ArtifactRef
    origin: str = ""
    sections: Mapping[str, SectionPlan]
    selection: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    tests: tuple[TestId, ...] | None = None
    part: Part = Part.LIST
    passes: int = 1
    stop_at_failure: bool = False
    least_kib: float = 64.0


@dataclass(frozen=True, kw_only=True)
class CheckCall:
    """One run of ``check``, for one test.

    Attributes:
        round: its number in the trial, from 1: that of the marks and of its output's file.
        section: the section of ``local.config``.
        test: the test.
        status: check's exit status; None when it did not come back.
        kept: the result files, as paths below ``results``.
        again: whether it is the second run in a row, as memory had moved in the first.
    """

    round: int
    section: str
    test: str
    status: int | None = None
    kept: tuple[str, ...] = ()
    again: bool = False

    @property
    def id(self) -> TestId:
        """The test with its section."""
        return TestId(section=self.section, test=self.test)

    @property
    def output(self) -> str:
        """The name of the file with check's output, below ``results``."""
        return f"check-{self.round:04}.out"


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """A trial's ``fstests.json``: what was to run, in order, what was left out, what began.

    ``stopped`` says that a failure ended the list, as it was asked for.
    """

    part: Part
    tests: tuple[TestId, ...] = ()
    expunged: tuple[TestId, ...] = ()
    unknown: tuple[str, ...] = ()
    calls: tuple[CheckCall, ...] = ()
    stopped: bool = False


@dataclass(frozen=True, kw_only=True)
class CallOutput:
    """What a run of ``check`` left: what it printed, and its own report where it was kept."""

    printed: str = ""
    report: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class TestFinding:
    """What is said of one test in one cell.

    Attributes:
        id: the test.
        status: what check said of it; of several runs the worst.
        reason: why it failed, was not run, or is lost.
        results: every run of it.
        memory: the verdict on its memory; None where it did not run.
        alone: whether it was seen to leak in a guest that runs nothing else.
        after: the tests that ran before it where it leaks, and without which it is clean.
        wants_group: whether its memory can only be judged together with the tests before it.
        killed: how the guest ended during it; None when it lived on.
        disagreements: where check's report contradicts what it printed.
        known: why its failure is no news; None when it is.
        expired: its entries among the known failures that no longer hold for this kernel or day.
        known_but_passed: the entry by which it fails, where every run of it passed.
        refusal: since when and why it refuses to run, where that is known.
    """

    __test__ = False

    id: TestId
    status: CheckStatus
    reason: str = ""
    results: tuple[CheckResult, ...] = ()
    memory: TestVerdict | None = None
    alone: bool = False
    after: tuple[TestId, ...] = ()
    wants_group: bool = False
    killed: EndState | None = None
    disagreements: tuple[Disagreement, ...] = ()
    known: KnownFailure | None = None
    expired: tuple[KnownFailure, ...] = ()
    known_but_passed: KnownFailure | None = None
    refusal: Refusal | None = None

    @property
    def seconds(self) -> tuple[float, ...]:
        """Return how long its runs took, where check says."""
        return tuple(r.seconds for r in self.results if r.seconds is not None)

    @property
    def is_new_failure(self) -> bool:
        """Say whether it failed and no known failure excuses that."""
        return self.status is CheckStatus.FAILED and self.known is None
