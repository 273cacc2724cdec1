"""What probes found in a repeat of the guilty cell, beside the innocent one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from anyclue.model.scenario import Cell
from anyclue.model.verdict import Signature


class StackEvidence(StrEnum):
    """What a finding's stack led to."""

    ALLOCATION = "allocation"  # pages that nobody freed
    REFERENCE = "reference"  # a reference on a page that nobody put
    OBJECT = "object"  # slab objects that nobody freed
    VMALLOC = "vmalloc"  # mapped kernel memory that nobody freed
    KMAP = "kmap"  # mappings of high pages that nobody undid
    CALL = "call"  # a call that acquires, made more often, or one that releases, made less often
    INCIDENT = "incident"  # a report in the kernel log, or a task that hangs


@dataclass(frozen=True, kw_only=True)
class SourceLocation:
    """A place in the source; ``file`` is relative to the kernel tree, lines count from 1."""

    function: str
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One return address of a stack.

    ``symbol`` and ``offset`` are the kernel's own name for it, ``module`` is None in the kernel
    itself. ``places`` is what the compiler put there, the innermost inlined function first and
    ``symbol``'s own place last; it has one place without a file where there is no debug info.
    """

    symbol: str
    offset: int | None = None
    module: str | None = None
    places: tuple[SourceLocation, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Amount:
    """What was left behind after a round, on average over the rounds that counted."""

    kib_per_round: float
    count_per_round: float


@dataclass(frozen=True, kw_only=True)
class ProbeFinding:
    """Something that stayed in the guilty cell and not, or less, in the innocent one.

    Attributes:
        probe: the name of the probe.
        what: what the stack led to.
        signature: the signature that it fits, if it fits one.
        subject: what was left, where it has a name: a slab cache, a vmalloc caller, an incident.
        stack: innermost frame first; empty where the probe sees no stack.
        guilty: what stayed in the guilty cell.
        innocent: what stayed by the same stack in the innocent one; None when it did not run.
        because: one sentence with the figures, for a report.
    """

    probe: str
    what: StackEvidence
    signature: Signature | None
    subject: str = ""
    stack: tuple[Frame, ...] = ()
    guilty: Amount
    innocent: Amount | None = None
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class ProbeReading:
    """What one probe said of a guilty cell beside an innocent one.

    Attributes:
        probe: the name of the probe.
        cell: the guilty cell.
        innocent: the cell beside it, or None.
        findings: what differs, the most first.
        rounds: the rounds that were compared; the first of a trial is not among them.
        lost: what the probe missed, by name (``"overrun events"``): never left out of a report.
        could_not: why it did not run, or what kept it from judging; empty when it judged.
        cannot_see: what it is blind to, in a sentence.
    """

    probe: str
    cell: Cell
    innocent: Cell | None
    findings: tuple[ProbeFinding, ...] = ()
    rounds: int = 0
    lost: Mapping[str, int] = field(default_factory=dict)
    could_not: str = ""
    cannot_see: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether rounds were compared, and nothing was missed in them."""
        return self.rounds > 0 and not self.could_not and not self.lost
