"""What judging a run gives: verdicts of cells, factors, tests. Facts: `hunt.render` words them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from anyclue.fstests.core.model import TestFinding
from anyclue.model.reason import grown_objects
from anyclue.model.scenario import Axis, Cell
from anyclue.model.verdict import CellVerdict, MemoryClass, ObjectSeries, Signature, Verdict


class FactorReason(Enum):
    """What tells that an axis matters or does not, or keeps that open."""

    INNOCENT_BESIDE = auto()
    """All else equal, one cell is guilty and the other innocent: it matters."""
    GUILTY_ALIKE = auto()
    """All pairs that differ in it alone are guilty in the same way: it does not matter."""
    ONE_VALUE = auto()
    NO_CELL_RUN = auto()
    NOTHING_GUILTY = auto()
    GUILTY_UNLIKE = auto()
    """Both cells of a pair are guilty, not of the same."""
    UNPROVEN = auto()
    """The cell that would tell is unproven."""
    RATES_OVERLAP = auto()
    """The other cell is clean by its verdict, but may leak as much."""
    NO_PAIR = auto()
    """No two judged cells differ in it alone."""


@dataclass(frozen=True, kw_only=True)
class Factor:
    """Whether an axis matters, and by which cells.

    Attributes:
        factor: the axis.
        reason: what decides it, or keeps it open.
        verdicts: the verdicts that the reason is about, the guilty first: of a pair, or of the one
            cell that would tell.
        missing: the cell that would tell, where it was not run.
        evidence: all pairs of cells that say the same.
    """

    factor: Axis
    reason: FactorReason
    verdicts: tuple[CellVerdict, ...] = ()
    missing: Cell | None = None
    evidence: tuple[tuple[Cell, Cell], ...] = ()

    @property
    def matters(self) -> bool | None:
        """Whether the axis matters; None: these cells cannot tell."""
        decided = {FactorReason.INNOCENT_BESIDE: True, FactorReason.GUILTY_ALIKE: False}
        return decided.get(self.reason)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What leaks or breaks in one way.

    Attributes:
        verdict: leak, broken or surge.
        signature: which kind of release is missing.
        memory_class: the class of memory that grows; None where it is no leak.
        subject: the part of that class that grows most (a slab cache, a caller of vmalloc), or the
            function that broke; "" where none is known.
        lead: the cell that is looked into: the first whose own verdict is about this fault.
        verdicts: every cell's verdict, as it is of this fault alone.
        factors: whether each axis matters to it.
        companions: classes that only grow along with it.
        parts: the parts of the class that it is told apart by; empty where it is the only one.
    """

    verdict: Verdict
    signature: Signature | None
    memory_class: MemoryClass | None
    subject: str
    lead: Cell
    verdicts: tuple[CellVerdict, ...]
    factors: tuple[Factor, ...]
    companions: tuple[MemoryClass, ...] = ()
    parts: frozenset[str] = frozenset()

    @property
    def looked_into(self) -> CellVerdict:
        """The verdict of the cell that is looked into."""
        return next(one for one in self.cells if one.cell == self.lead)

    @property
    def counted(self) -> tuple[ObjectSeries, ...]:
        """The counts of objects that alone show it, the most first; none where KiB do."""
        grew = grown_objects(self.looked_into.because)
        return grew.counts if grew is not None else ()

    @property
    def cells(self) -> tuple[CellVerdict, ...]:
        """The cells that show it."""
        own = self.verdict, self.signature
        return tuple(one for one in self.verdicts if (one.verdict, one.signature) == own)


class Gap(Enum):
    """What was not looked at for the clue."""

    NO_PLACES = auto()
    NO_GOOD_SOURCE = auto()
    NO_REPRODUCER = auto()
    NO_SCRIPT = auto()
    """No script was seen to leak in the same way."""
    SURGE = auto()
    """A surge is neither followed up nor probed, and no place is looked for."""


@dataclass(frozen=True, kw_only=True)
class RunVerdicts:
    """All that judging a run gives.

    Attributes:
        cells: the verdict of each cell.
        factors: whether each axis matters, to the first fault where there are several.
        faults: what leaks or breaks, each by itself, that of the first guilty cell first.
        files_per_round: how many files a round made, by cell, where its workload counted them.
        tests: the tests of upstream fstests by cell, in the order in which they were to run.
    """

    cells: tuple[CellVerdict, ...]
    factors: tuple[Factor, ...]
    faults: tuple[Fault, ...] = ()
    files_per_round: Mapping[Cell, float] = field(default_factory=dict)
    tests: Mapping[Cell, tuple[TestFinding, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """How to see the same again: commands by their label, versions by what took part."""

    commands: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
