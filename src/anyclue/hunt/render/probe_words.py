"""What a probe contributed to the clue, in words."""

from __future__ import annotations

from anyclue.hunt.clue.model import ProbeSummary
from anyclue.hunt.probes.core.model import ProbeFinding, ProbeReading


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
