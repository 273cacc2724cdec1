"""What stayed in the guilty guest, and not in the innocent one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from statistics import mean

from anyclue.hunt.probes.core.model import Amount, Frame, ProbeFinding, ProbeReading
from anyclue.hunt.probes.core.probe import Measurement, Probe, ProbeData, Residue
from anyclue.hunt.probes.core.symbols import Symbols
from anyclue.hunt.render.probe_text import figures

MOST_FINDINGS = 20
# What stands above the allocator or the tracer itself, and says nothing.
_TRACERS = ("__traceiter_", "trace_event_raw_event_", "trace_event_buffer_", "ftrace_", "kprobe_")

Key = tuple[str, str, tuple[tuple[str, str | None], ...]]
"""What two guests are compared by: their modules differ, so offsets and addresses do too."""


class _Sum:
    """All residues of one key."""

    def __init__(self, first: Residue) -> None:
        self.first = first
        self.counts = [0.0] * len(first.counts)
        self.kib = [0.0] * len(first.counts)
        self.stacks: Counter[tuple[Frame, ...]] = Counter()

    def add(self, residue: Residue, stack: tuple[Frame, ...]) -> None:
        self.counts = [a + b for a, b in zip(self.counts, residue.counts, strict=True)]
        self.kib = [a + b for a, b in zip(self.kib, residue.kib, strict=True)]
        self.stacks[stack] += max(1, round(sum(residue.counts)))

    @property
    def stack(self) -> tuple[Frame, ...]:
        return self.stacks.most_common(1)[0][0]

    @property
    def spread(self) -> float:
        return max(self.counts) - min(self.counts)

    @property
    def amount(self) -> Amount:
        return Amount(kib_per_round=mean(self.kib), count_per_round=mean(self.counts))

    def nothing(self) -> _Sum:
        """Return what stands for the other guest where it has no such thing."""
        return _Sum(self.first)

    def exceeds(self, other: _Sum) -> bool:
        """Say whether every round has more than any of the other's, by more than rounds differ."""
        gap = min(self.counts) - max(other.counts)
        return gap > max(self.spread, other.spread)


def compare(probe: Probe, guilty: ProbeData, innocent: ProbeData | None) -> ProbeReading:
    """Return what differs: in every round that counts more than in any of the innocent cell's.

    Of releases: less.
    """
    ours = probe.measure(guilty)
    theirs = probe.measure(innocent) if innocent else Measurement()
    lost = Counter({f"{name} (guilty)": n for name, n in ours.lost.items()})
    lost.update({f"{name} (innocent)": n for name, n in theirs.lost.items()})
    could_not = ours.could_not
    if probe.needs_innocent and innocent is None:
        could_not = "there is no innocent cell beside it"
    elif theirs.could_not and not could_not:
        could_not = f"beside the innocent cell: {theirs.could_not}"
    findings = () if could_not else _findings(probe, guilty, innocent, ours, theirs)
    return ProbeReading(
        probe=probe.name,
        cell=guilty.recording.cell,
        innocent=innocent.recording.cell if innocent else None,
        findings=tuple(findings[:MOST_FINDINGS]),
        rounds=ours.rounds,
        lost=dict(lost),
        could_not=could_not,
        cannot_see=probe.cannot_see,
    )


def _findings(
    probe: Probe,
    guilty: ProbeData,
    innocent: ProbeData | None,
    ours: Measurement,
    theirs: Measurement,
) -> list[ProbeFinding]:
    # A guest that broke had fewer rounds: those that both had are compared.
    rounds = [len(one.residues[0].counts) for one in (ours, theirs) if one.residues]
    here = _sums(ours, guilty.symbols, min(rounds, default=0))
    there = _sums(theirs, innocent.symbols, min(rounds, default=0)) if innocent else {}
    found = []
    for key in {**there, **here}:
        mine = here.get(key) or there[key].nothing()
        other = there.get(key) or mine.nothing()
        if other.exceeds(mine) if mine.first.released else mine.exceeds(other):
            beside = other.amount if innocent else None
            found.append(
                ProbeFinding(
                    probe=probe.name,
                    what=mine.first.what,
                    signature=mine.first.signature,
                    subject=mine.first.subject,
                    stack=here[key].stack if key in here else _elsewhere(other.stack),
                    guilty=mine.amount,
                    innocent=beside,
                    because=figures(probe, mine.amount, beside, rounds=len(mine.counts)),
                )
            )
    return sorted(found, key=_weight, reverse=True)


def _elsewhere(stack: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """Return a stack of the innocent guest: its offsets mean nothing in the guilty one's code."""
    return tuple(replace(frame, offset=None) for frame in stack)


def _weight(finding: ProbeFinding) -> tuple[float, float]:
    """Rank by memory, then by how unlike two counts are: a hundred to none, before 9100 to 9000."""
    beside = finding.innocent or Amount(kib_per_round=0.0, count_per_round=0.0)
    here, there = finding.guilty.count_per_round, beside.count_per_round
    unlike = (here - there) ** 2 / (here + there) if here + there else 0.0
    return finding.guilty.kib_per_round - beside.kib_per_round, unlike


def _sums(measured: Measurement, symbols: Symbols, rounds: int) -> dict[Key, _Sum]:
    """Return what stayed by key, in the first ``rounds`` of the rounds that count."""
    sums: dict[Key, _Sum] = {}
    for whole in measured.residues:
        residue = replace(whole, counts=whole.counts[:rounds], kib=whole.kib[:rounds])
        stack = _cleaned(
            residue.frames or tuple(symbols.frame(address) for address in residue.stack)
        )
        key = (residue.what, residue.subject, tuple((f.symbol, f.module) for f in stack))
        sums.setdefault(key, _Sum(residue)).add(residue, stack)
    return sums


def _cleaned(stack: tuple[Frame, ...]) -> tuple[Frame, ...]:
    tracers = next(
        (at for at, frame in enumerate(stack) if not frame.symbol.startswith(_TRACERS)), 0
    )
    return stack[tracers:]
