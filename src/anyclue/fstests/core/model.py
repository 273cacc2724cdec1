"""What one trial runs of upstream fstests, and what is said of a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from anyclue.fstests.core.check_model import CheckResult, CheckStatus, KnownFailure, Refusal
from anyclue.model.artifact import ArtifactRef
from anyclue.model.machine_recording import TestVerdict


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
    """A section as a guest runs it.

    Attributes:
        fstyp: its type of file system.
        mkfs: mkfs's options for TEST_DEV.
        mount: mount's options for SCRATCH_DEV, with their ``-o``.
        config: a ``local.config`` without sections.
    """

    fstyp: str
    mkfs: str
    mount: str
    config: str


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
class TestFinding:
    """What is said of one test in one cell.

    Attributes:
        id: the test.
        status: what check said of it; of several runs the worst.
        reason: why it failed, was not run, or is lost.
        results: every run of it as check told it.
        memory: the verdict on its memory; None where it did not run.
        alone: whether it was seen to leak in a guest that runs nothing else.
        after: the tests that ran before it where it leaks, and without which it is clean.
        wants_group: whether its memory can only be told with the tests before it.
        killed: how the guest ended during it; empty when it lived on.
        disagreement: where check's report contradicts what it printed; empty where it does not.
        known: why its failure is no news; None when it is.
        outdated: what the list of known failures says of it and no longer holds; or empty.
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
    killed: str = ""
    disagreement: str = ""
    known: KnownFailure | None = None
    outdated: str = ""
    refusal: Refusal | None = None

    @property
    def is_news(self) -> bool:
        """Say whether it failed and nothing excuses that."""
        return self.status is CheckStatus.FAILED and self.known is None
