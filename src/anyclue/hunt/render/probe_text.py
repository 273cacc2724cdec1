"""What probes found, as text, and in words of the clue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anyclue.hunt.clue.model import ProbeSummary
from anyclue.hunt.probes.core.model import Amount, Frame, ProbeFinding, ProbeReading, SourceLocation
from anyclue.hunt.probes.core.probe import Probe
from anyclue.report.text import clean
from anyclue.report.words import count_number, number

MOST_FINDINGS = 5


def probes_text(readings: Iterable[ProbeReading]) -> str:
    """Return each probe's findings, what it lost, and what it cannot see."""
    return "\n".join(line for reading in readings for line in _reading(reading))


def probe_list(probes: Iterable[Probe]) -> str:
    """Return what each probe finds, needs, costs, and cannot see."""
    return "\n".join(
        f"{one.name}\n    {one.summary}\n    needs: {one.needs}\n    costs: {one.costs}\n"
        f"    cannot see: {one.cannot_see}"
        for one in probes
    )


def _reading(reading: ProbeReading) -> Iterator[str]:
    beside = f" beside {reading.innocent.id}" if reading.innocent else ""
    yield f"{reading.probe}: {reading.cell.id}{beside}"
    if reading.could_not:
        yield f"  cannot tell: {clean(reading.could_not)}"
    elif not reading.findings:
        yield f"  {_nothing(reading)}"
    for finding in reading.findings[:MOST_FINDINGS]:
        yield from _finding(finding)
    if (left := len(reading.findings) - MOST_FINDINGS) > 0:
        yield f"  {left} more in probes.json"
    for name, count in sorted(reading.lost.items()):
        yield f"  lost: {count} {clean(name)}"
    if reading.cannot_see:
        yield f"  cannot see: {clean(reading.cannot_see)}"
    yield ""


def _finding(finding: ProbeFinding) -> Iterator[str]:
    subject = f"{clean(finding.subject)}: " if finding.subject else ""
    yield f"  {subject}{clean(finding.because)}"
    for frame in finding.stack:
        yield from _frame(frame)


def _frame(frame: Frame) -> Iterator[str]:
    offset = f"+{frame.offset:#x}" if frame.offset is not None else ""
    module = f" [{clean(frame.module)}]" if frame.module else ""
    places = frame.places or (SourceLocation(function=frame.symbol),)
    for inlined in places[:-1]:
        yield f"      {clean(inlined.function)}  {_line(inlined)} (inlined)"
    yield f"      {clean(frame.symbol)}{offset}{module}  {_line(places[-1])}".rstrip()


def _line(place: SourceLocation) -> str:
    return f"{clean(place.file)}:{place.line}" if place.file and place.line else ""


def figures(probe: Probe, guilty: Amount, beside: Amount | None, *, rounds: int) -> str:
    """Return what stayed in the guilty cell, and in the innocent one ``beside`` it."""
    kib = f" ({number(guilty.kib_per_round)} KiB)" if guilty.kib_per_round >= 0.05 else ""
    over = f"{rounds} rounds" if rounds != 1 else "one round"
    count = count_number(guilty.count_per_round)
    things = probe.unit.removesuffix("s") if count == "1" else probe.unit
    said = f"{count} {things}{kib} a round {probe.did}, over {over}"
    if beside is None:
        return f"{said}; there was no innocent cell beside it"
    return f"{said}; in the innocent cell {count_number(beside.count_per_round)}"


def probe_summary(reading: ProbeReading) -> ProbeSummary:
    """Return what a probe found first, and what it cannot see, or lost on the way."""
    lost = ", ".join(f"{count} {name} lost" for name, count in reading.lost.items())
    found = _found(reading.findings[0]) if reading.findings else _nothing(reading)
    return ProbeSummary(
        name=reading.probe,
        cell=reading.cell.id,
        says=reading.could_not or found,
        limits="; ".join(part for part in (reading.cannot_see, lost) if part),
    )


def _nothing(reading: ProbeReading) -> str:
    """Return that a probe found nothing, which is about what it counts alone."""
    beside = ", beside the innocent cell" if reading.innocent is not None else ""
    return f"found nothing in every round of what it looks for{beside}"


def _found(one: ProbeFinding) -> str:
    """Return the figures, and what they are of: a name, and the module's innermost function."""
    frame = next((f for f in one.stack if f.module), next(iter(one.stack), None))
    of = [one.subject] if one.subject else []
    of += [f"in {frame.symbol.partition('.')[0]}()"] if frame is not None else []
    return f"{one.because} ({', '.join(of)})" if of else one.because
