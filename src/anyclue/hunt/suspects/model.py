"""What theories are judged by, and what becomes of each: facts, no words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from anyclue.hunt.clue.model import Place, SuspectStatus
from anyclue.hunt.localise.core.model import CommitMembership, FunctionSource
from anyclue.hunt.localise.core.rank import Ranking
from anyclue.hunt.localise.symptoms import AccusedKernel
from anyclue.hunt.model import Factor, Fault, RunVerdicts
from anyclue.hunt.probes.core.model import ProbeFinding, ProbeReading
from anyclue.model.scenario import Arch, Cell, Resource, Scenario
from anyclue.model.verdict import CellVerdict, MemoryClass, Verdict


@dataclass(frozen=True, kw_only=True)
class TheoryContext:
    """All that theories are judged by, of one fault.

    Attributes:
        scenario: the scenario.
        findings: what the cells showed.
        fault: the fault; None when nothing is guilty.
        accused: the kernel of it that was looked into; None when no cell leaks or broke.
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
    fault: Fault | None = None
    accused: AccusedKernel | None = None
    ranked: Ranking = field(default_factory=Ranking)
    functions: tuple[FunctionSource, ...] = ()
    alone: bool = False
    directory: str = ""
    commits: Mapping[str, CommitMembership] = field(default_factory=dict)
    readings: tuple[ProbeReading, ...] = ()
    scenario_file: str = "scenario.toml"

    @property
    def cells(self) -> tuple[CellVerdict, ...]:
        """Every cell's verdict, as it is of the fault alone."""
        return self.fault.verdicts if self.fault is not None else self.findings.cells

    @property
    def guilty(self) -> tuple[CellVerdict, ...]:
        """The cells that show the fault; none of a surge."""
        surges = self.fault is None or self.fault.verdict is Verdict.SURGE
        return self.fault.cells if self.fault is not None and not surges else ()

    @property
    def has_good(self) -> bool:
        """Whether the kernel was proven to matter."""
        return self.accused is not None and self.accused.good is not None

    @property
    def compared(self) -> bool:
        """Whether the kernel was proven to matter, and both of its sources are there."""
        return self.has_good and any(one.changed is not None for one in self.functions)

    def arch(self, one: CellVerdict) -> Arch:
        """Return the architecture of a cell's machine."""
        return self.scenario.machines[one.cell.machine].arch


class GuiltyReason(Enum):
    """Why a theory ends guilty."""

    VALUE_LEAKS = auto()
    ARCH_LEAKS = auto()
    GREW = auto()
    STUCK_AT_KMAP = auto()
    KMAP_UNBALANCED = auto()
    IS_THE_PLACE = auto()
    FIRST_BAD_COMMIT = auto()
    ONLY_COMMIT = auto()


class AcquittedReason(Enum):
    """Why it is acquitted."""

    VALUE_IS_INNOCENT = auto()
    OTHER_VALUE_LEAKS = auto()
    ARCH_IS_INNOCENT = auto()
    OTHER_ARCH_LEAKS = auto()
    DID_NOT_GROW = auto()
    KMAP_BALANCED = auto()
    NO_KMAP_SLOTS = auto()
    """It leaks on x86_64, where every page is mapped at all times."""
    IS_UNCHANGED = auto()
    OUTSIDE_OF_THE_CHANGE = auto()
    """It is not in the module, and the kernels differ in nothing else."""
    OTHER_COMMIT_IS_BAD = auto()
    NOT_IN_BAD_KERNEL = auto()
    IN_GOOD_KERNEL = auto()


class UnprovenReason(Enum):
    """Why it stays unproven."""

    NOTHING_GUILTY = auto()
    SURGES_ALONE = auto()
    """A surge leaves nothing behind by which a theory could be tested."""
    FACTOR_IS_OPEN = auto()
    VALUE_IN_DOUBT = auto()
    """It is innocent in one cell, and another cell with it shows the fault, or may show it."""
    NOT_RUN_ON_ARCH = auto()
    NO_OTHER_ARCH = auto()
    NO_FLOORS = auto()
    NOT_READ = auto()
    """A guilty cell does not tell of it, though another cell does."""
    GREW_TOO = auto()
    """It grew beside what carries the verdict."""
    MAY_HAVE_GROWN = auto()
    GUEST_ENDED_BADLY = auto()
    KMAP_NOT_SEEN = auto()
    MAY_BE_THE_PLACE = auto()
    OUTSIDE_OF_THE_MODULE = auto()
    MISSPELT = auto()
    NO_SOURCES = auto()
    ONE_OF_SEVERAL_COMMITS = auto()
    UNKNOWN_COMMIT = auto()


RulingReason: TypeAlias = GuiltyReason | AcquittedReason | UnprovenReason


@dataclass(frozen=True, kw_only=True)
class CellPair:
    """Two cells that differ in one axis alone."""

    guilty: CellVerdict
    other: CellVerdict


@dataclass(frozen=True, kw_only=True)
class ClassGrowth:
    """How a class of memory moved in a guilty cell."""

    verdict: CellVerdict
    memory_class: MemoryClass


@dataclass(frozen=True, kw_only=True)
class GuestEnd:
    """How a guilty guest ended."""

    verdict: CellVerdict


@dataclass(frozen=True, kw_only=True)
class LeakWithoutSlots:
    """A cell that leaks on an architecture that has no kmap slots."""

    verdict: CellVerdict


@dataclass(frozen=True, kw_only=True)
class CellInDoubt:
    """A cell that shows a fault, or may show it."""

    verdict: CellVerdict


Evidence: TypeAlias = (
    CellPair
    | CellInDoubt
    | ClassGrowth
    | GuestEnd
    | LeakWithoutSlots
    | ProbeReading
    | ProbeFinding
    | Place
    | CommitMembership
)


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What becomes of a theory, and by what.

    Attributes:
        reason: why.
        evidence: what was seen.
        resource: the class of resource that it is about.
        factor: the factor that is open.
        probability: of the place.
        near: the name that was probably meant.
        cell_to_run: the cell that would settle it; None where the scenario has no such value.
        also: rulings on the other classes of resource, all of the same status.
    """

    reason: RulingReason
    evidence: tuple[Evidence, ...] = ()
    resource: Resource | None = None
    factor: Factor | None = None
    probability: float = 0.0
    near: str = ""
    cell_to_run: Cell | None = None
    also: tuple[Ruling, ...] = ()

    @property
    def status(self) -> SuspectStatus:
        """What becomes of the suspect."""
        if isinstance(self.reason, GuiltyReason):
            return SuspectStatus.GUILTY
        acquitted = isinstance(self.reason, AcquittedReason)
        return SuspectStatus.ACQUITTED if acquitted else SuspectStatus.UNPROVEN


@dataclass(frozen=True, kw_only=True)
class FaultRuling:
    """What becomes of a theory by one fault: the ruling, and what it was judged by."""

    context: TheoryContext
    ruling: Ruling
