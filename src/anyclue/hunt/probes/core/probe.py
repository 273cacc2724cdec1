"""A probe is a declaration: what it needs, does, costs and cannot see; and what its data says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from anyclue.hunt.probes.core.model import Frame, StackEvidence
from anyclue.hunt.probes.core.symbols import Symbols
from anyclue.model.recording import Recording
from anyclue.model.scenario import DebugOption
from anyclue.model.verdict import Signature

FILE_MAX = 64 << 20
TRACEFS = "/sys/kernel/tracing"


@dataclass(frozen=True, kw_only=True)
class ProbeStep:
    """A request to the guest's agent; when ``must``, its failure ends the probe."""

    verb: str
    number: int = 0
    payload: str = ""
    must: bool = True


def shell(script: str, *, must: bool = True) -> ProbeStep:
    """Run a script; it fails at the first command that fails."""
    return ProbeStep(verb="run", payload=f"set -e\n{script}", must=must)


def send(name: str, path: str, *, must: bool = True) -> ProbeStep:
    """Send a file as it is now; what was sent under one name before stays."""
    return ProbeStep(verb="send", number=FILE_MAX, payload=f"{name} {path}", must=must)


def follow(name: str, path: str) -> ProbeStep:
    """Send what can be read in a file from now on, at every sample and when drained."""
    return ProbeStep(verb="follow", payload=f"{name} {path}")


DRAIN = ProbeStep(verb="drain")
"""Send what can be read in the followed files now."""


def require_files(*paths: str) -> str:
    """Return a script that fails, with a reason, where the guest lacks one of the files."""
    return "\n".join(
        f"ls {path} >/dev/null 2>&1 || {{ echo 'the kernel has no {path}'; exit 1; }}"
        for path in paths
    )


SNAPSHOT_MARK = "=== anyclue: another look ==="
"""Stands before each of the looks at a file that is sent at every floor."""


def scratch(name: str) -> str:
    """Return the path of a file in the guest that a probe may write."""
    return f"/run/anyclue-{name}"


def snapshot(name: str, path: str) -> tuple[ProbeStep, ...]:
    """Send a file at this floor; `snapshots` tells them apart."""
    mark = scratch("between")
    return (shell(f"echo '{SNAPSHOT_MARK}' >{mark}"), send(name, mark), send(name, path))


def snapshots(raw: bytes) -> list[str]:
    """Return what was sent at each floor, in order."""
    return raw.decode(errors="replace").split(f"{SNAPSHOT_MARK}\n")[1:]


Stack = tuple[int, ...]
"""Return addresses, innermost first."""


@dataclass(frozen=True, kw_only=True)
class Residue:
    """What a round left behind, by one stack or under one name.

    ``counts`` and ``kib`` have a number for each round that counts, oldest first.
    """

    what: StackEvidence
    signature: Signature | None
    subject: str = ""
    stack: Stack = ()
    frames: tuple[Frame, ...] = ()
    """The stack as the kernel printed it, in place of ``stack``'s addresses."""
    counts: tuple[float, ...]
    kib: tuple[float, ...]
    released: bool = False
    """These are releases: fewer than in the innocent cell are the finding."""


@dataclass(frozen=True, kw_only=True)
class ProbeData:
    """What a probe brought home from one guest: the trial's recording, and files by name."""

    recording: Recording
    raw: Mapping[str, bytes]
    symbols: Symbols


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a probe's data says of one guest."""

    residues: tuple[Residue, ...] = ()
    rounds: int = 0
    lost: Mapping[str, int] = field(default_factory=dict)
    could_not: str = ""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One probe.

    Attributes:
        name: as the user calls it.
        summary: what it finds, in a sentence.
        needs: what a kernel must have; tested in the guest, by ``available``.
        config: the option without which no kernel has that; "" where there is none.
        costs: what it does to the guest.
        cannot_see: what it is blind to.
        unit: what ``counts`` count, in the plural.
        did: what they did.
        signatures: what it is run for when the user names no probe; None is among them for a cell
            that broke.
        debug: the debug option of the kernels that have what it needs; None: any kernel may.
        available: a shell script that fails, and says why, where the guest cannot run it.
        start: steps after the module under test is loaded, for a number of processors.
        settled: steps when a round's work is done, its file system still mounted.
        floor: steps at each floor.
        collect: steps after the last round.
        measure: what the data says.
        arguments: kernel arguments that it needs.
        needs_innocent: whether it says nothing without an innocent cell.
        crash_tells: whether a trial that crashed or hung says something.
    """

    name: str
    summary: str
    needs: str
    costs: str
    cannot_see: str
    unit: str
    did: str = "stayed"
    signatures: frozenset[Signature | None]
    measure: Callable[[ProbeData], Measurement]
    debug: DebugOption | None = None
    config: str = ""
    available: str = "true"
    start: Callable[[int], tuple[ProbeStep, ...]] = lambda _: ()
    settled: tuple[ProbeStep, ...] = ()
    floor: tuple[ProbeStep, ...] = ()
    collect: tuple[ProbeStep, ...] = ()
    arguments: str = ""
    needs_innocent: bool = False
    crash_tells: bool = False
