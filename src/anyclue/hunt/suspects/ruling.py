"""What theories are judged by, and the verdict's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from anyclue.hunt.clue.model import SuspectStatus
from anyclue.hunt.localise.cells import Accused
from anyclue.hunt.localise.core.evidence import FunctionSource
from anyclue.hunt.localise.core.rank import Ranked
from anyclue.hunt.model import RunVerdicts
from anyclue.hunt.probes.core.model import ProbeReading
from anyclue.model.scenario import Arch, Scenario
from anyclue.model.verdict import CellVerdict


@dataclass(frozen=True, kw_only=True)
class CommitKnown:
    """A suspected commit as the kernels' repository has it.

    Attributes:
        commit: its full id.
        subject: its subject (hostile text).
        merge: whether it has several parents.
        in_good: whether the good kernel has it; None without a good kernel.
        in_bad: whether the bad kernel has it.
        alone: whether it is all that the bad kernel has and the good one has not.
        first_bad: whether a bisection proved it to be the first bad one; False when that is
            another, None without a bisection.
    """

    commit: str
    subject: str
    merge: bool
    in_good: bool | None
    in_bad: bool
    alone: bool = False
    first_bad: bool | None = None


@dataclass(frozen=True, kw_only=True)
class TheoryContext:
    """All that theories are judged by.

    Attributes:
        scenario: the scenario.
        findings: what the cells showed.
        accused: the kernel that was looked into; None when no cell is guilty.
        ranked: the places.
        functions: every function of the module; none where there were no sources.
        alone: whether the kernels differ in nothing but the module.
        directory: that of the module.
        commits: suspected commits that the kernels' repository knows, by the user's name.
        readings: what probes said.
        scenario_file: how the user names the scenario.
    """

    scenario: Scenario
    findings: RunVerdicts
    accused: Accused | None
    ranked: Ranked = field(default_factory=Ranked)
    functions: tuple[FunctionSource, ...] = ()
    alone: bool = False
    directory: str = ""
    commits: Mapping[str, CommitKnown] = field(default_factory=dict)
    readings: tuple[ProbeReading, ...] = ()
    scenario_file: str = "scenario.toml"

    @property
    def guilty(self) -> tuple[CellVerdict, ...]:
        """The guilty cells of the accused kernel."""
        return self.accused.cells if self.accused is not None else ()

    @property
    def compared(self) -> bool:
        """Whether the kernel was proven to matter, and both of its sources are there."""
        good = self.accused is not None and self.accused.good is not None
        return good and any(one.changed is not None for one in self.functions)

    def arch(self, one: CellVerdict) -> Arch:
        """Return the architecture of a cell's machine."""
        return self.scenario.machines[one.cell.machine].arch


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What becomes of a theory, why, by what, and what would settle it if nothing did."""

    standing: SuspectStatus
    because: str
    evidence: tuple[str, ...] = ()
    settle: str = ""


def guilty(because: str, *evidence: str) -> Ruling:
    """Return a ruling."""
    return Ruling(standing=SuspectStatus.GUILTY, because=because, evidence=evidence)


def acquitted(because: str, *evidence: str) -> Ruling:
    """Return a ruling."""
    return Ruling(standing=SuspectStatus.ACQUITTED, because=because, evidence=evidence)


def unproven(because: str, settle: str, *evidence: str) -> Ruling:
    """Return a ruling."""
    return Ruling(
        standing=SuspectStatus.UNPROVEN, because=because, evidence=evidence, settle=settle
    )


def below(path: str, directory: str) -> bool:
    """Return whether a path is a file, or lies below it."""
    return PurePosixPath(path).is_relative_to(PurePosixPath(directory))
