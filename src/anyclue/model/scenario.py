"""A scenario as it is after validation, and the cells that it plans.

``anyclue.scenarios`` reads these from TOML; nothing here reads files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

Scalar: TypeAlias = int | float | bool | str


class Arch(StrEnum):
    """Architecture of a guest, in the kernel's own words (``ARCH=``)."""

    I386 = "i386"
    X86_64 = "x86_64"


class Axis(StrEnum):
    """The axes that a cell has one value on, in the order of a cell's id."""

    KERNEL = "kernel"
    MACHINE = "machine"
    MKFS = "mkfs"
    MOUNT = "mount"
    WORKLOAD = "workload"


@dataclass(frozen=True, kw_only=True)
class DebianKernel:
    """A kernel from Debian's packages: ``series`` as ``"6.1"``, or one exact package version.

    ``suite`` is where to look for it; None: in all of Debian's.
    """

    series: str
    version: str | None = None
    suite: str | None = None


@dataclass(frozen=True, kw_only=True)
class KernelFiles:
    """A kernel that the user built: an image and the directory ``lib/modules/RELEASE``.

    Both are absolute paths; ``modules`` is None when everything that the guest needs is built in.
    """

    image: str
    modules: str | None = None


@dataclass(frozen=True, kw_only=True)
class KernelBuild:
    """A finished build of the user's: the absolute path of its ``O=`` directory, or of the tree."""

    build: str


class DebugOption(StrEnum):
    """What a kernel from git can be built with to watch itself."""

    PAGE_OWNER = "page_owner"
    KMEMLEAK = "kmemleak"
    PAGE_REF = "page_ref"
    KASAN = "kasan"
    LOCKDEP = "lockdep"


@dataclass(frozen=True, kw_only=True)
class GitKernel:
    """A kernel to build from a git repository.

    Attributes:
        repository: its absolute path.
        revision: what the user called the commit.
        commit: its full id; None until it is looked up.
        config: absolute paths: a complete ``.config`` first, or fragments only.
        debug: what to build in beside.
        base: full id of the commit whose kernel is built whole; where nothing but the module
            under test differs from it, only that is built. None: this one is built whole.
    """

    repository: str
    revision: str
    commit: str | None = None
    config: tuple[str, ...] = ()
    debug: tuple[DebugOption, ...] = ()
    base: str | None = None


KernelSource: TypeAlias = DebianKernel | KernelFiles | KernelBuild | GitKernel


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A change of one function, by text; white space in ``find`` matches any white space.

    ``find`` must occur exactly ``times`` times in the body of ``function`` (in the whole file
    when ``function`` is None).
    """

    file: str
    function: str | None
    find: str
    replace: str
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class ModuleVariant:
    """Directories of modules, rebuilt from the matching kernel source after changing it.

    ``also`` are those beside the first one; ``tree`` is the absolute path of a kernel tree to take
    them from, in place of the matching source; ``patches`` are absolute paths of patch files,
    applied in order before the edits.
    """

    directory: str
    also: tuple[str, ...] = ()
    tree: str | None = None
    edits: tuple[Edit, ...] = ()
    patches: tuple[str, ...] = ()

    @property
    def directories(self) -> tuple[str, ...]:
        """All of them, in the order of the scenario."""
        return self.directory, *self.also


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A named value of the kernel axis."""

    name: str
    source: KernelSource
    variant: ModuleVariant | None = None


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A named value of the machine axis."""

    name: str
    arch: Arch
    ram_mib: int
    cpus: int = 1


@dataclass(frozen=True, kw_only=True)
class ParameterRule:
    """What a workload's parameter may be; its type is the type of ``default``.

    ``minimum`` and ``maximum`` bound a number, both ends included; ``choices``, when there are
    any, are all the values there are. ``items``, when there are any, are what a list of words with
    commas between them may hold. ``lines`` says that a text may have several. ``unit`` is for
    people: ``"KiB"``, ``"files"``. ``simpler`` are values that make for a simpler test, the
    simplest first.
    """

    name: str
    default: Scalar
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Scalar, ...] = ()
    items: tuple[str, ...] = ()
    lines: bool = False
    simpler: tuple[Scalar, ...] = ()
    unit: str = ""
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class WorkloadRules:
    """A built-in workload as a scenario may use it; ``parameters`` are in order of display.

    ``dose`` is the parameter that says how much is done, ``dose_unit`` one of what it counts;
    ``done`` is the fact of a round that counts it better, where there is one. ``repeat`` is the
    parameter that says how often all of it is done, where there is one.
    """

    name: str
    summary: str
    parameters: tuple[ParameterRule, ...] = ()
    dose: str = ""
    done: str = ""
    repeat: str = ""
    dose_unit: str = ""


@dataclass(frozen=True, kw_only=True)
class TestChoice:
    """Which tests of fstests to run, and how; names a value of the workload axis.

    Attributes:
        tests: ids, patterns and options of ``check`` (``-g quick``).
        exclude: ids, and options that leave out (``-x dangerous``).
        tree: absolute path of the checkout; None until the command line names it.
        fstyp: the type of file system; the configuration's own wins over it.
        config: text of a ``local.config``; None where there is none.
        sections: those of the configuration to run; all where none is named.
        environment: further variables for ``check``: ``SOAK_DURATION`` and the like.
        known_failures: text of a list of known failures; None where there is none.
        repeats: runs of a suspicious test, alone in a guest.
        seconds: the deadline of one test, in wall-clock seconds.
    """

    __test__ = False

    tests: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    tree: str | None = None
    fstyp: str = "btrfs"
    config: str | None = None
    sections: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    known_failures: str | None = None
    repeats: int = 5
    seconds: float = 1800.0


@dataclass(frozen=True, kw_only=True)
class WorkloadChoice:
    """A named value of the workload axis: a built-in workload and its parameters, complete.

    With ``tests`` it is tests of upstream fstests instead, and ``use`` is ``fstests``.
    """

    name: str
    use: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    tests: TestChoice | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long and how often.

    ``rounds`` floor readings a trial, ``trials`` guests a cell, and up to ``extra_trials`` more for
    a cell whose rounds prove nothing yet; ``round_seconds`` is the deadline of one round,
    ``boot_seconds`` of a boot or restore (both in wall-clock seconds); ``sample_hz`` is the
    sampling rate. At most ``follow_up_guests`` follow up each fault, probes among them.
    """

    rounds: int = 8
    trials: int = 1
    extra_trials: int = 2
    round_seconds: float = 120.0
    boot_seconds: float = 120.0
    sample_hz: float = 5.0
    follow_up_guests: int = 24


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """What size of effect the user cares about.

    A cell is called clean only when leaks of ``leak_kib_per_round`` and more are excluded; a peak
    is a surge when it exceeds the reference's by ``surge_percent`` of the guest's RAM.
    """

    leak_kib_per_round: float = 64.0
    surge_percent: float = 10.0


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One value on each axis, by name."""

    kernel: str
    machine: str
    mkfs: str
    mount: str
    workload: str

    @property
    def id(self) -> str:
        """File-system safe and unique in a scenario: names hold only ``[a-z0-9_-]``."""
        return ".".join(self.value(axis) for axis in Axis)

    @property
    def conditions(self) -> tuple[str, ...]:
        """Its values on all axes but the kernel's."""
        return tuple(self.value(axis) for axis in Axis if axis is not Axis.KERNEL)

    def value(self, axis: Axis) -> str:
        """Return the name of this cell's value on ``axis``."""
        value: str = getattr(self, axis.value)
        return value

    def differs(self, other: Cell) -> tuple[Axis, ...]:
        """Return the axes on which two cells differ."""
        return tuple(axis for axis in Axis if self.value(axis) != other.value(axis))


