"""What stayed in the guilty guest, and not in the innocent one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import mean

from anyclue.model.probe import Amount, Frame, ProbeFinding, ProbeReading
from anyclue.probes.probe import Gathered, Measured, Probe, Residue
from anyclue.probes.symbols import Symbols

MOST_FINDINGS = 20
# What stands above the allocator or the tracer itself, and says nothing.
_TRACERS = ("__traceiter_", "trace_event_raw_event_", "trace_event_buffer_", "ftrace_", "kprobe_")

Key = tuple[str, str, tuple[tuple[str, str | None], ...]]
"""What two guests are compared by: their modules differ, so offsets and addresses do too."""


class _Sum:
    """All residues of one key."""

    def __init__(self, rounds: int) -> None:
        self.counts = [0.0] * rounds
        self.kib = [0.0] * rounds
        self.stacks: Counter[tuple[Frame, ...]] = Counter()
        self.first: Residue | None = None

    def add(self, residue: Residue, stack: tuple[Frame, ...]) -> None:
        self.first = self.first or residue
        self.counts = [a + b for a, b in zip(self.counts, residue.counts, strict=True)]
        self.kib = [a + b for a, b in zip(self.kib, residue.kib, strict=True)]
        self.stacks[stack] += max(1, round(sum(residue.counts)))

    @property
    def amount(self) -> Amount:
        return Amount(kib_per_round=mean(self.kib), count_per_round=mean(self.counts))


def compare(
    probe: Probe, guilty: Gathered, innocent: Gathered | None, *, why_alone: str = ""
) -> ProbeReading:
    """Return what differs: in every round that counts more than in any of the innocent cell's."""
    ours = probe.measure(guilty)
    theirs = probe.measure(innocent) if innocent else Measured(could_not=why_alone)
    lost = Counter({f"{name} (guilty)": n for name, n in ours.lost.items()})
    lost.update({f"{name} (innocent)": n for name, n in theirs.lost.items()})
    could_not = ours.could_not
    if innocent and theirs.could_not and not could_not:
        could_not = f"beside the innocent cell: {theirs.could_not}"
    findings = () if could_not else tuple(_findings(probe, guilty, innocent, ours, theirs))
    return ProbeReading(
        probe=probe.name,
        cell=guilty.recording.cell,
        innocent=innocent.recording.cell if innocent else None,
        findings=findings[:MOST_FINDINGS],
        rounds=ours.rounds,
        lost=dict(lost),
        could_not=could_not,
        cannot_see=probe.cannot_see,
    )


def _findings(
    probe: Probe, guilty: Gathered, innocent: Gathered | None, ours: Measured, theirs: Measured
) -> Iterable[ProbeFinding]:
    here = _sums(ours, guilty.symbols)
    there = _sums(theirs, innocent.symbols) if innocent else {}
    found = []
    for key, one in here.items():
        other = there.get(key)
        if one.first is None or min(one.counts, default=0) <= max(
            other.counts if other else [0.0], default=0
        ):
            continue
        beside = other.amount if other else _nothing(innocent)
        found.append(
            ProbeFinding(
                probe=probe.name,
                what=one.first.what,
                signature=one.first.signature,
                subject=one.first.subject,
                stack=one.stacks.most_common(1)[0][0],
                guilty=one.amount,
                innocent=beside,
                because=_because(probe, one, beside),
            )
        )
    return sorted(found, key=_weight, reverse=True)


def _nothing(innocent: Gathered | None) -> Amount | None:
    return Amount(kib_per_round=0.0, count_per_round=0.0) if innocent else None


def _weight(finding: ProbeFinding) -> tuple[float, float]:
    beside = finding.innocent or Amount(kib_per_round=0.0, count_per_round=0.0)
    return (
        finding.guilty.kib_per_round - beside.kib_per_round,
        finding.guilty.count_per_round - beside.count_per_round,
    )


def _sums(measured: Measured, symbols: Symbols) -> Mapping[Key, _Sum]:
    sums: dict[Key, _Sum] = {}
    for residue in measured.residues:
        stack = _cleaned(
            residue.frames or tuple(symbols.frame(address) for address in residue.stack)
        )
        key = (residue.what, residue.subject, tuple((f.symbol, f.module) for f in stack))
        sums.setdefault(key, _Sum(len(residue.counts))).add(residue, stack)
    return sums


def _cleaned(stack: tuple[Frame, ...]) -> tuple[Frame, ...]:
    tracers = next(
        (at for at, frame in enumerate(stack) if not frame.symbol.startswith(_TRACERS)), 0
    )
    return stack[tracers:]


def _because(probe: Probe, one: _Sum, beside: Amount | None) -> str:
    amount = one.amount
    kib = f" ({amount.kib_per_round:.0f} KiB)" if amount.kib_per_round else ""
    rounds = f"{len(one.counts)} rounds" if len(one.counts) != 1 else "one round"
    said = f"{amount.count_per_round:.0f} {probe.unit}{kib} a round stayed, over {rounds}"
    if beside is None:
        return f"{said}; there was no innocent cell beside it"
    note = f"; {one.first.note}" if one.first and one.first.note else ""
    return f"{said}; in the innocent cell {beside.count_per_round:.0f}{note}"
