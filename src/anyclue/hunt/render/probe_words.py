"""What a probe found, in words: the figures of a finding, and what it contributed to the clue."""

from __future__ import annotations

from anyclue.hunt.clue.model import ProbeSummary
from anyclue.hunt.probes.core.model import Amount, ProbeFinding, ProbeReading
from anyclue.hunt.probes.core.probe import Probe


def figures(probe: Probe, guilty: Amount, beside: Amount | None, *, rounds: int) -> str:
    """Return what stayed in the guilty cell, and in the innocent one ``beside`` it."""
    kib = f" ({guilty.kib_per_round:.0f} KiB)" if guilty.kib_per_round else ""
    over = f"{rounds} rounds" if rounds != 1 else "one round"
    said = f"{guilty.count_per_round:.0f} {probe.unit}{kib} a round {probe.did}, over {over}"
    if beside is None:
        return f"{said}; there was no innocent cell beside it"
    return f"{said}; in the innocent cell {beside.count_per_round:.0f}"


def probe_summary(reading: ProbeReading) -> ProbeSummary:
    """Return what a probe found first, and what it cannot see, or lost on the way."""
    lost = ", ".join(f"{count} {name} lost" for name, count in reading.lost.items())
    found = _found(reading.findings[0]) if reading.findings else "nothing stayed that should not"
    return ProbeSummary(
        name=reading.probe,
        cell=reading.cell.id,
        says=reading.could_not or found,
        limits="; ".join(part for part in (reading.cannot_see, lost) if part),
    )


def _found(one: ProbeFinding) -> str:
    """Return the figures, and what they are of: a name, and the module's innermost function."""
    frame = next((f for f in one.stack if f.module), next(iter(one.stack), None))
    of = [one.subject] if one.subject else []
    of += [f"in {frame.symbol.partition('.')[0]}()"] if frame is not None else []
    return f"{one.because} ({', '.join(of)})" if of else one.because