class Resource(StrEnum):
    """A class of resource that a theory may be about."""

    KMAP = "kmap"
    PAGE_REFERENCES = "page-references"
    RAW_PAGES = "raw-pages"
    SLAB = "slab"
    VMALLOC = "vmalloc"
    PAGE_CACHE = "page-cache"


@dataclass(frozen=True, kw_only=True)
class OfFactor:
    """A theory about a value of an axis."""

    axis: Axis
    value: str


@dataclass(frozen=True, kw_only=True)
class OfCommit:
    """A theory about a commit or a merge, as the user names it."""

    commit: str


@dataclass(frozen=True, kw_only=True)
class OfFunction:
    """A theory about a function."""

    function: str


@dataclass(frozen=True, kw_only=True)
class OfSubsystem:
    """A theory about a file or a directory of the kernel's tree."""

    subsystem: str


@dataclass(frozen=True, kw_only=True)
class OfResource:
    """A theory about classes of resource."""

    resources: tuple[Resource, ...]


@dataclass(frozen=True, kw_only=True)
class OfArch:
    """A theory about an architecture."""

    arch: Arch


About: TypeAlias = OfFactor | OfCommit | OfFunction | OfSubsystem | OfResource | OfArch


@dataclass(frozen=True, kw_only=True)
class Theory:
    """Who is suspected, in the user's words, and what that is about: how it is tested."""

    name: str
    theory: str
    about: About


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """All that a hunt needs to know; ``cells`` is the plan, ``references`` the good cells.

    ``mkfs`` and ``mount`` map a value's name to its options as given to the command.
    ``chooses`` says that no cells were named, so that a hunt may choose among all combinations.
    Of a run that does so these are the ``candidates``, and ``cells`` are those chosen so far.
    ``userspace`` is the release of Debian that the guests' programs are from, the same for all
    kernels; None: it follows from the kernels. ``filesystem`` is what its workloads run on.
    """

    title: str
    kernels: Mapping[str, Kernel]
    machines: Mapping[str, Machine]
    mkfs: Mapping[str, str]
    mount: Mapping[str, str]
    workloads: Mapping[str, WorkloadChoice]
    cells: tuple[Cell, ...]
    references: tuple[Cell, ...]
    chooses: bool = False
    candidates: tuple[Cell, ...] = ()
    limits: Limits = Limits()
    sensitivity: Sensitivity = Sensitivity()
    suspects: tuple[Theory, ...] = ()
    userspace: str | None = None
    filesystem: str = "btrfs"

    @property
    def combinations(self) -> tuple[Cell, ...]:
        """Every cell that may come to run."""
        return self.candidates or self.cells

    def reference_for(self, cell: Cell) -> Cell | None:
        """Return the planned reference cell nearest to ``cell``: it differs on fewest axes.

        A different machine weighs most, since floors of machines cannot be compared well. A
        reference cell has no reference.
        """
        if cell in self._good:
            return None

        def distance(reference: Cell) -> tuple[int, int]:
            axes = cell.differs(reference)
            return (int(Axis.MACHINE in axes), len(axes))

        return min(self.planned_references, key=distance, default=None)

    @cached_property
    def planned_references(self) -> tuple[Cell, ...]:
        """The reference cells that are planned."""
        planned = frozenset(self.cells)
        return tuple(reference for reference in self.references if reference in planned)

    @cached_property
    def _good(self) -> frozenset[Cell]:
        return frozenset(self.references)
