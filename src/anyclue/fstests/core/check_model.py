"""What upstream fstests is asked for and what it said: tests, results, configuration.

A test's id is its name as ``check`` prints it, ``generic/001``. Times are in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class CheckStatus(StrEnum):
    """What became of one run of a test.

    ``LOST``: it began, and nothing says how it ended. Only ``PASSED`` is a pass.
    """

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not-run"
    EXPUNGED = "expunged"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One run of one test as ``check`` told it.

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
        settings: what check printed of each section: ``FSTYP``, ``MOUNT_OPTIONS`` and so on.
        notes: what does not fit together in its output.
    """

    results: tuple[CheckResult, ...]
    cut_short: str = ""
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def under_way(self) -> CheckResult | None:
        """Return the run that had begun last, when nothing says how it ended."""
        last = self.results[-1] if self.results else None
        return last if last and last.status is CheckStatus.LOST else None


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
class CheckNews:
    """The results of a run beside what is known to fail.

    Attributes:
        failed: failures that no entry excuses.
        known: failures that an entry excuses.
        passed: tests that an entry says fail, and whose every run passed.
        expired: entries for this kernel whose ``until`` has come.
    """

    failed: tuple[CheckResult, ...] = ()
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
