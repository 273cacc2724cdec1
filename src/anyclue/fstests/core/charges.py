"""Memory charged to a test: floors between tests, peaks in them, from a recording of a machine.

No cache is dropped between the tests of an ordinary recording, and other programs run beside them:
the level looked at is *held* memory, used memory that is no page cache, no reclaimable slab, no
memory of processes and no tmpfs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from anyclue.model.machine_recording import MachineRecording, Span, TestRun
from anyclue.model.recording import Incident, Reading
from anyclue.model.verdict import MemoryClass
from anyclue.recordings.kernel_log import first_incident
from anyclue.verdicts.classes import GrowthKind, classes_kib, of_kind

WINDOW_S: Final = 3.0
"""A floor is looked for in the last seconds before a boundary, and in half of the test at most."""

NEIGHBOURS: Final = 3
"""So many readings in a row make a floor: the lowest of which the highest counts."""

DETAIL_S: Final = 2.5
"""Slab and vmalloc counters belong to a floor when they were read so close to the boundary."""

_NOT_HELD: Final = of_kind(GrowthKind.RECLAIMABLE, GrowthKind.USER)
_NOT_EVERYWHERE: Final = of_kind(GrowthKind.OTHER)
_TOP: Final = 3
_COME_AND_GO: Final = ("slab_objects.", "slab_kib.", "vmalloc_kib.")


def held_kib(reading: Reading) -> float | None:
    """Return KiB that the kernel holds and that are no cache; None when a counter is missing."""
    classes = classes_kib(reading)
    if MemoryClass.USED not in classes or not all(c in classes for c in _NOT_HELD):
        return None
    elsewhere = sum(classes.get(c, 0.0) for c in (*_NOT_HELD, *_NOT_EVERYWHERE))
    return classes[MemoryClass.USED] - elsewhere


def is_step(before: Reading, after: Reading, *, least_kib: float) -> bool:
    """Say whether kernel memory moved so far between two floors that one run proves nothing."""
    one, two = classes_kib(before), classes_kib(after)
    rises = [two[c] - one[c] for c in of_kind(GrowthKind.KERNEL) if c in one and c in two]
    was, now = held_kib(before), held_kib(after)
    step = now - was if was is not None and now is not None else 0.0
    return min(rises, default=0.0) <= -least_kib or max(step, *rises, 0.0) >= least_kib


def rise_kib(run: TestRun) -> float | None:
    """Return the highest rise over a run, of one class of kernel memory or of all together.

    None where there is no floor on both sides of it.
    """
    if run.step_kib is None or not run.classes:
        return None
    return max(run.step_kib, *(run.classes.get(c, 0.0) for c in of_kind(GrowthKind.KERNEL)))


FloorPair: TypeAlias = tuple[Reading, Reading]
"""The floors before and after a run."""


@dataclass(frozen=True, kw_only=True)
class ChargedRun:
    """One run of a test, and its floors where it has both."""

    run: TestRun
    floors: FloorPair | None


class MemoryCharges:
    """The levels of a recording, computed once, and what they say of each span."""

    def __init__(self, recorded: MachineRecording) -> None:
        self._recorded = recorded
        self._levels = [
            (reading, held)
            for reading in recorded.timeline
            if (held := held_kib(reading)) is not None
        ]
        self._times = [reading.t_s for reading, _ in self._levels]

    def runs(self) -> Iterator[ChargedRun]:
        """Give the run of each span, with what broke in it by the kernel log."""
        previous = None
        for span in self._recorded.spans:
            begin, end = span.log_lines
            yield self._run(span, previous, first_incident(self._recorded.kernel_log[begin:end]))
            previous = span

    def _run(self, span: Span, previous: Span | None, incident: Incident | None) -> ChargedRun:
        """Return one run; a floor with its caches and one without cannot be compared."""
        before = self._floor(span.begin_s, previous.begin_s if previous else None)
        after = self._after(span)
        pair = None
        if before and after and before[1] == after[1] and not span.joined:
            pair = before[0], after[0]
        classes, top = _rises(*pair) if pair else ({}, ())
        run = TestRun(
            span=span,
            peak_kib=self._peak(span),
            before_kib=held_kib(pair[0]) if pair else None,
            after_kib=held_kib(pair[1]) if pair else None,
            classes=classes,
            top=top,
            quiesced=bool(pair and before and before[1]),
            incident=incident,
        )
        return ChargedRun(run=run, floors=pair)

    def _within(self, begin: float, end: float) -> Sequence[tuple[Reading, float]]:
        return self._levels[bisect_left(self._times, begin) : bisect_right(self._times, end)]

    def _peak(self, span: Span) -> float | None:
        end = span.end_s if span.end_s is not None else float("inf")
        return max((held for _, held in self._within(span.begin_s, end)), default=None)

    def _after(self, span: Span) -> tuple[Reading, bool] | None:
        """Return the floor behind a span; behind the last one it is quiet until the end."""
        if span.end_s is None:
            return None
        command = self._recorded.command_s
        if command is not None and span.end_s == command[1]:
            return self._read(span.end_s, float("inf"), boundary=None)
        return self._floor(span.end_s, span.begin_s)

    def _floor(self, boundary: float, since: float | None) -> tuple[Reading, bool] | None:
        """Return the floor at a boundary, and whether it was quiesced."""
        length = WINDOW_S if since is None else min(WINDOW_S, (boundary - since) / 2)
        return self._read(boundary - length, boundary, boundary=boundary)

    def _read(
        self, begin: float, end: float, *, boundary: float | None
    ) -> tuple[Reading, bool] | None:
        quiesced = self._quiesced(begin, boundary)
        if quiesced is not None:
            begin, end = quiesced
        window = self._within(begin, end)
        if not window:
            return None
        runs = [window[k : k + NEIGHBOURS] for k in range(max(len(window) - NEIGHBOURS + 1, 1))]
        lowest = window if quiesced else min(runs, key=lambda run: max(held for _, held in run))
        floor = _median([r for r, _ in lowest])
        near = end if boundary is None and end != float("inf") else boundary
        detail = self._detail(near if near is not None else self._levels[-1][0].t_s)
        return Reading(t_s=floor.t_s, counters={**floor.counters, **detail}), quiesced is not None

    def _quiesced(self, begin: float, boundary: float | None) -> tuple[float, float] | None:
        """Return the quiesced interval that belongs to a boundary: it follows at once."""
        if not self._recorded.machine.quiesce:
            return None
        command = self._recorded.command_s
        if boundary is None:
            return next((f for f in self._recorded.floors if f[0] >= begin), None)
        if command is not None and boundary == command[0]:
            return next((f for f in reversed(self._recorded.floors) if f[1] <= boundary), None)
        following = [s.begin_s for s in self._recorded.spans if s.begin_s > boundary]
        limit = min(following, default=float("inf"))
        return next((f for f in self._recorded.floors if boundary <= f[0] < limit), None)

    def _detail(self, t_s: float) -> Mapping[str, float]:
        near = [d for d in self._recorded.details if abs(d.t_s - t_s) <= DETAIL_S]
        return min(near, key=lambda d: abs(d.t_s - t_s)).counters if near else {}


def _median(readings: Sequence[Reading]) -> Reading:
    """Return the counter-wise median; counters that are not in every reading are left out."""
    middle = len(readings) // 2
    names = set.intersection(*(set(reading.counters) for reading in readings))
    return Reading(
        t_s=readings[-1].t_s,
        counters={n: sorted(r.counters[n] for r in readings)[middle] for n in sorted(names)},
    )


def _rises(
    before: Reading, after: Reading
) -> tuple[dict[MemoryClass, float], tuple[tuple[str, float], ...]]:
    """Return what each class rose by, and the slab caches and vmalloc callers that rose most."""
    names = _comparable((before, after))
    one, two = (_only(reading, names) for reading in (before, after))
    classes_before, classes_after = classes_kib(one), classes_kib(two)
    inside = {
        name: two.counters[name] - one.counters[name]
        for name in names
        if name.startswith(("slab_kib.", "vmalloc_kib."))
    }
    top = sorted(((n, v) for n, v in inside.items() if v > 0), key=lambda item: -item[1])[:_TOP]
    rises = {c: classes_after[c] - v for c, v in classes_before.items() if c in classes_after}
    return rises, tuple(top)


def _comparable(readings: Sequence[Reading]) -> set[str]:
    """Return the counters that every reading has; slab caches and callers come and go."""
    names = set.intersection(*(set(reading.counters) for reading in readings))
    for prefix in _COME_AND_GO:
        listed = [{n for n in r.counters if n.startswith(prefix)} for r in readings]
        if all(listed):
            names |= set.union(*listed)
    return names


def _only(reading: Reading, names: set[str]) -> Reading:
    return Reading(t_s=reading.t_s, counters={n: reading.counters.get(n, 0.0) for n in names})


def charged_floors(pairs: Sequence[FloorPair], *, quiesced: bool) -> tuple[Reading, ...]:
    """Return one floor a run, with only what the test's own runs added to the first.

    What other tests did between two runs is taken out, counter by counter, so that the rises
    between these floors are those of the test. Caches that were not dropped are taken as free,
    so that what they do is no growth.
    """
    if not pairs:
        return ()
    names = _comparable([reading for pair in pairs for reading in pair])
    level = dict(_only(pairs[0][0], names).counters)
    floors = []
    for before, after in pairs:
        one, two = _only(before, names).counters, _only(after, names).counters
        level = {n: level[n] + two[n] - one[n] for n in names}
        counters = level if quiesced else _without_caches(level)
        floors.append(Reading(t_s=after.t_s, counters=counters))
    return tuple(floors)


def _without_caches(counters: Mapping[str, float]) -> dict[str, float]:
    """Return the counters as if all page cache and reclaimable slab were free."""
    classes = classes_kib(Reading(t_s=0.0, counters=counters))
    pages = classes.get(MemoryClass.FILE_CACHE, 0.0)
    slab = classes.get(MemoryClass.SLAB_RECLAIMABLE, 0.0)
    moves = {
        "meminfo.MemFree": pages + slab,
        "meminfo.Cached": -pages,
        "meminfo.Inactive(file)": -pages,
        "meminfo.SReclaimable": -slab,
        "meminfo.KReclaimable": -slab,
    }
    return {name: value + moves.get(name, 0.0) for name, value in counters.items()}
