"""What is known of functions before they are ranked. Texts are those of the sources: hostile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anyclue.hunt.probes.core.model import ProbeReading
from anyclue.model.verdict import Signature
from anyclue.review.pairs.model import Finding


@dataclass(frozen=True, kw_only=True)
class PairedCall:
    """A call of a contract: its name, and the pair that it belongs to."""

    call: str
    pair: str


@dataclass(frozen=True, kw_only=True)
class TakenCall:
    """A call that the change took away, and the line of the bad source where it stood."""

    call: str
    line: int


@dataclass(frozen=True, kw_only=True)
class FunctionSource:
    """A function of the module.

    Attributes:
        path: its file, below the kernel's tree.
        name: its name.
        line: where it begins in the bad source, from 1.
        last_line: where it ends.
        changed: whether it differs between the kernels, besides white space and comments; None
            without a good source.
        released_less: calls that release, or take over the release, which the good source has more
            often.
        taken: calls in lines that the change took away or wrote anew without them, in order.
        acquired_more: acquisitions that the bad source calls more often.
        mounts: mount options that lead to it, where that is known.
        workloads: built-in workloads that reach it, where that is known.
        judged: whether pairing could follow it.
        labels: first and last line of what stands behind each label, and its name; in the bad
            source.
    """

    path: str
    name: str
    line: int
    last_line: int
    changed: bool | None = None
    released_less: tuple[PairedCall, ...] = ()
    taken: tuple[TakenCall, ...] = ()
    acquired_more: tuple[PairedCall, ...] = ()
    mounts: frozenset[str] = frozenset()
    workloads: frozenset[str] = frozenset()
    judged: bool = True
    labels: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModuleSource:
    """What the sources of both kernels say, or of the bad one alone.

    Attributes:
        functions: every function of the module.
        compared: whether there is a good source.
        alone: whether the kernels differ in nothing but this module's sources.
        change: what pairing says of the change from the good source to the bad one.
        tree: what pairing says of the bad source by itself.
        kinds: the kind of each pair, by its name.
    """

    functions: tuple[FunctionSource, ...]
    compared: bool
    alone: bool
    change: tuple[Finding, ...] = ()
    tree: tuple[Finding, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Symptoms:
    """What the guests say of the guilty cells.

    Attributes:
        signature: which kind of release is missing.
        slab_cache: the name of the slab cache that grew; "" where none did.
        reported: whether the kernel itself named it, when it found objects left in it.
        regression: whether the kernel was proven to matter.
        guilty: mount options that every guilty cell has, and no cell that is innocent and differs
            from a guilty one in its mount options alone.
        innocent: the options of those cells.
        used: the mount options of all guilty cells.
        workloads: the built-in workloads of the guilty cells.
        incident: the text of the first thing that broke in them.
        readings: what probes said.
    """

    signature: Signature | None
    slab_cache: str = ""
    reported: bool = False
    regression: bool = False
    guilty: frozenset[str] = frozenset()
    innocent: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    workloads: frozenset[str] = frozenset()
    incident: str = ""
    readings: tuple[ProbeReading, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CommitMembership:
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
