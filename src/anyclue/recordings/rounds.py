"""From samples and marks to rounds with their settled and floor readings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from anyclue.model.recording import Mark, MarkName, Reading, Round


def find_rounds(marks: Sequence[Mark], samples: Sequence[Reading]) -> tuple[Round, ...]:
    """Return the rounds that the marks delimit; one that was cut short has no floor."""
    begins = [mark for mark in marks if mark.name is MarkName.ROUND_BEGIN]
    # One end for each begin: none at all in a trial that ended before its first round.
    ends = [*(mark.t_s for mark in begins), float("inf")][1:]
    return tuple(
        _round(begin, [mark for mark in marks if begin.t_s <= mark.t_s < end], samples)
        for begin, end in zip(begins, ends, strict=True)
    )


def _round(begin: Mark, marks: Sequence[Mark], samples: Sequence[Reading]) -> Round:
    by_name = {mark.name: mark for mark in marks}
    settled = by_name.get(MarkName.SETTLED)
    floor_begin = by_name.get(MarkName.FLOOR_BEGIN)
    floor_end = by_name.get(MarkName.FLOOR_END)
    end = by_name.get(MarkName.ROUND_END)
    floor = None
    if floor_begin and floor_end:
        within = [s for s in samples if floor_begin.t_s <= s.t_s <= floor_end.t_s]
        floor = median_reading(within)
    after = [s for s in samples if settled and s.t_s >= settled.t_s]
    return Round(
        number=begin.round,
        begin_s=begin.t_s,
        end_s=end.t_s if end else None,
        settled=after[0] if after else None,
        floor=floor,
        facts={key: value for mark in marks for key, value in mark.data.items()},
    )


def median_reading(readings: Sequence[Reading]) -> Reading | None:
    """Return the counter-wise median; counters that are not in every reading are left out.

    A source such as ``threads``, which is read less often, counts with the readings that have it.
    """
    if not readings:
        return None
    sources = Counter(
        source for reading in readings for source in set(map(_source, reading.counters))
    )
    names = Counter(name for reading in readings for name in reading.counters)
    return Reading(
        t_s=readings[-1].t_s,
        counters={
            name: float(median(r.counters[name] for r in readings if name in r.counters))
            for name, count in sorted(names.items())
            if count == sources[_source(name)]
        },
    )


def _source(counter: str) -> str:
    """Return where a counter is from: what stands before the first dot."""
    return counter.partition(".")[0]
