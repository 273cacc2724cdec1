"""What judging a run gives: verdicts of cells, factors, tests, and the sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anyclue.fstests.core.model import TestFinding
from anyclue.model.scenario import Axis, Cell
from anyclue.model.verdict import CellVerdict


@dataclass(frozen=True, kw_only=True)
class Factor:
    """Whether an axis matters (None: these cells cannot tell), and by which cells."""

    factor: Axis
    matters: bool | None
    because: str
    evidence: tuple[tuple[Cell, Cell], ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunVerdicts:
    """All that judging a run gives: ``sentence`` is the clue, as one would say it."""

    sentence: str
    cells: tuple[CellVerdict, ...]
    factors: tuple[Factor, ...]
    not_judged: tuple[str, ...] = ()
    tests: Mapping[Cell, tuple[TestFinding, ...]] = field(default_factory=dict)
    """The tests of upstream fstests by cell, in the order in which they were to run."""


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """How to see the same again: commands by their label, versions by what took part."""

    commands: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
