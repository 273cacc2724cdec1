"""Numbers that no machine has, drawn: a chart leaves them out and does not fall over them."""

from __future__ import annotations

import math
import sys
import warnings

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from anyclue.model.recording import Incident, IncidentKind, Outcome, Reading, Recording, Round
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict, MemoryClass, Verdict, VerdictReason
from anyclue.report import charts, series

CELL = Cell(kernel="bad", machine="i386", mkfs="default", mount="lzo", workload="mix")
WRAPPED = float(2**64 - 4)
LARGEST = sys.float_info.max
extreme = (
    st.sampled_from([math.nan, math.inf, -math.inf, LARGEST, -LARGEST, WRAPPED, 5e-324, 0.0])
    | st.floats()
)
readings = st.builds(
    Reading,
    t_s=extreme,
    counters=st.fixed_dictionaries(
        dict.fromkeys(("meminfo.MemFree", "meminfo.MemTotal", "pcp.total"), extreme)
    ),
)
rounds = st.builds(
    Round,
    number=st.integers(-(2**64), 2**64),
    begin_s=extreme,
    end_s=st.none(),
    settled=st.none(),
    floor=st.none() | readings,
)
recordings = st.builds(
    Recording,
    cell=st.just(CELL),
    trial=st.just(1),
    outcome=st.sampled_from(Outcome),
    detail=st.just(""),
    ram_kib=st.just(2**21),
    rounds=st.lists(rounds, max_size=4).map(tuple),
    timeline=st.lists(readings, max_size=8).map(tuple),
    incident=st.none()
    | st.builds(
        Incident,
        kind=st.just(IncidentKind.BUG),
        t_s=extreme,
        title=st.just("BUG"),
        function=st.none(),
        text=st.just(""),
    ),
)


def points(line: series.Timeline) -> list[float]:
    pairs = [*line.used, *line.floors]
    return [n for pair in pairs for n in pair] + [at for at, _ in line.rounds]


@settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a chart is slow to draw
    suppress_health_check=[HealthCheck.too_slow],
)
@given(recordings, recordings)
def test_any_timeline_is_drawn(one: Recording, other: Recording) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn, beside = series.timeline(one), series.timeline(other)
        if drawn is None:
            return
        assert all(map(math.isfinite, points(drawn)))
        chart = charts.memory_over_time(drawn, beside, "var(--leak)")
        svg = charts.inline_svg(chart, "one", "title", "words")
    assert "NaN" not in svg


@settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a chart is slow to draw
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(st.lists(extreme, max_size=6).map(tuple), max_size=3), extreme, extreme, extreme)
def test_any_floors_are_drawn(
    floors: list[tuple[float, ...]], rate: float, low: float, high: float
) -> None:
    verdict = CellVerdict(
        cell=CELL,
        outcome=Outcome.PASSED,
        verdict=Verdict.LEAK,
        because=VerdictReason(),
        rate_kib_per_round=rate,
        rate_ci95_kib=(low, high),
        signature=None,
        signature_detail=None,
        classes={},
        rounds=5,
        warm_up=1,
        trials=len(floors),
        reference=None,
        floors={MemoryClass.USED: tuple(floors)},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = series.floors(verdict, MemoryClass.USED)
        line = series.fit(verdict.rate_kib_per_round, verdict.rate_ci95_kib, drawn)
        chart = charts.floors_by_round(drawn, line, drawn, "var(--leak)", 64.0)
        svg = charts.inline_svg(chart, "one", "title", "words")
        known = tuple((float(point.round), point.value) for point in drawn)
        one = charts.FloorLine(label="a cell", colour="var(--leak)", points=known)
        whole = charts.inline_svg(charts.overview([one], 64.0), "all", "title", "words")
    assert all(math.isfinite(point.value) for point in drawn)
    assert "NaN" not in svg + whole
