"""What the charts draw: points made from recordings and floors. Pure numbers, no drawing."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from anyclue.model.recording import MarkName, Reading, Recording
from anyclue.model.verdict import CellVerdict, MemoryClass
from anyclue.report import words

BUCKETS = 240

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Memory in use (MiB) over a trial; times are seconds since the trial began."""

    used: tuple[Point, ...]
    floors: tuple[Point, ...]
    rounds: tuple[tuple[float, int], ...]
    incident_s: float | None


@dataclass(frozen=True, kw_only=True)
class FloorPoint:
    """One floor: KiB or objects above the first that counts, and whether it was set aside."""

    trial: int
    round: int
    value: float
    warm_up: bool


@dataclass(frozen=True, kw_only=True)
class FitLine:
    """The line of a verdict's rate through its floors, and the lines of its interval's ends."""

    rounds: tuple[float, float]
    line: tuple[float, float]
    low: tuple[float, float] | None
    high: tuple[float, float] | None


def used_kib(reading: Reading, ram_kib: float) -> float | None:
    """Return memory in use: all RAM but free pages and the per-CPU lists; None if not read."""
    free = words.finite(reading.counters.get("meminfo.MemFree"))
    if free is None:
        return None
    total = words.finite(reading.counters.get("meminfo.MemTotal")) or float(ram_kib)
    return total - free - (words.finite(reading.counters.get("pcp.total")) or 0.0)


def downsample(points: Sequence[Point], buckets: int = BUCKETS) -> tuple[Point, ...]:
    """Return at most ``2 * buckets`` of ``points``: the lowest and the highest of each bucket.

    Points are in order of x; peaks and troughs always stay. Buckets are equal spans of x.
    """
    if len(points) <= 2 * buckets:
        return tuple(points)
    begin, span = points[0][0], points[-1][0] - points[0][0]
    grouped: dict[int, list[Point]] = {}
    for point in points:
        at = int((point[0] - begin) / span * buckets) if span > 0 else 0
        grouped.setdefault(min(at, buckets - 1), []).append(point)
    kept: list[Point] = []
    for group in grouped.values():
        low = min(range(len(group)), key=lambda index: group[index][1])
        high = max(range(len(group)), key=lambda index: group[index][1])
        kept += [group[index] for index in sorted({low, high})]
    return tuple(kept)


def timeline(recording: Recording) -> Timeline | None:
    """Return what a recording's memory did over time, or None when nothing was sampled."""
    samples = [
        (reading.t_s, used / 1024.0)
        for reading in recording.timeline
        if words.finite(reading.t_s) is not None
        and (used := used_kib(reading, recording.ram_kib)) is not None
    ]
    if len(samples) < 2:
        return None
    begun = [mark.t_s for mark in recording.marks if mark.name is MarkName.TRIAL_BEGIN]
    zero = words.finite(begun[0]) if begun else None
    zero = samples[0][0] if zero is None else min(zero, samples[0][0])
    incident = recording.incident
    return Timeline(
        used=downsample([(t_s - zero, mib) for t_s, mib in samples]),
        floors=tuple(
            (floor.t_s - zero, used / 1024.0)
            for entry in recording.rounds
            if (floor := entry.floor) is not None
            and words.finite(floor.t_s) is not None
            and (used := used_kib(floor, recording.ram_kib)) is not None
        ),
        rounds=tuple(
            (entry.begin_s - zero, entry.number)
            for entry in recording.rounds
            if words.finite(entry.begin_s) is not None
        ),
        incident_s=(
            incident.t_s - zero
            if incident and incident.t_s is not None and words.finite(incident.t_s) is not None
            else None
        ),
    )


def floors(verdict: CellVerdict, of: MemoryClass) -> tuple[FloorPoint, ...]:
    """Return the floors of one class, each trial's above its first floor after the warm-up."""
    trials = [tuple(enumerate(values, start=1)) for values in verdict.floors.get(of, ())]
    return floor_points(trials, verdict.warm_up)


def floor_points(
    trials: Sequence[Sequence[tuple[int, float]]], warm_up: int
) -> tuple[FloorPoint, ...]:
    """Return floors, by trial with the numbers of their rounds, above the first after warm-up."""
    points: list[FloorPoint] = []
    for trial, values in enumerate(trials, start=1):
        known = [(n, value) for n, value in values if words.finite(value) is not None]
        counted = [value for number, value in known if number > warm_up]
        if counted:
            points += [
                FloorPoint(
                    trial=trial,
                    round=number,
                    value=value - counted[0],
                    warm_up=number <= warm_up,
                )
                for number, value in known
            ]
    return tuple(points)


def fit(
    rate: float | None, ci95: tuple[float, float] | None, points: Sequence[FloorPoint]
) -> FitLine | None:
    """Return the line with a verdict's rate through ``points``, or None without a rate.

    The slope is what the statistics found; only the height is chosen here, as the median of what
    is left. The interval's lines turn about the middle of the rounds.
    """
    counted = [point for point in points if not point.warm_up]
    slope = words.finite(rate)
    if slope is None or len(counted) < 2:
        return None
    first, last = min(p.round for p in counted), max(p.round for p in counted)
    middle = (first + last) / 2
    height = statistics.median(p.value - slope * (p.round - middle) for p in counted)

    def line(rate: float) -> Point:
        return (height + rate * (first - middle), height + rate * (last - middle))

    ends = [words.finite(end) for end in ci95 or ()]
    known = [line(end) for end in ends if end is not None]
    return FitLine(
        rounds=(float(first), float(last)),
        line=line(slope),
        low=known[0] if len(known) == 2 else None,
        high=known[1] if len(known) == 2 else None,
    )


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Return ``wanted`` heights moved as little as needed for ``gap`` between neighbours."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = list(wanted)
    for before, after in itertools.pairwise(order):
        placed[after] = max(placed[after], placed[before] + gap)
    return placed
